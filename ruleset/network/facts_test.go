package network

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
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

// An address in a tunnel is judged by what the tunnel carries, but gains no
// trust by it.
func TestFactsOfTunnels(t *testing.T) {
	s := &Sources{
		Databases: DatabasesOf(database(t, makeDatabase(t, "Test", []entry{
			{"192.0.2.0/24", m{"country_code": mmdbtype.String("US"), "asn": mmdbtype.String("AS64496")}},
			{"2002::/16", m{"country_code": mmdbtype.String("AQ")}},
			{"2001::/32", m{"country_code": mmdbtype.String("AQ")}},
			{"64:ff9b::/96", m{"country_code": mmdbtype.String("AQ")}},
		}, noAliases))),
		Lists: lists(t,
			list("denied", "192.0.2.0/24"),
			list("denied system", "", 64496),
			list("relay", "192.0.2.0/24"),
			list("relay system", "", 64496),
			list("tunnels", "2002::/16 2001::/32 64:ff9b::/96"),
			list("trusted tunnels", "2002:c000:200::/40"),
		),
		Trust: Set{}.With(2).With(3).With(5),
	}
	s.Lists.replaceCountries(t, "relay", "192.0.2.0/24", "GB")
	for _, tt := range []struct{ addr, kind, inner, country, lists string }{
		{"192.0.2.1", "documentation", "", "GB", "denied,denied system,relay,relay system"},
		{"::ffff:192.0.2.1", "documentation", "", "GB", "denied,denied system,relay,relay system"},
		{"2002:c000:201::1", "6to4", "192.0.2.1", "US", "denied,denied system,tunnels,trusted tunnels"},
		{"2001:0:4136:e378:8000:63bf:3fff:fdfe", "teredo", "192.0.2.1", "US", "denied,denied system,tunnels"},
		{"64:ff9b::192.0.2.1", "nat64", "192.0.2.1", "GB", "denied,denied system,relay,relay system,tunnels"},
		{"64:ff9b:1::192.0.2.1", "nat64", "192.0.2.1", "GB", "denied,denied system,relay,relay system"},
		{"2002:a00:1::1", "6to4", "", "AQ", "tunnels"},
	} {
		f := s.Facts(netip.MustParseAddr(tt.addr))
		inner := ""
		if f.Inner.IsValid() {
			inner = f.Inner.String()
		}
		if lists := strings.Join(s.Lists.Names(f.Lists), ","); f.Kind.String() != tt.kind || inner != tt.inner || f.Country != tt.country || lists != tt.lists {
			t.Errorf("%s: %s, carries %q, in %s, lists %q", tt.addr, f.Kind, inner, f.Country, lists)
		}
	}
}

// replaceCountries gives a list of one network a country.
func (l *Lists) replaceCountries(t *testing.T, name, prefix, code string) {
	t.Helper()
	replacement := list(name, prefix)
	replacement.Countries = NewCountries([]CountryOf{{netip.MustParsePrefix(prefix), code}})
	if err := l.Replace(replacement); err != nil {
		t.Fatal(err)
	}
}

// Only lists that are trusted say where a person is, the first that knows.
func TestRelayCountry(t *testing.T) {
	s := sampleSources(t)
	given := lists(t, list("hosting", "192.0.2.0/24"), list("relay", "192.0.2.0/24"), list("other relay", "192.0.2.0/25"))
	given.replaceCountries(t, "hosting", "192.0.2.0/24", "DE")
	given.replaceCountries(t, "relay", "192.0.2.0/26", "GB")
	given.replaceCountries(t, "other relay", "192.0.2.0/25", "FR")
	s.Lists = given
	for _, tt := range []struct {
		trust               Set
		addr, relay, person string
	}{
		{Set{}, "192.0.2.1", "", "US"},
		{Set{}.With(1).With(2), "192.0.2.1", "GB", "GB"},
		{Set{}.With(1).With(2), "192.0.2.100", "FR", "FR"},
		{Set{}.With(1).With(2), "192.0.2.200", "", "US"},
		{Set{}.With(2), "192.0.2.1", "FR", "FR"},
	} {
		s.Trust = tt.trust
		if f := s.Facts(netip.MustParseAddr(tt.addr)); f.RelayCountry != tt.relay || f.Country != tt.person {
			t.Errorf("%s with trust %v: relay %q, country %q", tt.addr, tt.trust, f.RelayCountry, f.Country)
		}
	}
}

