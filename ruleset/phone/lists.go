package phone

import (
	"fmt"
	"math/bits"
	"slices"
)

// MaxLists is how many lists there can be: one for each bit of a Set.
const MaxLists = 64

// Set is a set of lists: bit i is the i-th list NewLists was given. The zero
// Set is empty.
type Set uint64

// Has reports whether list i is in s.
func (s Set) Has(i int) bool {
	return i >= 0 && i < MaxLists && s>>i&1 != 0
}

// A NamedList is a list and what it is called.
type NamedList struct {
	Name string
	List *List // nil is empty: one that has not been loaded yet
}

// Lists answers which lists a number is in: all of them in one walk, without
// allocating. It takes at most eleven bytes for each number and up to 60 for
// each prefix, however many lists they are in, is immutable, and safe for concurrent
// use. The lists it was made of are not needed any more. The zero Lists and a
// nil *Lists are empty.
type Lists struct {
	names []string

	numbers exact
	of      []uint16 // for each number, the place of its Set in sets
	sets    []Set    // each once

	prefixes *tree
	own      []Set    // for each prefix, the lists that hold it
	all      []uint16 // for each prefix, the place in sets of those that hold it or a shorter one
}

// NewLists puts lists together. It refuses more than MaxLists, a name that is
// empty or given twice, and lists that overlap in more than 65536 ways.
func NewLists(lists []NamedList) (*Lists, error) {
	if len(lists) > MaxLists {
		return nil, fmt.Errorf("%d lists: want %d at most", len(lists), MaxLists)
	}
	l := &Lists{}
	for i, list := range lists {
		switch {
		case list.Name == "":
			return nil, fmt.Errorf("list %d has no name", i+1)
		case slices.Contains(l.names, list.Name):
			return nil, fmt.Errorf("list %q is given twice", list.Name)
		}
		l.names = append(l.names, list.Name)
	}
	// Two by two, so that no number is moved more than six times.
	parts := make([]*Lists, len(lists))
	for i, list := range lists {
		parts[i] = single(i, list.List)
	}
	for len(parts) > 1 {
		half := parts[:0:0]
		for pair := range slices.Chunk(parts, 2) {
			joined := pair[0]
			if len(pair) == 2 {
				var err error
				if joined, err = join(pair[0], pair[1], 0); err != nil {
					return nil, err
				}
			}
			half = append(half, joined)
		}
		parts = half
	}
	if len(parts) == 1 {
		parts[0].names = l.names
		l = parts[0]
	}
	if err := l.finish(); err != nil {
		return nil, err
	}
	return l, nil
}

// Replace returns l with another list in the place of the one called name. It
// takes time for all numbers there are, and l serves meanwhile and after. It
// refuses a name that NewLists was not given.
func (l *Lists) Replace(name string, list *List) (*Lists, error) {
	i, ok := l.Index(name)
	if !ok {
		return nil, fmt.Errorf("there is no list called %q", name)
	}
	replaced, err := join(l, single(i, list), 1<<i)
	if err != nil {
		return nil, err
	}
	replaced.names = l.names
	if err := replaced.finish(); err != nil {
		return nil, err
	}
	return replaced, nil
}

// single returns lists of which only the i-th holds anything, not finished.
func single(i int, list *List) *Lists {
	only := &Lists{sets: []Set{1 << i}, own: make([]Set, len(list.stems()))}
	for at := range only.own {
		only.own[at] = 1 << i
	}
	if list != nil {
		only.numbers, only.prefixes = list.numbers, list.prefixes
	}
	only.of = make([]uint16, len(list.keys()))
	return only
}

