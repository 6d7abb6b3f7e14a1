package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// List is a named set of networks and autonomous systems. An address is in it
// if it is in one of the networks, or belongs to one of the systems.
type List struct {
	Name     string
	Prefixes []netip.Prefix // must not change once given
	ASNs     []uint32

	// Countries is what a geofeed says of its networks, nil for other lists. With
	// the list of a relay it is the country of the person behind the address.
	Countries *Countries
}

// Lists answers which lists an address is in: all of them in one walk, without
// allocating. It takes some 40 bytes for each network beside the prefixes it was
// given, and is safe for concurrent use, also while lists are replaced: each
// answer is that of one state, before or after. The zero Lists and a nil *Lists
// are empty.
type Lists struct {
	names []string
	index map[string]int
	now   atomic.Pointer[listed]

	replacing sync.Mutex // held by Replace
	given     []List     // guarded by it
}

// listed is a state of Lists. It does not change.
type listed struct {
	table     *table // of numbers of sets
	sets      []Set  // by their numbers; the first is empty
	asns      map[uint32]Set
	countries []*Countries // by the place of the list
	geofeeds  Set          // those that have countries
	networks  int
}

// NewLists builds the table. Overlaps, within a list and between lists, are
// welcome. It refuses more than MaxLists lists, a name that is empty or given
// twice, the ASN 0, and prefixes that are invalid or hold every address there is.
func NewLists(lists []List) (*Lists, error) {
	if len(lists) > MaxLists {
		return nil, fmt.Errorf("%d lists: want %d at most", len(lists), MaxLists)
	}
	l := &Lists{index: make(map[string]int, len(lists)), given: slices.Clone(lists)}
	for i, list := range lists {
		if list.Name == "" {
			return nil, fmt.Errorf("list %d has no name", i+1)
		}
		if _, twice := l.index[list.Name]; twice {
			return nil, fmt.Errorf("list %q is given twice", list.Name)
		}
		l.index[list.Name] = i
		l.names = append(l.names, list.Name)
	}
	now, err := newListed(lists)
	if err != nil {
		return nil, err
	}
	l.now.Store(now)
	return l, nil
}

// Replace puts lists in the place of those with the same names, all at once or,
// with an error, none. Names that NewLists was not given are an error: a Set
// keeps its meaning for good. It takes about a second for a million networks, in
// which look-ups go on undisturbed.
func (l *Lists) Replace(lists ...List) error {
	l.replacing.Lock()
	defer l.replacing.Unlock()
	given := slices.Clone(l.given)
	for _, list := range lists {
		i, ok := l.index[list.Name]
		if !ok {
			return fmt.Errorf("there is no list %q to replace", list.Name)
		}
		given[i] = list
	}
	now, err := newListed(given)
	if err != nil {
		return err
	}
	l.given = given
	l.now.Store(now)
	return nil
}

func newListed(lists []List) (*listed, error) {
	l := &listed{asns: make(map[uint32]Set), countries: make([]*Countries, len(lists))}
	size := 0
	for _, list := range lists {
		size += len(list.Prefixes)
	}
	all := make([]member, 0, size)
	for i, list := range lists {
		for _, p := range list.Prefixes {
			canonical, ok := canonicalPrefix(p)
			if !ok || canonical.Bits() == 0 {
				return nil, fmt.Errorf("list %q: %s is not a network that a list can hold", list.Name, p)
			}
			all = append(all, newMember(canonical, i))
		}
		for _, asn := range list.ASNs {
			if asn == 0 {
				return nil, fmt.Errorf("list %q: 0 is not an ASN", list.Name)
			}
			l.asns[asn] = l.asns[asn].With(i)
		}
		if list.Countries != nil {
			l.countries[i] = list.Countries
			l.geofeeds = l.geofeeds.With(i)
		}
	}
	networks := l.spread(all)
	l.networks = len(networks)
	l.table = layered(networks)
	return l, nil
}

