package request

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// goServer is what a server in Go reads, as many are written.
type goServer struct {
	Phone string `json:"phone"`
	Email string `json:"email"`
	Meta  struct {
		Token string `json:"token"`
	} `json:"meta"`
}

// agreesWithGo holds what Shapes.Read made of a body against what a server in
// Go makes of it.
func agreesWithGo(t interface{ Fatalf(string, ...any) }, s *Shapes, body string) (accepted bool) {
	f, p := s.Read(sent("POST /otp", body))
	if p != nil {
		return false
	}
	var v goServer
	if err := json.Unmarshal([]byte(body), &v); err != nil && body != "" {
		t.Fatalf("%q: Read takes it, Go does not: %v", body, err)
	}
	if f.Phone != v.Phone || f.Case == 0 && f.Proof != v.Meta.Token || f.Email != v.Email {
		t.Fatalf("%q: Go reads %+v, Read %+v", body, v, f)
	}
	if f.Case == 1 && v.Phone != "" {
		t.Fatalf("%q: taken for a request about an email address, and Go reads the phone %q", body, v.Phone)
	}
	return true
}

var goPieces = []string{
	`"phone":"2"`, `"PHONE":"2"`, `"Phone":null`, `"phone":null`, `"phone":""`, `"phone":3`, `"email":"b@example.com"`, `"EMAIL":null`, `"pho\u006ee":"4"`, `"pho_ne":"5"`,
	`"meta":{"token":"x"}`, `"META":{"Token":"y"}`, `"meta":null`, `"meta":{"token":null}`, `"x":{"phone":"6"}`, `"x":[{"phone":"7"}]`, ",", "{", "}", "[", "]", `"`, `\`, ":", " ",
	"\x00", "\xff", "null", "0", "-", "\ufeff", `\ud800`, "ſ", "K", `"x":1`, `"ph\u006fne\u0000":"8"`,
}

func TestFoldingAgreesWithGo(t *testing.T) {
	s, accepted := shapesOf(t, folding...), 0
	good := []string{`{"phone":"1"}`, `{"email":"a@example.com"}`, `{"phone":"1","email":"a@example.com","meta":{"token":"t"}}`, `{"phone":"1",}`, `{"email":"a@example.com",}`}
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SampledFrom(good).Draw(t, "body")
		for range rapid.IntRange(0, 4).Draw(t, "edits") {
			at := rapid.IntRange(0, len(body)).Draw(t, "at")
			if rapid.Bool().Draw(t, "at a member") {
				at = strings.LastIndexAny(body, ",{") + 1
			}
			piece := rapid.SampledFrom(goPieces).Draw(t, "piece")
			if rapid.Bool().Draw(t, "as a member") {
				piece += ","
			}
			body = body[:at] + piece + body[at:]
		}
		body = strings.ReplaceAll(body, ",}", "}")
		if agreesWithGo(t, s, body) {
			accepted++
		}
	})
	if accepted == 0 {
		t.Error("nothing was accepted")
	}
}

func FuzzFolding(f *testing.F) {
	for _, seed := range []string{`{"phone":"1","PHONE":null,"email":"a@example.com","meta":{"token":"t"}}`, `{"email":"a@example.com","phone":null}`, `{"\u0070hone":"1","Phone":"2"}`} {
		f.Add(seed)
	}
	for _, piece := range goPieces {
		f.Add("{" + piece + "}")
	}
	s := shapesOf(f, folding...)
	f.Fuzz(func(t *testing.T, body string) { agreesWithGo(t, s, body) })
}

// FuzzShapes: whatever is sent, it is judged as one thing or refused; and what
// is taken for a request without a phone has none in any place of its shapes.
func FuzzShapes(f *testing.F) {
	f.Add("POST", "/otp", "a=b", "application/json", `{"phone":"1"}`)
	f.Add("POST", "/otp", "", "application/x-www-form-urlencoded", "email=a%40example.com&phone=1")
	f.Add("GET", "/login", "aal=aal2&phone=1", "", "")
	f.Add("POST", "/otp/%2e%2e/x", "", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n1\r\n--b--\r\n")
	s := shapesOf(f,
		"path=/otp; phone=json /phone; email=json /email",
		"path=/otp; phone=form phone; email=form email",
		"about=email; path=/otp; phone=json /phone; email=json /email",
		"about=email; path=/otp; phone=form phone; email=form email",
		"about=account; method=GET; path=/login; phone=query phone; where=query aal = aal2; handle=query flow; session=cookie sid",
	)
	f.Fuzz(func(t *testing.T, method, path, query, contentType, body string) {
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}, ContentLength: int64(len(body)), Body: http.NoBody}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		r.Header.Set("Cookie", "sid=s")
		if body != "" {
			r.Body = &replayed{}
			r.Body.(*replayed).Reset([]byte(body))
		}
		found, p := s.Read(r)
		if p != nil {
			return
		}
		if phone := found.Case < 2; phone != found.HasPhone {
			t.Fatalf("shape %d, and there is a phone: %t", found.Case, found.HasPhone)
		}
		if found.Case >= 2 {
			pairs, _ := url.ParseQuery(query)
			form, _ := url.ParseQuery(body)
			if found.Case == 2 { // what is in JSON is no form
				form = nil
			}
			for _, values := range []url.Values{pairs, form} {
				for name := range values {
					if strings.EqualFold(name, "phone") {
						t.Fatalf("shape %d, and there is a phone", found.Case)
					}
				}
			}
			var v goServer
			if json.Unmarshal([]byte(body), &v); v.Phone != "" {
				t.Fatalf("shape %d, and there is a phone", found.Case)
			}
		}
	})
}
