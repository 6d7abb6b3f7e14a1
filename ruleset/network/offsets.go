package network

import (
	"iter"
	"math/bits"
)

// offsets is a set of places in the data section of a database, one bit each.
type offsets []uint64

func (o offsets) add(offset uint) {
	o[offset/64] |= 1 << (offset % 64)
}

func (o offsets) len() int {
	n := 0
	for _, word := range o {
		n += bits.OnesCount64(word)
	}
	return n
}

// all yields the places in rising order.
func (o offsets) all() iter.Seq[uintptr] {
	return func(yield func(uintptr) bool) {
		for i, word := range o {
			for ; word != 0; word &= word - 1 {
				if !yield(uintptr(i*64 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}
