package request

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Two names may be spelled differently and still be one field to some app:
//
//   - by case: Go's encoding/json, ASP.NET, Jackson and Newtonsoft match names
//     without it, by Unicode folding (ſ is s, the Kelvin sign is k);
//   - by style: phone_number, phone-number and phoneNumber are one name to
//     protobuf's JSON and to the middlewares that turn one style into the other;
//   - by PHP, which drops leading spaces and turns spaces, dots and an open
//     bracket into "_"; by Spring, to which _phone and !phone speak of phone;
//   - by URLSearchParams, which drops a question mark before the first name;
//   - by nesting: user.phone, user[phone], [user]phone; phone[] and phone[0]
//     are lists in PHP, Rails and Express; ['phone'] and (phone) are OGNL's;
//     phone:list is Zope's.
//
// canonical makes such spellings one, and related says whether two canonical
// names may be one field, or one inside the other.

// separator stands between the steps of a canonical name.
const separator = 0x1f

// plain is what canonical makes of ASCII: 0 drops the byte.
var plain = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		switch {
		case c <= ' ', c == 0x7f, strings.IndexByte("_-!?'\"`", byte(c)) >= 0:
			t[c] = 0
		case strings.IndexByte(".[]():", byte(c)) >= 0:
			t[c] = separator
		case c >= 'A' && c <= 'Z':
			t[c] = byte(c) + 'a' - 'A'
		default:
			t[c] = byte(c)
		}
	}
	return t
}()

// canonical appends the canonical spelling of name to dst[:0].
func canonical(dst, name []byte) []byte {
	dst = dst[:0]
	for i := 0; i < len(name); {
		c := name[i]
		if c < utf8.RuneSelf {
			i++
			switch c = plain[c]; {
			case c == 0:
			case c == separator && (len(dst) == 0 || dst[len(dst)-1] == separator):
			default:
				dst = append(dst, c)
			}
			continue
		}
		r, n := utf8.DecodeRune(name[i:])
		i += n
		if r = fold(r); r == 0 {
			continue
		}
		dst = utf8.AppendRune(dst, r)
	}
	if n := len(dst); n > 0 && dst[n-1] == separator {
		dst = dst[:n-1]
	}
	return dst
}

// fold makes one of all the spellings of a non-ASCII rune that some parser
// folds to the same: simple folding, the dotted and dotless i, full-width
// letters. What cannot be seen is dropped: 0.
func fold(r rune) rune {
	switch {
	case r == 'ı' || r == 'İ':
		return 'i'
	case r >= 0xff01 && r <= 0xff5e: // full-width ASCII
		return rune(plain[r-0xfee0])
	case unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r):
		return 0
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if least < utf8.RuneSelf {
		return rune(plain[least])
	}
	return least
}

// related reports whether two canonical names may be one field, or one of them
// hold the other. An empty name is related to none.
func related(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 || a[0] != b[0] { // neither begins with a separator
		return false
	}
	return bytes.Equal(a, b) || inside(a, b) || inside(b, a) || sameFlat(a, b)
}

// inside reports whether a names something within b.
func inside(a, b []byte) bool {
	return len(a) > len(b) && a[len(b)] == separator && bytes.HasPrefix(a, b)
}

// sameFlat reports whether a and b are the same but for their separators.
func sameFlat(a, b []byte) bool {
	i, j := 0, 0
	for {
		for i < len(a) && a[i] == separator {
			i++
		}
		for j < len(b) && b[j] == separator {
			j++
		}
		switch {
		case i == len(a) || j == len(b):
			return i == len(a) && j == len(b)
		case a[i] != b[j]:
			return false
		}
		i, j = i+1, j+1
	}
}

// isPrototype reports whether name reaches for the prototype of a JavaScript
// object, whose members show up in objects that do not have them.
func isPrototype(name []byte) bool {
	if len(name) < len("__proto__") {
		return false
	}
	if bytes.Contains(name, []byte("__proto__")) {
		return true
	}
	first, _, _ := bytes.Cut(name, []byte("["))
	first, _, _ = bytes.Cut(first, []byte("."))
	return string(first) == "constructor" || string(first) == "prototype"
}
