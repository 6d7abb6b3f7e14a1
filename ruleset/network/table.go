package network

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
	"sort"
)

// table gives every address a number, which is 0 where nothing else was said.
// It is all addresses there are, cut where the number changes: one look into an
// index and a short search find the span of an address. That takes less time
// and memory than a trie, and the same whether an address is found or not.
//
// It is made by begin, called for rising addresses, IPv4 before IPv6, and then
// finish. After that it does not change.
type table struct {
	v4 spans4
	v6 spans6
}

// begin says that from a on the number is n, until begin is called again.
func (t *table) begin(a netip.Addr, n uint32) {
	if a.Is4() {
		t.v4.begin(number4(a), n)
		return
	}
	high, low := number6(a)
	t.v6.begin(high, low, n)
}

func (t *table) finish() {
	t.v4.finish()
	t.v6.finish()
}

// of returns the number of a, which is canonical.
func (t *table) of(a netip.Addr) uint32 {
	switch {
	case a.Is4():
		return t.v4.of(number4(a))
	case a.Is6():
		return t.v6.of(number6(a))
	}
	return 0
}

// len returns how many spans have a number.
func (t *table) len() int {
	n := 0
	for _, s := range t.v4.spans {
		if s.value != 0 {
			n++
		}
	}
	for _, v := range t.v6.values {
		if v != 0 {
			n++
		}
	}
	return n
}

// indexSize returns how many bits of an address an index of so many spans goes
// by. 20 make it four million bytes large.
func indexSize(spans int) int { return max(1, min(bits.Len(uint(spans))-3, 20)) }

// spans4 are the spans of IPv4. The first begins at 0.0.0.0.
type spans4 struct {
	spans []span4
	index []uint32 // by the highest bits of an address: the first span that begins there or later
	shift int      // by how much an address is shifted to leave those bits
}

// span4 has what a look-up needs side by side in memory, which is what takes
// the time.
type span4 struct {
	start uint32
	value uint32
}

func (s *spans4) begin(start, value uint32) {
	last := len(s.spans) - 1
	switch {
	case last < 0 && value == 0, last >= 0 && s.spans[last].value == value:
	case last >= 0 && s.spans[last].start == start:
		s.spans[last].value = value
	default:
		if last < 0 && start > 0 {
			s.spans = append(s.spans, span4{})
		}
		s.spans = append(s.spans, span4{start, value})
	}
}

// finish makes the index, with one entry for some eight spans, so that it stays
// near the processor.
func (s *spans4) finish() {
	if len(s.spans) == 0 {
		return
	}
	s.spans = slices.Clip(s.spans)
	size := indexSize(len(s.spans))
	s.shift = 32 - size
	s.index = make([]uint32, 1<<size+1)
	fillIndex(s.index, len(s.spans), func(i int) uint32 { return s.spans[i].start >> s.shift })
}

func (s *spans4) of(n uint32) uint32 {
	if len(s.index) == 0 {
		return 0
	}
	slot := n >> s.shift
	from, to := s.index[slot], s.index[slot+1]
	// It is the last span that begins at n or before: one of these, or the one
	// before them.
	at := max(int(from)-1, 0)
	for left := int(to) - at; left > 1; {
		half := left / 2
		at += upper(half, uint64(n), uint64(s.spans[at+half].start))
		left -= half
	}
	return s.spans[at].value
}

// upper returns half if n is in the upper half of a search, which begins at
// start, and 0 if it is not. Which it is nobody can guess, and a processor that
// guesses wrong loses more time than this takes.
func upper(half int, n, start uint64) int {
	_, below := bits.Sub64(n, start, 0)
	return half & (int(below) - 1)
}

// spans6 are the spans of IPv6. The first begins at ::.
type spans6 struct {
	high, low []uint64 // first address of each, rising
	values    []uint32
	fences    []uint64 // every fenced one of high
	index     []uint32 // as in spans4, of fences, by the bits that unicast addresses differ in
	shift     int
}

// fenced is how many spans share a fence. Networks of IPv6 lie close together in
// few places, where an index does not part them; so a search looks at the
// fences, which are few, and then at spans that lie side by side in memory.
const fenced = 16

