package request

import "strings"

// onlyAddress reports whether s is an email address, and nothing that a parser
// of phone numbers would find a number in. Such parsers skip what stands before
// the first plus or digit, and cut what they take for an extension, a parameter
// or a second number: they read +14155550100 in "a@example.com+14155550100",
// "+14155550100/x@example.com" and "+14155550100;isub=a@example.com". They find
// none once an "@" stands behind the plus and nothing that they cut before.
//
// A domain can still be read as a national number by whoever takes letters for
// digits. That needs a region: numbers that are read with one cannot share their
// place with addresses.
func onlyAddress(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	top := domain[strings.LastIndexByte(domain, '.')+1:]
	return local != "" && all(local, "._-+") &&
		len(top) < len(domain) && top != "" && isLetter(top[0]) && all(domain, ".-")
}

// all reports whether s has letters, digits and those others only, in ASCII.
func all(s, others string) bool {
	for i := range len(s) {
		if b := s[i]; !isLetter(b) && (b < '0' || b > '9') && strings.IndexByte(others, b) < 0 {
			return false
		}
	}
	return true
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
