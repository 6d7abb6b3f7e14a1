package request

import (
	"net/http"
	"net/url"
	"slices"
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

// rewrites are the headers with which a caller makes frameworks see another path
// than the one that was judged: Symfony's, Zend's and IIS's.
var rewrites = []string{"x-original-url", "x-rewrite-url"}

// tunnels are the headers with which a caller asks for another protocol on the
// same connection, where nothing would be judged any more. The last is how
// net/http spells the pseudo-header of RFC 8441.
var tunnels = []string{"upgrade", "http2-settings", ":protocol"}

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

func isRewrite(name string) bool {
	return slices.ContainsFunc(rewrites, func(h string) bool { return sameHeader(name, h) })
}

func isTunnel(name string) bool {
	return slices.ContainsFunc(tunnels, func(t string) bool { return sameHeader(name, t) })
}

// stripped reports whether Strip removes the header in any case.
func stripped(name string) bool {
	return isOverride(name) || isRewrite(name) || isTunnel(name) ||
		len(name) >= len(ownPrefix) && sameHeader(name[:len(ownPrefix)], ownPrefix)
}

// Strip removes from h what a caller has no business to say, in all spellings:
// the headers that override the method or the path, those that ask for another protocol,
// every X-Otp-Gate header, and those named by own (for example the one that
// hands the app the canonical number).
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

// Preflight reports whether r is a CORS preflight as browsers send it and
// nothing else: OPTIONS with one Origin and one Access-Control-Request-Method,
// no body, no content type, no cookie, nothing that makes a framework take it
// for another method, and none of the values of s, in any place where an app
// could find them. An app that does not look at the method would send a code
// for one that has.
func (s *Shape) Preflight(r *http.Request) bool {
	if !isPreflight(r) {
		return false
	}
	p, err := s.plan()
	return err == nil && p.preflight(r)
}

// isPreflight holds r to all that does not depend on where values stand.
func isPreflight(r *http.Request) bool {
	if r.Method != http.MethodOptions || r.ContentLength != 0 || len(r.TransferEncoding) != 0 {
		return false
	}
	one := func(name string) bool { v := r.Header[name]; return len(v) == 1 && v[0] != "" }
	if !one("Origin") || !one("Access-Control-Request-Method") {
		return false
	}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Cookie"} {
		if len(r.Header[name]) != 0 {
			return false
		}
	}
	return true
}

// preflight reports whether r has none of the values of p.
func (p *plan) preflight(r *http.Request) bool {
	for name := range r.Header {
		if isOverride(name) || isRewrite(name) || isTunnel(name) || slices.ContainsFunc(p.wants[Header], func(w want) bool { return sameHeader(name, w.name) }) {
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
		same := func(other []byte) bool { return related(canon, other) }
		if slices.ContainsFunc(methodFields, same) || slices.ContainsFunc(p.notInQuery, same) ||
			slices.ContainsFunc(p.wants[Query], func(w want) bool { return same(w.canon) }) {
			return false
		}
	}
	return true
}

// methodFields are the fields, in canonical spelling, that override the method.
var methodFields = [][]byte{[]byte("method"), []byte("httpmethod"), []byte("methodoverride"), []byte("xhttpmethodoverride")}

// overridesMethod reports whether a field of this name overrides the method in
// Rails, Laravel, Symfony and their like.
func overridesMethod(name []byte) bool {
	return len(name) > 0 && (name[0] == '_' || name[0]|0x20 == 'x') &&
		(sameHeader(string(name), "_method") || sameHeader(string(name), "_http_method") || sameHeader(string(name), "x-http-method-override"))
}
