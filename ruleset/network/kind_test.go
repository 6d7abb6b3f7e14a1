package network

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestKindOf(t *testing.T) {
	for kind, addrs := range map[Kind][]string{
		Public: {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.0.9", "192.0.1.0",
			"192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:1.1.1.1", "2000::", "2001:200::1", "2001:4860::8888", "2001:1::1",
			"2001:30::1", "2003::1", "2a02:26f7::1", "3ffe::1", "3fff:1000::"},
		Private:       {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "::ffff:10.0.0.1"},
		UniqueLocal:   {"fc00::", "fdff:ffff::1", "fec0::1", "feff::1"},
		Loopback:      {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"},
		LinkLocal:     {"169.254.0.0", "169.254.169.254", "fe80::1%eth0", "febf::1"},
		Shared:        {"100.64.0.0", "100.127.255.255"},
		Documentation: {"192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1", "3fff:fff:ffff::"},
		Multicast:     {"224.0.0.0", "239.255.255.255", "ff02::1"},
		Unspecified:   {"0.0.0.0", "::", "::ffff:0.0.0.0"},
		SixToFour:     {"2002::", "2002:c000:201::1", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		Teredo:        {"2001::", "2001:0:ffff::1"},
		NAT64:         {"64:ff9b::192.0.2.1", "64:ff9b:1::192.0.2.1", "64:ff9b:1:ffff::1"},
		Reserved: {"0.0.0.1", "0.255.255.255", "192.0.0.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "240.0.0.0", "255.255.255.255",
			"::2", "::192.0.2.1", "64:ff9b::1:0:0", "64:ff9b:2::1", "100::1", "1fff::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff::1",
			"4000::1", "5f00::1", "fbff::1", "fe00::1"},
	} {
		for _, addr := range addrs {
			if got := KindOf(netip.MustParseAddr(addr)); got != kind {
				t.Errorf("%s is %s, want %s", addr, got, kind)
			}
		}
	}
	if got := KindOf(netip.Addr{}); got != NoAddress {
		t.Errorf("no address is %s", got)
	}
}

func TestKindWords(t *testing.T) {
	if len(Kinds()) != int(Reserved) {
		t.Errorf("%d kinds", len(Kinds()))
	}
	for _, k := range Kinds() {
		if got, ok := ParseKind(k.String()); got != k || !ok {
			t.Errorf("%s is read as %s", k, got)
		}
	}
	if _, ok := ParseKind("publik"); ok || Kind(99).String() != "kind 99" {
		t.Error("there are kinds that are none")
	}
}

// Kinds agree with what package netip says where both have a word for it.
func TestKindsAgreeWithNetip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		a := netip.AddrFrom16([16]byte(b))
		if rapid.Bool().Draw(t, "is IPv4") {
			a = netip.AddrFrom4([4]byte(b))
		}
		k := KindOf(a)
		for name, agree := range map[string]bool{
			"private":    a.IsPrivate() == (k == Private || k == UniqueLocal && b[0] < 0xfe),
			"loopback":   a.IsLoopback() == (k == Loopback),
			"link-local": a.IsLinkLocalUnicast() == (k == LinkLocal),
			"multicast":  a.IsMulticast() == (k == Multicast),
		} {
			if !agree {
				t.Fatalf("%s is %s, and package netip has another opinion on %s", a, k, name)
			}
		}
	})
}

func TestInner(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "", "::ffff:192.0.2.1": "", "2001:db8::1": "", "::192.0.2.1": "",
		"2002:c000:201::1":     "192.0.2.1",
		"2002:c000:201:ffff::": "192.0.2.1",
		"2002:101:101::%eth0":  "1.1.1.1",
		"2002:a00:1::1":        "", // 10.0.0.1
		"2002:7f00:1::1":       "",
		"2002::1":              "",
		"2002:e000:1::1":       "",
		// RFC 4380: the server 65.54.227.120, the client 192.0.2.45 behind port 40000.
		"2001:0:4136:e378:8000:63bf:3fff:fdd2": "192.0.2.45",
		"2001:0:4136:e378:8000:63bf:f5ff:fffe": "", // 10.0.0.1
		"64:ff9b::192.0.2.1":                   "192.0.2.1",
		"64:ff9b:1::192.0.2.1":                 "192.0.2.1",
		"64:ff9b:1:fffe::10.0.0.1":             "10.0.0.1", // a translator's own networks may be private
		"64:ff9b::":                            "",
		"2001:db8::5efe:192.0.2.1":             "", // ISATAP: chosen by whoever has the address
		"2001:db8::200:5efe:192.0.2.1":         "",
	} {
		got := Inner(netip.MustParseAddr(addr))
		if want == "" && got.IsValid() || want != "" && got.String() != want {
			t.Errorf("%s carries %s, want %q", addr, got, want)
		}
	}
	if Inner(netip.Addr{}).IsValid() {
		t.Error("no address carries one")
	}
}

// Whatever the tunnel, one customer is one key, and two are two.
func TestKeysOfTunnels(t *testing.T) {
	for _, tt := range []struct {
		name, addr string
		v4, v6     int
		want       string
	}{
		{"6to4", "2002:c000:207:1::1", 0, 0, "192.0.2.7/32"},
		{"6to4, another network of its 65536", "2002:c000:207:ffff::1", 0, 0, "192.0.2.7/32"},
		{"6to4, wider", "2002:c000:207::1", 24, 48, "192.0.2.0/24"},
		{"6to4 of what nobody has", "2002:a00:1:2::1", 0, 0, "2002:a00:1:2::/64"},
		{"Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2", 0, 0, "192.0.2.45/32"},
		{"Teredo, another port", "2001:0:4136:e378:8000:1234:3fff:fdd2", 0, 0, "192.0.2.45/32"},
		{"Teredo, another client of that server", "2001:0:4136:e378:8000:63bf:3fff:fdd1", 0, 0, "192.0.2.46/32"},
		{"NAT64", "64:ff9b::192.0.2.7", 0, 0, "192.0.2.7/32"},
		{"NAT64, another client", "64:ff9b::192.0.2.8", 0, 0, "192.0.2.8/32"},
		{"NAT64 of an operator", "64:ff9b:1::192.0.2.7", 24, 56, "192.0.2.0/24"},
		{"link-local", "fe80::1", 0, 0, "fe80::/64"},
	} {
		if got := KeyPrefix(netip.MustParseAddr(tt.addr), tt.v4, tt.v6); got.String() != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
