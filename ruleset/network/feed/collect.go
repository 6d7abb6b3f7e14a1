package feed

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/otpgate/otpgate/ruleset/network"
)

// How much of the internet one feed may cover. The widest networks that honest
// lists hold are /8 and, for IPv6, /19; the largest lists, those of whole
// countries, cover a third of IPv4 and one /16 of IPv6.
const (
	minBits4      = 6
	minBits6      = 16
	maxAddresses4 = 1 << 31         // half of IPv4
	maxNetworks6  = 32 << (64 - 16) // as much as 32 networks of /16
)

// reserved is the space in which no feed may list anything: behind such an
// address stands the operator's own network, not a stranger.
var reserved = [2][]netip.Prefix{
	prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
		"172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
	prefixes("::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
}

func prefixes(texts ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

// collector takes what the readers of the formats find.
type collector struct {
	wanted *wanted // nil: everything
	result Result

	countries []network.CountryOf
	codes     map[string]string // of countries, so that each is kept once
}

// text takes an entry as it stands in a line of a list. One that cannot be read
// is counted.
func (c *collector) text(entry string, line int, l labels) error {
	if number, ok := asnText(entry); ok {
		asn, err := strconv.ParseUint(number, 10, 32)
		if err != nil || asn == 0 {
			c.unreadable("line", int64(line), fmt.Errorf("%.20q is not an AS number", entry))
			return nil
		}
		return c.asn(uint32(asn), l)
	}
	networks, err := network.ParseEntry(entry)
	if err != nil {
		if p, e := netip.ParsePrefix(entry); e == nil && p.Bits() == 0 {
			return tooBroad(p)
		}
		c.unreadable("line", int64(line), err)
		return nil
	}
	return c.networks(networks, l)
}

// networks takes one entry, which is one network or those of a range.
func (c *collector) networks(ps []netip.Prefix, l labels) error {
	if err := c.count(); err != nil {
		return err
	}
	if !c.wanted.match(l) {
		c.result.Unselected++
		return nil
	}
	before := c.result.Reserved
	for _, p := range ps {
		had := len(c.result.Prefixes)
		if err := c.keep(p); err != nil {
			return err
		}
		if l.country != "" && len(c.result.Prefixes) > had {
			c.countries = append(c.countries, network.CountryOf{Prefix: p, Country: c.code(l.country)})
		}
	}
	c.result.Reserved = min(c.result.Reserved, before+1) // an entry counts once
	return nil
}

// code returns a country's code that does not keep the line it stood in.
func (c *collector) code(country string) string {
	kept, ok := c.codes[country]
	if !ok {
		kept = strings.Clone(country)
		if c.codes == nil {
			c.codes = make(map[string]string)
		}
		c.codes[kept] = kept
	}
	return kept
}

func (c *collector) asn(asn uint32, l labels) error {
	if err := c.count(); err != nil {
		return err
	}
	if !c.wanted.match(l) {
		c.result.Unselected++
		return nil
	}
	c.result.ASNs = append(c.result.ASNs, asn)
	return nil
}

func (c *collector) count() error {
	if c.result.Entries++; c.result.Entries > MaxEntries {
		return tooMany()
	}
	return nil
}

func tooMany() error {
	return because(TooLarge, "it holds more than %d entries or networks", MaxEntries)
}

// keep adds what is not reserved of p.
func (c *collector) keep(p netip.Prefix) error {
	family, least := 0, minBits4
	if p.Addr().Is6() {
		family, least = 1, minBits6
	}
	for _, r := range reserved[family] {
		if !r.Overlaps(p) {
			continue
		}
		c.result.Reserved++
		if r.Bits() <= p.Bits() {
			return nil // all of it
		}
		if p.Bits() < least {
			return tooBroad(p)
		}
		for _, half := range halves(p) {
			if err := c.keep(half); err != nil {
				return err
			}
		}
		return nil
	}
	if p.Bits() < least {
		return tooBroad(p)
	}
	// A range is up to 254 networks, so that counting entries is not enough.
	if len(c.result.Prefixes) >= MaxEntries {
		return tooMany()
	}
	c.result.Prefixes = append(c.result.Prefixes, p)
	return nil
}

// halves splits p, which is masked and wider than one address.
func halves(p netip.Prefix) [2]netip.Prefix {
	b := p.Addr().AsSlice()
	b[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	upper, _ := netip.AddrFromSlice(b)
	return [2]netip.Prefix{netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(upper, p.Bits()+1)}
}

func tooBroad(p netip.Prefix) error {
	return because(TooBroad, "it lists %s: no feed may hold a network wider than /%d (IPv6: /%d)", p, minBits4, minBits6)
}

// unreadable counts an entry that is none. unit and at say where it stands, as
// in "line 3".
func (c *collector) unreadable(unit string, at int64, err error) {
	if c.result.Unreadable++; c.result.Unreadable == 1 {
		c.result.Unread = fmt.Sprintf("%s %d: %v", unit, at, err)
	}
}

// mostlyUnreadable reports whether so much of what was read is no entry that
// the file must be something else.
func (c *collector) mostlyUnreadable() bool {
	return 3*c.result.Unreadable > c.result.Entries
}

// finish puts everything in order and judges the whole.
func (c *collector) finish() (*Result, error) {
	r := &c.result
	switch {
	case c.mostlyUnreadable():
		return nil, because(NotAList, "%d of %d entries are no addresses; %s", r.Unreadable, r.Unreadable+r.Entries, r.Unread)
	case r.Entries == 0:
		return nil, because(Empty, "it holds no addresses")
	}
	if err := c.wanted.missing(); err != nil {
		return nil, err
	}
	switch {
	case r.Unselected == r.Entries:
		return nil, because(NothingSelected, "none of its %d entries fits all of the selection", r.Entries)
	case len(r.Prefixes) == 0 && len(r.ASNs) == 0:
		return nil, because(Empty, "it holds no addresses but private and reserved ones")
	}
	slices.SortFunc(r.Prefixes, netip.Prefix.Compare)
	r.Prefixes = slices.Clip(slices.Compact(r.Prefixes))
	slices.Sort(r.ASNs)
	r.ASNs = slices.Compact(r.ASNs)
	r.cover()
	switch {
	case r.Addresses4 > maxAddresses4:
		return nil, because(TooBroad, "it covers %d %% of all IPv4 addresses: 50 %% is the most", r.Addresses4*100>>32)
	case r.Networks6 > maxNetworks6:
		return nil, because(TooBroad, "it covers as much of IPv6 as %d networks of /16: 32 are the most", r.Networks6>>48)
	}
	r.Countries = network.NewCountries(c.countries)
	return r, nil
}

// cover counts what the networks cover, each address once.
func (r *Result) cover() {
	var around, last64 netip.Prefix
	for _, p := range r.Prefixes {
		if around.IsValid() && around.Contains(p.Addr()) {
			continue // prefixes come before those within them
		}
		around = p
		if p.Addr().Is4() {
			r.Addresses4 += 1 << (32 - p.Bits())
			continue
		}
		if p.Bits() <= 64 {
			r.Networks6 += 1 << (64 - p.Bits())
			continue
		}
		if wider, _ := p.Addr().Prefix(64); wider != last64 {
			last64 = wider
			r.Networks6++
		}
	}
}
