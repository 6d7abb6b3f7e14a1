package network

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func TestCountryLayouts(t *testing.T) {
	names := m{"en": mmdbtype.String("Canada")}
	for _, tt := range []struct {
		name   string
		record m
	}{
		{"MaxMind Country, DB-IP", m{
			"continent":          m{"code": mmdbtype.String("NA")},
			"country":            m{"geoname_id": mmdbtype.Uint32(6251999), "iso_code": mmdbtype.String("CA"), "names": names},
			"registered_country": m{"iso_code": mmdbtype.String("FR")},
		}},
		{"MaxMind City and Enterprise", m{
			"city":                m{"names": m{"en": mmdbtype.String("Montreal")}},
			"country":             m{"confidence": mmdbtype.Uint16(99), "iso_code": mmdbtype.String("CA"), "is_in_european_union": mmdbtype.Bool(false)},
			"location":            m{"latitude": mmdbtype.Float64(45.5), "longitude": mmdbtype.Float64(-73.6)},
			"represented_country": m{"iso_code": mmdbtype.String("US")},
			"subdivisions":        mmdbtype.Slice{m{"iso_code": mmdbtype.String("QC")}},
			"traits":              m{"autonomous_system_number": mmdbtype.Uint32(64496)},
		}},
		{"ip-location-db", m{"country_code": mmdbtype.String("CA")}},
		{"IPinfo Lite", m{
			"as_domain": mmdbtype.String("example.com"), "as_name": mmdbtype.String("Example"), "asn": mmdbtype.String("AS64496"),
			"continent": mmdbtype.String("North America"), "continent_code": mmdbtype.String("NA"),
			"country": mmdbtype.String("Canada"), "country_code": mmdbtype.String("CA"),
		}},
		{"IPinfo country", m{"continent": mmdbtype.String("NA"), "country": mmdbtype.String("CA"), "country_name": mmdbtype.String("Canada")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := database(t, makeDatabase(t, "Test", []entry{{"192.0.2.0/24", tt.record}, {"2001:db8::/32", tt.record}}))
			for addr, want := range map[string]string{
				"192.0.2.1": "CA", "::ffff:192.0.2.1": "CA", "2001:db8::1": "CA", "2001:db8::1%eth0": "CA",
				"198.51.100.1": "", "2001:db9::1": "",
			} {
				if got := country(d, addr); got != want {
					t.Errorf("%s: got %q, want %q", addr, got, want)
				}
			}
			if info := d.Info(); !info.Tells(CountryField) || info.Records != 1 || info.Networks != 2 {
				t.Errorf("info is %+v", info)
			}
		})
	}
}

func TestCountryCodes(t *testing.T) {
	for in, want := range map[string]string{
		"US": "US", "GB": "GB", "UK": "GB", "XK": "XK", "HK": "HK", "BQ": "BQ",
		"EU": "", "AP": "", "": "", "us": "", "Us": "", "A1": "", "T1": "", "XX": "", "ZZ": "", "AN": "", "--": "",
		"USA": "", "U": "", "U\x00": "", "Ü": "", "United States": "",
	} {
		if got := canonicalCountry(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		if is := in == want && in != ""; IsCountry(in) != is {
			t.Errorf("IsCountry(%q) = %v", in, !is)
		}
	}
	if n := len(strings.Fields(countries)); n != 250 {
		t.Errorf("%d countries, want the 249 of ISO 3166-1 and Kosovo", n)
	}
}

// What a record does not say is not made up.
func TestCountryNotKnown(t *testing.T) {
	d := database(t, makeDatabase(t, "Test", []entry{
		{"192.0.2.0/28", m{"country": m{"iso_code": mmdbtype.String("US")}}},
		{"192.0.2.16/28", m{"registered_country": m{"iso_code": mmdbtype.String("US")}}},
		{"192.0.2.32/28", m{"country": m{"names": m{"en": mmdbtype.String("US")}}}},
		{"192.0.2.48/28", m{}},
		{"192.0.2.64/28", m{"country": m{"iso_code": mmdbtype.String("EU")}}},
		{"192.0.2.80/28", m{"country": m{"iso_code": mmdbtype.Uint32(7)}}},
		{"192.0.2.96/28", mmdbtype.String("US")},
		{"192.0.2.112/28", mmdbtype.Slice{mmdbtype.String("US")}},
		{"192.0.2.128/28", m{"country": mmdbtype.Slice{mmdbtype.String("US")}}},
		{"192.0.2.144/28", m{"country": m{"iso_code": mmdbtype.String("eu")}, "country_code": mmdbtype.String("US")}},
	}))
	for _, addr := range []string{
		"192.0.2.17", "192.0.2.33", "192.0.2.49", "192.0.2.65", "192.0.2.81", "192.0.2.97", "192.0.2.113", "192.0.2.129", "192.0.2.145", "192.0.2.161",
	} {
		if got := country(d, addr); got != "" {
			t.Errorf("%s: got %q", addr, got)
		}
	}
	if got := country(d, "192.0.2.1"); got != "US" {
		t.Errorf("192.0.2.1: got %q", got)
	}
}

func TestIPv4OnlyDatabase(t *testing.T) {
	data := makeDatabase(t, "Test", []entry{{"192.0.2.0/24", m{"country_code": mmdbtype.String("US")}}}, onlyIPv4)
	d := database(t, data)
	for addr, want := range map[string]string{"192.0.2.1": "US", "::ffff:192.0.2.1": "US", "2001:db8::1": "", "::1": ""} {
		if got := country(d, addr); got != want {
			t.Errorf("%s: got %q, want %q", addr, got, want)
		}
	}
	if !d.Info().IPv4 {
		t.Error("info does not tell that it knows of IPv4 only")
	}
}

func TestInfo(t *testing.T) {
	data := sample(t, "geo/country.mmdb")
	path := file(t, "country.mmdb", data)
	d, err := OpenDatabase(path)
	if err != nil {
		t.Fatal(err)
	}
	want := Info{
		Path: path, Type: "otpgate-sample-Country", Built: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Size: int64(len(data)), Records: 7, Networks: 18, Fields: []Field{CountryField},
	}
	got := d.Info()
	if got.Memory < 200 || got.Memory > 4000 {
		t.Errorf("it takes %d bytes", got.Memory)
	}
	if got.Memory = 0; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for now, want := range map[time.Time]time.Duration{
		want.Built.Add(time.Hour): time.Hour, want.Built: 0, want.Built.Add(-time.Hour): 0,
	} {
		if got.Age(now) != want {
			t.Errorf("at %v its age is %v", now, got.Age(now))
		}
	}
	if age := (Info{}).Age(want.Built); age != 0 {
		t.Errorf("a database that does not say when it was built has the age %v", age)
	}
}
