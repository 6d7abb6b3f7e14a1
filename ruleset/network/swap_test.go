package network

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// Lists are replaced and databases swapped while they are in use: each answer is
// that of one state of each, and none fails.
func TestSwap(t *testing.T) {
	const swaps = 200
	world := func(code string, asn uint32) []byte {
		return makeDatabase(t, "Test-"+code, []entry{{"192.0.2.0/24", m{
			"country_code": mmdbtype.String(code), "autonomous_system_number": mmdbtype.Uint32(asn),
		}}})
	}
	worlds := [][]byte{world("US", 64496), world("CA", 64497)}
	f, err := follow(t, worlds[0])
	if err != nil {
		t.Fatal(err)
	}
	// One list holds the address at all times, one of two others in turn.
	geofeed := func(code string) *Countries {
		return NewCountries([]CountryOf{{netip.MustParsePrefix("192.0.2.0/24"), code}})
	}
	odd := List{Name: "odd", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/25")}, Countries: geofeed("GB")}
	even := List{Name: "even", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/26")}, Countries: geofeed("FR")}
	l := lists(t, list("always", "192.0.2.0/24"), odd, List{Name: "even"})
	s := Sources{Databases: f.databases, Lists: l, Trust: Set{}.With(1).With(2)}

	a := netip.MustParseAddr("192.0.2.1")
	var done atomic.Bool
	var asked atomic.Int64
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !done.Load() {
				asked.Add(1)
				got := s.Facts(a)
				names := fmt.Sprint(l.Names(got.Lists))
				right := got.RelayCountry == "GB" && names == "[always odd]" || got.RelayCountry == "FR" && names == "[always even]"
				if !right || got.Country != got.RelayCountry || got.ASN != 64496 && got.ASN != 64497 || got.Err != nil {
					t.Errorf("mixed: %+v in %s", got, names)
					return
				}
			}
		})
	}
	for i := range swaps {
		f.write(worlds[i%2])
		f.wroteAt(f.now.Add(-2 * settled)) // as the clock goes on, so do times of files
		if said := f.refresh(); i > 0 && said == "" {
			t.Errorf("swap %d: nothing has changed", i)
		}
		from, to := odd, List{Name: "even"}
		if i%2 == 0 {
			from, to = List{Name: "odd"}, even
		}
		if err := l.Replace(from, to); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	readers.Wait()
	t.Logf("%d answers in %d swaps", asked.Load(), swaps)
	if asked.Load() < swaps {
		t.Error("hardly anybody asked")
	}
}

func TestReplace(t *testing.T) {
	l := lists(t, list("a", "192.0.2.0/24", 64496), list("b", "198.51.100.0/24"))
	in := func(addr string, asn uint32) string {
		return fmt.Sprint(l.Names(l.Of(netip.MustParseAddr(addr), asn)))
	}
	if err := l.Replace(list("b", "203.0.113.0/24 192.0.2.128/25", 64497)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		addr string
		asn  uint32
		want string
	}{{"192.0.2.1", 0, "[a]"}, {"192.0.2.200", 0, "[a b]"}, {"198.51.100.1", 0, "[]"}, {"203.0.113.1", 64496, "[a b]"}, {"198.51.100.1", 64497, "[b]"}} {
		if got := in(tt.addr, tt.asn); got != tt.want {
			t.Errorf("%s AS%d: in %s, want %s", tt.addr, tt.asn, got, tt.want)
		}
	}
	// All or none.
	for _, tt := range []struct {
		lists []List
		want  string
	}{
		{[]List{list("a", ""), list("c", "")}, `there is no list "c" to replace`},
		{[]List{list("a", ""), list("b", "0.0.0.0/0")}, `list "b": 0.0.0.0/0 is not a network that a list can hold`},
		{[]List{list("a", "", 0)}, `list "a": 0 is not an ASN`},
	} {
		if err := l.Replace(tt.lists...); message(err) != tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
		if got := in("192.0.2.200", 0); got != "[a b]" {
			t.Errorf("after an error: in %s", got)
		}
	}
}
