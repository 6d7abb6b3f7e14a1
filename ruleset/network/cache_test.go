package network

import "testing"

func TestCacheIsBounded(t *testing.T) {
	for records, want := range map[int]int{0: 1, 1: 2, 2: 4, 100: 256, 50_000: maxSlots, 1 << 30: maxSlots} {
		c := newCache[int](records)
		if len(c.slots) != want {
			t.Errorf("%d records: %d slots, want %d", records, len(c.slots), want)
		}
		for offset := range uintptr(1000) {
			if c.get(offset) != nil {
				t.Fatalf("%d records: %d is there before it was stored", records, offset)
			}
			c.put(&cached[int]{offset, int(offset)})
			if got := c.get(offset); got == nil || *got != int(offset) {
				t.Fatalf("%d records: %d is not there after it was stored", records, offset)
			}
		}
	}
}
