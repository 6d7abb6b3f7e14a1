package network

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseEntry(t *testing.T) {
	const want = ": want 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1-192.0.2.9"
	for _, tt := range []struct{ name, in, want, err string }{
		{"address", "192.0.2.1", "192.0.2.1/32", ""},
		{"IPv6 address", "2001:db8::1", "2001:db8::1/128", ""},
		{"mapped address", "::ffff:192.0.2.1", "192.0.2.1/32", ""},
		{"network", "192.0.2.0/24", "192.0.2.0/24", ""},
		{"IPv6 network", "2001:db8::/32", "2001:db8::/32", ""},
		{"host bits", "192.0.2.77/24", "192.0.2.0/24", ""},
		{"IPv6 host bits", "2001:db8::77/32", "2001:db8::/32", ""},
		{"mapped network", "::ffff:192.0.2.0/120", "192.0.2.0/24", ""},
		{"mapped network with host bits", "::ffff:192.0.2.77/120", "192.0.2.0/24", ""},
		{"range of one", "192.0.2.1-192.0.2.1", "192.0.2.1/32", ""},
		{"range of a network", "192.0.2.0-192.0.2.255", "192.0.2.0/24", ""},
		{"crooked range", "192.0.2.1-192.0.2.9", "192.0.2.1/32 192.0.2.2/31 192.0.2.4/30 192.0.2.8/31", ""},
		{"range with blanks", "192.0.2.0 - 192.0.2.3", "192.0.2.0/30", ""},
		{"range to the end", "255.255.255.254-255.255.255.255", "255.255.255.254/31", ""},
		{"IPv6 range", "2001:db8::-2001:db8::1:ffff", "2001:db8::/111", ""},
		{"mapped range", "::ffff:192.0.2.0-192.0.2.1", "192.0.2.0/31", ""},

		{"empty", "", "", "an address is missing" + want},
		{"word", "example.com", "", `"example.com" is not an address` + want},
		{"three numbers", "192.0.2", "", `"192.0.2" is not an address` + want},
		{"leading zero", "192.0.02.1", "", `"192.0.02.1" is not an address` + want},
		{"length too long", "192.0.2.0/33", "", `"192.0.2.0/33" is not an address` + want},
		{"length missing", "192.0.2.0/", "", `"192.0.2.0/" is not an address` + want},
		{"netmask", "192.0.2.0/255.255.255.0", "", `"192.0.2.0/255.255.255.0" is not an address` + want},
		{"port", "192.0.2.1:443", "", `"192.0.2.1:443" is not an address` + want},
		{"long", strings.Repeat("x", 99), "", `"` + strings.Repeat("x", 43) + `"... is not an address` + want},
		{"zone", "fe80::1%eth0", "", `"fe80::1%eth0" has a zone, which means something on one machine only: write the address without it`},
		{"everything", "0.0.0.0/0", "", `"0.0.0.0/0" holds every address there is: leave it out, or write the networks that are meant`},
		{"everything, with host bits", "192.0.2.1/0", "", `"192.0.2.1/0" holds every address there is: leave it out, or write the networks that are meant`},
		{"every IPv6", "::/0", "", `"::/0" holds every address there is: leave it out, or write the networks that are meant`},
		{"every mapped", "::ffff:0:0/96", "", `"::ffff:0:0/96" holds every address there is: leave it out, or write the networks that are meant`},
		{"every, as a range", "0.0.0.0-255.255.255.255", "", `"0.0.0.0-255.255.255.255" holds every address there is: leave it out, or write the networks that are meant`},
		{"more than mapped", "::ffff:0:0/95", "", `"::ffff:0:0/95" reaches beyond ::ffff:0:0/96: write the IPv4 network itself, as in 192.0.2.0/24`},
		{"backwards", "192.0.2.9-192.0.2.1", "", "range from 192.0.2.9 to 192.0.2.1 runs backwards: write the lower address first"},
		{"mixed", "192.0.2.9-2001:db8::1", "", "range from 192.0.2.9 to 2001:db8::1 mixes IPv4 and IPv6"},
		{"range of networks", "192.0.2.0/25-192.0.2.255", "", `"192.0.2.0/25" is not an address` + want},
		{"open range", "192.0.2.9-", "", "an address is missing" + want},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseEntry(tt.in)
			if message(err) != tt.err {
				t.Fatalf("error\n %s, want\n %s", message(err), tt.err)
			}
			if join(got) != tt.want {
				t.Errorf("got %s, want %s", join(got), tt.want)
			}
		})
	}
}

// A range is covered without a gap, without an overlap, and by so few networks
// that no two neighbours could be one.
func TestRangeIsCoveredExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := drawAddr(t, "first")
		last := rapid.Custom(func(t *rapid.T) netip.Addr { return drawAddr(t, "address") }).
			Filter(func(a netip.Addr) bool { return a.Is4() == first.Is4() }).Draw(t, "last")
		if last.Less(first) {
			first, last = last, first
		}
		networks := cover(first, last)
		next := first
		for i, p := range networks {
			if p != p.Masked() || p.Addr() != next {
				t.Fatalf("%s to %s: %s does not begin at %s", first, last, p, next)
			}
			if i > 0 && networks[i-1].Bits() == p.Bits() {
				wide := netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
				if wide.Contains(networks[i-1].Addr()) {
					t.Fatalf("%s to %s: %s and %s are one", first, last, networks[i-1], p)
				}
			}
			next = lastOf(p).Next()
		}
		if end := lastOf(networks[len(networks)-1]); end != last {
			t.Fatalf("%s to %s: ends at %s", first, last, end)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "192.0.2.0/24", "::ffff:192.0.2.0/120", "192.0.2.1-192.0.2.9", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "-", "/", "fe80::1%-/9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		prefixes, err := ParseEntry(s)
		if (err == nil) == (len(prefixes) == 0) {
			t.Fatalf("%q: %d networks, error %v", s, len(prefixes), err)
		}
		if len(prefixes) > 254 {
			t.Fatalf("%q: %d networks", s, len(prefixes))
		}
		for _, p := range prefixes {
			if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() || p.Bits() == 0 {
				t.Fatalf("%q has %s, which is not canonical", s, p)
			}
		}
	})
}

func join(prefixes []netip.Prefix) string {
	var words []string
	for _, p := range prefixes {
		words = append(words, p.String())
	}
	return strings.Join(words, " ")
}
