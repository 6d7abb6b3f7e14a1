package network

import "sync/atomic"

// cacheSlots bounds a cache: 4096 records of less than 100 bytes each.
const cacheSlots = 1 << 12

// cache remembers records by where they are in the database. Each place has one
// slot, which it shares with others, and the last one stored stays. So memory
// is bounded whatever addresses come, and nothing is ever locked; a flood of
// addresses from everywhere costs only that records are read again.
type cache[T any] struct {
	slots [cacheSlots]atomic.Pointer[cached[T]]
}

type cached[T any] struct {
	offset uintptr
	record *T
}

// get returns the record at offset, or nil.
func (c *cache[T]) get(offset uintptr) *T {
	if e := c.slot(offset).Load(); e != nil && e.offset == offset {
		return e.record
	}
	return nil
}

// put stores the record at offset, which must not change any more.
func (c *cache[T]) put(offset uintptr, record *T) {
	c.slot(offset).Store(&cached[T]{offset, record})
}

func (c *cache[T]) slot(offset uintptr) *atomic.Pointer[cached[T]] {
	const golden = 0x9E3779B97F4A7C15 // spreads neighbours evenly
	return &c.slots[uint64(offset)*golden>>(64-12)]
}
