package network

import (
	"fmt"
	"net/netip"
	"slices"
)

// Kind says what an address is by its form alone, as the registries of IANA
// have it. Only addresses of kind Public can be of a stranger on the internet,
// and those of a tunnel: SixToFour and Teredo.
type Kind uint8

// The kinds of address.
const (
	NoAddress     Kind = iota // there is none
	Public                    // all others
	Private                   // 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16
	UniqueLocal               // fc00::/7: what Private is in IPv4; fec0::/10, which it has replaced
	Loopback                  // 127.0.0.0/8, ::1
	LinkLocal                 // 169.254.0.0/16, fe80::/10
	Shared                    // 100.64.0.0/10, between a carrier and its customers (CGN)
	Documentation             // 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32, 3fff::/20
	Multicast                 // 224.0.0.0/4, ff00::/8
	Unspecified               // 0.0.0.0, ::
	SixToFour                 // 2002::/16: a tunnel over IPv4, open to everybody
	Teredo                    // 2001::/32: a tunnel over IPv4, open to everybody
	NAT64                     // 64:ff9b::/96, 64:ff9b:1::/48: IPv4 that a translator of our own has turned to IPv6
	Reserved                  // everything else that is not 2000::/3, is set aside or given up
)

// kindNames are the words for kinds, as rules and answers spell them.
var kindNames = []string{"none", "public", "private", "unique_local", "loopback", "link_local", "shared", "documentation",
	"multicast", "unspecified", "6to4", "teredo", "nat64", "reserved"}

// String returns the word for k: "public", "link_local", "6to4".
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// ParseKind returns the kind that a word means, as String returns it.
func ParseKind(word string) (Kind, bool) {
	i := slices.Index(kindNames, word)
	return Kind(max(i, 0)), i >= 0
}

// Kinds are all kinds of addresses there are.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(kindNames)-1)
	for k := Public; int(k) < len(kindNames); k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// IsTunnel reports whether anybody can give himself such an address, by way of
// relays that nobody answers for.
func (k Kind) IsTunnel() bool { return k == SixToFour || k == Teredo }

// kinds is every network whose addresses are not Public. The narrowest counts.
var kinds = func() *table {
	var networks []numbered
	for kind, prefixes := range map[Kind][]string{
		Private:       {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"},
		UniqueLocal:   {"fc00::/7", "fec0::/10"},
		Loopback:      {"127.0.0.0/8", "::1/128"},
		LinkLocal:     {"169.254.0.0/16", "fe80::/10"},
		Shared:        {"100.64.0.0/10"},
		Documentation: {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"},
		Multicast:     {"224.0.0.0/4", "ff00::/8"},
		Unspecified:   {"0.0.0.0/32", "::/128"},
		SixToFour:     {"2002::/16"},
		Teredo:        {"2001::/32"},
		NAT64:         {"64:ff9b::/96", "64:ff9b:1::/48"},
		Public: {"2000::/3",
			"192.0.0.9/32", "192.0.0.10/32", // anycast of PCP and TURN
			"2001:1::1/128", "2001:1::2/128", "2001:1::3/128", // the same, and of DNS-SD
			"2001:3::/32", "2001:4:112::/48", "2001:30::/28"}, // AMT, AS112, DETs
		Reserved: {"0.0.0.0/8", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
			"::/3", "4000::/2", "8000::/1",
			"2001::/23",                     // protocol assignments, what is taken out of it aside
			"2001:2::/48",                   // benchmarks
			"2001:10::/28", "2001:20::/28"}, // ORCHID
	} {
		for _, p := range prefixes {
			networks = append(networks, numbered{netip.MustParsePrefix(p), uint32(kind)})
		}
	}
	slices.SortFunc(networks, func(x, y numbered) int { return x.prefix.Compare(y.prefix) })
	return layered(networks)
}()

// KindOf returns the kind of a. An address in ::ffff:0:0/96 is that of IPv4.
func KindOf(a netip.Addr) Kind {
	a = Canonical(a)
	if !a.IsValid() {
		return NoAddress
	}
	if k := Kind(kinds.of(a)); k != NoAddress {
		return k
	}
	return Public // IPv4 that is in none of the networks
}

// Inner returns the IPv4 address that a carries, if it is of kind SixToFour,
// Teredo or NAT64, and the zero Addr otherwise.
//
// With 6to4 it is that of the tunnel's end, with Teredo that of the client or of
// the NAT before it; neither is one where it is not a stranger's: who says he is
// 10.0.0.1 behind a tunnel is not. With NAT64 it is that of the client; in
// 64:ff9b:1::/48, whose layout is the operator's, it is taken from the last 32
// bits.
//
// Other forms that carry an IPv4 address mean nothing: everybody chooses the
// lower half of his IPv6 address himself (ISATAP), and ::a.b.c.d is given up.
func Inner(a netip.Addr) netip.Addr {
	a = Canonical(a)
	if !a.Is6() {
		return netip.Addr{}
	}
	return inner(a, KindOf(a))
}

func inner(a netip.Addr, k Kind) netip.Addr {
	b := a.As16()
	var in netip.Addr
	switch k {
	case NAT64:
		in = netip.AddrFrom4([4]byte(b[12:]))
		if in.IsUnspecified() {
			return netip.Addr{}
		}
		return in
	case SixToFour:
		in = netip.AddrFrom4([4]byte(b[2:]))
	case Teredo:
		in = netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})
	default:
		return netip.Addr{}
	}
	switch KindOf(in) {
	case Public, Documentation:
		return in
	}
	return netip.Addr{}
}
