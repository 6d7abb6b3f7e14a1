package network

import (
	"cmp"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// MaxLists is how many lists there can be: one for each bit of a Set.
const MaxLists = 64

// List is a named set of networks and autonomous systems. An address is in it
// if it is in one of the networks, or belongs to one of the systems.
type List struct {
	Name     string
	Prefixes []netip.Prefix
	ASNs     []uint32
}

// Set is a set of lists: bit i is the i-th list NewLists was given. The zero
// Set is empty.
type Set uint64

// Has reports whether list i is in s.
func (s Set) Has(i int) bool {
	return i >= 0 && i < MaxLists && s>>i&1 != 0
}

// Lists answers which lists an address is in: all of them in one walk, without
// allocating. It takes some 40 bytes for each network, is immutable, and safe
// for concurrent use. The zero Lists and a nil *Lists are empty.
type Lists struct {
	names []string
	index map[string]int
	v4    *spans
	v6    bart.Table[Set] // every network carries the lists of those around it
	asns  map[uint32]Set
	size  int
}

// NewLists builds the table. Overlaps, within a list and between lists, are
// welcome. It refuses more than MaxLists lists, a name that is empty or given
// twice, the ASN 0, and prefixes that are invalid or hold every address there is.
func NewLists(lists []List) (*Lists, error) {
	if len(lists) > MaxLists {
		return nil, fmt.Errorf("%d lists: want %d at most", len(lists), MaxLists)
	}
	l := &Lists{index: make(map[string]int, len(lists)), asns: make(map[uint32]Set)}
	var all []listed
	for i, list := range lists {
		if list.Name == "" {
			return nil, fmt.Errorf("list %d has no name", i+1)
		}
		if _, twice := l.index[list.Name]; twice {
			return nil, fmt.Errorf("list %q is given twice", list.Name)
		}
		l.index[list.Name] = i
		l.names = append(l.names, list.Name)
		for _, p := range list.Prefixes {
			canonical, ok := canonicalPrefix(p)
			if !ok || canonical.Bits() == 0 {
				return nil, fmt.Errorf("list %q: %s is not a network that a list can hold", list.Name, p)
			}
			all = append(all, listed{canonical, 1 << i})
		}
		for _, asn := range list.ASNs {
			if asn == 0 {
				return nil, fmt.Errorf("list %q: 0 is not an ASN", list.Name)
			}
			l.asns[asn] |= 1 << i
		}
	}
	all = spread(all)
	l.size = len(all)
	ipv4 := len(all) // they come first
	for i, e := range all {
		if e.prefix.Addr().Is6() {
			ipv4 = min(ipv4, i)
			l.v6.Insert(e.prefix, e.lists)
		}
	}
	l.v4 = newSpans(all[:ipv4])
	return l, nil
}

// listed is a network and the lists it is in.
type listed struct {
	prefix netip.Prefix
	lists  Set
}

// spread gives each network the lists of all networks around it, so that the
// longest match alone tells every list. Networks that add nothing to the one
// around them are left out. The result is in order: IPv4 first, and each network
// before those within it. It makes use of the memory of all.
func spread(all []listed) []listed {
	slices.SortFunc(all, func(x, y listed) int {
		if c := x.prefix.Addr().Compare(y.prefix.Addr()); c != 0 {
			return c
		}
		return cmp.Compare(x.prefix.Bits(), y.prefix.Bits())
	})
	kept := all[:0]
	var around []listed // the networks that hold the one at hand, widest first
	for i := 0; i < len(all); {
		e := all[i]
		for i++; i < len(all) && all[i].prefix == e.prefix; i++ {
			e.lists |= all[i].lists
		}
		for len(around) > 0 && !around[len(around)-1].prefix.Contains(e.prefix.Addr()) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			outer := around[len(around)-1].lists
			if e.lists |= outer; e.lists == outer {
				continue
			}
		}
		around = append(around, e)
		kept = append(kept, e)
	}
	return kept
}

// Of returns the lists that a is in, or that asn is. An address or ASN that is
// not known, the zero Addr and 0, is in none.
func (l *Lists) Of(a netip.Addr, asn uint32) Set {
	if l == nil || l.v4 == nil {
		return 0
	}
	var s Set
	if a = Canonical(a); a.Is4() {
		s = l.v4.of(a)
	} else if a.Is6() {
		s, _ = l.v6.Lookup(a)
	}
	if asn != 0 && len(l.asns) > 0 {
		s |= l.asns[asn]
	}
	return s
}

// Names returns the names of the lists in s, in the order NewLists was given.
func (l *Lists) Names(s Set) []string {
	if l == nil || s == 0 {
		return nil
	}
	names := make([]string, 0, bits.OnesCount64(uint64(s)))
	for i, name := range l.names {
		if s.Has(i) {
			names = append(names, name)
		}
	}
	return names
}

// Index returns the place of the list called name, and whether there is one.
func (l *Lists) Index(name string) (int, bool) {
	if l == nil {
		return 0, false
	}
	i, ok := l.index[name]
	return i, ok
}

// Len returns how many networks the table holds, after those have been left out
// that add nothing.
func (l *Lists) Len() int {
	if l == nil {
		return 0
	}
	return l.size
}
