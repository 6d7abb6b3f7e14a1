package request

import (
	"net/http"
	"net/url"
	"strings"
)

// ownPrefix begins the names of the headers that the gate itself sets.
const ownPrefix = "x-otp-gate-"

// overrides are the headers with which a caller makes frameworks see another
// method than the one that was judged.
var overrides = map[string]bool{
	"x-http-method-override": true, // Rails, Express, Laravel, ASP.NET
	"x-http-method":          true, // Microsoft
	"x-method-override":      true, // IBM
	"http-method-override":   true,
	"x-http-methodoverride":  true,
	"x-original-method":      true,
	"x-request-method":       true,
}

// spelled is the name of a header as CGI and its heirs see it: without case,
// and with "_" for "-".
func spelled(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// stripped reports whether Strip removes the header in any case.
func stripped(name string) bool {
	name = spelled(name)
	return overrides[name] || strings.HasPrefix(name, ownPrefix)
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
			if spelled(o) == spelled(name) {
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
		if overrides[spelled(name)] {
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
