package ruleset

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/otpgate/otpgate/ruleset/answer"
	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network/feed"
	"github.com/otpgate/otpgate/ruleset/phone"
	"github.com/otpgate/otpgate/ruleset/request"
)

// The words of the language. Types with Words accept just these; types with
// ParseText say themselves what is wrong.

// Mode is the operator's switch.
type Mode string

const (
	Normal  Mode = "normal"
	Guarded Mode = "guarded"
	Shut    Mode = "closed"
)

func (Mode) Words() []string { return []string{string(Normal), string(Guarded), string(Shut)} }

type gateName string

var gateNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (n *gateName) ParseText(s string) error {
	if !gateNamePattern.MatchString(s) {
		return fmt.Errorf("%q is not a name: use up to 63 of a-z, 0-9, _ and -, with a letter or digit first", s)
	}
	*n = gateName(s)
	return nil
}

func (gateName) SchemaPattern() string { return gateNamePattern.String() }

type source struct{ request.Source }

func (s *source) ParseText(text string) (err error) {
	s.Source, err = request.ParseSource(text)
	return err
}

func (source) Describe() string { return "a place such as json /phone" }

func (source) SchemaPattern() string { return `^(json /.+|(form|query|header|cookie) \S+)$` }

// region is where a number belongs.
type region string

func (r *region) ParseText(s string) error {
	if !phone.IsRegion(s) {
		if up := strings.ToUpper(s); phone.IsRegion(up) {
			return fmt.Errorf("%q is not a region of phone numbers; did you mean %q?", s, up)
		}
		if canonical, ok := iso3166(s); ok && phone.IsRegion(canonical) {
			return fmt.Errorf("%q is not a region of phone numbers; did you mean %q?", s, canonical)
		}
		return fmt.Errorf("%q is not a region of phone numbers: use an ISO 3166 code such as US, or 001 for numbers of no country", s)
	}
	*r = region(s)
	return nil
}

// ReadsNumbers lets 001 stand without quotes.
func (region) ReadsNumbers() {}

func (region) Describe() string { return "a region such as US" }

func (region) SchemaPattern() string { return `^([A-Z]{2}|001)$` }

// country is where an address is.
type country string

func (c *country) ParseText(s string) error {
	canonical, ok := iso3166(s)
	switch {
	case !ok:
		return fmt.Errorf("%q is not a country: use an ISO 3166 code such as US", s)
	case canonical != s:
		return fmt.Errorf("%q is not a country; did you mean %q?", s, canonical)
	}
	*c = country(s)
	return nil
}

func (country) Describe() string { return "a country such as US" }

func (country) SchemaPattern() string { return `^[A-Z]{2}$` }

// iso3166 returns the ISO 3166 code that s stands for: "uk" is GB. Kosovo's
// XK, which databases use, counts as one.
func iso3166(s string) (string, bool) {
	if len(s) != 2 {
		return "", false
	}
	r, err := language.ParseRegion(s)
	if err != nil {
		return "", false
	}
	r = r.Canonicalize()
	return r.String(), r.IsCountry()
}

type numberType struct{ phone.Type }

func (t *numberType) ParseText(s string) error {
	typ, ok := phone.ParseType(s)
	if !ok {
		return wordError("type of number", s, numberTypes())
	}
	t.Type = typ
	return nil
}

func (numberType) Words() []string { return numberTypes() }

func numberTypes() []string {
	var words []string
	for _, t := range phone.Types() {
		words = append(words, t.String())
	}
	return words
}

// forbidden is what number.deny names: a prefix, or a list.
type forbidden struct{ prefix, list string }

func (f *forbidden) ParseText(s string) error {
	if listName.MatchString(s) {
		f.list = s
		return nil
	}
	canonical, err := phone.ParsePrefix(s)
	if err != nil {
		return err
	}
	f.prefix = canonical
	return nil
}

func (f forbidden) String() string {
	if f.list != "" {
		return text(f.list)
	}
	return strconv.Quote(f.prefix)
}

// listName is what the name of a list of numbers looks like: nothing that could
// be meant for a number.
var listName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

type asn uint32

func (a *asn) ParseText(s string) error {
	digits := s
	if len(s) > 2 && strings.EqualFold(s[:2], "AS") {
		digits = s[2:]
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n == 0 || n == math.MaxUint32 {
		return fmt.Errorf("%q is not the number of an autonomous system: use 64500 or AS64500", s)
	}
	*a = asn(n)
	return nil
}

// ReadsNumbers lets 64500 stand without quotes.
func (asn) ReadsNumbers() {}

func (asn) Describe() string { return "an autonomous system such as 64500" }

type matchWord string

func (matchWord) Words() []string { return []string{"deny", "challenge", "flag", "off"} }

type unknownWord string

func (unknownWord) Words() []string { return []string{"deny", "challenge", "flag", "allow"} }

type allowWord string

func (allowWord) Words() []string { return []string{"deny", "allow"} }

// listFormat is how a file lists addresses.
type listFormat string

func (listFormat) Words() []string {
	var words []string
	for _, f := range feed.Formats {
		words = append(words, string(f))
	}
	return words
}

type requireWord string

func (requireWord) Words() []string { return []string{"always", "guarded", "challenged", "never"} }

type fallbackWord string

func (fallbackWord) Words() []string { return []string{"deny"} }

type thenWord string

func (thenWord) Words() []string { return []string{"allow", "challenge", "flag", "deny"} }

type acrossWord string

func (acrossWord) Words() []string { return []string{"all"} }

// awayWord is what becomes of a limit while the server of the ledger is away.
type awayWord string

func (awayWord) Words() []string { return []string{"share", "local", "deny"} }

func (w awayWord) means() ledger.Away {
	return map[awayWord]ledger.Away{"share": ledger.Share, "local": ledger.Local, "deny": ledger.Deny}[w]
}

type cooldownWord string

func (cooldownWord) Words() []string { return []string{"show", "hide"} }

type countWord string

var counts = map[countWord]ledger.Count{
	"sends": ledger.Sends, "unverified": ledger.Unverified, "requests": ledger.Requests,
	"refusals": ledger.Refusals, "wrong_codes": ledger.WrongCodes,
}

func (countWord) Words() []string {
	return []string{"sends", "unverified", "requests", "refusals", "wrong_codes"}
}

// sign is one thing by which answers of an app are told apart.
type sign struct{ answer.Sign }

func (s *sign) ParseText(text string) (err error) {
	s.Sign, err = answer.ParseSign(text)
	return err
}

// ReadsNumbers lets 422 stand without quotes.
func (sign) ReadsNumbers() {}

func (sign) Describe() string { return "a sign such as 422, 400-499 or json /status = OK" }

// answerSource is where a value stands in an answer.
type answerSource struct{ answer.Source }

func (s *answerSource) ParseText(text string) (err error) {
	s.Source, err = answer.ParseSource(text)
	return err
}

func (answerSource) Describe() string { return "a place such as json /id" }

func (answerSource) SchemaPattern() string { return `^(json|header|cookie|location) .+$` }

// wordError says that got is none of the accepted words.
func wordError(what, got string, accepted []string) error {
	meant := ""
	if near := strict.Nearest(got, accepted); near != "" {
		meant = fmt.Sprintf("did you mean %q? ", near)
	}
	return fmt.Errorf("%q is not a %s; %saccepted: %s", got, what, meant, strings.Join(accepted, ", "))
}
