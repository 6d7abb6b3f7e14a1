package network

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"sort"
)

// spans is the table for IPv4: all addresses there are, cut where the lists
// they are in change. One look into an index and a short search find the span
// of an address, in less than half the time and memory of a trie. An index would
// not part the networks of IPv6, which lie in few places: there a trie is right.
type spans struct {
	starts []uint32 // first address of each span, rising; the first is 0.0.0.0
	lists  []Set    // of each span
	index  []uint32 // by the highest bits of an address: the first span that begins there or later
	shift  int      // by how much an address is shifted to leave those bits
}

// newSpans makes the table of IPv4 networks, each with the lists of those
// around it, in the order spread returns them.
func newSpans(networks []listed) *spans {
	s := &spans{starts: []uint32{0}, lists: []Set{0}}
	var around []listed
	// leave closes the networks around that end before the address at.
	leave := func(at netip.Addr) {
		for n := len(around); n > 0 && !around[n-1].prefix.Contains(at); n-- {
			var outer Set
			if n > 1 {
				outer = around[n-2].lists
			}
			if next := lastOf(around[n-1].prefix).Next(); next.IsValid() {
				s.begin(number4(next), outer)
			}
			around = around[:n-1]
		}
	}
	for _, e := range networks {
		leave(e.prefix.Addr())
		s.begin(number4(e.prefix.Addr()), e.lists)
		around = append(around, e)
	}
	leave(netip.Addr{})
	s.makeIndex()
	return s
}

// begin starts a span at start, which is not before the last one.
func (s *spans) begin(start uint32, lists Set) {
	last := len(s.starts) - 1
	switch {
	case s.lists[last] == lists:
	case s.starts[last] == start:
		s.lists[last] = lists
	default:
		s.starts = append(s.starts, start)
		s.lists = append(s.lists, lists)
	}
}

// makeIndex gives the index about as many entries as there are spans, and
// 65536 at most.
func (s *spans) makeIndex() {
	size := min(bits.Len(uint(len(s.starts))), 16)
	s.shift = 32 - size
	s.index = make([]uint32, 1<<size+1)
	for i := range s.index {
		s.index[i] = uint32(sort.Search(len(s.starts), func(j int) bool {
			return uint64(s.starts[j]) >= uint64(i)<<s.shift
		}))
	}
}

// of returns the lists of a, an IPv4 address.
func (s *spans) of(a netip.Addr) Set {
	n := number4(a)
	from, to := s.index[n>>s.shift], s.index[n>>s.shift+1]
	for from < to {
		if mid := (from + to) / 2; s.starts[mid] <= n {
			from = mid + 1
		} else {
			to = mid
		}
	}
	return s.lists[from-1]
}

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}
