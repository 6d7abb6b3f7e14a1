package feed

import (
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/otpgate/otpgate/ruleset/network"
)

// Countries knows the country that a geofeed gives for an address: with a relay,
// the country of the person behind it. It takes 40 bytes for each network, is
// immutable, and safe for concurrent use. A nil *Countries knows none.
type Countries struct {
	entries []countryEntry // in order: a network stands before those within it
}

type countryEntry struct {
	prefix netip.Prefix
	around int32 // the nearest entry that holds this one, or -1
	code   country
}

// country is the code of a country, in a form that becomes text without
// allocating.
type country uint16

// pairs is every pair of capital letters.
var pairs = func() string {
	var b strings.Builder
	for i := range 26 * 26 {
		b.WriteByte('A' + byte(i/26))
		b.WriteByte('A' + byte(i%26))
	}
	return b.String()
}()

// newCountry takes two capital letters.
func newCountry(code string) country {
	return country(code[0]-'A')*26 + country(code[1]-'A')
}

func (c country) String() string { return pairs[2*c : 2*c+2] }

// newCountries makes the table. Of two entries for the same network the first
// counts. It returns nil if there are none.
func newCountries(entries []countryEntry) *Countries {
	if len(entries) == 0 {
		return nil
	}
	slices.SortStableFunc(entries, func(x, y countryEntry) int { return x.prefix.Compare(y.prefix) })
	entries = slices.Clip(slices.CompactFunc(entries, func(x, y countryEntry) bool { return x.prefix == y.prefix }))
	for i := range entries {
		around := int32(i) - 1
		for around >= 0 && !entries[around].prefix.Contains(entries[i].prefix.Addr()) {
			around = entries[around].around
		}
		entries[i].around = around
	}
	return &Countries{entries}
}

// Of returns the country of a as ISO 3166-1 writes it, two capital letters, or
// "" if the feed does not say. The narrowest network that holds a decides.
func (c *Countries) Of(a netip.Addr) string {
	if c == nil {
		return ""
	}
	a = network.Canonical(a)
	i := sort.Search(len(c.entries), func(i int) bool { return a.Less(c.entries[i].prefix.Addr()) }) - 1
	for i >= 0 && !c.entries[i].prefix.Contains(a) {
		i = int(c.entries[i].around)
	}
	if i < 0 {
		return ""
	}
	return c.entries[i].code.String()
}

// Len returns how many networks have a country.
func (c *Countries) Len() int {
	if c == nil {
		return 0
	}
	return len(c.entries)
}
