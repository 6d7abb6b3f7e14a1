package request

import "net/url"

// oddPath says what is odd about a path, or nothing. Caddy's matcher makes one
// of many spellings; the app may make another of them, and so find another
// route than the one whose shape the request was held to. No client that means
// well sends any of these.
func oddPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" || path[0] != '/' {
		return "does not begin with a slash"
	}
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '/':
			if dots := dotsAt(path[i+1:]); i+1 < len(path) && (dots || path[i+1] == '/') {
				return "has an empty step or one of dots"
			}
		case c == '\\' || c == ';' || c <= ' ' || c >= 0x7f:
			return "has a character that is read differently"
		case c == '%':
			if i+2 >= len(path) || oddEscape(unhex(path[i+1])<<4|unhex(path[i+2])) {
				return "has an escape that is read differently"
			}
			i += 2
		}
	}
	return ""
}

// dotsAt reports whether rest begins with a step of one or two dots.
func dotsAt(rest string) bool {
	n := 0
	for n < len(rest) && rest[n] == '.' {
		n++
	}
	return (n == 1 || n == 2) && (n == len(rest) || rest[n] == '/')
}

// oddEscape reports whether an escaped byte is one that need not be escaped, or
// means something else when it is not.
func oddEscape(c int) bool {
	switch {
	case c < ' ', c == 0x7f, c == '/', c == '\\', c == ';', c == '%', c == '?', c == '#', c == '.', c == '-', c == '_', c == '~':
		return true
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return false
}
