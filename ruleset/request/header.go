package request

import (
	"net/http"
	"strings"
)

// maxCookies bounds the Cookie lines that are searched, in bytes.
const maxCookies = 16 << 10

// readHeaders finds the values that stand in headers and cookies.
func (rd *reader) readHeaders(p *plan, h http.Header) *Problem {
	if problem := checkConnection(h["Connection"]); problem != nil {
		return problem
	}
	for i := range p.wants[Header] {
		if problem := rd.readHeader(&p.wants[Header][i], h); problem != nil {
			return problem
		}
	}
	if problem := rd.checkCookies(p, h["Cookie"]); problem != nil {
		return problem
	}
	for i := range p.wants[Cookie] {
		if problem := rd.readCookie(&p.wants[Cookie][i], h["Cookie"]); problem != nil {
			return problem
		}
	}
	return nil
}

// checkConnection lets pass what clients say of the connection. Any other name
// is that of a header which the proxy would then take away, after it was
// judged: Content-Type, a value's, or one that the gate itself adds.
func checkConnection(lines []string) *Problem {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.Trim(name, " \t")) {
			case "", "close", "keep-alive", "upgrade", "te", "http2-settings":
			default:
				return bad("the Connection header takes away another header")
			}
		}
	}
	return nil
}

// readHeader wants one line of printable ASCII, and no second spelling of its
// name that CGI would make the same. Commas are let alone.
func (rd *reader) readHeader(w *want, h http.Header) *Problem {
	for name := range h {
		if name != w.name && sameHeader(name, w.name) {
			return bad("header %s in two spellings", w.name)
		}
	}
	lines := h[w.name]
	if len(lines) == 0 {
		return nil
	}
	if len(lines) > 1 {
		return bad("header %s more than once", w.name)
	}
	for i := range len(lines[0]) {
		if c := lines[0][i]; c < ' ' || c >= 0x7f {
			return bad("header %s is not printable ASCII", w.name)
		}
	}
	rd.has[w.fact], rd.text[w.fact] = true, lines[0]
	return nil
}

// readCookie wants one cookie of the name, in all Cookie lines. Its value is
// handed out as it stands, percent escapes and all, and has no quotes,
// backslashes, commas or spaces, at which some parsers cut or unpack it. For
// the same reason the name must not stand before an equals sign anywhere else
// in the line: Python's parser ends a cookie at a space, old Tomcats at a comma.
func (rd *reader) readCookie(w *want, lines []string) *Problem {
	mentions, size := 0, 0
	for _, line := range lines {
		if size += len(line); size > maxCookies {
			return bad("the cookies are longer than %d bytes", maxCookies)
		}
		mentions += mentionsOf(line, w.name)
		for rest, more := line, true; more; {
			var pair string
			pair, rest, more = strings.Cut(rest, ";")
			name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if name != w.name {
				if name == w.name+".sig" { // Keygrip's signature of it
					continue
				}
				if rd.canon = canonical(rd.canon, []byte(name)); related(rd.canon, w.canon) {
					return bad("a cookie that is spelled like %s and is not it", w.name)
				}
				continue
			}
			if rd.has[w.fact] {
				return bad("cookie %s more than once", w.name)
			}
			if !ok || !cookieValue(value) {
				return bad("cookie %s is malformed", w.name)
			}
			rd.has[w.fact], rd.text[w.fact] = true, value
		}
	}
	if mentions > 1 || mentions == 1 && !rd.has[w.fact] {
		return bad("cookie %s stands within another", w.name)
	}
	return nil
}

// checkCookies wants no cookie of the phone's name beside a phone in a form or
// in the query: PHP without a php.ini puts cookies first in $_REQUEST.
func (rd *reader) checkCookies(p *plan, lines []string) *Problem {
	if len(lines) == 0 {
		return nil
	}
	for _, kind := range []Kind{Form, Query} {
		for i := range p.wants[kind] {
			w := &p.wants[kind][i]
			if w.fact != phone {
				continue
			}
			for _, line := range lines {
				for pair := range strings.SplitSeq(line, ";") {
					name, _, _ := strings.Cut(pair, "=")
					if rd.canon = canonical(rd.canon, []byte(name)); related(rd.canon, w.canon) {
						return bad("%s in a cookie too", w.name)
					}
				}
			}
		}
	}
	return nil
}

// cookieValue holds v to the octets of RFC 6265.
func cookieValue(v string) bool {
	for i := range len(v) {
		if c := v[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\' {
			return false
		}
	}
	return true
}

// mentionsOf counts where line has name, whole and in any case, before an
// equals sign, or before what some parser trims off a name: JavaScript's takes a
// no-break space for one.
func mentionsOf(line, name string) (n int) {
	for i := 0; i+len(name) <= len(line); i++ {
		if !strings.EqualFold(line[i:i+len(name)], name) || i > 0 && isToken(line[i-1]) {
			continue
		}
		rest := strings.TrimLeftFunc(line[i+len(name):], func(r rune) bool { return r <= ' ' || r >= 0x7f })
		if strings.HasPrefix(rest, "=") {
			n++
		}
	}
	return n
}
