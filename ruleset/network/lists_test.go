package network

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestListsOf(t *testing.T) {
	l := lists(t,
		list("wide", "198.51.100.0/24 2001:db8::/32"),
		list("narrow", "198.51.100.64/26 2001:db8:1::/48 198.51.100.0/24", 64496),
		list("single", "198.51.100.70 2001:db8:1::1"),
		list("numbers", "", 64496, 64500),
		list("apart", "203.0.113.0/25"),
		list("nothing", ""),
	)
	for _, tt := range []struct {
		name, addr string
		asn        uint32
		want       string
	}{
		{"in none", "192.0.2.1", 0, ""},
		{"in two by one network", "198.51.100.1", 0, "wide narrow"},
		{"in three by three", "198.51.100.70", 0, "wide narrow single"},
		{"mapped", "::ffff:198.51.100.70", 0, "wide narrow single"},
		{"zone", "2001:db8:1::1%eth0", 0, "wide narrow single"},
		{"IPv6", "2001:db8:2::1", 0, "wide"},
		{"by ASN", "192.0.2.1", 64500, "numbers"},
		{"by ASN in two", "192.0.2.1", 64496, "narrow numbers"},
		{"by both", "198.51.100.70", 64500, "wide narrow single numbers"},
		{"unlisted ASN", "203.0.113.1", 64511, "apart"},
		{"just outside", "203.0.113.128", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := l.Of(netip.MustParseAddr(tt.addr), tt.asn)
			if names := strings.Join(l.Names(got), " "); names != tt.want {
				t.Errorf("got %q, want %q", names, tt.want)
			}
		})
	}
	if got := l.Of(netip.Addr{}, 64500); strings.Join(l.Names(got), " ") != "numbers" {
		t.Errorf("no address, but an ASN: got %v", l.Names(got))
	}
	if i, ok := l.Index("single"); i != 2 || !ok {
		t.Errorf("Index(single) = %d, %v", i, ok)
	}
	if _, ok := l.Index("singel"); ok {
		t.Error("Index knows a list that is not there")
	}
}

func TestNoLists(t *testing.T) {
	for name, l := range map[string]*Lists{"nil": nil, "zero": {}, "none": lists(t)} {
		for _, addr := range []string{"192.0.2.1", "2001:db8::1"} {
			if s := l.Of(netip.MustParseAddr(addr), 64496); !s.IsEmpty() || len(l.Names(Set{1})) != 0 || l.Len() != 0 {
				t.Errorf("%s: lists hold something", name)
			}
		}
		if _, ok := l.Index("a"); ok {
			t.Errorf("%s: lists have a name", name)
		}
	}
}

func TestNewListsRefuses(t *testing.T) {
	many := make([]List, MaxLists+1)
	for i := range many {
		many[i].Name = fmt.Sprint("list", i)
	}
	for _, tt := range []struct {
		name  string
		lists []List
		want  string
	}{
		{"too many", many, "129 lists: want 128 at most"},
		{"no name", []List{{Name: "a"}, {}}, "list 2 has no name"},
		{"same name", []List{{Name: "a"}, {Name: "a"}}, `list "a" is given twice`},
		{"every address", []List{list("a", "0.0.0.0/0")}, `list "a": 0.0.0.0/0 is not a network that a list can hold`},
		{"every mapped address", []List{list("a", "::ffff:0:0/96")}, `list "a": ::ffff:0.0.0.0/96 is not a network that a list can hold`},
		{"no prefix", []List{{Name: "a", Prefixes: make([]netip.Prefix, 1)}}, `list "a": invalid Prefix is not a network that a list can hold`},
		{"no ASN", []List{list("a", "", 0)}, `list "a": 0 is not an ASN`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewLists(tt.lists); message(err) != tt.want {
				t.Errorf("error %q, want %q", message(err), tt.want)
			}
		})
	}
	full := lists(t, many[:MaxLists]...)
	if names := full.Names(Set{^uint64(0), ^uint64(0)}); len(names) != MaxLists || names[127] != "list127" {
		t.Errorf("128 lists: names are %v", names)
	}
}

// slowLists is the obvious twin of Lists: it looks at every network.
type slowLists []List

func (s slowLists) of(a netip.Addr, asn uint32) (set Set) {
	for i, l := range s {
		if slices.ContainsFunc(l.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) || slices.Contains(l.ASNs, asn) {
			set = set.With(i)
		}
	}
	return set
}

func TestListsAgreeWithTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := make([]List, rapid.IntRange(0, 8).Draw(t, "lists"))
		var edges []netip.Addr
		for i := range given {
			given[i].Name = fmt.Sprint("list", i)
			for range rapid.IntRange(0, 12).Draw(t, "networks") {
				a := drawAddr(t, "network")
				p := netip.PrefixFrom(a, rapid.IntRange(1, a.BitLen()).Draw(t, "length"))
				given[i].Prefixes = append(given[i].Prefixes, p)
				first, last := p.Masked().Addr(), lastOf(p.Masked())
				edges = append(edges, first, last, first.Prev(), last.Next())
			}
			given[i].ASNs = rapid.SliceOfN(rapid.Uint32Range(64496, 64499), 0, 2).Draw(t, "ASNs")
		}
		fast, err := NewLists(given)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			edges = append(edges, drawAddr(t, "address"))
		}
		for _, a := range edges {
			if !a.IsValid() { // before the first address, or after the last
				continue
			}
			asn := rapid.Uint32Range(64495, 64500).Draw(t, "ASN")
			if got, want := fast.Of(a, asn), slowLists(given).of(a, asn); got != want {
				t.Fatalf("%s AS%d: got %x, want %x", a, asn, got, want)
			}
		}
	})
}

func TestListsDoNotAllocate(t *testing.T) {
	l := lists(t, randomLists(5, 1000)...)
	a := netip.MustParseAddr("::ffff:198.51.100.1")
	if n := testing.AllocsPerRun(100, func() { l.Of(a, 64496) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkListsOf(b *testing.B) {
	const prefixes = 200_000
	given := randomLists(5, prefixes/5)
	l, grown := builtWith(b, given)
	addrs := make([]netip.Addr, 4096)
	want := make([]Set, len(addrs))
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range addrs {
		p := given[i%5].Prefixes[rng.IntN(prefixes/5)] // half are in some list
		addrs[i] = p.Addr()
		if i%2 == 1 {
			addrs[i] = randomAddr(rng, p.Addr().Is4())
		}
		if i < 16 {
			want[i] = slowLists(given).of(addrs[i], 0)
			if got := l.Of(addrs[i], 64496); got != want[i] {
				b.Fatalf("%s: got %x, want %x", addrs[i], got, want[i])
			}
		}
	}
	b.Run(fmt.Sprintf("prefixes=%d", prefixes), func(b *testing.B) {
		b.ReportAllocs()
		var some Set
		i := 0
		for b.Loop() {
			some = some.Or(l.Of(addrs[i%len(addrs)], 64496))
			i++
		}
		if some.IsEmpty() {
			b.Fatal("no address is in any list")
		}
		b.ReportMetric(grown/prefixes, "B/prefix")
	})
}

func BenchmarkNewLists(b *testing.B) {
	given := randomLists(5, 40_000)
	b.Run("prefixes=200000", func(b *testing.B) {
		for b.Loop() {
			if l := lists(b, given...); l.Len() == 0 {
				b.Fatal("empty")
			}
		}
	})
}

// builtWith returns the table and by how many bytes the heap has grown.
func builtWith(tb testing.TB, given []List) (*Lists, float64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := lists(tb, given...)
	runtime.GC()
	runtime.ReadMemStats(&after)
	return l, float64(after.HeapAlloc) - float64(before.HeapAlloc)
}

// randomLists returns n lists of size networks each, of the lengths that real
// lists have, one in four of them IPv6.
func randomLists(n, size int) []List {
	rng := rand.New(rand.NewPCG(1, 2))
	given := make([]List, n)
	for i := range given {
		given[i] = List{Name: fmt.Sprint("list", i), ASNs: []uint32{64500 + uint32(i)}}
		for j := range size {
			a := randomAddr(rng, j%4 != 0)
			length := []int{16, 20, 22, 24, 24, 24, 28, 32}[rng.IntN(8)]
			if a.Is6() {
				length = []int{32, 40, 48, 48, 56, 64, 64, 128}[rng.IntN(8)]
			}
			given[i].Prefixes = append(given[i].Prefixes, netip.PrefixFrom(a, length).Masked())
		}
	}
	return given
}

func randomAddr(rng *rand.Rand, v4 bool) netip.Addr {
	hi, lo := rng.Uint64(), rng.Uint64()
	if v4 {
		return netip.AddrFrom4([4]byte{byte(1 + lo%223), byte(lo >> 8), byte(lo >> 16), byte(lo >> 24)})
	}
	b := [16]byte{0x20, byte(hi % 8), byte(hi >> 8), byte(hi >> 16), byte(hi >> 24), byte(hi >> 32), byte(hi >> 40), byte(hi >> 48)}
	for i := range 8 {
		b[8+i] = byte(lo >> (8 * i))
	}
	return netip.AddrFrom16(b)
}

// list makes a List of prefixes and addresses, which ParseEntry need not accept.
func list(name, prefixes string, asns ...uint32) List {
	l := List{Name: name, ASNs: asns}
	for _, s := range strings.Fields(prefixes) {
		if a, err := netip.ParseAddr(s); err == nil {
			l.Prefixes = append(l.Prefixes, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		l.Prefixes = append(l.Prefixes, netip.MustParsePrefix(s))
	}
	return l
}

func lists(tb testing.TB, given ...List) *Lists {
	tb.Helper()
	l, err := NewLists(given)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}
