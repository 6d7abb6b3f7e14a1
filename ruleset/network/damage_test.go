package network

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func TestOpenRefuses(t *testing.T) {
	countries := makeDatabase(t, "Test-Country", []entry{{"192.0.2.0/24", m{"country_code": mmdbtype.String("US")}}})
	asns := makeDatabase(t, "Test-ASN", []entry{{"192.0.2.0/24", m{"asn": mmdbtype.String("AS64496"), "as_name": mmdbtype.String("Example")}}})
	const (
		wantCountry = ": no record has country.iso_code, country_code or country, with an ISO 3166 code in capitals"
		wantASN     = ": no record has autonomous_system_number, asn or traits.autonomous_system_number, with a number or text such as AS64496"
		notOne      = "is not a MaxMind DB file, or a damaged one: error opening database: invalid MaxMind DB file"
		sorts       = "want a database of countries, autonomous systems, anonymous addresses, connections or risks"
	)
	for _, tt := range []struct {
		name   string
		data   []byte
		wanted []Field
		want   string
	}{
		{"country database", countries, []Field{ASNField}, `does not tell asn, but country (its type is "Test-Country")` + wantASN},
		{"ASN database", asns, []Field{ASNField, CountryField}, `does not tell country, but asn and org (its type is "Test-ASN")` + wantCountry},
		{"other field", asns, []Field{RiskField}, `does not tell risk, but asn and org (its type is "Test-ASN")`},
		{"no codes", makeDatabase(t, "Test", []entry{{"192.0.2.0/24", m{"country_code": mmdbtype.String("us"), "asn": mmdbtype.String("-")}}}),
			[]Field{CountryField}, `does not tell country, and nothing else that is known (its type is "Test")` + wantCountry},
		{"no known keys", makeDatabase(t, "Test-Weather", []entry{{"192.0.2.0/24", m{"rain": mmdbtype.Bool(true), "wind": mmdbtype.String("west")}}}), nil,
			`tells nothing that is known (its type is "Test-Weather", its records have "rain, wind"): ` + sorts},
		{"empty records", makeDatabase(t, "Test", []entry{{"192.0.2.0/24", m{}}}), nil,
			`tells nothing that is known (its type is "Test", its records are empty): ` + sorts},
		{"no networks", makeDatabase(t, "Test", nil), nil, "holds no networks"},
		{"empty file", nil, nil, "is empty"},
		{"compressed", []byte("\x1f\x8b\x08rest"), nil, "is compressed with gzip: unpack it first"},
		{"web page", []byte("<!doctype html>"), nil, notOne},
		{"cut short", countries[:len(countries)/2], nil, notOne},
		{"only its end", countries[bytes.LastIndex(countries, []byte("\xab\xcd\xefMaxMind.com")):], nil,
			"is not a MaxMind DB file, or a damaged one: the MaxMind DB contains invalid metadata"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := file(t, "test.mmdb", tt.data)
			if _, err := OpenDatabase(path, tt.wanted...); message(err) != "opening database "+path+": "+tt.want {
				t.Errorf("%v\nwant %s", err, tt.want)
			}
		})
	}
	folder := t.TempDir()
	missing := filepath.Join(folder, "none.mmdb")
	if _, err := OpenDatabase(missing); message(err) != "opening database "+missing+": no such file or directory" {
		t.Errorf("missing: %v", err)
	}
	if _, err := OpenDatabase(folder); message(err) != "opening database "+folder+": is a directory: want the .mmdb file in it" {
		t.Errorf("directory: %v", err)
	}
	huge := filepath.Join(folder, "huge.mmdb")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, MaxDatabase+1); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDatabase(huge); message(err) != "opening database "+huge+": is 1073741825 bytes large: want 1073741824 at most" {
		t.Errorf("huge: %v", err)
	}
}

