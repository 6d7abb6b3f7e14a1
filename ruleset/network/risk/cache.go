package risk

import (
	"net/netip"
	"sync"
	"time"
)

// cache keeps answers, a fixed number of them.
type cache struct{ shards [16]shard }

type shard struct {
	mu    sync.Mutex
	most  int
	index map[netip.Addr]int32 // into slots
	slots []slot
	hand  int // the next slot that may have to go
}

type slot struct {
	key    netip.Addr
	answer Answer
	until  time.Time
	used   bool // asked for since the hand came by
}

func newCache(entries int) *cache {
	c := new(cache)
	for i := range c.shards {
		s := &c.shards[i]
		s.most = max(1, (entries+len(c.shards)-1)/len(c.shards))
		s.index = make(map[netip.Addr]int32)
	}
	return c
}

// keyOf returns what a is kept under: itself, or the /64 that it is in.
func keyOf(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if a.Is4() {
		return a
	}
	b := a.As16()
	clear(b[8:])
	return netip.AddrFrom16(b)
}

func (c *cache) shard(key netip.Addr) *shard {
	b := key.As16()
	h := uint32(2166136261) // FNV-1a: which shard an address is in need not be a secret
	for _, octet := range b {
		h = (h ^ uint32(octet)) * 16777619
	}
	h ^= h >> 16
	h *= 0x85ebca6b
	return &c.shards[h>>20%uint32(len(c.shards))]
}

// get returns what is known at the time at.
func (c *cache) get(key netip.Addr, at time.Time) (Answer, bool) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[key]
	if !ok || !at.Before(s.slots[i].until) {
		return Answer{}, false
	}
	s.slots[i].used = true
	return s.slots[i].answer, true
}

// put keeps an answer. One that has not been asked for lately makes room.
func (c *cache) put(key netip.Addr, a Answer, until time.Time) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[key]
	switch {
	case ok:
	case len(s.slots) < s.most:
		i = int32(len(s.slots))
		s.slots = append(s.slots, slot{})
	default:
		for s.slots[s.hand].used {
			s.slots[s.hand].used = false
			s.hand = (s.hand + 1) % len(s.slots)
		}
		i = int32(s.hand)
		s.hand = (s.hand + 1) % len(s.slots)
		delete(s.index, s.slots[i].key)
	}
	s.index[key] = i
	s.slots[i] = slot{key: key, answer: a, until: until}
}

// size is how many answers are kept, those included whose time is over.
func (c *cache) size() (n int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += len(s.index)
		s.mu.Unlock()
	}
	return n
}
