package network

import (
	"math/bits"
	"sync/atomic"
)

// maxSlots bounds a cache: 1 MB of slots, and 131072 records of some 100 bytes
// once addresses from everywhere have been seen.
const maxSlots = 1 << 17

// cache remembers records by where they are in the database. Each place has one
// slot, which it may share with others, and what is stored last stays. So memory
// is bounded whatever addresses come, and nothing is ever locked; a flood of
// addresses from everywhere costs only that records are read again.
type cache[T any] struct {
	slots []atomic.Pointer[cached[T]]
	shift int // leaves the bits of a hash that number a slot
}

// cached is a record and where it is. It does not change once it is stored.
type cached[T any] struct {
	offset uintptr
	record T
}

// newCache returns a cache with room for so many records, or maxSlots.
func newCache[T any](records int) cache[T] {
	size := bits.Len(uint(min(max(2*records, 1), maxSlots) - 1))
	return cache[T]{slots: make([]atomic.Pointer[cached[T]], 1<<size), shift: 64 - size}
}

// get returns the record at offset, or nil.
func (c *cache[T]) get(offset uintptr) *T {
	if e := c.slot(offset).Load(); e != nil && e.offset == offset {
		return &e.record
	}
	return nil
}

func (c *cache[T]) put(e *cached[T]) {
	c.slot(e.offset).Store(e)
}

func (c *cache[T]) slot(offset uintptr) *atomic.Pointer[cached[T]] {
	const golden = 0x9E3779B97F4A7C15 // spreads neighbours evenly
	return &c.slots[uint64(offset)*golden>>c.shift]
}
