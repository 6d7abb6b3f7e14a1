package phone

import (
	"strings"
	"unicode/utf8"
)

// maxInput is how many bytes a spelling may have: enough for every number in
// full-width digits with spaces between.
const maxInput = 64

// A spelling is what the characters of a phone number say, before any of it is
// understood: digits, and whether it claims to begin with a calling code.
type spelling struct {
	buf   [maxInput]byte // values 0 to 9
	n     int
	plus  bool
	trunk int // where the zero of a "(0)" inside the number is; 0 is none
}

func (s *spelling) digits() []byte { return s.buf[:s.n] }

// scan reads raw. It accepts digits, one plus before them, separators between
// them, pairs of round brackets around some of them, spaces and a "tel:"
// before, and spaces after.
func (s *spelling) scan(raw string) error {
	if len(raw) > maxInput {
		return ErrTooLong
	}
	raw = trim(raw)
	if len(raw) == 0 {
		return ErrEmpty
	}
	if len(raw) >= 4 && strings.EqualFold(raw[:4], "tel:") {
		raw = trim(raw[4:])
	}

	var (
		script  rune      // the zero of the digits in use
		wide    bool      // the plus is a full-width one
		bracket = -1      // how many digits were before the open bracket
		last    = isSpace // of which class the last character was
	)
	for i := 0; i < len(raw); {
		r, size := rune(raw[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(raw[i:])
		}
		is, zero := classify(r)
		switch is {
		case isDigit:
			if script == 0 {
				script = zero
			}
			// An app may know the digits of one script and drop the others.
			if script != zero {
				return ErrNotANumber
			}
			s.buf[s.n] = byte(r - zero)
			s.n++
		case isPlus:
			if s.plus || s.n > 0 {
				return ErrNotANumber
			}
			s.plus, wide = true, r != '+'
		case isOpen:
			if bracket >= 0 {
				return ErrNotANumber
			}
			bracket = s.n
		case isClose:
			if bracket < 0 || bracket == s.n {
				return ErrNotANumber
			}
			if bracket > 0 && s.n == bracket+1 && s.buf[bracket] == 0 {
				if s.trunk > 0 {
					return ErrNotANumber
				}
				s.trunk = bracket
			}
			bracket = -1
		case isSpace:
		case isMark:
			if s.n == 0 {
				return ErrNotANumber
			}
		default:
			if s.n > 0 && startsExtension(raw[i:]) {
				return ErrExtension
			}
			return ErrNotANumber
		}
		last = is
		i += size
	}
	switch {
	case bracket >= 0, last == isMark, s.n == 0:
		return ErrNotANumber
	case wide && script != '０':
		return ErrNotANumber
	}
	return nil
}

// class is what a character may do in a phone number.
type class uint8

const (
	isForeign class = iota // nothing: it has no place there
	isDigit
	isPlus
	isOpen
	isClose
	isSpace
	isMark // separates digits, and so stands between them
)

// classify returns the class of r and, for a digit, the zero of its script.
func classify(r rune) (class, rune) {
	switch {
	case '0' <= r && r <= '9':
		return isDigit, '0'
	case r < utf8.RuneSelf:
		return ascii[r], 0
	}
	switch r {
	case '\u00a0', // no-break space
		'\u2002', '\u2003', '\u2004', '\u2005', '\u2006', '\u2007', '\u2008', '\u2009', '\u200a', // en space to hair space
		'\u202f', // narrow no-break space
		'\u205f', // medium mathematical space
		'\u3000': // ideographic space
		return isSpace, 0
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', // hyphen to horizontal bar
		'\u2212',                     // minus sign
		'\u30fc',                     // prolonged sound mark, Japan's dash
		'\ufe58', '\ufe63', '\uff0d', // small em dash, small and full-width hyphen-minus
		'\uff0e', '\uff0f': // full-width full stop and solidus
		return isMark, 0
	case '\uff08':
		return isOpen, 0
	case '\uff09':
		return isClose, 0
	case '\uff0b':
		return isPlus, 0
	}
	for _, zero := range zeros {
		if zero <= r && r <= zero+9 {
			return isDigit, zero
		}
	}
	return isForeign, 0
}

var ascii = [utf8.RuneSelf]class{'+': isPlus, '(': isOpen, ')': isClose, ' ': isSpace, '-': isMark, '.': isMark, '/': isMark}

// zeros are the zeros of the scripts, beside our own, whose digits phones
// offer for writing.
var zeros = [...]rune{
	'\u0660', // Arabic-Indic
	'\u06f0', // Extended Arabic-Indic
	'\u07c0', // NKo
	'\u0966', // Devanagari
	'\u09e6', // Bengali
	'\u0a66', // Gurmukhi
	'\u0ae6', // Gujarati
	'\u0b66', // Oriya
	'\u0be6', // Tamil
	'\u0c66', // Telugu
	'\u0ce6', // Kannada
	'\u0d66', // Malayalam
	'\u0e50', // Thai
	'\u0ed0', // Lao
	'\u0f20', // Tibetan
	'\u1040', // Myanmar
	'\u17e0', // Khmer
	'\u1810', // Mongolian
	'\uff10', // full-width
}

// trim takes the spaces from both ends of raw.
func trim(raw string) string {
	for len(raw) > 0 {
		if raw[0] == ' ' {
			raw = raw[1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(raw)
		if is, _ := classify(r); is != isSpace {
			break
		}
		raw = raw[size:]
	}
	for len(raw) > 0 {
		r, size := utf8.DecodeLastRuneInString(raw)
		if is, _ := classify(r); is != isSpace {
			break
		}
		raw = raw[:len(raw)-size]
	}
	return raw
}

// startsExtension reports whether what follows a number looks like an
// extension, a pause, or a parameter of a tel: address.
func startsExtension(rest string) bool {
	switch rest[0] {
	case 'x', 'X', '#', ',', ';', 'p', 'P', 'w', 'W':
		return true
	}
	return len(rest) >= 3 && strings.EqualFold(rest[:3], "ext")
}
