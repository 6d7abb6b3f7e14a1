package request

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A format is one encoding of a body, with good bodies, pieces to spoil them
// with, and what the standard library reads where Read has accepted.
type format struct {
	shape, contentType string
	good, pieces       []string
	std                func(body string) (phones []string, err error)
}

var formats = map[string]format{
	"json": {
		shape: "phone=json /u/phone", contentType: "application/json",
		good: []string{`{"u":{"phone":"1"}}`, `{"a":[{"phone":"2"}],"u":{"x":null,"phone":"1","y":"\ud83d\ude00"},"b":1.5e3}`},
		pieces: []string{`"phone":"2"`, `"PHONE":"2"`, `"u":{"phone":"2"}`, `"U":{"phone":"2"}`, `\u0070hone`, `\u0000`, ",", "{", "}", "[", "]", `"`, `\`, ":", " ", "\x00", "\xff", "null", "0", "-", "\ufeff", `\ud800`, "ſ", "/**/",
			`"u.phone":"2"`, `"x":"2"`, `,"z":{}`, `,"z":{"phone":"3"}`},
		std: func(body string) ([]string, error) {
			var v struct{ U struct{ Phone string } }
			err := json.Unmarshal([]byte(body), &v)
			return []string{v.U.Phone}, err
		},
	},
	"form": {
		shape: "phone=form phone", contentType: urlencoded,
		good:   []string{"phone=1", "a=2&phone=%31&b=&c[]=1&c[]=2"},
		pieces: []string{"&phone=2", "&PHONE=2", "&phone[]=2", "&phone%5B0%5D=2", "&+phone=2", ";phone=2", "phone", "=", "&", "%", "%00", "%70", "+", "]=", "\r\n", "&a=1", "\"", "&__proto__[phone]=2", "ü"},
		std: func(body string) ([]string, error) {
			v, err := url.ParseQuery(body)
			return v["phone"], err
		},
	},
	"multipart": {
		shape: "phone=form phone", contentType: multipartType,
		good: []string{parts("Content-Disposition: form-data; name=\"phone\"\n\n1"),
			parts("Content-Disposition: form-data; name=\"x\"; filename=\"y\"\nContent-Type: image/png\n\n\x00\n\r", "Content-Disposition: form-data; name=\"phone\"\nContent-Type: text/plain\n\n1")},
		pieces: []string{"--b", "\r\n", "\n", "\r", "--", " ", "\t", ";", "\"", "\\", "name", "name=\"phone\"", "; name*=phone", "filename=\"phone\"", "Content-Disposition: form-data; name=\"phone\"\r\n", "\r\n--b\r\n", "\r\n--b--", "\r\n--b--\r\n",
			"--b\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n2\r\n", "--b\r\nContent-Disposition: form-data; name=\"z\"\r\n\r\n2\r\n", "Content-Transfer-Encoding: base64\r\n", ":", "\x00"},
		std: func(body string) ([]string, error) {
			f, err := multipart.NewReader(strings.NewReader(body), "b").ReadForm(1 << 20)
			if err != nil {
				return nil, err
			}
			return f.Value["phone"], nil
		},
	},
}

// TestWhatIsAcceptedIsReadAlike spoils good bodies a little, so that some are
// still accepted, and asks the standard library about those.
func TestWhatIsAcceptedIsReadAlike(t *testing.T) {
	for name, f := range formats {
		t.Run(name, func(t *testing.T) {
			s, accepted := shape(t, f.shape), 0
			rapid.Check(t, func(t *rapid.T) {
				body := rapid.SampledFrom(f.good).Draw(t, "body")
				for range rapid.IntRange(0, 3).Draw(t, "edits") {
					at := rapid.IntRange(0, len(body)).Draw(t, "at")
					to := min(len(body), at+rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5}).Draw(t, "cut"))
					body = body[:at] + rapid.SampledFrom(f.pieces).Draw(t, "piece") + body[to:]
				}
				v, p := s.Read(post(f.contentType, "", body))
				if p != nil {
					return
				}
				accepted++
				if got, err := f.std(body); err != nil || len(got) != 1 || got[0] != v.Phone {
					t.Fatalf("%q: the standard library reads %q, %v; Read %q", body, got, err, v.Phone)
				}
			})
			if accepted == 0 {
				t.Error("nothing was accepted")
			}
		})
	}
}

// TestProblemsRepeatNothing: what a Problem says holds nothing that was sent.
func TestProblemsRepeatNothing(t *testing.T) {
	const secret = "s3cr3t"
	rapid.Check(t, func(t *rapid.T) {
		f := formats[rapid.SampledFrom([]string{"json", "form", "multipart"}).Draw(t, "format")]
		body := strings.ReplaceAll(rapid.SampledFrom(f.good).Draw(t, "body"), "1", secret)
		at := rapid.IntRange(0, len(body)).Draw(t, "at")
		body = body[:at] + strings.ReplaceAll(rapid.SampledFrom(f.pieces).Draw(t, "piece"), "2", secret) + body[at:]
		s := new(Shape)
		s.Phone, _ = ParseSource(strings.TrimPrefix(f.shape, "phone="))
		if _, p := s.Read(post(f.contentType, "q="+secret, body)); p != nil && bytes.Contains([]byte(p.Error()), []byte(secret)) {
			t.Fatalf("%q: %v", body, p)
		}
	})
}
