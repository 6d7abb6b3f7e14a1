package phone

import "bytes"

// maxDigits is how many digits a Number holds, calling code included. E.164
// has 15; a few plans give out more.
const maxDigits = 19

// Parse reads raw as one phone number. The region is an ISO 3166 code in
// capitals for numbers written without a calling code; where it is "", or not
// the code of a country, only numbers with one are read.
//
// The number returned may be possible only: callers refuse it unless it is
// [Number.Valid]. The error is always one of this package's, and the Number is
// then zero.
func Parse(raw, region string) (Number, error) {
	var s spelling
	if err := s.scan(raw); err != nil {
		return Number{}, err
	}
	if s.plus {
		return international(s.digits(), s.trunk)
	}
	from := find(region)
	if from == nil {
		if startsAbroad(s.digits()) {
			return s.abroad(2)
		}
		return Number{}, ErrNoRegion
	}
	return s.from(from)
}

// startsAbroad reports whether digits begin with the prefix that most of the
// world dials before a calling code.
func startsAbroad(digits []byte) bool {
	return len(digits) > 2 && digits[0] == 0 && digits[1] == 0
}

// abroad reads s behind a prefix of n digits that says a calling code follows.
func (s *spelling) abroad(n int) (Number, error) {
	if s.trunk == 0 {
		return international(s.digits()[n:], 0)
	}
	if s.trunk <= n {
		return Number{}, ErrNotANumber
	}
	return international(s.digits()[n:], s.trunk-n)
}

// from reads digits that were written in r without a plus.
func (s *spelling) from(r *region) (Number, error) {
	digits := s.digits()
	var n Number
	err := error(ErrInvalid)
	if abroad, ok := run(r.idd, digits); ok && (abroad.end == len(digits) || digits[abroad.end] != 0) {
		n, err = s.abroad(abroad.end)
	} else if s.trunk == 0 {
		n, err = domestic(digits, r)
	}
	if err == nil || err == ErrAmbiguous || !startsAbroad(digits) {
		return n, err
	}
	// The region has nothing like it, not even an invalid number: 00 can only
	// be meant as the usual prefix.
	if n, other := s.abroad(2); other == nil {
		return n, nil
	}
	return Number{}, err
}

// domestic reads digits as dialled inside r, with or without trunk prefix,
// also where the calling code is written without anything before it.
func domestic(digits []byte, r *region) (Number, error) {
	var buf [maxInput + 4]byte // national number, a transform may add digits
	national := digits
	if n := codeLen(r.code); len(digits) > n && equalsCode(digits[:n], r.code) {
		short, _ := r.strip(digits[n:], buf[:0])
		if !r.looksRight(digits) && r.looksRight(short) || r.size(len(digits)) == sizeLong {
			national = short
			r = &regions[plans[planOf[r.code]-1].main]
		}
	}
	var again [maxInput + 8]byte
	if short, ok := r.national(national, again[:0]); ok {
		national = short
	}
	return settled(r.code, national)
}

// equalsCode reports whether digits are those of code.
func equalsCode(digits []byte, code uint16) bool {
	var value uint16
	for _, d := range digits {
		value = value*10 + uint16(d)
	}
	return value == code
}

// strip takes from number what r lets people dial before it. The result is
// part of number or built in buf. It reports whether anything was done.
func (r *region) strip(number, buf []byte) ([]byte, bool) {
	if r.prefix == 0 || len(number) == 0 {
		return number, false
	}
	m, ok := run(r.prefix, number)
	if !ok {
		return number, false
	}
	short := number[m.end:]
	if r.transforms && m.close > 0 {
		for _, c := range []byte(r.before) {
			buf = append(buf, c-'0')
		}
		buf = append(buf, number[m.open:m.close]...)
		short = append(buf, short...)
	}
	if r.looksRight(number) && !r.looksRight(short) {
		return number, false
	}
	return short, true
}

