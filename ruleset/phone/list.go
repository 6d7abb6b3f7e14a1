package phone

import "slices"

// A List is a set of numbers, prefixes and ranges. It takes at most
// nine bytes for each number and up to 50 for each prefix, is immutable, and safe for
// concurrent use. The zero List and a nil *List are empty.
//
// A phone that has two spellings (see the package's comment) is in a list that
// holds either of them, or a prefix of either.
type List struct {
	numbers  exact
	prefixes *tree
}

// NewList makes a list of entries. Overlaps are welcome.
func NewList(entries ...Entry) *List {
	var b listBuilder
	for _, e := range entries {
		b.add(e)
	}
	return b.list()
}

// Has reports whether n is in the list. It does not allocate.
func (l *List) Has(n Number) bool {
	if l == nil || n.IsZero() {
		return false
	}
	if _, ok := l.numbers.find(n.key.digits()); ok {
		return true
	}
	if l.prefixes == nil {
		return false
	}
	if l.prefixes.find(n.key.digits()) != nobody {
		return true
	}
	other := n.other()
	return other != 0 && l.prefixes.find(other.digits()) != nobody
}

// Len returns how many numbers and how many prefixes the list holds. A number
// counts once in whichever spellings it is there, a range as the fewest prefixes
// that say the same.
func (l *List) Len() (numbers, prefixes int) {
	if l == nil {
		return 0, 0
	}
	return len(l.numbers.keys), len(l.stems())
}

func (l *List) stems() []stem {
	if l == nil || l.prefixes == nil {
		return nil
	}
	return l.prefixes.stems
}

func (l *List) keys() []uint64 {
	if l == nil {
		return nil
	}
	return l.numbers.keys
}

// A listBuilder gathers what a list will hold.
type listBuilder struct {
	keys  []uint64 // scattered
	stems []stem
}

func (b *listBuilder) add(e Entry) {
	if e.key != 0 {
		b.keys = append(b.keys, scatter(e.key.digits()))
	}
	b.stems = append(b.stems, e.stems...)
}

// list makes the list and leaves the builder to be forgotten.
func (b *listBuilder) list() *List {
	l := &List{numbers: newExact(b.keys)}
	if len(b.stems) > 0 {
		slices.SortFunc(b.stems, stem.compare)
		l.prefixes = newTree(fitted(slices.Compact(b.stems)))
	}
	return l
}

// fitted returns s in memory of its own size, unless that would save little.
func fitted[T any](s []T) []T {
	if cap(s)-len(s) <= len(s)/50 {
		return s
	}
	return append(make([]T, 0, len(s)), s...)
}
