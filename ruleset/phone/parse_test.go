package phone

import (
	"strings"
	"testing"
)

// countries have numbers as libphonenumber gives them for examples, and as
// they are dialled at home.
var countries = []struct {
	region, code, number, home string
	international              string // dialled before a calling code
	trunk                      string // forgiven behind a calling code
}{
	{"US", "1", "4155550123", "4155550123", "011", ""},
	{"CA", "1", "5062345678", "15062345678", "011", ""},
	{"GB", "44", "7400123456", "07400123456", "00", "0"},
	{"DE", "49", "15123456789", "015123456789", "00", "0"},
	{"IT", "39", "0212345678", "0212345678", "00", ""},
	{"IT", "39", "3123456789", "3123456789", "00", ""},
	{"MX", "52", "2221234567", "2221234567", "00", ""},
	{"AR", "54", "91123456789", "0111523456789", "00", "0"},
	{"BR", "55", "11961234567", "011961234567", "0015", "0"},
	{"FR", "33", "612345678", "0612345678", "00", "0"},
	{"IN", "91", "8123456789", "08123456789", "00", "0"},
	{"JP", "81", "9012345678", "09012345678", "010", "0"},
	{"RU", "7", "9123456789", "89123456789", "810", ""},
	{"KZ", "7", "7710009998", "87710009998", "810", ""},
	{"HU", "36", "201234567", "06201234567", "00", "06"},
	{"CI", "225", "0123456789", "0123456789", "00", ""},
	{"GA", "241", "06031234", "06031234", "00", ""},
	{"AU", "61", "412345678", "0412345678", "0011", "0"},
	{"KR", "82", "1020000000", "01020000000", "001", "0"},
}

// written returns the digits of text in the script whose zero is given.
func written(text string, zero rune) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return zero + r - '0'
		}
		return r
	}, text)
}

func TestOneNumberInAllSpellings(t *testing.T) {
	for _, c := range countries {
		t.Run(c.region+" "+c.number, func(t *testing.T) {
			plain := c.code + c.number
			head, tail := c.number[:3], c.number[3:]
			abroad := []string{
				"+" + plain,
				"  +" + plain + " ",
				"+ " + plain,
				"+" + c.code + " " + head + " " + tail,
				"+" + c.code + "-" + head + "-" + tail,
				"+" + c.code + "." + head + "." + tail,
				"+" + c.code + "/" + head + "/" + tail,
				"+" + c.code + " (" + head + ") " + tail,
				"(+" + c.code + ") " + head + " - " + tail,
				"+(" + c.code + ")" + c.number,
				"+" + c.code + "\u00a0" + head + "\u2009" + tail + "\u202f",
				"+" + c.code + "\u2010" + head + "\u2013" + tail,
				"+" + c.code + "\u2212" + head + "\u2015" + tail,
				"tel:+" + plain,
				"TEL: +" + c.code + "-" + head + "-" + tail,
				"+" + written(plain, '\u0660'),
				"+" + written(plain, '\u06f0'),
				"+" + written(plain, '\u0966'),
				"＋" + written(plain, '０'),
				"＋" + written(c.code, '０') + "（" + written(head, '０') + "）" + written(tail, '０'),
				"+" + written(plain, '０'),
			}
			if c.trunk != "" {
				abroad = append(abroad, "+"+c.code+c.trunk+c.number, "+"+c.code+" "+c.trunk+head+" "+tail)
			}
			if c.trunk == "0" {
				abroad = append(abroad, "+"+c.code+" (0)"+c.number, "+"+c.code+"（0）"+c.number, "00"+c.code+" (0) "+c.number)
			}
			home := []string{
				c.home,
				written(c.home, '\u0660'),
				written(c.home, '０'),
				"(" + c.home[:3] + ") " + c.home[3:],
				c.home[:3] + "-" + c.home[3:],
				"tel:" + c.home,
				c.international + plain,
				c.international + " " + c.code + " " + head + " " + tail,
			}
			want := "+" + plain
			for _, raw := range abroad {
				for _, region := range []string{"", c.region, "US", "GB", "JP"} {
					if strings.HasPrefix(raw, "00") && region != "" && region != c.region {
						continue
					}
					if n, err := Parse(raw, region); n.E164() != want || err != nil || !n.Valid() || n.Region() != c.region {
						t.Errorf("Parse(%q, %q) = %s %s, %v; want %s", raw, region, n.E164(), n.Region(), err, want)
					}
				}
			}
			for _, raw := range home {
				if n, err := Parse(raw, c.region); n.E164() != want || err != nil || !n.Valid() {
					t.Errorf("Parse(%q, %q) = %s, %v; want %s", raw, c.region, n.E164(), err, want)
				}
			}
		})
	}
}

