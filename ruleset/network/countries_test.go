package network

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestCountries(t *testing.T) {
	var entries []CountryOf
	for _, e := range [][2]string{
		{"192.0.2.0/24", "US"}, {"192.0.2.128/25", "CA"}, {"192.0.2.128/25", "MX"}, {"192.0.2.192/26", "EU"}, {"::ffff:203.0.113.0/120", "UK"},
		{"2001:db8::/32", "GB"}, {"2001:db8:1::1/128", "FR"},
	} {
		entries = append(entries, CountryOf{netip.MustParsePrefix(e[0]), e[1]})
	}
	c := NewCountries(append(entries, CountryOf{}))
	for address, want := range map[string]string{
		"192.0.2.1": "US", "192.0.2.130": "CA", "::ffff:192.0.2.130": "CA", "192.0.2.200": "", "192.0.3.0": "", "192.0.1.255": "",
		"203.0.113.7": "GB", "2001:db8::1": "GB", "2001:db8:1::1": "FR", "2001:db8:1::1%eth0": "FR", "2001:db8:1::2": "GB", "2001:db9::": "",
		"255.255.255.255": "", "::": "", "0.0.0.0": "",
	} {
		if code := c.Of(netip.MustParseAddr(address)); code != want {
			t.Errorf("%s: %q, want %q", address, code, want)
		}
	}
	var none *Countries
	if none.Of(netip.MustParseAddr("192.0.2.1")) != "" || none.Len() != 0 || c.Len() != 6 || c.Of(netip.Addr{}) != "" {
		t.Errorf("%d countries", c.Len())
	}
	if NewCountries(nil) != nil {
		t.Error("no entries make a table")
	}
	a := netip.MustParseAddr("192.0.2.130")
	if n := testing.AllocsPerRun(100, func() { c.Of(a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The table agrees with a walk over all entries.
func TestCountriesAgreeWithTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := []string{"US", "CA", "GB", "DE", "EU"}
		var entries []CountryOf
		for range rapid.IntRange(1, 20).Draw(t, "networks") {
			a := drawAddr(t, "network")
			p := netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "length")).Masked()
			entries = append(entries, CountryOf{p, rapid.SampledFrom(codes).Draw(t, "code")})
		}
		c := NewCountries(entries)
		for range 20 {
			a := drawAddr(t, "address")
			want, bits := "", -1
			for _, e := range entries {
				if e.Prefix.Contains(a) && e.Prefix.Bits() > bits {
					want, bits = canonicalCountry(e.Country), e.Prefix.Bits()
				}
			}
			if got := c.Of(a); got != want {
				t.Fatalf("%s: %q, want %q", a, got, want)
			}
		}
	})
}

func BenchmarkCountries(b *testing.B) {
	var entries []CountryOf
	for i := range 200_000 {
		a := netip.AddrFrom4([4]byte{20 + byte(i>>16), byte(i >> 8), byte(i), 0})
		entries = append(entries, CountryOf{netip.PrefixFrom(a, 24), []string{"US", "CA"}[i%2]})
	}
	c := NewCountries(entries)
	a := netip.MustParseAddr("21.5.6.7")
	b.ReportAllocs()
	for b.Loop() {
		if c.Of(a) != "US" {
			b.Fatal("not found")
		}
	}
}
