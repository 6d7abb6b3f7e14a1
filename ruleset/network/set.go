package network

import "math/bits"

// MaxLists is how many lists there can be: one for each bit of a Set.
const MaxLists = 128

// Set is a set of lists, in which each is the number of its place among those
// NewLists was given. The zero Set is empty. Sets can be compared with ==.
type Set [MaxLists / 64]uint64

// Has reports whether list i is in s.
func (s Set) Has(i int) bool {
	return i >= 0 && i < MaxLists && s[i/64]>>(i%64)&1 != 0
}

// With returns s and list i, which is between 0 and MaxLists-1.
func (s Set) With(i int) Set {
	s[i/64] |= 1 << (i % 64)
	return s
}

// Or returns the lists that are in s or in t.
func (s Set) Or(t Set) Set {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

// And returns the lists that are in s and in t.
func (s Set) And(t Set) Set {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

// Without returns the lists that are in s and not in t.
func (s Set) Without(t Set) Set {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

// IsEmpty reports whether no list is in s.
func (s Set) IsEmpty() bool { return s == Set{} }

// Len returns how many lists are in s.
func (s Set) Len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// First returns the first list in s, or -1.
func (s Set) First() int {
	for i, word := range s {
		if word != 0 {
			return i*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}