func TestZeroZero(t *testing.T) {
	tests := []struct{ name, raw, region, want string }{
		{"no region", "0044 7400 123456", "", "+447400123456"},
		{"a region that dials it", "0044 7400 123456", "DE", "+447400123456"},
		{"a region that dials 011", "0044 7400 123456", "US", "+447400123456"},
		{"a region that dials 0011", "0044 7400 123456", "AU", "+447400123456"},
		{"Brazil, no carrier of that code", "0044 7400 123456", "BR", "+447400123456"},
		{"Brazil, carrier 15", "0015 44 7400 123456", "BR", "+447400123456"},
		{"Brazil, carrier 41 or Switzerland", "0041 44 668 18 00", "BR", "? +446681800"},
		{"Japan may have such numbers", "0044 7400 123456", "JP", "? +8100447400123456"},
		{"Cambodia dials 009, so that this is +1 1", "009118603451234", "KH", "ambiguous"},
		{"with a plus", "+0044 7400 123456", "", "invalid"},
		{"plus and the prefix of the region", "+011 44 7400 123456", "US", "invalid"},
		{"prefix, then plus", "00+44 7400 123456", "", "not_a_number"},
		{"trunk zero in the prefix", "0(0)44 7400 123456", "", "not_a_number"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { judged(t, test.raw, test.region, test.want) })
	}
}

// judged wants a valid number in E.164, "? " and a possible one, or the reason
// of an error.
func judged(t *testing.T, raw, region, want string) {
	t.Helper()
	n, err := Parse(raw, region)
	got := n.E164() + reason(err)
	if err == nil && !n.Valid() {
		got = "? " + got
	}
	if err != nil && !n.IsZero() {
		t.Errorf("Parse(%q, %q): a number beside %v", raw, region, err)
	}
	if got != want {
		t.Errorf("Parse(%q, %q) = %s, want %s", raw, region, got, want)
	}
}

func TestRefused(t *testing.T) {
	tests := []struct{ name, raw, region, want string }{
		{"nothing", "", "US", "empty"},
		{"spaces", " \u00a0 ", "US", "empty"},
		{"tel of nothing", "tel:", "US", "not_a_number"},
		{"plus alone", "+", "US", "not_a_number"},
		{"calling code alone", "+1", "", "too_short"},
		{"calling code and a digit", "+14", "", "too_short"},
		{"one digit short", "+1415555012", "", "too_short"},
		{"without area code", "5550123", "US", "too_short"},
		{"one digit more", "+141555501234", "", "too_long"},
		{"many digits", "+" + strings.Repeat("1", 40), "", "too_long"},
		{"many bytes", "+14155550123" + strings.Repeat(" ", 60), "", "too_long"},
		{"no region", "4155550123", "", "no_region"},
		{"unknown region", "4155550123", "ZZ", "no_region"},
		{"region of no country", "80012345678", "001", "no_region"},
		{"region in small letters", "4155550123", "us", "no_region"},
		{"unknown calling code", "+999 4155550123", "", "invalid"},
		{"no such area code", "+1 111 555 0123", "", "? +11115550123"},

		{"vanity", "1-800-FLOWERS", "US", "not_a_number"},
		{"a name before", "Joe +14155550123", "", "not_a_number"},
		{"a name behind", "+14155550123 Joe", "", "not_a_number"},
		{"extension x", "+1 415 555 0123 x5", "", "extension"},
		{"extension ext.", "+1 415 555 0123 ext. 5", "", "extension"},
		{"extension Extension", "+1 415 555 0123 Extension 5", "", "extension"},
		{"extension #", "+1 415 555 0123#5", "", "extension"},
		{"trailing #", "+1 415 555 0123#", "", "extension"},
		{"pause", "+1 415 555 0123,5", "", "extension"},
		{"wait", "+1 415 555 0123;5", "", "extension"},
		{"pause p", "+1 415 555 0123p5", "", "extension"},
		{"tel ext", "tel:+14155550123;ext=5", "", "extension"},
		{"tel context", "tel:5550123;phone-context=+1415", "US", "extension"},
		{"tel isub", "tel:+14155550123;isub=5", "", "extension"},
		{"tel twice", "tel:tel:+14155550123", "", "not_a_number"},
		{"sip", "sip:+14155550123@example.com", "", "not_a_number"},
		{"star", "*67 415 555 0123", "US", "not_a_number"},

		{"two numbers, comma", "+14155550123, +14155550124", "", "extension"},
		{"two numbers, slash", "+14155550123/+14155550124", "", "not_a_number"},
		{"two numbers, space", "+14155550123 +14155550124", "", "not_a_number"},
		{"two numbers, line", "+14155550123\n+14155550124", "", "not_a_number"},
		{"two plus", "++14155550123", "", "not_a_number"},
		{"two plus in two scripts", "+＋14155550123", "", "not_a_number"},
		{"plus inside", "1+4155550123", "US", "not_a_number"},
		{"plus behind", "14155550123+", "US", "not_a_number"},
		{"digits of two scripts", "+1415٥٥٥0123", "", "not_a_number"},
		{"full-width plus, our digits", "＋14155550123", "", "not_a_number"},
		{"full-width plus, Arabic digits", "＋" + written("14155550123", '\u0660'), "", "not_a_number"},
		{"mathematical digits", "+" + written("14155550123", '𝟎'), "", "not_a_number"},
		{"superscript", "+1415555012³", "", "not_a_number"},

		{"tab", "+1\t4155550123", "", "not_a_number"},
		{"newline behind", "+14155550123\n", "", "not_a_number"},
		{"carriage return", "+14155550123\r", "", "not_a_number"},
		{"NUL", "+14155550123\x00", "", "not_a_number"},
		{"zero-width space", "+1\u200b4155550123", "", "not_a_number"},
		{"zero-width joiner", "+1\u200d4155550123", "", "not_a_number"},
		{"word joiner", "+1\u20604155550123", "", "not_a_number"},
		{"soft hyphen", "+1\u00ad4155550123", "", "not_a_number"},
		{"byte order mark", "\ufeff+14155550123", "", "not_a_number"},
		{"right-to-left override", "\u202e+14155550123", "", "not_a_number"},
		{"left-to-right mark", "\u200e+14155550123", "", "not_a_number"},
		{"isolate", "\u2066+14155550123\u2069", "", "not_a_number"},
		{"invalid UTF-8", "+1415555\xff0123", "", "not_a_number"},
		{"half a character", "+1415555\xe2\x80", "", "not_a_number"},
		{"combining mark", "+1415555\u03010123", "", "not_a_number"},
		{"percent", "%2B14155550123", "", "not_a_number"},
		{"tilde", "+1~4155550123", "", "not_a_number"},

		{"open bracket", "+1 (415 555 0123", "", "not_a_number"},
		{"close bracket", "+1 415) 555 0123", "", "not_a_number"},
		{"nested brackets", "+1 ((415)) 555 0123", "", "not_a_number"},
		{"empty brackets", "+1 () 415 555 0123", "", "not_a_number"},
		{"brackets closed first", ")415( 555 0123", "US", "not_a_number"},
		{"dash before", "-415 555 0123", "US", "not_a_number"},
		{"dash between plus and digits", "+-14155550123", "", "not_a_number"},
		{"dash behind", "+14155550123-", "", "not_a_number"},
		{"dot behind", "+14155550123.", "", "not_a_number"},

		{"trunk zero in the middle", "+44 7400 (0) 123456", "", "not_a_number"},
		{"two trunk zeros", "+44 (0)(0)7400 123456", "", "not_a_number"},
		{"trunk zero of a country without", "+1 (0)415 555 0123", "", "invalid"},
		{"trunk zero before an Italian mobile", "+39 (0)312 345 6789", "", "ambiguous"},
		{"trunk 8", "+7 8 912 345 67 89", "", "ambiguous"},
		{"trunk 1", "+1 1 415 555 0123", "", "ambiguous"},
		{"Brazilian carrier", "+55 0 15 11 96123 4567", "", "ambiguous"},
		{"Argentina's 15 behind the calling code", "+54 11 15 2345 6789", "", "ambiguous"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { judged(t, test.raw, test.region, test.want) })
	}
}

