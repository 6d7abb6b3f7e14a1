package network

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
)

// sampleSources returns the databases and lists in testdata.
func sampleSources(tb testing.TB) *Sources {
	tb.Helper()
	var given []List
	for _, name := range []string{"hosting", "relay", "tor", "vpn"} {
		prefixes, problems := ParseList(name, strings.NewReader(string(sample(tb, "lists/"+name+".txt"))))
		for _, p := range problems {
			tb.Error(p)
		}
		given = append(given, List{Name: name, Prefixes: prefixes})
	}
	databases, err := OpenDatabases(
		DatabaseFile{filepath.Join(root, "testdata/geo/country.mmdb"), []Field{CountryField}},
		DatabaseFile{filepath.Join(root, "testdata/geo/asn.mmdb"), []Field{ASNField}})
	if err != nil {
		tb.Fatal(err)
	}
	return &Sources{Databases: databases, Lists: lists(tb, given...)}
}

func TestNothingIsKnown(t *testing.T) {
	a := netip.MustParseAddr("192.0.2.1")
	var none *Sources
	for name, s := range map[string]*Sources{"nil": none, "empty": {}} {
		if got := s.Facts(a); got != (Facts{Addr: a, Kind: Documentation}) {
			t.Errorf("%s sources: got %+v", name, got)
		}
	}
	if got := sampleSources(t).Facts(netip.Addr{}); got != (Facts{}) {
		t.Errorf("no address: got %+v", got)
	}
}

// An ASN that only the database knows counts for lists of ASNs.
func TestFactsListsByASN(t *testing.T) {
	s := sampleSources(t)
	s.Lists = lists(t, list("hosting", "", 64500))
	if got := s.Facts(netip.MustParseAddr("192.0.2.130")); got.Lists != (Set{1}) {
		t.Errorf("got %+v", got)
	}
	if got := s.Facts(netip.MustParseAddr("192.0.2.1")); !got.Lists.IsEmpty() {
		t.Errorf("got %+v", got)
	}
}

func TestFactsDoNotAllocate(t *testing.T) {
	s := sampleSources(t)
	a := netip.MustParseAddr("::ffff:192.0.2.200")
	if n := testing.AllocsPerRun(100, func() { s.Facts(a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFacts(b *testing.B) {
	s := sampleSources(b)
	a := netip.MustParseAddr("192.0.2.200")
	b.ReportAllocs()
	for b.Loop() {
		if f := s.Facts(a); f.Country != "US" || f.ASN != 64500 || f.Lists != (Set{3}) {
			b.Fatalf("got %+v", f)
		}
	}
}
