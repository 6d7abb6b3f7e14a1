package phone

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	n := parse(t, "+5215512345678")
	got, err := json.Marshal(Describe(n))
	if err != nil {
		t.Fatal(err)
	}
	source, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"e164":"+5215512345678","key":"+525512345678","range":"+525512345","calling_code":52,"region":"MX","country":"Mexico","likely_region":"MX",` +
		`"type":"fixed_line_or_mobile","possible":true,"valid":true,"refused_by_default":false,"premium":false,"satellite":false,"metadata":` + string(source) + `}`
	if string(got) != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	if d := Describe(Number{}); d != (Description{Metadata: metadata}) {
		t.Errorf("nothing is described as %+v", d)
	}
	for raw, want := range map[string][3]bool{ // refused, premium, satellite
		"+19002123456":     {true, true, false},
		"+80812345678":     {true, true, false},
		"+881612345678":    {true, false, true},
		"+88213300123":     {true, false, true},
		"+883510012345678": {true, false, true},
		"+447400123456":    {false, false, false},
	} {
		n, err := Parse(raw, "")
		if err != nil || !n.Valid() {
			t.Errorf("%s is not valid: %v", raw, err)
		}
		d := Describe(n)
		if got := [3]bool{d.RefusedByDefault, d.Premium, d.Satellite}; got != want {
			t.Errorf("%s: %v %v, want %v", raw, d.Type, got, want)
		}
	}
}

func TestSatellite(t *testing.T) {
	for raw, want := range map[string]Type{
		"+870301234567":    Satellite,
		"+881612345678":    Satellite,
		"+8821612345678":   Satellite, // Thuraya
		"+88213300123":     Satellite, // EMSAT
		"+882390123456789": InternationalNetwork,
		"+88234851234567":  InternationalNetwork, // to the library a voicemail
		"+883510012345678": InternationalNetwork,
		"+878101234567890": VoIP,
		"+979123456789":    PremiumRate,
		"+80012345678":     TollFree,
	} {
		if n := parse(t, raw); n.Type() != want || n.Region() != nowhere {
			t.Errorf("%s is %v of %s, want %v", raw, n.Type(), n.Region(), want)
		}
	}
}

func TestDefaultRefused(t *testing.T) {
	want := []Type{TollFree, PremiumRate, SharedCost, PersonalNumber, Pager, UAN, Voicemail, Satellite, InternationalNetwork}
	if got := DefaultRefused(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, kept := range []Type{Unknown, FixedLine, Mobile, FixedLineOrMobile, VoIP, Type(200)} {
		if kept.RefusedByDefault() {
			t.Errorf("%v is refused", kept)
		}
	}
}

func TestLikelyRegion(t *testing.T) {
	for raw, want := range map[string]string{
		"+14155550123":  "US",
		"+18760550123":  "JM", // all of +1 876 is Jamaica's
		"+12420550123":  "BS",
		"+19995550123":  "", // no such area code yet, and 25 countries it could go to
		"+447700900123": "", // 770 is British and Jersey's
		"+447000012345": "GB",
		"+79990001122":  "RU",
		"+4915999":      "DE",
		"+33000000000":  "FR",
		"+39312345678":  "IT",
		"+881000000000": "001",
	} {
		n, err := Parse(raw, "")
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if got := n.LikelyRegion(); got != want {
			t.Errorf("%s (valid %t) is likely of %q, want %q", raw, n.Valid(), got, want)
		}
		if !n.Possible() {
			t.Errorf("%s is not possible", raw)
		}
	}
	if (Number{}).LikelyRegion() != "" || (Number{}).Possible() {
		t.Error("no number is likely or possible")
	}
}

func TestRegionName(t *testing.T) {
	for code, want := range map[string]string{"GB": "United Kingdom", "XK": "Kosovo", "AC": "Ascension Island", nowhere: "", "ZZ": "", "": ""} {
		if got := RegionName(code); got != want {
			t.Errorf("RegionName(%q) = %q, want %q", code, got, want)
		}
	}
	for _, code := range Regions() {
		if code != nowhere && RegionName(code) == "" {
			t.Errorf("%s has no name", code)
		}
	}
}

func TestMetadata(t *testing.T) {
	m := KnownFrom()
	date, err := time.Parse(time.DateOnly, m.Date)
	if err != nil || m.Library == "" {
		t.Errorf("%+v", m)
	}
	if got := m.Age(date.Add(36 * time.Hour)); got != 36*time.Hour {
		t.Errorf("Age = %v", got)
	}
	if got := (Metadata{}).Age(date); got != 0 {
		t.Errorf("age of nothing = %v", got)
	}
}
