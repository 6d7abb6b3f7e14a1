package phone

import (
	"math/bits"
	"slices"
)

// An exact is a set of keys of numbers. They are scattered, so that their
// highest bits say about where each stands, and sorted: finding one reads two
// places of memory, and it takes eight and a half bytes.
type exact struct {
	keys  []uint64 // scattered, in order, each once
	index []uint32
	shift uint
}

// scatter spreads numbers evenly. It loses nothing: different numbers stay
// different.
func scatter(digits uint64) uint64 {
	digits ^= digits >> 32
	return digits * 0x9e3779b97f4a7c15
}

// perBucket is how many keys at most share their highest bits, on average; half
// as many at least.
const perBucket = 8

// newExact makes a set of scattered keys, whose memory it may keep.
func newExact(keys []uint64) exact {
	slices.Sort(keys)
	return orderedExact(fitted(slices.Compact(keys)))
}

// orderedExact is newExact for keys in order, each there once.
func orderedExact(keys []uint64) exact {
	e := exact{keys: keys}
	e.index, e.shift = bucketsOf(keys)
	return e
}

// find returns the place of a number's digits in keys, and whether they are
// there.
func (e *exact) find(digits uint64) (int, bool) {
	if len(e.keys) == 0 {
		return 0, false
	}
	key := scatter(digits)
	bucket := key >> e.shift
	low, high := int(e.index[bucket]), int(e.index[bucket+1])
	for high-low > 2*perBucket { // somebody has made them up
		if middle := (low + high) / 2; e.keys[middle] <= key {
			low = middle
		} else {
			high = middle
		}
	}
	for at, k := range e.keys[low:high] {
		if k >= key {
			return low + at, k == key
		}
	}
	return 0, false
}

// bucketsOf returns an index over ordered keys by their highest bits: those with
// highest bits b, key>>shift, are from index[b] up to index[b+1].
func bucketsOf(keys []uint64) (index []uint32, shift uint) {
	size := bits.Len(uint(max(len(keys)/perBucket, 1)))
	shift = uint(64 - size)
	index = make([]uint32, 1<<size+1)
	at := 0
	for b := range index {
		for at < len(keys) && keys[at]>>shift < uint64(b) {
			at++
		}
		index[b] = uint32(at)
	}
	return index, shift
}
