package network

import (
	"net/netip"
	"slices"
)

// CountryOf is what a geofeed says of one network.
type CountryOf struct {
	Prefix  netip.Prefix
	Country string // two capital letters
}

// Countries knows the country that a list gives for an address: with a relay,
// the country of the person behind it. It takes some 40 bytes for each network
// (20 for IPv4), is immutable, and safe for concurrent use. A nil *Countries
// knows none.
type Countries struct {
	table *table
	given int
}

// NewCountries makes the table. Of two entries for the same network the first
// counts, and the narrower network before the wider. What is not a country, as
// IsCountry tells, is known to be of none. It returns nil if there are no
// entries. Invalid prefixes are left out.
func NewCountries(entries []CountryOf) *Countries {
	networks := make([]numbered, 0, len(entries))
	for _, e := range entries {
		if p, ok := canonicalPrefix(e.Prefix); ok {
			networks = append(networks, numbered{p, uint32(countryNumber(e.Country))})
		}
	}
	if len(networks) == 0 {
		return nil
	}
	slices.SortStableFunc(networks, func(x, y numbered) int { return x.prefix.Compare(y.prefix) })
	networks = slices.CompactFunc(networks, func(x, y numbered) bool { return x.prefix == y.prefix })
	return &Countries{layered(networks), len(networks)}
}

// Of returns the country of a as ISO 3166-1 writes it, two capital letters, or
// "" if the list does not say.
func (c *Countries) Of(a netip.Addr) string {
	if c == nil {
		return ""
	}
	return countryOf(uint16(c.table.of(Canonical(a))))
}

// Len returns how many networks have been given.
func (c *Countries) Len() int {
	if c == nil {
		return 0
	}
	return c.given
}