// national is strip where it leaves a number of a length that r has, or one
// too long.
func (r *region) national(number, buf []byte) ([]byte, bool) {
	short, ok := r.strip(number, buf)
	if !ok {
		return number, false
	}
	if size := r.size(len(short)); size != sizePossible && size != sizeLong {
		return number, false
	}
	return short, true
}

// international reads digits that begin with a calling code. If trunk is not
// 0, the digit there is the zero of a "(0)".
func international(digits []byte, trunk int) (Number, error) {
	if len(digits) <= 2 {
		return Number{}, ErrTooShort
	}
	code, p := lookup(digits)
	if p == nil {
		return Number{}, ErrInvalid
	}
	n := codeLen(code)
	if trunk != 0 && trunk != n {
		return Number{}, ErrNotANumber
	}
	number, main := digits[n:], &regions[p.main]
	var buf [maxInput + 4]byte
	short, ok := main.national(number, buf[:0])
	if !ok || bytes.Equal(short, number) {
		if trunk == 0 {
			return literal(code, p, number)
		}
		// Here the zero belongs to the number, as in Italy, unless there is
		// a number without it as well.
		if walk(p.numbers, number) == 0 {
			return Number{}, ErrInvalid
		}
		if walk(p.numbers, number[1:]) != 0 {
			return Number{}, ErrAmbiguous
		}
		return literal(code, p, number)
	}
	// The library takes more away than the calling code. We follow for a
	// trunk zero that cannot be part of a number, and for nothing else.
	if walk(p.numbers, number) != 0 {
		return Number{}, ErrAmbiguous
	}
	zero := main.trunk
	if len(zero) == 0 || zero[0] != '0' || len(number) != len(short)+len(zero) || !bytes.Equal(number[len(zero):], short) {
		if _, err := literal(code, p, short); err == nil {
			return Number{}, ErrAmbiguous
		}
		if _, err := literal(code, p, number); err != nil {
			return Number{}, err
		}
		return Number{}, ErrAmbiguous
	}
	return settled(code, short)
}

// lookup returns the calling code that digits begin with, and its plan; nil if
// there is none. No code begins with another.
func lookup(digits []byte) (uint16, *plan) {
	var code uint16
	for _, d := range digits[:min(3, len(digits))] {
		code = code*10 + uint16(d)
		if code == 0 {
			return 0, nil
		}
		if at := planOf[code]; at != 0 {
			return code, &plans[at-1]
		}
	}
	return 0, nil
}

// settled is literal for a number that was found by taking something away. It
// refuses one that, written with its calling code, would be read as another.
func settled(code uint16, number []byte) (Number, error) {
	p := &plans[planOf[code]-1]
	n, err := literal(code, p, number)
	if err != nil {
		return n, err
	}
	var buf [maxDigits + 4]byte
	if short, ok := regions[p.main].national(number, buf[:0]); ok && !bytes.Equal(short, number) {
		return Number{}, ErrAmbiguous
	}
	return n, nil
}

// literal returns the number with these very digits, if it is possible.
func literal(code uint16, p *plan, number []byte) (Number, error) {
	if len(number) < 2 {
		return Number{}, ErrTooShort
	}
	if len(number)+codeLen(code) > maxDigits {
		return Number{}, ErrTooLong
	}
	n := Number{written: compose(code, number), label: walk(p.numbers, number), code: code}
	n.key = n.written
	n.fold(p, number)
	if n.label != 0 {
		return n, nil
	}
	switch regions[p.main].size(len(number)) {
	case sizePossible:
		return n, nil
	case sizeShort, sizeLocal:
		return Number{}, ErrTooShort
	case sizeLong:
		return Number{}, ErrTooLong
	}
	return Number{}, ErrInvalid
}

// compose veils a calling code and a national number of at most 19 digits in
// all.
func compose(code uint16, number []byte) veiled {
	value := uint64(code)
	for _, d := range number {
		value = value*10 + uint64(d)
	}
	return veiled(value ^ veil)
}
