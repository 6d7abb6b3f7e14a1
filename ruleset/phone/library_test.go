package phone

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// libraryTypes are our types by the library's.
var libraryTypes = map[phonenumbers.PhoneNumberType]Type{
	phonenumbers.FIXED_LINE:           FixedLine,
	phonenumbers.MOBILE:               Mobile,
	phonenumbers.FIXED_LINE_OR_MOBILE: FixedLineOrMobile,
	phonenumbers.TOLL_FREE:            TollFree,
	phonenumbers.PREMIUM_RATE:         PremiumRate,
	phonenumbers.SHARED_COST:          SharedCost,
	phonenumbers.VOIP:                 VoIP,
	phonenumbers.PERSONAL_NUMBER:      PersonalNumber,
	phonenumbers.PAGER:                Pager,
	phonenumbers.UAN:                  UAN,
	phonenumbers.VOICEMAIL:            Voicemail,
	phonenumbers.UNKNOWN:              Unknown,
}

// A reading is what the library makes of a spelling.
type reading struct {
	e164, region string
	kind         Type
	valid        bool
	possible     bool
	code         int
	abroad       bool // written with the region's own prefix for calls abroad
}

// byLibrary reads raw as the library does; ok is false if it will not.
func byLibrary(raw, region string) (r reading, ok bool) {
	n, err := phonenumbers.ParseAndKeepRawInput(raw, region)
	if err != nil {
		return reading{}, false
	}
	r = reading{
		// Not Format: it drops leading zeros of all-zero numbers.
		e164:     "+" + strconv.Itoa(int(n.GetCountryCode())) + phonenumbers.GetNationalSignificantNumber(n),
		valid:    phonenumbers.IsValidNumber(n),
		possible: phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE,
		code:     int(n.GetCountryCode()),
		abroad:   n.GetCountryCodeSource() == phonenumbers.PhoneNumber_FROM_NUMBER_WITH_IDD,
	}
	if r.valid {
		r.region = phonenumbers.GetRegionCodeForNumber(n)
		r.kind = ourType(r.e164, libraryTypes[phonenumbers.GetNumberType(n)])
	}
	return r, true
}

// ourType is the type of a valid number that the library says is of a type:
// we know better what is behind the calling codes of no country.
func ourType(e164 string, kind Type) Type {
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e164, p) })
	}
	switch {
	case begins("+870", "+881", "+88213", "+88216"):
		return Satellite
	case begins("+882", "+883"):
		return InternationalNetwork
	}
	return kind
}

// disagrees compares our reading of raw with the library's. raw is digits,
// with a plus or without; the differences that the package documents are
// allowed, and no other.
func disagrees(raw, region string) error {
	n, err := Parse(raw, region)
	want, ok := byLibrary(raw, region)
	national := !strings.HasPrefix(raw, "+")
	if err != nil {
		switch {
		case !n.IsZero():
			return fmt.Errorf("%q %q: a number beside error %v", raw, region, err)
		case !ok || !want.valid && !want.possible:
			return nil
		case err == ErrNoRegion && region == "":
			return nil
		case err == ErrAmbiguous && !stable(want.e164):
			return nil
		case want.abroad && abroadDigits(raw, region) != want.e164[1:]:
			return nil // as behind a plus, only a trunk zero is forgiven
		case national:
			return fmt.Errorf("%q %q: %v, but the library reads %+v", raw, region, err, want)
		case want.e164 == raw:
			return fmt.Errorf("%q: %v, but the library reads it and takes nothing away", raw, err)
		case err == ErrAmbiguous && literallyValid(raw):
			return nil
		case strings.HasSuffix(raw, "0"+want.e164[1+len(strconv.Itoa(want.code)):]) && !literallyValid(raw) && stable(want.e164) && trunkZero(want, raw):
			return fmt.Errorf("%q: %v, but it is %s with a trunk zero", raw, err, want.e164)
		}
		return nil
	}

	if n.E164() != want.e164 {
		if national && strings.HasPrefix(raw, "00") && (!ok || !want.possible && !want.valid) {
			return disagreesOn(n, raw)
		}
		if ok && !want.possible && !want.valid && !n.Valid() {
			return fmt.Errorf("%q %q: %s, which nobody holds for possible", raw, region, n.E164())
		}
		return fmt.Errorf("%q %q: read as %s, by the library as %s (valid %t, possible %t)", raw, region, n.E164(), want.e164, want.valid, want.possible)
	}
	if n.Key() != n.E164() && !want.valid && n.Valid() {
		// An old spelling: the library knows the new one.
		want, _ = byLibrary(n.Key(), "")
	}
	if n.Valid() != want.valid || n.Region() != want.region || n.Type() != want.kind || n.CallingCode() != want.code || !n.Valid() && !want.possible {
		return fmt.Errorf("%q %q: %s %s %v valid %t, by the library %+v", raw, region, n.E164(), n.Region(), n.Type(), n.Valid(), want)
	}
	return nil
}

