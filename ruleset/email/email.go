// Package email makes one key of all the spellings of a mail address.
//
// Only addresses that every mail system reads alike are taken: letters,
// digits and the usual signs, one "@", a domain with a dot. Quoted local
// parts, comments, display names, address literals and local parts outside
// ASCII are refused, since mail systems disagree on them.
package email

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Bounds in bytes, from RFC 5321.
const (
	maxAddress = 254
	maxLocal   = 64
)

// Reasons for refusing an address. None of them repeats it.
var (
	ErrMissing = errors.New("there is no address")
	ErrLong    = errors.New("the address is too long")
	ErrAt      = errors.New(`the address has not one "@"`)
	ErrLocal   = errors.New(`what stands before the "@" is malformed or not accepted`)
	ErrDomain  = errors.New("the domain is malformed")
)

// Address is a mail address. However it is printed it shows "a***@example.com"
// only; use Key where all of it is needed. Equal addresses are ==. The zero
// Address is none.
type Address struct {
	key string // local@domain, in their one spelling
}

// Parse reads raw and brings it to its one spelling:
//
//   - lower case, also before the "@": nobody tells two people apart by it;
//   - what follows the first "+" before the "@" is cut;
//   - Gmail's dots are removed, and googlemail.com is gmail.com;
//   - the domain is in ASCII ("xn--…"), without a final dot.
//
// Spaces are not trimmed: apps differ on whether they do.
func Parse(raw string) (Address, error) {
	local, domain, ok := strings.Cut(raw, "@")
	switch {
	case raw == "":
		return Address{}, ErrMissing
	case len(raw) > 4*maxAddress: // before an international domain is shortened
		return Address{}, ErrLong
	case !ok || strings.Contains(domain, "@"):
		return Address{}, ErrAt
	case len(local) > maxLocal:
		return Address{}, ErrLong
	case !dotAtom(local):
		return Address{}, ErrLocal
	}
	domain, err := domainKey(domain)
	if err != nil {
		return Address{}, err
	}
	if len(local)+1+len(domain) > maxAddress {
		return Address{}, ErrLong
	}
	local, _, _ = strings.Cut(strings.ToLower(local), "+")
	if domain == "googlemail.com" {
		domain = "gmail.com"
	}
	if domain == "gmail.com" {
		local = strings.ReplaceAll(local, ".", "")
	}
	if local = strings.TrimRight(local, "."); local == "" { // "a.+tag" is "a."
		return Address{}, ErrLocal
	}
	return Address{key: local + "@" + domain}, nil
}

// dotAtom reports whether s is atoms with single dots between them (RFC 5322).
func dotAtom(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) >= 0) {
			return false
		}
	}
	return true
}

// Key is the one spelling that all spellings of the address share:
// "alice@example.com". It is not masked.
func (a Address) Key() string { return a.key }

// Domain is the domain of Key: "example.com".
func (a Address) Domain() string {
	_, domain, _ := strings.Cut(a.key, "@")
	return domain
}

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return a.key == "" }

// String masks a: "a***@example.com". It is empty for the zero Address.
func (a Address) String() string {
	local, domain, ok := strings.Cut(a.key, "@")
	switch {
	case !ok:
		return ""
	case len(local) == 1: // its first letter would be all of it
		return "***@" + domain
	}
	return local[:1] + "***@" + domain
}

// Format masks a whatever the verb, so that %#v and %x tell no more than %s.
func (a Address) Format(f fmt.State, _ rune) { io.WriteString(f, a.String()) }

// MarshalText masks a.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue masks a.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }
