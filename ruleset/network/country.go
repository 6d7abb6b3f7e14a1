package network

import "strings"

// countries are the codes of ISO 3166-1, and XK, which is not in it but which
// databases and phone numbers use for Kosovo.
const countries = "" +
	"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ " +
	"BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ " +
	"DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY " +
	"HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY " +
	"MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY " +
	"QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ " +
	"TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ " +
	"VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"

// countryCodes has the codes of countries, sorted, after one that is empty.
var countryCodes = append([]string{""}, strings.Fields(countries)...)

// countryNumbers has for AA to ZZ the place in countryCodes.
var countryNumbers = func() (numbers [26 * 26]uint16) {
	for i, code := range countryCodes[1:] {
		numbers[pairIndex(code)] = uint16(i + 1)
	}
	numbers[pairIndex("UK")] = numbers[pairIndex("GB")]
	return numbers
}()

// countryNumber returns a number for the country that a database means by code,
// or 0 if it means none.
func countryNumber(code string) uint16 {
	if i := pairIndex(code); i >= 0 {
		return countryNumbers[i]
	}
	return 0
}

// countryOf returns the code of the country with that number, "" for 0. The
// string is one of ours: it keeps nothing else in memory.
func countryOf(number uint16) string { return countryCodes[number] }

// canonicalCountry returns the country that a database means by code, or "".
func canonicalCountry(code string) string { return countryOf(countryNumber(code)) }

// pairIndex returns the place of code in AA to ZZ, or -1.
func pairIndex(code string) int {
	if len(code) != 2 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		return -1
	}
	return int(code[0]-'A')*26 + int(code[1]-'A')
}

// IsCountry reports whether code is one that Facts can have: an ISO 3166-1 code
// in capitals, or XK. UK, EU and AP are not.
func IsCountry(code string) bool {
	return code != "" && canonicalCountry(code) == code
}
