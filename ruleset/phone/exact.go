package phone

import "slices"

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

// perBucket is how many keys are searched for one.
const perBucket = 8

// newExact makes a set of scattered keys, whose memory it may keep.
func newExact(keys []uint64) exact {
	slices.Sort(keys)
	return orderedExact(fitted(slices.Compact(keys)))
}

// orderedExact is newExact for keys in order, each there once.
func orderedExact(keys []uint64) exact {
	e := exact{keys: keys}
	e.index, e.shift = buckets(keys, perBucket)
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
	low, high := e.index[bucket], e.index[bucket+1]
	for low < high {
		middle := (low + high) >> 1
		if e.keys[middle] < key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return int(low), int(low) < len(e.keys) && e.keys[low] == key
}
