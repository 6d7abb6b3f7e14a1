package network

import (
	"errors"
	"net/netip"
	"strings"
)

// The prefixes by which addresses are counted where nothing else is said: a
// whole IPv4 address, and the /64 of IPv6 that one subscriber gets at least.
const (
	KeyBits4 = 32
	KeyBits6 = 64
)

// Canonical returns the one form of a that all look-ups and keys use:
// ::ffff:a.b.c.d becomes a.b.c.d, and a zone is dropped. The zero Addr stays
// the zero Addr.
func Canonical(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	if a = a.Unmap(); a.Zone() != "" {
		a = a.WithZone("")
	}
	return a
}

// ParseAddr reads a client address as Caddy's client_ip and Go's RemoteAddr
// spell it: 192.0.2.1, 192.0.2.1:443, 2001:db8::1, [2001:db8::1]:443,
// fe80::1%eth0. The result is canonical. What clients on a Unix socket have,
// "@" or nothing, is an error, as is everything else.
//
// The text may come from a header, so that no error repeats it.
func ParseAddr(s string) (netip.Addr, error) {
	switch s {
	case "":
		return netip.Addr{}, errors.New("there is no client address")
	case "@":
		return netip.Addr{}, errors.New("the client came over a Unix socket and has no address")
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return Canonical(a), nil
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return Canonical(ap.Addr()), nil
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			if a, err := netip.ParseAddr(inner); err == nil && a.Is6() {
				return Canonical(a), nil
			}
		}
	}
	return netip.Addr{}, errors.New("malformed client address: want an IPv4 or IPv6 address, with or without a port")
}

// KeyPrefix returns the network that a is counted by: its first v4 bits, or v6
// for IPv6. Lengths outside 1–32 and 1–128 mean the defaults, KeyBits4 and
// KeyBits6. The zero Addr has the zero Prefix.
//
// An address that carries one of IPv4, as Inner tells, counts as that one. All
// clients of a NAT64, and all of a Teredo server, have their first 64 bits in
// common; and who has one IPv4 address has 65536 networks of 64 bits in 6to4, and
// as many addresses in Teredo as there are ports.
func KeyPrefix(a netip.Addr, v4, v6 int) netip.Prefix {
	a = Canonical(a)
	if in := Inner(a); in.IsValid() {
		a = in
	}
	bits := keyBits(v6, KeyBits6, 128)
	if a.Is4() {
		bits = keyBits(v4, KeyBits4, 32)
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func keyBits(bits, normal, most int) int {
	if bits < 1 || bits > most {
		return normal
	}
	return bits
}