// Nothing that databases say of the relay is left beside another country.
func TestRelayElsewhere(t *testing.T) {
	s := &Sources{Databases: DatabasesOf(database(t, makeDatabase(t, "Test", []entry{{"192.0.2.0/24", m{
		"country": m{"iso_code": mmdbtype.String("US"), "confidence": mmdbtype.Uint16(90)}, "continent": mmdbtype.String("NA"),
		"region_code": mmdbtype.String("NY"), "registered_country": m{"iso_code": mmdbtype.String("US")},
	}}}))), Lists: lists(t, list("relay", "192.0.2.0/24")), Trust: Set{}.With(0)}
	a := netip.MustParseAddr("192.0.2.1")
	for code, want := range map[string]Facts{
		"US": {Country: "US", RelayCountry: "US", CountryConfidence: 90, Continent: "NA", Subdivision: "US-NY", Registered: "US"},
		"GB": {Country: "GB", RelayCountry: "GB", Registered: "US"},
	} {
		s.Lists.replaceCountries(t, "relay", "192.0.2.0/24", code)
		want.Addr, want.Kind, want.Lists = a, Documentation, Set{}.With(0)
		if got := s.Facts(a); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

// BenchmarkFactsOfMany asks a country, an ASN and an anonymous-ip database, and
// lists of 200,000 networks, for addresses that are not the same twice in a row.
func BenchmarkFactsOfMany(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	const networks = 100_000
	var countries, asns, anonymous []entry
	codes := strings.Fields("US CA GB DE FR CN IN BR JP AU")
	for len(countries) < networks {
		a := randomAddr(rng, rng.IntN(4) != 0)
		if KindOf(a) != Public {
			continue
		}
		bits, narrow := 22, 32
		if a.Is6() {
			bits, narrow = 40, 64
		}
		network := netip.PrefixFrom(a, bits).Masked().String()
		countries = append(countries, entry{network, m{"country": m{"iso_code": mmdbtype.String(codes[rng.IntN(len(codes))])}}})
		n := rng.IntN(50_000) + 1
		asns = append(asns, entry{network, m{"autonomous_system_number": mmdbtype.Uint32(n), "autonomous_system_organization": mmdbtype.String(fmt.Sprint("Example ", n))}})
		anonymous = append(anonymous, entry{netip.PrefixFrom(a, narrow).Masked().String(), m{"is_anonymous": mmdbtype.Bool(true), "is_anonymous_vpn": mmdbtype.Bool(true)}})
	}
	var databases []*Database
	for _, entries := range [][]entry{countries, asns, anonymous} {
		d := database(b, makeDatabase(b, "Test", entries, noAliases))
		b.Logf("%d networks, %d bytes in the file, %d in memory", d.info.Networks, d.info.Size, d.info.Memory)
		databases = append(databases, d)
	}
	s := &Sources{Databases: DatabasesOf(databases...), Lists: lists(b, randomLists(5, 40_000)...)}
	addrs := make([]netip.Addr, 8192)
	for i := range addrs {
		addrs[i] = netip.MustParsePrefix(asns[rng.IntN(networks)].network).Addr()
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if f := s.Facts(addrs[i%len(addrs)]); f.Country == "" || f.ASN == 0 {
			b.Fatalf("got %+v", f)
		}
		i++
	}
}

func BenchmarkOpenDatabase(b *testing.B) {
	data := sample(b, "geo/country.mmdb")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := newDatabase(data, nil); err != nil {
			b.Fatal(err)
		}
	}
}
