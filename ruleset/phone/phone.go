// Package phone reads phone numbers: any spelling of a number becomes one
// [Number], which knows its region and type, or is refused.
//
// # Spellings
//
// [Parse] takes what people and programs write: "+44 7700 900123",
// "(415) 555-0123", "0044 7700 900123", "tel:+1-415-555-0123",
// "+44 (0)7700 900123", and the same in the digits of other scripts. The set
// of accepted characters is closed. Letters, extensions, control and invisible
// characters, a second number, digits of two scripts: all are refused, since an
// app behind us could take another number out of them.
//
// A spelling is read as libphonenumber reads it, and refused where another
// reading would be a number too. Stricter than libphonenumber: behind "+" and a
// calling code only a trunk zero is forgiven ("+44 07700 900123"), and only if
// the number is not one with the zero in place. More lenient: "00" goes for "+"
// wherever the default region has no number of its own in these digits.
//
// # Old spellings
//
// Some numbers have an old and a new spelling that ring the same phone.
// [Number.E164] keeps the one that was written; [Number.Key] is the same for
// both, and is what to count by:
//
//	Mexico     +52 1 55 1234 5678  is  +52 55 1234 5678
//	Argentina  +54 9 11 2345 6789  is  +54 11 2345 6789
//	Brazil     +55 11 8765 4321    is  +55 11 98765 4321
//
// # Valid and possible
//
// A number is possible if its region has numbers of that many digits, and valid
// if the region has given out numbers that begin like it. Parse returns the
// possible ones too, and leaves it to the caller to refuse those for which
// [Number.Valid] is false: that may be a slip of the keys, or a range given out
// since [KnownFrom]. For the latter [Number.LikelyRegion] says what can be said.
// Numbers reserved for fiction differ here: +1 415 555 01xx is valid, +44 7700
// 900xxx is only possible.
//
// # Lists and tables
//
// [ReadList] reads a list of numbers, prefixes and ranges, millions of them;
// [Lists] answers in which of many lists a number is. [Prefixes] finds the value
// of the longest prefix of a number. Both know that one phone may have two
// spellings. [Describe] says everything this package knows of a number.
//
// # Where the knowledge is from
//
// From libphonenumber's metadata, compiled by internal/gen into tables: a walk
// over the digits instead of regular expressions. Tests hold the tables
// against the library, which programs that use this package do not contain. In
// one thing we differ: what the library calls mobile or VoIP on +870, +881, +882
// and +883 is [Satellite] or [InternationalNetwork].
package phone

import "strconv"

//go:generate go run ./internal/gen .

// A Number is one phone number. The zero Number is none. Numbers are equal
// under == if they are written to the carrier alike; see [Number.Key] for the
// same phone.
//
// A Number shows itself masked wherever it is printed, marshalled or logged:
// only E164, Key and Range give its digits away.
type Number struct {
	written veiled // calling code and national number, as E164
	key     veiled // the same, as Key
	label   label  // region and type; 0 if not valid
	code    uint16 // calling code
}

// veiled is a number's digits as an integer, made unrecognisable. fmt prints
// unexported fields without asking their methods, so that a struct around a
// Number would otherwise show it; this is against accidents, not a secret.
type veiled uint64

// veil has its highest bit set, which 19 digits never have: no digits are
// veiled as 0.
const veil = 0xa55a_c33c_9669_f00f

func (v veiled) digits() uint64 { return uint64(v) ^ veil }

// text returns the digits with their plus sign in front.
func (v veiled) text() string {
	if v == 0 {
		return ""
	}
	var buf [21]byte
	return string(v.append(buf[:0]))
}

// append appends what text returns; v is not 0.
func (v veiled) append(b []byte) []byte {
	return strconv.AppendUint(append(b, '+'), v.digits(), 10)
}

// E164 returns n as it goes to the carrier: "+447700900123". That is n as
// written, in canonical spelling; old spellings stay old. It is "" for none.
func (n Number) E164() string { return n.written.text() }

// Key returns the one spelling of the phone that n rings, for counting. It
// differs from E164 for old spellings only, and is "" for none.
func (n Number) Key() string { return n.key.text() }

// IsZero reports whether n is no number.
func (n Number) IsZero() bool { return n == Number{} }

// Possible reports whether there are numbers of as many digits as n has within
// its calling code. All are that Parse returns; the zero Number is not.
func (n Number) Possible() bool { return !n.IsZero() }

// Valid reports whether the region of n gives out numbers like it. The zero
// Number is not valid. A number in an old spelling is as valid as its new one.
func (n Number) Valid() bool { return n.label != 0 }

// Region returns the ISO 3166 code of the country n belongs to, judged by all
// its digits: "CA" or "US", not "+1". It is "001" for valid numbers of no
// country (toll-free +800, satellite +881) and "" if n is not valid.
func (n Number) Region() string { return n.label.region() }

// LikelyRegion returns Region for a valid number. For one that is only possible
// it returns the country of the calling code, if it has but one, and else the one
// that has all known numbers with the same three digits behind the calling code:
// "JM" for all of +1 876. It is "" where there is none, or several: then nobody
// can tell yet whose such numbers will be.
func (n Number) LikelyRegion() string {
	if n.IsZero() {
		return ""
	}
	if n.Valid() {
		return n.Region()
	}
	var buf [maxDigits + 1]byte
	digits := n.key.append(buf[:0])[1+codeLen(n.code):]
	for i := range digits {
		digits[i] -= '0'
	}
	return plans[planOf[n.code]-1].likelyRegion(digits)
}

// Type returns what kind of line n is, Unknown if n is not valid.
func (n Number) Type() Type { return n.label.kind() }

// CallingCode returns the calling code of n: 44. It is 0 for none.
func (n Number) CallingCode() int { return int(n.code) }

// Range returns the number range of n: Key less its last drop digits, 3 for
// "range" and 4 for "range/4". At least the calling code is left; a drop
// below 1 takes nothing away.
func (n Number) Range(drop int) string {
	key := n.Key()
	if n.IsZero() || drop < 1 {
		return key
	}
	return key[:max(len(key)-drop, 1+codeLen(n.code))]
}

// codeLen returns how many digits a calling code has.
func codeLen(code uint16) int {
	switch {
	case code < 10:
		return 1
	case code < 100:
		return 2
	}
	return 3
}
