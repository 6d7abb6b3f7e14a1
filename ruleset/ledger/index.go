package ledger

import (
	"math/bits"
	"math/rand/v2"
)

// index finds lines by key. It is an extendible hash table: a directory of
// small segments with open addressing. A segment that is three quarters full
// is split in two, so growing never takes longer than copying one segment.
//
// A slot is the upper half of the key's hash and the number of the line. The
// keys themselves stand in the lines and are compared there, whole.
type index struct {
	dir   []*segment
	depth uint // the directory has 1<<depth places
	seed  [2]uint64
	bytes int
}

type segment struct {
	depth uint // how many leading bits of the hash its keys have in common
	used  int
	slots [segmentSlots]uint64
}

const (
	segmentSlots = 1024
	segmentFull  = segmentSlots * 3 / 4
	segmentBytes = segmentSlots*8 + 16
)

func newIndex() index {
	return index{
		dir:   []*segment{new(segment)},
		seed:  [2]uint64{rand.Uint64(), rand.Uint64()},
		bytes: segmentBytes,
	}
}

// hash spreads keys. They are keyed hashes already; the seed is for callers
// whose keys are not, and makes sure that nobody can fill one segment only.
func (x *index) hash(k0, k1 uint64) uint32 {
	hi, lo := bits.Mul64(k0^x.seed[0], k1^x.seed[1])
	return uint32((hi ^ lo) >> 32)
}

func (x *index) segment(hash uint32) *segment {
	return x.dir[hash>>(32-x.depth)]
}

// find returns the line after the slot at that bears hash, and where to go on
// if that is not the one. It returns 0 when there is none.
func (s *segment) find(hash, at uint32) (line, next uint32) {
	for {
		slot := s.slots[at%segmentSlots]
		at++
		if slot == 0 {
			return 0, at
		}
		if uint32(slot>>32) == hash {
			return uint32(slot), at
		}
	}
}

func (x *index) insert(hash, line uint32) {
	s := x.segment(hash)
	for s.used >= segmentFull {
		x.split(s, hash)
		s = x.segment(hash)
	}
	s.put(uint64(hash)<<32 | uint64(line))
}

func (s *segment) put(slot uint64) {
	at := uint32(slot >> 32)
	for s.slots[at%segmentSlots] != 0 {
		at++
	}
	s.slots[at%segmentSlots] = slot
	s.used++
}

// split moves the half of s that differs in the next bit of the hash to a new
// segment.
func (x *index) split(s *segment, hash uint32) {
	if s.depth == x.depth {
		dir := make([]*segment, 2*len(x.dir))
		for i, s := range x.dir {
			dir[2*i], dir[2*i+1] = s, s
		}
		x.dir = dir
		x.depth++
	}
	low, high := &segment{depth: s.depth + 1}, &segment{depth: s.depth + 1}
	for _, slot := range s.slots {
		switch {
		case slot == 0:
		case slot>>(63-s.depth)&1 == 0:
			low.put(slot)
		default:
			high.put(slot)
		}
	}
	n := uint32(1) << (x.depth - s.depth) // places that s has in the directory
	first := hash >> (32 - x.depth) &^ (n - 1)
	for i := range n {
		if i < n/2 {
			x.dir[first+i] = low
		} else {
			x.dir[first+i] = high
		}
	}
	x.bytes += segmentBytes
}

// remove takes the slot of line out and closes the gap, so that the way to
// every other slot stays free of empty ones.
func (x *index) remove(hash, line uint32) {
	s := x.segment(hash)
	gap := hash
	for want := uint64(hash)<<32 | uint64(line); s.slots[gap%segmentSlots] != want; gap++ {
	}
	for at := gap + 1; ; at++ {
		slot := s.slots[at%segmentSlots]
		if slot == 0 {
			break
		}
		home := uint32(slot >> 32)
		if (at-home)%segmentSlots >= (at-gap)%segmentSlots {
			s.slots[gap%segmentSlots] = slot
			gap = at
		}
	}
	s.slots[gap%segmentSlots] = 0
	s.used--
}
