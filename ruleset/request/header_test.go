package request

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(header ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header[header[i]] = append(r.Header[header[i]], header[i+1])
	}
	return r
}

func TestHeader(t *testing.T) {
	const one = "phone=header x-phone"
	for _, row := range []struct {
		name   string
		header []string
		want   string
	}{
		{"plain", []string{"X-Phone", "+14155550123"}, "phone=+14155550123"},
		{"comma", []string{"X-Phone", "1, 2"}, "phone=1, 2"},
		{"empty", []string{"X-Phone", ""}, "phone="},
		{"absent", nil, "422 phone_missing: no phone at header x-phone"},
		{"two lines", []string{"X-Phone", "1", "X-Phone", "1"}, "400 bad_request: header X-Phone more than once"},
		{"underscore", []string{"X-Phone", "1", "X_Phone", "2"}, "400 bad_request: header X-Phone in two spellings"},
		{"underscore alone", []string{"X_phone", "2"}, "400 bad_request: header X-Phone in two spellings"},
		{"not canonical", []string{"X-Phone", "1", "x-phone", "2"}, "400 bad_request: header X-Phone in two spellings"},
		{"control character", []string{"X-Phone", "1\t"}, "400 bad_request: header X-Phone is not printable ASCII"},
		{"not ASCII", []string{"X-Phone", "１"}, "400 bad_request: header X-Phone is not printable ASCII"},
	} {
		v, p := read(t, shape(t, one), get(row.header...), "")
		if got := outcome(v, p); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func TestConnectionTakesNothingAway(t *testing.T) {
	const refused = "400 bad_request: the Connection header takes away another header"
	for connection, want := range map[string]string{
		"close": "phone=1", "Keep-Alive": "phone=1", "Upgrade, HTTP2-Settings": "phone=1", "keep-alive,, TE": "phone=1",
		"Content-Type": refused, "close, X-Phone": refused, "keep-alive,x-otp-gate-phone": refused, "cookie": refused,
	} {
		if got := outcome(shape(t, "phone=header X-Phone").Read(get("X-Phone", "1", "Connection", connection))); got != want {
			t.Errorf("%s: %s", connection, got)
		}
	}
}

func TestCookie(t *testing.T) {
	const within = "400 bad_request: cookie sid stands within another"
	for _, row := range []struct {
		name, cookies, want string // several lines are parted by "\n"
	}{
		{"plain", "sid=a1", "device=a1"},
		{"among others", "a=b; sid=s%3Aa.b+c/d==; c", "device=s%3Aa.b+c/d=="},
		{"two lines", "a=b\nsid=1", "device=1"},
		{"strange others", `prefs={"a": "b, c"}; sid=1; =x; ;`, "device=1"},
		{"name within a name", "xsid=2; sid=1; sidx=3", "device=1"},
		{"empty", "sid=", "device="},
		{"none", "", ""},
		{"twice", "sid=1; sid=1", "400 bad_request: cookie sid more than once"},
		{"twice in two lines", "sid=1\nsid=2", "400 bad_request: cookie sid more than once"},
		{"another case", "sid=1; SID=2", "400 bad_request: a cookie that is spelled like sid and is not it"},
		{"with a signature", "sid=1; sid.sig=2", "device=1"},
		{"PHP's list", "sid=1; sid[x]=2", "400 bad_request: a cookie that is spelled like sid and is not it"},
		{"space before the equals sign", "sid =1", "400 bad_request: a cookie that is spelled like sid and is not it"},
		{"no value", "sid", "400 bad_request: cookie sid is malformed"},
		{"quotes", `sid="1"`, "400 bad_request: cookie sid is malformed"},
		{"backslash", `sid=\061`, "400 bad_request: cookie sid is malformed"},
		{"space", "sid=1 2", "400 bad_request: cookie sid is malformed"},
		{"not ASCII", "sid=é", "400 bad_request: cookie sid is malformed"},
		{"after a space", "sid=1; a=b sid=2", within},
		{"after a comma", "sid=1; a=b,sid=2", within},
		{"in quotes", `a="x; sid=1; y"; sid=2`, "400 bad_request: cookie sid more than once"},
		{"after a quote", `a="sid=1"; sid=2`, within},
		{"hidden only", "a=b sid = 2", within},
		{"a no-break space behind the name", "sid\xa0=1", within},
		{"a wide space behind the name", "sid\u2003=1; a=b", "400 bad_request: a cookie that is spelled like sid and is not it"},
		{"a no-break space before the name", "\xa0sid=1", within},
		{"long", "sid=1; a=" + strings.Repeat("x", 20000), "400 bad_request: the cookies are longer than 16384 bytes"},
	} {
		r := get()
		if row.cookies != "" {
			r.Header["Cookie"] = strings.Split(row.cookies, "\n")
		}
		v, p := read(t, shape(t, "device=cookie sid"), r, "")
		if got := outcome(v, p); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func TestBounds(t *testing.T) {
	for text, max := range map[string]int{"phone=header X-V": 64, "email=header X-V": 320, "device=header X-V": 256, "proof=header X-V": 4096} {
		name, _, _ := strings.Cut(text, "=")
		for n, want := range map[int]string{max: name + "=" + strings.Repeat("x", max), max + 1: "400 bad_request: " + name + " (header X-V) is longer than " + itoa(max) + " bytes"} {
			if got := outcome(shape(t, text).Read(get("X-V", strings.Repeat("x", n)))); got != want {
				t.Errorf("%d bytes: %s", n, got)
			}
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestMediaTypes(t *testing.T) {
	const (
		wantJSON = "415 bad_request: the body's content type must be application/json"
		charset  = "415 bad_request: content type: only the charset utf-8 is accepted"
		param    = "415 bad_request: content type: malformed parameter"
		odd      = "415 bad_request: content type: unexpected parameter"
		boundary = "415 bad_request: content type: no usable boundary"
	)
	for _, row := range []struct{ contentType, want string }{
		{"application/json", ""},
		{"APPLICATION/JSON", ""},
		{"application/json; charset=utf-8", ""},
		{"application/json ;\tCharset=\"UTF-8\"", ""},
		{"application/vnd.api+json", ""},
		{`application/ld+json; profile="a;b"`, ""},
		{"", wantJSON},
		{"text/json", wantJSON},
		{"text/plain", wantJSON},
		{"application/jsonx", wantJSON},
		{"application/x-www-form-urlencoded", wantJSON},
		{"application/x-www-form-urlencoded+json", wantJSON},
		{"multipart/form-data; boundary=b", wantJSON},
		{"application/json-seq", wantJSON},
		{"application/a+b+json", wantJSON},
		{"application/json; charset=utf-16", charset},
		{"application/json; charset=utf8", charset},
		{"application/json; charset=latin1", charset},
		{"application/json; charset=utf-8; charset=utf-8", "415 bad_request: content type: a parameter twice"},
		{"application/json; charset=utf-8; Charset=utf-16", "415 bad_request: content type: a parameter twice"},
		{"application/json; charset*=utf-8''utf-16", param},
		{"application/json;", param},
		{"application/json;;charset=utf-8", param},
		{"application/json; charset", param},
		{"application/json; charset=", param},
		{"application/json; charset = utf-8", param},
		{`application/json; charset="utf-8`, param},
		{`application/json; charset="utf\-8"`, param},
		{`application/json; charset="utf-8"x`, param},
		{"application/json; boundary=b", odd},
		{"application/json, text/plain", "415 bad_request: content type: malformed"},
		{"application / json", "415 bad_request: content type: malformed"},
		{"json", "415 bad_request: content type: malformed"},
		{"application/json\x00", "415 bad_request: content type: malformed"},
		{"multipart/form-data", boundary},
		{`multipart/form-data; boundary=""`, boundary},
		{`multipart/form-data; boundary="a b"`, boundary},
		{`multipart/form-data; boundary="a,b"`, boundary},
		{"multipart/form-data; boundary=" + strings.Repeat("b", 71), boundary},
		{"multipart/form-data; boundary=a; boundary=b", "415 bad_request: content type: a parameter twice"},
		{"multipart/form-data; xboundary=a; boundary=b", odd},
		{`multipart/form-data; x="boundary=a"; boundary=b`, odd},
	} {
		body := `{"phone":"1"}`
		want := row.want
		if want == "" {
			want = "phone=1"
		}
		v, p := read(t, shape(t, "phone=json /phone"), post(row.contentType, "", body), body)
		if got := outcome(v, p); got != want {
			t.Errorf("%q:\n got %s\nwant %s", row.contentType, got, want)
		}
	}
	for _, form := range []string{"application/json", "text/plain", "", "multipart/mixed; boundary=b"} {
		if _, p := shape(t, "phone=form phone").Read(post(form, "", "phone=1")); p == nil || p.Status != 415 {
			t.Errorf("a form as %q: %v", form, p)
		}
	}
}

func TestEncodingsAndSecondTypes(t *testing.T) {
	for _, row := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"identity", http.Header{"Content-Encoding": {"Identity"}, "Content-Type": {"application/json"}}, "phone=1"},
		{"gzip", http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}}, "415 bad_request: a content encoding"},
		{"list", http.Header{"Content-Encoding": {"identity, gzip"}, "Content-Type": {"application/json"}}, "415 bad_request: a content encoding"},
		{"empty", http.Header{"Content-Encoding": {""}, "Content-Type": {"application/json"}}, "415 bad_request: a content encoding"},
		{"two lines", http.Header{"Content-Encoding": {"identity", "identity"}, "Content-Type": {"application/json"}}, "415 bad_request: a content encoding"},
		{"two types", http.Header{"Content-Type": {"application/json", "application/json"}}, "415 bad_request: more than one content type"},
	} {
		r := post("", "", `{"phone":"1"}`)
		r.Header = row.header
		v, p := read(t, shape(t, "phone=json /phone"), r, `{"phone":"1"}`)
		if got := outcome(v, p); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func FuzzCookie(f *testing.F) {
	for _, s := range []string{"sid=1", "a=b; sid=1", "sid=1; sid=2", `sid="1"`, "a=b sid=2; sid=1", "SID=1", "sid = 1", "sid", ";;=;sid=%3A"} {
		f.Add(s)
	}
	s := shape(f, "device=cookie sid")
	f.Fuzz(func(t *testing.T, line string) {
		r := get("Cookie", line)
		v, p := s.Read(r)
		if p != nil {
			return
		}
		found := r.CookiesNamed("sid")
		if v.HasDevice != (len(found) == 1) || len(found) > 1 || v.HasDevice && found[0].Value != v.Device {
			t.Fatalf("net/http reads %v; Read %+v", found, v)
		}
	})
}
