package email

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	maxDomain = 253
	maxLabel  = 63
)

// international maps domains as browsers do before they look them up.
var international = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(true))

// domainKey is the one spelling of a domain: ASCII, lower case, no final dot.
func domainKey(domain string) (string, error) {
	if !simple(domain) {
		ascii, err := international.ToASCII(domain)
		if err != nil || !utf8.ValidString(domain) || strings.ContainsRune(domain, utf8.RuneError) {
			return "", ErrDomain
		}
		domain = ascii
	}
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if len(domain) > maxDomain || !strings.Contains(domain, ".") {
		return "", ErrDomain
	}
	last := ""
	for label := range strings.SplitSeq(domain, ".") {
		if !goodLabel(label) {
			return "", ErrDomain
		}
		last = label
	}
	if strings.Trim(last, "0123456789") == "" { // an address of the network, not a name
		return "", ErrDomain
	}
	return domain, nil
}

// simple reports whether domain is ASCII and none of its labels encode
// anything else.
func simple(domain string) bool {
	for i := range len(domain) {
		if domain[i] >= 0x80 {
			return false
		}
	}
	return !strings.Contains(strings.ToLower(domain), "xn--")
}

// goodLabel reports whether l has letters, digits and inner hyphens only.
func goodLabel(l string) bool {
	if l == "" || len(l) > maxLabel || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for i := range len(l) {
		if c := l[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
