package network

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAddr(t *testing.T) {
	const malformed = "malformed client address: want an IPv4 or IPv6 address, with or without a port"
	for _, tt := range []struct{ name, in, want, err string }{
		{"IPv4", "192.0.2.1", "192.0.2.1", ""},
		{"IPv4 with port", "192.0.2.1:443", "192.0.2.1", ""},
		{"IPv6", "2001:db8::1", "2001:db8::1", ""},
		{"IPv6 in capitals and long", "2001:0DB8:0:0:0:0:0:1", "2001:db8::1", ""},
		{"IPv6 with port", "[2001:db8::1]:443", "2001:db8::1", ""},
		{"IPv6 in brackets", "[2001:db8::1]", "2001:db8::1", ""},
		{"zone", "2001:db8::1%eth0", "2001:db8::1", ""},
		{"zone with port", "[fe80::1%eth0]:443", "fe80::1", ""},
		{"mapped", "::ffff:192.0.2.1", "192.0.2.1", ""},
		{"mapped in hex", "::ffff:c000:201", "192.0.2.1", ""},
		{"mapped with port", "[::ffff:192.0.2.1]:443", "192.0.2.1", ""},
		{"mapped with zone", "::ffff:192.0.2.1%eth0", "192.0.2.1", ""},
		{"nothing", "", "", "there is no client address"},
		{"Unix socket", "@", "", "the client came over a Unix socket and has no address"},
		{"name", "localhost", "", malformed},
		{"blanks", " 192.0.2.1", "", malformed},
		{"two", "192.0.2.1, 192.0.2.2", "", malformed},
		{"octal", "192.0.02.1", "", malformed},
		{"decimal", "3221225985", "", malformed},
		{"short", "192.0.2", "", malformed},
		{"IPv4 in brackets", "[192.0.2.1]", "", malformed},
		{"IPv4 in brackets with port", "[192.0.2.1]:443", "", malformed},
		{"port without end", "192.0.2.1:", "", malformed},
		{"port too high", "192.0.2.1:65536", "", malformed},
		{"brackets without end", "[2001:db8::1", "", malformed},
		{"network", "192.0.2.0/24", "", malformed},
		{"NUL", "192.0.2.1\x00", "", malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseAddr(tt.in)
			if message(err) != tt.err {
				t.Fatalf("error %q, want %q", message(err), tt.err)
			}
			if err == nil && got.String() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if err != nil && got.IsValid() {
				t.Errorf("got %s beside an error", got)
			}
		})
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "[2001:db8::1]:443", "2001:db8::1%eth0", "::ffff:192.0.2.1", "@", "[]", "[%]:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddr(s)
		if err != nil {
			return
		}
		if !a.IsValid() || a.Is4In6() || a.Zone() != "" {
			t.Fatalf("%q is %s, which is not canonical", s, a)
		}
		if again, err := ParseAddr(a.String()); err != nil || again != a {
			t.Fatalf("%q is %s, and that is %s (%v)", s, a, again, err)
		}
	})
}

func TestKeyPrefix(t *testing.T) {
	for _, tt := range []struct {
		name, addr string
		v4, v6     int
		want       string
	}{
		{"IPv4, default", "192.0.2.77", 0, 0, "192.0.2.77/32"},
		{"IPv6, default", "2001:db8:1:2:3:4:5:6", 0, 0, "2001:db8:1:2::/64"},
		{"IPv4 by /24", "192.0.2.77", 24, 48, "192.0.2.0/24"},
		{"IPv6 by /48", "2001:db8:1:2:3:4:5:6", 24, 48, "2001:db8:1::/48"},
		{"IPv6 by /56", "2001:db8:1:2ff::1", 24, 56, "2001:db8:1:200::/56"},
		{"mapped counts as IPv4", "::ffff:192.0.2.77", 24, 64, "192.0.2.0/24"},
		{"zone", "fe80::1%eth0", 32, 64, "fe80::/64"},
		{"negative", "192.0.2.77", -1, -1, "192.0.2.77/32"},
		{"too long", "2001:db8:1:2:3:4:5:6", 33, 129, "2001:db8:1:2::/64"},
		{"whole", "2001:db8::1", 32, 128, "2001:db8::1/128"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := KeyPrefix(netip.MustParseAddr(tt.addr), tt.v4, tt.v6); got.String() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if got := KeyPrefix(netip.Addr{}, 0, 0); got != (netip.Prefix{}) {
		t.Errorf("no address: got %s", got)
	}
}

// All spellings of an address are one key.
func TestOneAddressOneKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAddr(t, "address")
		spellings := []netip.Addr{a}
		if a.Is4() {
			mapped := netip.AddrFrom16(a.As16())
			spellings = append(spellings, mapped, mapped.WithZone("eth0"))
		} else {
			spellings = append(spellings, a.WithZone("eth0"))
		}
		for _, s := range spellings {
			if Canonical(s) != a || KeyPrefix(s, 24, 56) != KeyPrefix(a, 24, 56) {
				t.Fatalf("%s is not %s", s, a)
			}
		}
	})
}

// drawAddr draws a canonical address, so that many share their first bytes.
func drawAddr(t *rapid.T, label string) netip.Addr {
	b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 127, 128, 254, 255}), 4, 4).Draw(t, label)
	if rapid.Bool().Draw(t, label+" is IPv6") {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, b[0], b[1], 14: b[2], 15: b[3]})
	}
	return netip.AddrFrom4([4]byte(b))
}

// message returns what err says, "" for nil.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
