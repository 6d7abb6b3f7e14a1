package network

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// expected reads what a database was made from: a list of networks, each with
// its record.
func expected[T any](t *testing.T, path string) map[netip.Prefix]T {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]T
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	networks := make(map[netip.Prefix]T)
	for _, row := range rows {
		for network, record := range row {
			networks[netip.MustParsePrefix(network)] = record
		}
	}
	return networks
}

// ends returns the first and the last address of p, of which nothing narrower
// in networks says something else.
func ends[T any](networks map[netip.Prefix]T, p netip.Prefix) (addrs []netip.Addr) {
	for _, a := range []netip.Addr{p.Masked().Addr(), lastOf(p.Masked())} {
		narrower := false
		for q := range networks {
			narrower = narrower || q.Bits() > p.Bits() && q.Contains(a)
		}
		if !narrower {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

func TestMaxMindCountries(t *testing.T) {
	folder := dataFolder(t, "maxmind-db")
	if folder == "" {
		return
	}
	for _, name := range []string{"GeoIP2-Country-Test", "GeoLite2-Country-Test"} {
		t.Run(name, func(t *testing.T) {
			d, err := OpenDatabase(filepath.Join(folder, "test-data", name+".mmdb"))
			if err != nil {
				t.Fatal(err)
			}
			type record struct {
				Country struct {
					Code string `json:"iso_code"`
				}
			}
			asked, answered := 0, 0
			networks := expected[record](t, filepath.Join(folder, "source-data", name+".json"))
			for p, want := range networks {
				for _, a := range ends(networks, p) {
					asked++
					got := country(d, a.String())
					if got != want.Country.Code {
						t.Errorf("%s in %s: got %q, want %q", a, p, got, want.Country.Code)
					}
					if got != "" {
						answered++
					}
				}
			}
			t.Logf("%d addresses of %d networks agree, %d have a country", asked, len(networks), answered)
			if answered < 100 {
				t.Errorf("only %d have a country", answered)
			}
		})
	}
}

func TestMaxMindASNs(t *testing.T) {
	folder := dataFolder(t, "maxmind-db")
	if folder == "" {
		return
	}
	d, err := OpenDatabase(filepath.Join(folder, "test-data", "GeoLite2-ASN-Test.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	type record struct {
		ASN uint32 `json:"autonomous_system_number"`
		Org string `json:"autonomous_system_organization"`
	}
	networks := expected[record](t, filepath.Join(folder, "source-data", "GeoLite2-ASN-Test.json"))
	for p, want := range networks {
		for _, a := range ends(networks, p) {
			if got := asn(d, a.String()); got != (system{want.ASN, want.Org}) {
				t.Errorf("%s in %s: got %v, want %v", a, p, got, want)
			}
		}
	}
	if len(networks) < 100 {
		t.Errorf("only %d networks", len(networks))
	}
}

// TestMaxMindDatabases opens every test database as both kinds. Those named
// here are what they are, all others are refused.
func TestMaxMindDatabases(t *testing.T) {
	folder := dataFolder(t, "maxmind-db/test-data")
	if folder == "" {
		return
	}
	const swedish, american = "89.160.20.112", "216.160.83.56"
	countries := map[string]string{
		"GeoIP2-Country-Test": "SE", "GeoIP2-Country-Shield-Test": "SE", "GeoLite2-Country-Test": "SE",
		"GeoIP2-City-Test": "SE", "GeoIP2-City-Shield-Test": "SE", "GeoLite2-City-Test": "SE",
		"GeoIP2-City-Test-Broken-Double-Format": "SE", // broken where nothing is read
		"GeoIP2-Enterprise-Test":                "SE", "GeoIP2-Enterprise-Shield-Test": "SE",
		"GeoIP2-Precision-Enterprise-Test": "SE", "GeoIP2-Precision-Enterprise-Shield-Test": "SE",
	}
	asns := map[string]uint32{
		"GeoLite2-ASN-Test": 209, "GeoIP2-ISP-Test": 209,
		"GeoIP2-Enterprise-Test": 209, "GeoIP2-Enterprise-Shield-Test": 209,
		"GeoIP2-Precision-Enterprise-Test": 209, "GeoIP2-Precision-Enterprise-Shield-Test": 209,
	}
	for _, path := range databasesIn(t, folder) {
		name := filepath.Base(path)
		name = name[:len(name)-len(".mmdb")]
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			probe(t, data)
			d, err := OpenDatabase(path, CountryField)
			if want, ok := countries[name]; ok != (err == nil) {
				t.Errorf("as a country database: %v", err)
			} else if ok && country(d, swedish) != want {
				t.Errorf("%s: got %q, want %q", swedish, country(d, swedish), want)
			}
			e, err := OpenDatabase(path, ASNField)
			if want, ok := asns[name]; ok != (err == nil) {
				t.Errorf("as an ASN database: %v", err)
			} else if ok && asn(e, american).asn != want {
				t.Errorf("%s: got %v, want %d", american, asn(e, american), want)
			}
		})
	}
}
