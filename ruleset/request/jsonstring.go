package request

import (
	"unicode/utf16"
	"unicode/utf8"
)

// ends marks the bytes at which the fast way through a string stops.
var ends = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// str reads the string that begins at hand and says where its content is and
// whether there are escapes in it.
func (s *scanner) str() (start, end int, escaped bool, f fault) {
	start = s.pos + 1
	b, i := s.body, start
	for {
		for i < len(b) && !ends[b[i]] {
			i++
		}
		s.pos = i
		switch {
		case i == len(b):
			return 0, 0, false, endsEarly
		case b[i] == '"':
			s.pos++
			return start, i, escaped, ""
		case b[i] != '\\':
			return 0, 0, false, "a control character in a string"
		}
		escaped = true
		if i, f = escape(b, i); f != "" {
			return 0, 0, false, f
		}
	}
}

// escape checks the escape at b[i] and returns where it ends. A surrogate must
// be the first of a pair, and bring the second.
func escape(b []byte, i int) (int, fault) {
	if i+1 == len(b) {
		return i, endsEarly
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, ""
	case 'u':
	default:
		return i, "an unknown escape in a string"
	}
	r, f := hex4(b, i+2)
	if f != "" || !utf16.IsSurrogate(r) {
		return i + 6, f
	}
	if r >= 0xdc00 {
		return i, "a lone surrogate"
	}
	for j, want := range []byte(`\u`) {
		if i+6+j >= len(b) {
			return i, endsEarly
		}
		if b[i+6+j] != want {
			return i, "a lone surrogate"
		}
	}
	low, f := hex4(b, i+8)
	if f == "" && (low < 0xdc00 || low > 0xdfff) {
		f = "a lone surrogate"
	}
	return i + 12, f
}

func hex4(b []byte, i int) (r rune, f fault) {
	for j := i; j < i+4; j++ {
		if j >= len(b) {
			return 0, endsEarly
		}
		n := unhex(b[j])
		if n < 0 {
			return 0, "an unknown escape in a string"
		}
		r = r<<4 | rune(n)
	}
	return r, ""
}

// unhex is the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape appends the content of a string that str has checked.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			i++
			continue
		}
		if raw[i+1] != 'u' {
			dst = append(dst, escapes[raw[i+1]])
			i += 2
			continue
		}
		r, _ := hex4(raw, i+2)
		i += 6
		if utf16.IsSurrogate(r) {
			low, _ := hex4(raw, i+2)
			r = utf16.DecodeRune(r, low)
			i += 6
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
