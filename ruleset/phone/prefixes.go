package phone

import (
	"fmt"
	"slices"
)

// Prefixes is a table from the beginnings of numbers to values, such as
// prices, of which the longest counts: "+1876" goes before "+1". It takes up
// to 50 bytes and one V for each prefix, is immutable, and safe for concurrent use.
// The zero Prefixes and a nil *Prefixes are empty.
//
// A phone that has two spellings (see the package's comment) is looked for in
// both. Of what is found that counts which leaves the fewest digits over, and
// the spelling in which the number is written where both leave as many. So
// nobody gets another value by writing a number differently, except where the
// table itself tells the spellings apart down to the same digit:
// "+54911" and "+5411".
type Prefixes[V any] struct {
	tree   *tree
	values []V
}

// NewPrefixes makes a table. The keys are prefixes as ParsePrefix reads them;
// errors name one that cannot be read, or is there in two spellings.
func NewPrefixes[V any](values map[string]V) (*Prefixes[V], error) {
	type row struct {
		stem stem
		key  string
	}
	rows := make([]row, 0, len(values))
	for key := range values {
		s, err := parseStem(key)
		if err != nil {
			return nil, fmt.Errorf("prefix %q: %w", key, err)
		}
		rows = append(rows, row{s, key})
	}
	slices.SortFunc(rows, func(a, b row) int { return a.stem.compare(b.stem) })
	stems := make([]stem, len(rows))
	p := &Prefixes[V]{values: make([]V, len(rows))}
	for i, r := range rows {
		if i > 0 && r.stem == stems[i-1] {
			return nil, fmt.Errorf("prefix %s is there twice", r.stem)
		}
		stems[i], p.values[i] = r.stem, values[r.key]
	}
	p.tree = newTree(stems)
	return p, nil
}

// Lookup returns the value of the longest prefix that n begins with, and
// whether there is one. It does not allocate.
func (p *Prefixes[V]) Lookup(n Number) (value V, ok bool) {
	if at := p.find(n); at != nobody {
		return p.values[at], true
	}
	return value, false
}

// Prefix returns the prefix whose value Lookup returns, "+1876", and "" if
// there is none.
func (p *Prefixes[V]) Prefix(n Number) string {
	if at := p.find(n); at != nobody {
		return p.tree.stems[at].String()
	}
	return ""
}

// Len returns how many prefixes there are.
func (p *Prefixes[V]) Len() int {
	if p == nil {
		return 0
	}
	return len(p.values)
}

func (p *Prefixes[V]) find(n Number) int32 {
	if p == nil || p.tree == nil || n.IsZero() {
		return nobody
	}
	key := n.key.digits()
	best := p.tree.find(key)
	other := n.other()
	if other == 0 {
		return best
	}
	second := p.tree.find(other.digits())
	if second == nobody {
		return best
	}
	if best == nobody {
		return second
	}
	left := sizeOf(key) - int(p.tree.stems[best].size)
	leftOther := sizeOf(other.digits()) - int(p.tree.stems[second].size)
	if leftOther < left || leftOther == left && n.written == other {
		return second
	}
	return best
}
