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
	asns := makeDatabase(t, "Test-ASN", []entry{{"192.0.2.0/24", m{"asn": mmdbtype.String("AS64496")}}})
	others := makeDatabase(t, "Test-Anonymous-IP", []entry{{"192.0.2.0/24", m{"is_anonymous": mmdbtype.Bool(true)}}})
	const (
		wantCountry = ": no record has country.iso_code, country_code or country; want a country database"
		wantASN     = ": no record has autonomous_system_number, asn or traits.autonomous_system_number; want an ASN database"
		notOne      = "is not a MaxMind DB file, or a damaged one: error opening database: invalid MaxMind DB file"
	)
	for _, tt := range []struct {
		name         string
		data         []byte
		country, asn string
	}{
		{"country database", countries, "", `is a country database (its type is "Test-Country")` + wantASN},
		{"ASN database", asns, `is an ASN database (its type is "Test-ASN")` + wantCountry, ""},
		{"other database", others,
			`holds other records (its type is "Test-Anonymous-IP")` + wantCountry,
			`holds other records (its type is "Test-Anonymous-IP")` + wantASN},
		{"no networks", makeDatabase(t, "Test", nil), "holds no networks", "holds no networks"},
		{"no codes", makeDatabase(t, "Test", []entry{{"192.0.2.0/24", m{"country_code": mmdbtype.String("us"), "asn": mmdbtype.String("-")}}}),
			"has country_code in its records, but never an ISO 3166 code in capitals, such as US",
			"has asn in its records, but never a number, such as 64496 or AS64496"},
		{"empty file", nil, "is empty", "is empty"},
		{"compressed", []byte("\x1f\x8b\x08rest"), "is compressed with gzip: unpack it first", "is compressed with gzip: unpack it first"},
		{"web page", []byte("<!doctype html>"), notOne, notOne},
		{"cut short", countries[:len(countries)/2], notOne, notOne},
		{"only its end", countries[bytes.LastIndex(countries, []byte("\xab\xcd\xefMaxMind.com")):],
			"is not a MaxMind DB file, or a damaged one: the MaxMind DB contains invalid metadata",
			"is not a MaxMind DB file, or a damaged one: the MaxMind DB contains invalid metadata"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := file(t, "test.mmdb", tt.data)
			if _, err := OpenCountry(path); message(err) != prefixed("opening country database "+path+": ", tt.country) {
				t.Errorf("country: %v\nwant %s", err, tt.country)
			}
			if _, err := OpenASN(path); message(err) != prefixed("opening ASN database "+path+": ", tt.asn) {
				t.Errorf("ASN: %v\nwant %s", err, tt.asn)
			}
		})
	}
	folder := t.TempDir()
	missing := filepath.Join(folder, "none.mmdb")
	if _, err := OpenCountry(missing); message(err) != "opening country database "+missing+": no such file or directory" {
		t.Errorf("missing: %v", err)
	}
	if _, err := OpenASN(folder); message(err) != "opening ASN database "+folder+": is a directory: want the .mmdb file in it" {
		t.Errorf("directory: %v", err)
	}
	huge := filepath.Join(folder, "huge.mmdb")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, MaxDatabase+1); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenASN(huge); message(err) != "opening ASN database "+huge+": is 1073741825 bytes large: want 1073741824 at most" {
		t.Errorf("huge: %v", err)
	}
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// probe opens data as both kinds of database and asks for many addresses.
// Whatever data is, answers are of the form promised and nothing panics. It
// reports how many addresses had one.
func probe(tb testing.TB, data []byte) (answers int) {
	if d, err := newCountryDB(data); err == nil {
		for _, a := range everywhere {
			code, err := d.Country(a)
			if code != "" && (err != nil || !IsCountry(code)) {
				tb.Errorf("%s: country %q, error %v", a, code, err)
			}
			if code != "" {
				answers++
			}
		}
	}
	if d, err := newASNDB(data); err == nil {
		for _, a := range everywhere {
			asn, org, err := d.ASN(a)
			if asn == 0 && org != "" || asn != 0 && err != nil || len(org) > maxText {
				tb.Errorf("%s: AS%d %q, error %v", a, asn, org, err)
			}
			if asn != 0 {
				answers++
			}
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
			for _, err := range []error{second(OpenCountry(path)), second(OpenASN(path))} {
				if err == nil {
					t.Error("opened")
				} else if !strings.Contains(err.Error(), path) {
					t.Errorf("the error does not say which file: %v", err)
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// A database that was cut short anywhere is refused.
func TestCutDatabases(t *testing.T) {
	for _, name := range []string{"geo/country.mmdb", "geo/asn.mmdb"} {
		data := sample(t, name)
		for n := range len(data) {
			if _, err := newCountryDB(data[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes is opened as a country database", name, n, len(data))
			}
			if _, err := newASNDB(data[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes is opened as an ASN database", name, n, len(data))
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
	d := countryDB(t, sample(t, "geo/country.mmdb"))
	d.db.reader.Metadata.RecordSize = 24
	d.db.reader.Metadata.NodeCount = 1 << 40 // so that the tree leads out of memory
	code, err := d.Country(netip.MustParseAddr("192.0.2.1"))
	if code != "" || err == nil {
		t.Errorf("got %q, %v", code, err)
	}
	func() {
		defer recovered(&err)
		panic("index out of range")
	}()
	if message(err) != "reading the database: index out of range" {
		t.Errorf("got %v", err)
	}
}