// join returns what is in a and in b, but for the lists of a that are dropped,
// not finished.
func join(a, b *Lists, dropped Set) (*Lists, error) {
	var sets setPlaces
	both := &Lists{}
	keys := make([]uint64, 0, len(a.numbers.keys)+len(b.numbers.keys))
	of := make([]uint16, 0, cap(keys))
	for i, j := 0, 0; i < len(a.numbers.keys) || j < len(b.numbers.keys); {
		var key uint64
		var set Set
		switch {
		case j == len(b.numbers.keys) || i < len(a.numbers.keys) && a.numbers.keys[i] <= b.numbers.keys[j]:
			key, set = a.numbers.keys[i], a.sets[a.of[i]]&^dropped
			if j < len(b.numbers.keys) && b.numbers.keys[j] == key {
				set |= b.sets[b.of[j]]
				j++
			}
			i++
		default:
			key, set = b.numbers.keys[j], b.sets[b.of[j]]
			j++
		}
		if set == 0 {
			continue
		}
		place, err := sets.place(set)
		if err != nil {
			return nil, err
		}
		keys, of = append(keys, key), append(of, place)
	}
	both.numbers, both.of, both.sets = orderedExact(fitted(keys)), fitted(of), sets.sets

	type row struct {
		stem stem
		own  Set
	}
	var rows []row
	for i, s := range a.stems() {
		if own := a.own[i] &^ dropped; own != 0 {
			rows = append(rows, row{s, own})
		}
	}
	for i, s := range b.stems() {
		rows = append(rows, row{s, b.own[i]})
	}
	slices.SortFunc(rows, func(a, b row) int { return a.stem.compare(b.stem) })
	var stems []stem
	for _, r := range rows {
		if last := len(stems) - 1; last >= 0 && stems[last] == r.stem {
			both.own[last] |= r.own
			continue
		}
		stems, both.own = append(stems, r.stem), append(both.own, r.own)
	}
	if len(stems) > 0 {
		both.prefixes, both.own = newTree(fitted(stems)), fitted(both.own)
	}
	return both, nil
}

// maxSets is how many places 16 bits tell apart.
const maxSets = 1 << 16

// setPlaces gives every Set a place.
type setPlaces struct {
	places map[Set]uint16
	sets   []Set
	last   Set
	at     uint16 // place of last
}

func (p *setPlaces) place(s Set) (uint16, error) {
	if s == p.last { // as for most
		return p.at, nil
	}
	if p.places == nil {
		p.places = make(map[Set]uint16)
		for at, known := range p.sets {
			p.places[known] = uint16(at)
		}
	}
	at, ok := p.places[s]
	if !ok {
		if len(p.sets) == maxSets {
			return 0, fmt.Errorf("the lists overlap in more than %d ways", maxSets)
		}
		at = uint16(len(p.sets))
		p.places[s], p.sets = at, append(p.sets, s)
	}
	p.last, p.at = s, at
	return at, nil
}

// finish gives each prefix the lists of all shorter ones, so that the longest
// tells them all.
func (l *Lists) finish() error {
	places := setPlaces{sets: l.sets}
	all := slices.Clone(l.own)
	l.all = make([]uint16, len(all))
	for i := range all {
		if around := l.prefixes.around[i]; around != nobody {
			all[i] |= all[around]
		}
		var err error
		if l.all[i], err = places.place(all[i]); err != nil {
			return err
		}
	}
	l.sets = places.sets
	return nil
}

func (l *Lists) stems() []stem {
	if l.prefixes == nil {
		return nil
	}
	return l.prefixes.stems
}

// Of returns the lists that n is in, in any spelling that rings the same phone.
// The zero Number is in none.
func (l *Lists) Of(n Number) Set {
	if l == nil || n.IsZero() {
		return 0
	}
	key := n.key.digits()
	var s Set
	if at, ok := l.numbers.find(key); ok {
		s = l.sets[l.of[at]]
	}
	if l.prefixes == nil {
		return s
	}
	if at := l.prefixes.find(key); at != nobody {
		s |= l.sets[l.all[at]]
	}
	if other := n.other(); other != 0 {
		if at := l.prefixes.find(other.digits()); at != nobody {
			s |= l.sets[l.all[at]]
		}
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
	i := slices.Index(l.names, name)
	return i, i >= 0
}

// Len returns how many different numbers and prefixes are in the lists.
func (l *Lists) Len() (numbers, prefixes int) {
	if l == nil {
		return 0, 0
	}
	return len(l.numbers.keys), len(l.own)
}
