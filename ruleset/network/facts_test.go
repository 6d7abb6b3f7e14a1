package network

import (
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"
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
	country, err := OpenCountry(filepath.Join(root, "testdata/geo/country.mmdb"))
	if err != nil {
		tb.Fatal(err)
	}
	asn, err := OpenASN(filepath.Join(root, "testdata/geo/asn.mmdb"))
	if err != nil {
		tb.Fatal(err)
	}
	return &Sources{Country: country, ASN: asn, Lists: lists(tb, given...)}
}

func TestNothingIsKnown(t *testing.T) {
	a := netip.MustParseAddr("192.0.2.1")
	var none *Sources
	for name, s := range map[string]*Sources{"nil": none, "empty": {}} {
		if got := s.Facts(a); got != (Facts{Addr: a}) {
			t.Errorf("%s sources: got %+v", name, got)
		}
	}
	if got := sampleSources(t).Facts(netip.Addr{}); got != (Facts{}) {
		t.Errorf("no address: got %+v", got)
	}
}

// A database that fails takes nothing else with it.
func TestFailureIsUnknown(t *testing.T) {
	s := sampleSources(t)
	s.Country.db.reader.Metadata.NodeCount = 1 << 40 // leads out of memory
	got := s.Facts(netip.MustParseAddr("192.0.2.130"))
	if got.Country != "" || got.ASN != 64500 || strings.Join(s.Lists.Names(got.Lists), " ") != "hosting" {
		t.Errorf("got %+v", got)
	}
	if got.Err == nil || !strings.HasPrefix(got.Err.Error(), "looking up country: ") {
		t.Errorf("error %v", got.Err)
	}
}

// An ASN that only the database knows counts for lists of ASNs.
func TestFactsListsByASN(t *testing.T) {
	s := sampleSources(t)
	s.Lists = lists(t, list("hosting", "", 64500))
	if got := s.Facts(netip.MustParseAddr("192.0.2.130")); got.Lists != 1 {
		t.Errorf("got %+v", got)
	}
	if got := s.Facts(netip.MustParseAddr("192.0.2.1")); got.Lists != 0 {
		t.Errorf("got %+v", got)
	}
}

// Sources are swapped while they are in use: each answer is one state's.
func TestSwap(t *testing.T) {
	state := func(code string, asn uint32) *Sources {
		return &Sources{
			Country: countryDB(t, makeDatabase(t, "Test", []entry{{"192.0.2.0/24", m{"country_code": mmdbtype.String(code)}}})),
			ASN:     asnDB(t, makeDatabase(t, "Test", []entry{{"192.0.2.0/24", m{"autonomous_system_number": mmdbtype.Uint32(asn)}}})),
			Lists:   lists(t, list(code, "192.0.2.0/24")),
		}
	}
	states := []*Sources{state("US", 64496), state("CA", 64497)}
	a := netip.MustParseAddr("192.0.2.1")
	var now atomic.Pointer[Sources]
	now.Store(states[0])
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 2000 {
				s := now.Load()
				f := s.Facts(a)
				list := s.Lists.Names(f.Lists)[0]
				if f.Err != nil || list != f.Country || (f.Country == "US") != (f.ASN == 64496) {
					t.Errorf("mixed: %+v in list %s", f, list)
					return
				}
			}
		})
	}
	for i := range 2000 {
		now.Store(states[i%2])
	}
	readers.Wait()
}

// Records that share a slot of the cache are never taken for each other.
func TestManyRecords(t *testing.T) {
	const n = 5003
	entries := make([]entry, n)
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}) }
	for i := range entries {
		entries[i] = entry{addr(i).String() + "/24", m{"autonomous_system_number": mmdbtype.Uint32(i + 1)}}
	}
	d := asnDB(t, makeDatabase(t, "Test", entries))
	if got := d.Info().Records; got != n {
		t.Fatalf("%d records, want %d", got, n)
	}
	d.db.cache = newCache[asnRecord](n / 8)
	var readers sync.WaitGroup
	for g := range 2 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(g)))
			for range 3 * n {
				i := rng.IntN(n)
				if got, _, err := d.ASN(addr(i)); got != uint32(i+1) || err != nil {
					t.Errorf("%s: got %d, %v, want %d", addr(i), got, err, i+1)
				}
			}
		})
	}
	readers.Wait()
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
		if f := s.Facts(a); f.Country != "US" || f.ASN != 64500 || f.Lists != 3 {
			b.Fatalf("got %+v", f)
		}
	}
}

// BenchmarkASN asks for addresses whose records are cached, and for those of
// more records than are.
func BenchmarkASN(b *testing.B) {
	for name, records := range map[string]int{"records=100": 100, "records=50000": 50_000} {
		entries := make([]entry, records)
		addrs := make([]netip.Addr, records)
		for i := range entries {
			addrs[i] = netip.AddrFrom4([4]byte{byte(11 + i>>16), byte(i >> 8), byte(i), 0})
			entries[i] = entry{addrs[i].String() + "/24", m{
				"autonomous_system_number":       mmdbtype.Uint32(i + 1),
				"autonomous_system_organization": mmdbtype.String("Example " + addrs[i].String()),
			}}
		}
		d := asnDB(b, makeDatabase(b, "Test", entries))
		order := rand.New(rand.NewPCG(1, 2)).Perm(records)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				n := order[i%records]
				if asn, _, err := d.ASN(addrs[n]); asn != uint32(n+1) || err != nil {
					b.Fatalf("got %d, %v", asn, err)
				}
				i++
			}
		})
	}
}

func BenchmarkCountry(b *testing.B) {
	d := countryDB(b, sample(b, "geo/country.mmdb"))
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.200"), netip.MustParseAddr("2001:db8:1::1")}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if code, err := d.Country(addrs[i%3]); code != "US" || err != nil {
			b.Fatalf("got %q, %v", code, err)
		}
		i++
	}
}

func BenchmarkOpenCountry(b *testing.B) {
	data := sample(b, "geo/country.mmdb")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := newCountryDB(data); err != nil {
			b.Fatal(err)
		}
	}
}