func (s *spans6) begin(high, low uint64, value uint32) {
	last := len(s.high) - 1
	switch {
	case last < 0 && value == 0, last >= 0 && s.values[last] == value:
	case last >= 0 && s.high[last] == high && s.low[last] == low:
		s.values[last] = value
	default:
		if last < 0 && (high > 0 || low > 0) {
			s.high, s.low, s.values = append(s.high, 0), append(s.low, 0), append(s.values, 0)
		}
		s.high, s.low, s.values = append(s.high, high), append(s.low, low), append(s.values, value)
	}
}

func (s *spans6) finish() {
	if len(s.high) == 0 {
		return
	}
	s.high, s.low, s.values = slices.Clip(s.high), slices.Clip(s.low), slices.Clip(s.values)
	for i := 0; i < len(s.high); i += fenced {
		s.fences = append(s.fences, s.high[i])
	}
	s.fences = slices.Clip(s.fences)
	size := indexSize(len(s.high))
	s.shift = 61 - size
	s.index = make([]uint32, 1<<size+1)
	fillIndex(s.index, len(s.fences), func(i int) uint32 { return s.slot(s.fences[i]) })
}

// slot returns the place of an address in the index. All of unicast is in
// 2000::/3, so that what is below shares the first place and what is above the
// last one.
func (s *spans6) slot(high uint64) uint32 {
	const first, last = 0x2000_0000_0000_0000, 0x3fff_ffff_ffff_ffff
	return uint32((min(max(high, first), last) - first) >> s.shift)
}

func (s *spans6) of(high, low uint64) uint32 {
	if len(s.index) == 0 {
		return 0
	}
	slot := s.slot(high)
	fence := last(s.fences, s.index[slot], s.index[slot+1], high)
	at := last(s.high, uint32(fence*fenced+1), uint32(min((fence+1)*fenced, len(s.high))), high)
	if s.high[at] == high && s.low[at] > low {
		// There are networks narrower than 64 bits: which of them?
		at = sort.Search(at, func(i int) bool {
			return s.high[i] > high || s.high[i] == high && s.low[i] > low
		}) - 1
	}
	return s.values[at]
}

// last returns the last place of which the start is at most n. It is between
// from and to, or the one before from; there is always one.
func last(starts []uint64, from, to uint32, n uint64) int {
	at := max(int(from)-1, 0)
	for left := int(to) - at; left > 1; {
		half := left / 2
		at += upper(half, n, starts[at+half])
		left -= half
	}
	return at
}

// fillIndex makes index[i] the number of spans whose slot is below i. Slots
// rise with the spans.
func fillIndex(index []uint32, spans int, slot func(int) uint32) {
	next := 0
	for i := range index {
		for next < spans && slot(next) < uint32(i) {
			next++
		}
		index[i] = uint32(next)
	}
}

// numbered is a network and its number.
type numbered struct {
	prefix netip.Prefix
	number uint32
}

// layered makes the table of networks of which those that are within another
// hide it. They come in the order of netip.Prefix.Compare: each before those
// within it.
func layered(networks []numbered) *table {
	t := new(table)
	var around []numbered
	// leave closes the networks around that end before the address at.
	leave := func(at netip.Addr) {
		for n := len(around); n > 0 && !around[n-1].prefix.Contains(at); n-- {
			var outer uint32
			if n > 1 {
				outer = around[n-2].number
			}
			if next := lastOf(around[n-1].prefix).Next(); next.IsValid() {
				t.begin(next, outer)
			}
			around = around[:n-1]
		}
	}
	for _, e := range networks {
		leave(e.prefix.Addr())
		t.begin(e.prefix.Addr(), e.number)
		around = append(around, e)
	}
	leave(netip.Addr{})
	t.finish()
	return t
}

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func number6(a netip.Addr) (high, low uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

func addr4(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

func addr6(high, low uint64) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], high)
	binary.BigEndian.PutUint64(b[8:], low)
	return netip.AddrFrom16(b)
}

// bytes returns how much memory the table takes.
func (t *table) bytes() int64 {
	return int64(8*len(t.v4.spans)+4*len(t.v4.index)) +
		int64(8*(len(t.v6.high)+len(t.v6.low)+len(t.v6.fences))+4*(len(t.v6.values)+len(t.v6.index)))
}
