package phone

// Countries where a number has two spellings that ring the same phone.
const (
	brazil    = 55
	mexico    = 52
	argentina = 54
)

// fold sets n's key to the spelling that stands for all of the same phone.
// Mexico's and Brazil's old spellings are out of use, so that they are no
// numbers to the metadata: n then is what its new spelling is.
func (n *Number) fold(p *plan, number []byte) {
	switch n.code {
	case mexico:
		// Until 2019 mobiles were called with a 1 before the area code.
		if len(number) == 11 && number[0] == 1 {
			n.become(p, number[1:])
		}
	case argentina:
		// The 9 says mobile, for calls from abroad. Short messages go without
		// it. Fixed lines and mobiles share one set of area code and number.
		if len(number) == 11 && number[0] == 9 {
			n.key = compose(argentina, number[1:])
		}
	case brazil:
		// Between 2012 and 2016 mobiles got a 9 before their eight digits.
		if len(number) == 10 && gotNinthDigit(number[2:]) {
			var now [11]byte
			copy(now[:], number[:2])
			now[2] = 9
			copy(now[3:], number[2:])
			n.become(p, now[:])
		}
	}
}

// become makes number n's key if it is one of a mobile, and lends its label.
func (n *Number) become(p *plan, number []byte) {
	now := walk(p.numbers, number)
	if !now.mobile() {
		return
	}
	n.key = compose(n.code, number)
	if n.label == 0 {
		n.label = now
	}
}

// gotNinthDigit reports whether a Brazilian number of eight digits is a mobile
// that became a 9 and these. Trunked radio, 70 and 77 to 79, kept its digits,
// and 9 70 is somebody else.
func gotNinthDigit(local []byte) bool {
	switch local[0] {
	case 6, 8, 9:
		return true
	case 7:
		return 1 <= local[1] && local[1] <= 6
	}
	return false
}

// other returns the other spelling of the phone whose key n has, also if n is
// not written so; 0 if there is none, as where n is a fixed line.
func (n Number) other() veiled {
	const e8, e9, e10 = 1e8, 1e9, 1e10
	switch key := n.key.digits(); n.code {
	case mexico:
		if key/e10 == mexico && n.label.mobile() {
			return veiled((mexico*10+1)*e10+key%e10) ^ veil
		}
	case argentina:
		if key/e10 == argentina {
			return veiled((argentina*10+9)*e10+key%e10) ^ veil
		}
	case brazil:
		// +55, two digits of area, the ninth digit, eight more
		local := key % e8
		if key/e10/10 == brazil && key/e8%10 == 9 && n.label.mobile() && gotNinthDigit([]byte{byte(local / 1e7), byte(local / 1e6 % 10)}) {
			return veiled(key/e9*e8+local) ^ veil
		}
	}
	return 0
}