// disagreesOn compares n, read from 00 and more, with the library's reading of
// a plus and more.
func disagreesOn(n Number, raw string) error {
	plain, err := Parse("+"+raw[2:], "")
	if err != nil || plain != n {
		return fmt.Errorf("%q: read as %s, with a plus as %s (%v)", raw, n.E164(), plain.E164(), err)
	}
	return disagrees("+"+raw[2:], "")
}

// abroadDigits returns raw without the prefix for calls abroad that is dialled
// in region.
func abroadDigits(raw, region string) string {
	prefixes.once.Do(func() {
		prefixes.of = make(map[string]*regexp.Regexp)
		collection, err := phonenumbers.MetadataCollection()
		if err != nil {
			panic(err)
		}
		for _, m := range collection.GetMetadata() {
			prefixes.of[m.GetId()] = regexp.MustCompile("^(?:" + m.GetInternationalPrefix() + ")")
		}
	})
	return raw[len(prefixes.of[region].FindString(raw)):]
}

var prefixes struct {
	once sync.Once
	of   map[string]*regexp.Regexp
}

// A comparison reports where we and the library differ, at most twenty times.
type comparison struct {
	t            *testing.T
	turn, failed int
}

func (c *comparison) of(raw, region string) {
	c.t.Helper()
	if c.turn++; c.turn%sample != 0 {
		return
	}
	err := disagrees(raw, region)
	if err == nil {
		return
	}
	c.t.Error(err)
	if c.failed++; c.failed == 20 {
		c.t.Fatal("and more")
	}
}

// stable reports whether the library reads e164 as itself.
func stable(e164 string) bool {
	again, ok := byLibrary(e164, "")
	return ok && again.e164 == e164
}

// literallyValid reports whether the digits of raw are a number as they are.
func literallyValid(raw string) bool {
	digits := values(raw[1:])
	code, p := lookup(digits)
	return p != nil && walk(p.numbers, digits[codeLen(code):]) != 0
}

// trunkZero reports whether raw is want with the trunk prefix of its calling
// code.
func trunkZero(want reading, raw string) bool {
	code := "+" + strconv.Itoa(want.code)
	trunk := phonenumbers.GetNddPrefixForRegion(phonenumbers.GetRegionCodeForCountryCode(want.code), true)
	return strings.HasPrefix(trunk, "0") && raw == code+trunk+strings.TrimPrefix(want.e164, code)
}

func values(text string) []byte {
	digits := []byte(text)
	for i := range digits {
		digits[i] -= '0'
	}
	return digits
}

// seeds returns example numbers of every region and type.
func seeds() []string {
	var out []string
	for _, region := range Regions() {
		if region == nowhere {
			continue
		}
		for kind := range libraryTypes {
			if n := phonenumbers.GetExampleNumberForType(region, kind); n != nil {
				out = append(out, phonenumbers.Format(n, phonenumbers.E164))
			}
		}
	}
	for code := range phonenumbers.GetSupportedGlobalNetworkCallingCodes() {
		out = append(out, phonenumbers.Format(phonenumbers.GetExampleNumberForNonGeoEntity(code), phonenumbers.E164))
	}
	return out
}

func TestLibraryAgreesOnExamples(t *testing.T) {
	for _, e164 := range seeds() {
		if err := disagrees(e164, ""); err != nil {
			t.Error(err)
		}
	}
}

