package network

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
)

// ParseEntry reads what may stand in a list: an address, a network in CIDR
// notation, or a range of addresses a-b. Host bits are masked, and addresses in
// ::ffff:0:0/96 are the IPv4 addresses they stand for. A range comes back as
// the fewest networks that make it up (at most 62 for IPv4, 254 for IPv6), all
// else as one.
//
// Networks that hold every address there is (0.0.0.0/0, ::/0) are refused: in
// a list they are a mistake, and one with great consequences.
func ParseEntry(s string) ([]netip.Prefix, error) {
	if first, last, ok := strings.Cut(s, "-"); ok {
		return parseRange(strings.TrimSpace(first), strings.TrimSpace(last))
	}
	if strings.Contains(s, "/") {
		p, err := parseCIDR(s)
		if err != nil {
			return nil, err
		}
		return []netip.Prefix{p}, nil
	}
	a, err := parseListed(s)
	if err != nil {
		return nil, err
	}
	return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, nil
}

func parseCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, notAnEntry(s)
	}
	p, ok := canonicalPrefix(p)
	switch {
	case !ok:
		return netip.Prefix{}, fmt.Errorf("%s reaches beyond ::ffff:0:0/96: write the IPv4 network itself, as in 192.0.2.0/24", clip(s))
	case p.Bits() == 0:
		return netip.Prefix{}, everything(s)
	}
	return p, nil
}

// canonicalPrefix masks p and turns a network of mapped addresses into the IPv4
// network it stands for. It reports false for a network of IPv4 addresses and
// others together, and for an invalid one.
func canonicalPrefix(p netip.Prefix) (netip.Prefix, bool) {
	const mapped = 96 // bits of ::ffff:0:0/96
	if !p.IsValid() {
		return p, false
	}
	if !p.Addr().Is4In6() {
		return p.Masked(), true
	}
	if p.Bits() < mapped {
		return p, false
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped).Masked(), true
}

func parseListed(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, notAnEntry(s)
	}
	if a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%s has a zone, which means something on one machine only: write the address without it", clip(s))
	}
	return a.Unmap(), nil
}

func parseRange(s, t string) ([]netip.Prefix, error) {
	first, err := parseListed(s)
	if err != nil {
		return nil, err
	}
	last, err := parseListed(t)
	if err != nil {
		return nil, err
	}
	switch {
	case first.Is4() != last.Is4():
		return nil, fmt.Errorf("range from %s to %s mixes IPv4 and IPv6", first, last)
	case last.Less(first):
		return nil, fmt.Errorf("range from %s to %s runs backwards: write the lower address first", first, last)
	}
	networks := cover(first, last)
	if networks[0].Bits() == 0 {
		return nil, everything(fmt.Sprintf("%s-%s", first, last))
	}
	return networks, nil
}

// cover returns the fewest networks that hold first to last and nothing else.
// Each is the widest that begins at the first address left and does not reach
// past last.
func cover(first, last netip.Addr) []netip.Prefix {
	var networks []netip.Prefix
	for {
		n := first.BitLen() - trailingZeros(first)
		p := netip.PrefixFrom(first, n)
		for last.Less(lastOf(p)) {
			n++
			p = netip.PrefixFrom(first, n)
		}
		networks = append(networks, p)
		end := lastOf(p)
		if end == last {
			return networks
		}
		first = end.Next()
	}
}

// trailingZeros returns how many of the lowest bits of a are zero.
func trailingZeros(a netip.Addr) int {
	b := a.AsSlice()
	zeros := 0
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return zeros + bits.TrailingZeros8(b[i])
		}
		zeros += 8
	}
	return zeros
}

// lastOf returns the highest address in p, whose host bits are zero.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		host := 8*(i+1) - p.Bits() // bits of this byte and those before it that are host bits
		switch {
		case host >= 8:
			b[i] = 0xff
		case host > 0:
			b[i] |= 1<<host - 1
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func notAnEntry(s string) error {
	if s == "" {
		return errors.New("an address is missing: want 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1-192.0.2.9")
	}
	return fmt.Errorf("%s is not an address: want 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1-192.0.2.9", clip(s))
}

func everything(s string) error {
	return fmt.Errorf("%s holds every address there is: leave it out, or write the networks that are meant", clip(s))
}

// clip quotes s for a message, cut where it gets long.
func clip(s string) string {
	const most = 43 // the longest address there is, with its length
	if len(s) > most {
		return fmt.Sprintf("%q...", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
