package ledger

// A line is 64 bytes, one line of a processor's cache, and all that the ledger
// remembers of keys and reservations is made of them.
//
//	       w0                       w1            w2 w3  w4           w5 w6 w7
//	log    forgotten, kind, n      expires, next  key    ban, limit   3 runs
//	member forgotten, kind, n      expires, next  key    ban, limit   1 member
//	sum    forgotten, kind, n      expires, 0     key    0, start, end, sum
//	hold   time, kind, flags, n    expires, next  id     8 marks
//	note   kind                    expires, 0     key    32 bytes
//	more   next, kind, n           7 runs, 3 members or 14 marks
//	free   kind                    next
//
// A run is a time and a count, see log.go; a member is two words, see
// members.go; sums are in sum.go; a mark is half a word, see hold.go. Expiries are Unix seconds,
// rounded up, all other times Unix milliseconds.
type line [8]uint64

const (
	free uint64 = iota // the zero line is free
	logEntry
	memberEntry
	holdEntry
	more
	noteEntry

	sumEntry uint64 = 8 // a bit of its own
)

const (
	kindShift = 8
	timeShift = 16     // of w0; what is below is kind and n
	verified  = 1 << 7 // flags of holds
	again     = 1 << 6
	nMask     = 1<<6 - 1
)

func (e *line) kind() uint64 { return e[0] >> kindShift & 0xff }
func (e *line) n() int       { return int(e[0] & nMask) }
func (e *line) setN(n int)   { e[0] = e[0]&^uint64(nMask) | uint64(n) }

// forgotten is the time up to which events may have been dropped from the
// entry: one that is not later cannot be given back.
func (e *line) forgotten() int64 { return int64(e[0] >> timeShift) }

func (e *line) forget(t int64) {
	if t > e.forgotten() {
		e[0] = uint64(t)<<timeShift | e[0]&(1<<timeShift-1)
	}
}

// next is the line that goes on where e ends, and 0 if there is none.
func (e *line) next() uint32 {
	if e.kind() == more {
		return uint32(e[0] >> timeShift)
	}
	return uint32(e[1])
}

func (e *line) setNext(i uint32) {
	if e.kind() == more {
		e[0] = uint64(i)<<timeShift | e[0]&(1<<timeShift-1)
		return
	}
	e[1] = e[1]&^(1<<32-1) | uint64(i)
}

// expires is when e is of no use any more.
func (e *line) expires() int64 { return int64(e[1]>>32) * 1000 }

// keep makes e live at least until the time t, and reports whether it would
// not have done so by itself.
func (e *line) keep(t int64) bool {
	if t <= e.expires() {
		return false
	}
	s := uint64(min((t+999)/1000, 1<<32-1))
	e[1] = s<<32 | e[1]&(1<<32-1)
	return true
}

// ban returns until when the key is banned, and by which limit.
func (e *line) ban() (until int64, limit int) { return int64(e[4] >> 8), int(e[4] & 0xff) }

func (e *line) setBan(until int64, limit int) { e[4] = uint64(until)<<8 | uint64(min(limit, 0xff)) }

// arena hands out lines. It grows by small chunks, so that no call has to wait
// for a large one, and never shrinks: what is freed is used again.
type arena struct {
	chunks []*[chunkLines]line
	freed  uint32 // the first of the freed lines, 0 if there is none
	fresh  uint32 // the first line that was never used; line 0 never is
	used   int
	taken  int // lines ever taken

	// Which lines have changed since they were last written to disk.
	tracked bool
	changed []uint32
	marked  []uint64 // a bit for each line
}

const (
	chunkBits  = 12
	chunkLines = 1 << chunkBits
)

func (a *arena) at(i uint32) *line {
	return &a.chunks[i>>chunkBits][i&(chunkLines-1)]
}

// touch notes that a line changes. Whoever writes to a line that it has not
// just taken calls it.
func (a *arena) touch(i uint32) {
	if !a.tracked {
		return
	}
	if bit := uint64(1) << (i % 64); a.marked[i/64]&bit == 0 {
		a.marked[i/64] |= bit
		a.changed = append(a.changed, i)
	}
}

// grow adds a chunk.
func (a *arena) grow() {
	a.chunks = append(a.chunks, new([chunkLines]line))
	if a.tracked {
		a.marked = append(a.marked, make([]uint64, chunkLines/64)...)
	}
}

// take returns an empty line of a kind.
func (a *arena) take(kind uint64) (uint32, *line) {
	i := a.freed
	if i == 0 {
		i = max(a.fresh, 1)
		if int(i>>chunkBits) == len(a.chunks) {
			a.grow()
		}
		a.fresh = i + 1
	}
	e := a.at(i)
	if i == a.freed {
		a.freed = uint32(e[1])
	}
	*e = line{kind << kindShift}
	a.touch(i)
	a.used++
	a.taken++
	return i, e
}

func (a *arena) give(i uint32) {
	e := a.at(i)
	*e = line{free << kindShift, uint64(a.freed)}
	a.touch(i)
	a.freed = i
	a.used--
}

// giveChain gives back the line i and all that follow it.
func (a *arena) giveChain(i uint32) {
	for i != 0 {
		next := a.at(i).next()
		a.give(i)
		i = next
	}
}