// member is a network that list i holds, in a form that sorts fast.
type member struct {
	high, low uint64
	bits      uint8 // of 32 or 128
	ipv6      uint8 // 1 if it is
	list      uint8
}

func newMember(p netip.Prefix, list int) member {
	if p.Addr().Is4() {
		return member{high: uint64(number4(p.Addr())), bits: uint8(p.Bits()), list: uint8(list)}
	}
	high, low := number6(p.Addr())
	return member{high, low, uint8(p.Bits()), 1, uint8(list)}
}

func (m member) compare(n member) int {
	if c := cmp.Compare(m.ipv6, n.ipv6); c != 0 {
		return c
	}
	if c := cmp.Compare(m.high, n.high); c != 0 {
		return c
	}
	if c := cmp.Compare(m.low, n.low); c != 0 {
		return c
	}
	return cmp.Compare(m.bits, n.bits)
}

func (m member) prefix() netip.Prefix {
	if m.ipv6 == 0 {
		return netip.PrefixFrom(addr4(uint32(m.high)), int(m.bits))
	}
	return netip.PrefixFrom(addr6(m.high, m.low), int(m.bits))
}

// spread gives each network the lists of all networks around it, so that the
// narrowest one alone tells every list, and numbers those sets. Networks that add
// nothing to the one around them are left out. The result is in order, each
// network before those within it.
func (l *listed) spread(all []member) []numbered {
	slices.SortFunc(all, member.compare)
	l.sets = []Set{{}}
	numbers := map[Set]uint32{{}: 0}
	number := func(s Set) uint32 {
		n, ok := numbers[s]
		if !ok {
			n = uint32(len(l.sets))
			numbers[s] = n
			l.sets = append(l.sets, s)
		}
		return n
	}
	var kept []numbered
	var around []numbered // the networks that hold the one at hand, widest first
	for i := 0; i < len(all); {
		m := all[i]
		var lists Set
		for ; i < len(all) && all[i].compare(m) == 0; i++ {
			lists = lists.With(int(all[i].list))
		}
		e := numbered{prefix: m.prefix()}
		for len(around) > 0 && !around[len(around)-1].prefix.Contains(e.prefix.Addr()) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			outer := around[len(around)-1].number
			lists = lists.Or(l.sets[outer])
			if lists == l.sets[outer] {
				continue
			}
		}
		e.number = number(lists)
		around = append(around, e)
		kept = append(kept, e)
	}
	return kept
}

// Of returns the lists that a is in, or that asn is. An address or ASN that is
// not known, the zero Addr and 0, is in none. It takes a as it stands: what a
// tunnel carries is for Sources to ask for.
func (l *Lists) Of(a netip.Addr, asn uint32) Set {
	now := l.state()
	if now == nil {
		return Set{}
	}
	return now.of(a, asn)
}

func (l *Lists) state() *listed {
	if l == nil {
		return nil
	}
	return l.now.Load()
}

func (l *listed) of(a netip.Addr, asn uint32) Set {
	s := l.sets[l.table.of(Canonical(a))]
	if asn != 0 && len(l.asns) > 0 {
		s = s.Or(l.asns[asn])
	}
	return s
}

// Country returns the country that the first of the lists in s to know it gives
// for a, or "".
func (l *Lists) Country(a netip.Addr, s Set) string {
	now := l.state()
	if now == nil {
		return ""
	}
	return now.country(a, s)
}

func (l *listed) country(a netip.Addr, s Set) string {
	s = s.And(l.geofeeds)
	for i := s.First(); i >= 0; i = s.First() {
		if code := l.countries[i].Of(a); code != "" {
			return code
		}
		s = s.Without(Set{}.With(i))
	}
	return ""
}

// Names returns the names of the lists in s, in the order NewLists was given.
func (l *Lists) Names(s Set) []string {
	if l == nil || s.IsEmpty() {
		return nil
	}
	names := make([]string, 0, s.Len())
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
	now := l.state()
	if now == nil {
		return 0
	}
	return now.networks
}
