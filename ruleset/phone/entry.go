package phone

import "strings"

// An Entry is one line of a list: a number, or a set of prefixes. The zero
// Entry holds no number.
type Entry struct {
	key   veiled // of a number; 0 for prefixes
	valid bool   // whether the number is
	stems []stem
}

// ParseEntry reads one entry of a list:
//
//	+44 7400 123456                one number, in the spellings of Parse
//	+1876*                         all numbers that begin so
//	+4479110000-+4479119999        all that begin with +4479110000, with +4479119999, or with
//	                               digits between: both ends have the same count
//	447400123456, 1876*, 4479110000-4479119999
//	                               the same without plus signs
//
// A number without a plus begins with its calling code, unless region is not
// "": then it is read as dialled there. Prefixes and ranges without a plus
// always begin with a calling code. The errors are those of Parse, and
// [ErrNotAnEntry].
func ParseEntry(s, region string) (Entry, error) {
	s = strings.Trim(s, blanks)
	if first, ok := strings.CutSuffix(s, "*"); ok {
		return parsePrefixEntry(first)
	}
	if first, last, ok := cutRange(s); ok {
		return parseRange(first, last)
	}
	return parseExact(s, region)
}

const blanks = " \t\r\n\v\f"

// parseExact reads one number.
func parseExact(s, region string) (Entry, error) {
	var n Number
	var err error
	if region == "" && bare(s) && s[0] != '0' && len(s) <= maxInput {
		var buf [maxInput]byte
		for i := range len(s) {
			buf[i] = s[i] - '0'
		}
		n, err = international(buf[:len(s)], 0)
	} else {
		n, err = Parse(s, region)
	}
	if err != nil {
		return Entry{}, err
	}
	return Entry{key: n.key, valid: n.Valid()}, nil
}

// parsePrefixEntry reads a prefix, from which the star has been taken.
func parsePrefixEntry(s string) (Entry, error) {
	s = strings.TrimRight(s, blanks)
	if bare(s) {
		s = "+" + s
	}
	found, err := parseStem(s)
	if err != nil {
		return Entry{}, err
	}
	return Entry{stems: []stem{found}}, nil
}

// parseRange reads the ends of a range.
func parseRange(first, last string) (Entry, error) {
	from, err := parsePrefixEntry(first)
	if err != nil {
		return Entry{}, err
	}
	to, err := parsePrefixEntry(last)
	if err != nil {
		return Entry{}, err
	}
	low, high := from.stems[0], to.stems[0]
	if low.size != high.size || low.first > high.first {
		return Entry{}, ErrNotAnEntry
	}
	return Entry{stems: cover(low, high)}, nil
}

// cutRange cuts s at the hyphen of a range. Hyphens separate the digits of a
// number as well: that of a range has a plus behind it, or nothing but digits,
// as many, at least seven, on both sides.
func cutRange(s string) (first, last string, ok bool) {
	if at := strings.LastIndexByte(s, '+'); at > 0 && s[0] == '+' {
		first, ok = strings.CutSuffix(strings.TrimRight(s[:at], blanks), "-")
		return first, s[at:], ok
	}
	first, last, _ = strings.Cut(s, "-")
	first, last = strings.TrimRight(first, blanks), strings.TrimLeft(last, blanks)
	return first, last, len(first) == len(last) && len(first) >= 7 && bare(first) && bare(last)
}

// bare reports whether s is nothing but digits, and some.
func bare(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// cover returns the fewest stems that hold what begins with low, with high, or
// with digits between, of which both have as many.
func cover(low, high stem) []stem {
	unit := powers[maxDigits-low.size]
	var stems []stem
	for from, to := low.first, high.first; from <= to; {
		size, step := low.size, unit
		for size > 1 && from%(step*10) == 0 && from+step*10-unit <= to {
			size, step = size-1, step*10
		}
		stems = append(stems, stem{from, size})
		from += step
	}
	return stems
}
