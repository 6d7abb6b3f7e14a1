package request

import (
	"net/http"
	"net/url"
)

// ownPrefix begins the names of the headers that the gate itself sets.
const ownPrefix = "x-otp-gate-"

// overrides are the headers with which a caller makes frameworks see another
// method than the one that was judged.
var overrides = []string{
	"x-http-method-override", // Rails, Express, Laravel, ASP.NET
	"x-http-method",          // Microsoft
	"x-method-override",      // IBM
	"http-method-override",
	"x-http-methodoverride",
	"x-original-method",
	"x-request-method",
}

// sameHeader reports whether a and b are one header to CGI and its heirs:
// without case, and with "_" for "-".
func sameHeader(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if headerByte(a[i]) != headerByte(b[i]) {
			return false
		}
	}
	return true
}

func headerByte(c byte) byte {
	switch {
	case c == '_':
		return '-'
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	}
	return c
}

func isOverride(name string) bool {
	for _, o := range overrides {
		if sameHeader(name, o) {
			return true
		}
	}
	return false
}

// stripped reports whether Strip removes the header in any case.
func stripped(name string) bool {
	return isOverride(name) || len(name) >= len(ownPrefix) && sameHeader(name[:len(ownPrefix)], ownPrefix)
}

// Strip removes from h what only the gate may say, in all spellings: the
// headers that override the method, every X-Otp-Gate header, and those named
// by own (for example the one that hands the app the canonical number).
func Strip(h http.Header, own ...string) {
	for name := range h {
		if stripped(name) {
			delete(h, name)
			continue
		}
		for _, o := range own {
			if sameHeader(o, name) {
				delete(h, name)
				break
			}
		}
	}
}

// Preflight reports whether r is a CORS preflight and nothing else, which no
// app answers by sending a code: OPTIONS with one Origin and one
// Access-Control-Request-Method, no body, no content type, and nothing that
// makes a framework take it for another method.
func Preflight(r *http.Request) bool {
	if r.Method != http.MethodOptions || r.ContentLength != 0 || len(r.TransferEncoding) != 0 {
		return false
	}
	one := func(name string) bool { v := r.Header[name]; return len(v) == 1 && v[0] != "" }
	if !one("Origin") || !one("Access-Control-Request-Method") || len(r.Header["Content-Type"]) != 0 || len(r.Header["Content-Encoding"]) != 0 {
		return false
	}
	for name := range r.Header {
		if isOverride(name) {
			return false
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return false
	}
	var canon []byte
	for name := range query {
		canon = canonical(canon, []byte(name))
		if related(canon, []byte("method")) || related(canon, []byte("httpmethod")) || related(canon, []byte("methodoverride")) ||
			related(canon, []byte("xhttpmethodoverride")) {
			return false
		}
	}
	return true
}