// probe opens data and asks for many addresses. Whatever data is, answers are
// of the form promised and nothing panics. It reports how many addresses had one.
func probe(tb testing.TB, data []byte) (answers int) {
	d, err := newDatabase(data, nil)
	if (err == nil) != (d != nil && len(d.info.Fields) > 0) {
		tb.Errorf("error %v, and it tells %v", err, d)
	}
	if err != nil {
		return 0
	}
	s := Sources{Databases: DatabasesOf(d)}
	for _, a := range everywhere {
		f := s.Facts(a)
		for _, code := range []string{f.Country, f.Registered, f.Represented} {
			if code != "" && !IsCountry(code) {
				tb.Errorf("%s: country %q", a, code)
			}
		}
		if f.ASN == 0 && f.Org != "" || len(f.Org) > maxText || f.Err != nil || f.CountryConfidence > 100 || f.Risk > 100 || f.StaticScore > 100 {
			tb.Errorf("%s: %+v", a, f)
		}
		if *d.record(Canonical(a)) != (record{}) {
			answers++
		}
	}
	return answers
}

// everywhere is an address here and there of IPv4 and of 2000::/3, and the
// corners.
var everywhere = func() []netip.Addr {
	addrs := []netip.Addr{{}, netip.MustParseAddr("::"), netip.MustParseAddr("::1"), netip.MustParseAddr("255.255.255.255"),
		netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), netip.MustParseAddr("::ffff:1.1.1.1"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8:1::1")}
	for i := 1; i < 256; i += 4 {
		b := byte(i)
		addrs = append(addrs, netip.AddrFrom4([4]byte{b, b, b, 1}), netip.AddrFrom16([16]byte{0x20 + b/8, b, 15: 1}))
	}
	return addrs
}()

func TestBadDatabases(t *testing.T) {
	folder := dataFolder(t, "maxmind-db/bad-data")
	if folder == "" {
		return
	}
	for _, path := range databasesIn(t, folder) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := probe(t, data); n != 0 {
				t.Errorf("%d answers from a corrupt database", n)
			}
			if _, err := OpenDatabase(path); err == nil {
				t.Error("opened")
			} else if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not say which file: %v", err)
			} else {
				t.Log(strings.TrimPrefix(err.Error(), "opening database "+path+": "))
			}
		})
	}
}

// A database that was cut short anywhere is refused.
func TestCutDatabases(t *testing.T) {
	for _, name := range []string{"geo/country.mmdb", "geo/asn.mmdb"} {
		data := sample(t, name)
		for n := range len(data) {
			if _, err := newDatabase(data[:n], nil); err == nil {
				t.Errorf("%s cut to %d of %d bytes is opened", name, n, len(data))
			}
		}
	}
}

// A database in which any one byte is wrong is refused, or answers in the form
// promised.
func TestFlippedDatabases(t *testing.T) {
	for _, name := range []string{"geo/country.mmdb", "geo/asn.mmdb"} {
		data := sample(t, name)
		for i := range data {
			was := data[i]
			for _, flip := range []byte{0x01, 0x80} {
				data[i] = was ^ flip
				probe(t, data)
			}
			data[i] = was
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sample(f, "geo/country.mmdb"))
	f.Add(sample(f, "geo/asn.mmdb"))
	f.Add(makeDatabase(f, "Test", []entry{{"192.0.2.0/24", m{"asn": mmdbtype.String("AS64496"), "country_code": mmdbtype.String("US")}}}, onlyIPv4))
	for _, name := range []string{"bad-data", "test-data"} {
		if folder := dataFolder(f, "maxmind-db/"+name); folder != "" {
			for _, path := range databasesIn(f, folder) {
				if data, err := os.ReadFile(path); err == nil && len(data) < 8192 {
					f.Add(data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { probe(t, data) })
}

// Panics of the reader become errors.
func TestPanicIsAnError(t *testing.T) {
	var err error
	func() {
		defer recovered(&err)
		panic("index out of range")
	}()
	if message(err) != "is damaged: reading it failed: index out of range" {
		t.Errorf("got %v", err)
	}
}