// TestReserved tells what the metadata holds of the numbers that regulators
// keep for examples.
func TestReserved(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"North America", "+14155550100", "+14155550100"},
		{"London", "+442079460123", "+442079460123"},
		{"British mobiles are not in it", "+447700900123", "? +447700900123"},
		{"with trunk zero", "+44 (0)7700 900123", "? +447700900123"},
		{"Australian mobile", "+61491570006", "+61491570006"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { judged(t, test.raw, "", test.want) })
	}
}

// TestLeadingZero: "(0)" belongs to the number where numbers begin with 0.
func TestLeadingZero(t *testing.T) {
	judged(t, "+39 (0)2 1234 5678", "", "+390212345678")
	judged(t, "+39 2 1234 5678", "", "? +39212345678")
	judged(t, "+225 (0)1 23 45 67 89", "", "+2250123456789")
	judged(t, "+4401715550228", "", "? +441715550228")
	judged(t, "(0)20 7946 0123", "GB", "+442079460123")
	judged(t, "44 (0)20 7946 0123", "GB", "invalid")
	judged(t, "44 20 7946 0123", "GB", "+442079460123")
}

func TestErrorsHoldNoDigits(t *testing.T) {
	for _, err := range []*Error{ErrEmpty, ErrTooShort, ErrTooLong, ErrNotANumber, ErrExtension, ErrNoRegion, ErrInvalid, ErrAmbiguous} {
		if strings.ContainsAny(err.Error(), "0123456789") || err.Reason() == "" {
			t.Errorf("%q: %q", err.Reason(), err)
		}
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	for _, bm := range benchmarks {
		if got := testing.AllocsPerRun(100, func() {
			n, _ := Parse(bm.raw, bm.region)
			_, _ = n.Region(), n.Type()
		}); got != 0 {
			t.Errorf("Parse(%q): %v allocations", bm.raw, got)
		}
	}
}
