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
	if n.written != n.key && starts(n.written.append(buf[:0]), prefix) {
		return true
	}
	text, has := n.older(buf[:0])
	return has && starts(text, prefix)
}

// older appends to buf the spelling from before the numbers of a country were
// changed, if n has one.
func (n Number) older(buf []byte) ([]byte, bool) {
	text := n.key.append(buf)
	switch {
	case n.code == mexico && len(text) == len("+525512345678"):
		return splice(text, 3, '1'), true
	case n.code == argentina && len(text) == len("+541123456789"):
		return splice(text, 3, '9'), true
	case n.code == brazil && len(text) == len("+5511987654321") && text[5] == '9':
		return append(text[:5], text[6:]...), gotNinthDigit([]byte{text[6] - '0', text[7] - '0'})
	}
	return nil, false
}

func starts(text []byte, prefix string) bool {
	return len(text) >= len(prefix) && string(text[:len(prefix)]) == prefix
}

// splice puts c before text[at].
func splice(text []byte, at int, c byte) []byte {
	text = append(text, 0)
	copy(text[at+1:], text[at:])
	text[at] = c
	return text
}
