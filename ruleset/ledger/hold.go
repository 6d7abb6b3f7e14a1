package ledger

import "encoding/binary"

// A hold is what one reservation has charged: the time of its events, and a
// mark for each line that has one. It lives until the last of the windows
// ends, or until all has been given back.
//
// A mark is 32 bits: the number of the line, whether it counts unverified
// sends, and whether two more follow: the member, or the amount.
//
// The number of a line is enough to find the event again: a line that has
// been given to another key since has forgotten all times before that.
const (
	headMarks = 8
	lineMarks = 14

	markPair       = 1
	markUnverified = 2
	markShift      = 2
)

// id returns the two words of id.
func (id ID) words() (uint64, uint64) {
	return binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])
}

// holdLines returns how many lines a hold of so many marks takes.
func holdLines(marks int) int {
	return 1 + max(marks-headMarks+lineMarks-1, 0)/lineMarks
}

// hold keeps marks under id until the time expires.
func (l *Embedded) hold(id ID, hash uint32, marks []uint32, expires int64) {
	i, h := l.lines.take(holdEntry)
	h[0] |= uint64(l.clock.event) << timeShift
	h[2], h[3] = id.words()
	h.keep(expires)
	l.index.insert(hash, i)
	l.holds++

	n := min(len(marks), headMarks)
	h.setMarks(4, marks[:n])
	for m, rest := h, marks[n:]; len(rest) > 0; rest = rest[n:] {
		i, next := l.lines.take(more)
		m.setNext(i)
		n = min(len(rest), lineMarks)
		next.setMarks(1, rest[:n])
		m = next
	}
}

func (e *line) setMarks(base int, marks []uint32) {
	for i, mark := range marks {
		e[base+i/2] |= uint64(mark) << (32 * (i % 2))
	}
	e.setN(len(marks))
}

// marks returns what h holds.
func (l *Embedded) marksOf(h *line) []uint32 {
	l.marks = l.marks[:0]
	base := 4
	for m := h; m != nil; m, base = l.follow(m), 1 {
		for i := range m.n() {
			l.marks = append(l.marks, uint32(m[base+i/2]>>(32*(i%2))))
		}
	}
	return l.marks
}

// giveBack takes back what h holds: all of it, or what counts unverified.
func (l *Embedded) giveBack(h *line, all bool) {
	t := h.forgotten() // the same bits: the time of its events
	marks := l.marksOf(h)
	for len(marks) > 0 {
		mark := marks[0]
		marks = marks[1:]
		var pair uint64
		if mark&markPair != 0 {
			pair = uint64(marks[0]) | uint64(marks[1])<<32
			marks = marks[2:]
		}
		if !all && mark&markUnverified == 0 {
			continue
		}
		i := mark >> markShift
		if i >= l.lines.fresh {
			continue // it was free, and then the ledger was opened again
		}
		e := l.lines.at(i)
		back := false
		switch kind := e.kind(); {
		case kind == memberEntry && mark&markPair != 0:
			back = l.memberReturn(i, pair, t)
		case kind == sumEntry && mark&markPair != 0:
			back = l.sumReturn(i, pair, t)
		case kind == logEntry && mark&markPair == 0:
			back = l.logReturn(i, t)
		}
		if !back {
			continue
		}
		l.returned++
		if until, _ := e.ban(); e.n() == 0 && e.next() == 0 && until <= l.clock.now {
			l.drop(i, e)
		}
	}
}

// drop removes an entry, a hold or a note.
func (l *Embedded) drop(i uint32, e *line) {
	l.index.remove(l.index.hash(e[2], e[3]), i)
	switch e.kind() {
	case holdEntry:
		l.holds--
	case noteEntry:
		l.notes--
	default:
		l.keys--
	}
	l.lines.giveChain(i)
}

// sweep looks at the next lines in turn and drops what has expired.
func (l *Embedded) sweep(n int) {
	l.chain = l.chain[:0]
	sink := uint64(0)
	for range min(n, int(l.lines.fresh)-1) { // none twice
		if l.cursor++; l.cursor >= l.lines.fresh {
			l.cursor = 1
		}
		e := l.lines.at(l.cursor)
		switch e.kind() {
		case logEntry, memberEntry, sumEntry, holdEntry, noteEntry:
			if e.expires() <= l.clock.now {
				hash := l.index.hash(e[2], e[3])
				sink += l.index.segment(hash).slots[hash%segmentSlots] // is needed next
				l.chain = append(l.chain, l.cursor)
			}
		}
	}
	l.sink += sink
	for _, i := range l.chain {
		l.drop(i, l.lines.at(i))
	}
	l.swept += uint64(len(l.chain))
}