// TestLibraryAgreesAround takes every example number and changes it a little:
// every digit by every other, one more, one less, and all of it as dialled in
// its own and in other countries.
func TestLibraryAgreesAround(t *testing.T) {
	t.Parallel()
	dialled := []string{"", "0", "00", "011", "1", "8", "06", "810", "0015", "9"}
	rng := rand.New(rand.NewPCG(1, 2))
	all := Regions()
	compare := comparison{t: t}
	for _, e164 := range seeds() {
		compare.of(e164+"0", "")
		compare.of(e164[:len(e164)-1], "")
		for at := 1; at < len(e164); at++ {
			for d := byte('0'); d <= '9'; d++ {
				changed := []byte(e164)
				changed[at] = d
				compare.of(string(changed), "")
			}
		}
		n, err := Parse(e164, "")
		if err != nil {
			t.Fatal(err)
		}
		national := e164[1+codeLen(n.code):]
		for _, prefix := range dialled {
			compare.of(prefix+national, n.Region())
			compare.of(prefix+e164[1:], n.Region())
			compare.of(prefix+e164[1:], all[rng.IntN(len(all))])
			compare.of(prefix+national, all[rng.IntN(len(all))])
			compare.of(e164[:1+codeLen(n.code)]+prefix+national, "")
		}
	}
}

// TestLibraryAgreesOnEveryStep goes each step of the automaton once: from
// every state by every digit, and on to the nearest number, or to the length
// of one where there is none. A pattern that ends at another digit than the
// library's shows here.
func TestLibraryAgreesOnEveryStep(t *testing.T) {
	t.Parallel()
	compare := comparison{t: t}
	nearest := completions()
	seen := make([]bool, len(table)/stateSize)
	for code, at := range planOf {
		if at == 0 {
			continue
		}
		type visit struct {
			state uint16
			path  string
		}
		queue := []visit{{plans[at-1].numbers, ""}}
		for len(queue) > 0 {
			v := queue[0]
			queue = queue[1:]
			if v.state == 0 || seen[v.state] {
				continue
			}
			seen[v.state] = true
			for d := range 10 {
				next := word(int(v.state)*stateSize + 2*d)
				path := v.path + strconv.Itoa(d)
				rest := nearest[next]
				if next == 0 {
					rest = nearest[v.state]
					rest = rest[min(1, len(rest)):]
				}
				compare.of(fmt.Sprintf("+%d%s%s", code, path, rest), "")
				queue = append(queue, visit{next, path})
			}
		}
	}
}

// completions returns for each state the shortest digits from it to a number.
func completions() []string {
	nearest := make([]string, len(table)/stateSize)
	known := make([]bool, len(nearest))
	var find func(state int) (string, bool)
	find = func(state int) (string, bool) {
		if state == 0 {
			return "", false
		}
		if known[state] {
			return nearest[state], true
		}
		best, ok := "", word(state*stateSize+20) != 0
		for d := 0; d < 10 && !(ok && best == ""); d++ {
			if rest, found := find(int(word(state*stateSize + 2*d))); found && (!ok || len(rest)+1 < len(best)) {
				best, ok = strconv.Itoa(d)+rest, true
			}
		}
		nearest[state], known[state] = best, true
		return best, ok
	}
	for state := range nearest {
		find(state)
	}
	return nearest
}

// TestLibraryAgreesAtRandom draws digits for every calling code and region.
func TestLibraryAgreesAtRandom(t *testing.T) {
	t.Parallel()
	const rounds = 300
	rng := rand.New(rand.NewPCG(3, 4))
	digits := func(n int) string {
		var b bytes.Buffer
		for range n {
			b.WriteByte(byte('0' + rng.IntN(10)))
		}
		return b.String()
	}
	compare := comparison{t: t}
	for code, at := range planOf {
		if at == 0 {
			continue
		}
		for range rounds {
			compare.of(fmt.Sprintf("+%d%s", code, digits(2+rng.IntN(14))), "")
		}
	}
	for _, region := range Regions() {
		for range rounds {
			compare.of(digits(2+rng.IntN(14)), region)
			compare.of("0"+digits(2+rng.IntN(12)), region)
		}
	}
	for range 1000 {
		compare.of("+"+digits(1+rng.IntN(18)), "")
	}
}
