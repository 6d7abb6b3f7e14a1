package phone

// ParsePrefix reads the beginning of numbers, "+1900" or "+1 (876) 555-0", and
// returns it as [Number.HasPrefix] takes it: "+1876555". It takes the
// spellings of Parse, always with a plus, and refuses what no number begins
// with: an unknown calling code, or a trunk zero behind one.
func ParsePrefix(s string) (string, error) {
	var sp spelling
	if err := sp.scan(s); err != nil {
		return "", err
	}
	digits := sp.digits()
	switch {
	case !sp.plus:
		return "", ErrNoRegion
	case sp.trunk != 0:
		return "", ErrInvalid
	case len(digits) > maxDigits:
		return "", ErrTooLong
	case !startsCode(digits):
		return "", ErrInvalid
	}
	if code, p := lookup(digits); p != nil {
		rest := digits[codeLen(code):]
		if len(rest) > 0 && rest[0] == 0 && !leads(p.numbers, rest) {
			return "", ErrInvalid
		}
	}
	out := make([]byte, 0, maxDigits+1)
	out = append(out, '+')
	for _, d := range digits {
		out = append(out, '0'+d)
	}
	return string(out), nil
}

// startsCode reports whether digits begin with a calling code or one begins
// with them.
func startsCode(digits []byte) bool {
	if _, p := lookup(digits); p != nil {
		return true
	}
	if len(digits) > 2 || digits[0] == 0 {
		return false
	}
	short := int(digits[0])
	if len(digits) == 2 {
		short = short*10 + int(digits[1])
	}
	for code, at := range planOf {
		if at != 0 && (code/10 == short || code/100 == short) {
			return true
		}
	}
	return false
}

// leads reports whether some number goes on from state with these digits.
func leads(state uint16, digits []byte) bool {
	for _, d := range digits {
		state = word(int(state)*stateSize + 2*int(d))
	}
	return state != 0
}

// HasPrefix reports whether a spelling of n begins with prefix, in the form
// that ParsePrefix returns. All spellings that ring the same phone are tried,
// written or not, so that none dodges a prefix meant for another.
func (n Number) HasPrefix(prefix string) bool {
	if n.IsZero() || len(prefix) < 2 {
		return false
	}
	var buf [maxDigits + 4]byte
	if starts(n.key.append(buf[:0]), prefix) {
		return true
	}
	other := n.other()
	return other != 0 && starts(other.append(buf[:0]), prefix)
}

func starts(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}
