package ledger

import "slices"

// A distinct tally keeps, for each member, the time of the last event and how
// many events are outstanding. A member leaves when all of its events have
// been given back, or when the last one has left the window; when only the
// last one is given back, the member stays until then.
//
// A member is two words: its hash, and a run.
const (
	headMembers = 1
	lineMembers = 3
)

// members returns where the members of a line begin, how many there are, and
// how many it could hold.
func (e *line) members() (base, n, room int) {
	if e.kind() == more {
		return 1, e.n(), lineMembers
	}
	return 5, e.n(), headMembers
}

// memberWait tells in how many milliseconds there is room for member beside
// extra new ones; 0 is now.
func (l *Embedded) memberWait(e *line, member uint64, limit *Limit, extra int) int64 {
	room := int(min(limit.Max, MaxExact)) - extra
	l.times = l.times[:0]
	for m := e; m != nil; m = l.follow(m) {
		base, n, _ := m.members()
		for i := base; i < base+2*n; i += 2 {
			t := run(m[i+1]).time()
			if !within(l.clock.now, t, limit.Window) {
				continue
			}
			if m[i] == member {
				return 0
			}
			l.times = append(l.times, t)
		}
	}
	return l.placeWait(room, limit)
}

// placeWait tells in how many milliseconds one of room places is free, where
// l.times are those of the last events of all who have one.
func (l *Embedded) placeWait(room int, limit *Limit) int64 {
	switch n := len(l.times); {
	case room <= 0:
		return millis(limit.Window)
	case n < room:
		return 0
	default:
		slices.Sort(l.times)
		return l.times[n-room] + millis(limit.Window) - l.clock.now
	}
}

func (l *Embedded) follow(e *line) *line {
	if i := e.next(); i != 0 {
		return l.lines.at(i)
	}
	return nil
}

// lastMember is the time of the newest event of all members, 0 if there is none.
func (l *Embedded) lastMember(e *line) int64 {
	var last int64
	for m := e; m != nil; m = l.follow(m) {
		base, n, _ := m.members()
		for i := base; i < base+2*n; i += 2 {
			last = max(last, run(m[i+1]).time())
		}
	}
	return last
}

// memberEvent writes down one event of member to the line first and those that
// follow it. The place of one who has left is used again; where only shadow
// limits would have refused a new one, it takes the place of the one longest
// silent.
func (l *Embedded) memberEvent(first uint32, member uint64, tally *Tally) {
	now := l.clock.event
	window, most, _ := reach(tally.Limits)
	most = min(most, MaxExact)

	e := l.lines.at(first)
	var oldest, roomy uint32
	var silent int64 // since when the oldest is
	at, count := 0, 0
	for i := first; i != 0; i = l.lines.at(i).next() {
		m := l.lines.at(i)
		base, n, room := m.members()
		for k := base; k < base+2*n; k += 2 {
			r := run(m[k+1])
			if m[k] == member {
				outstanding := min(r.count()+1, runMax)
				if !within(l.clock.now, r.time(), window) {
					e.forget(r.time())
					outstanding = 1
				}
				l.lines.touch(i)
				m[k+1] = uint64(newRun(now, outstanding))
				return
			}
			if oldest == 0 || r.time() < silent {
				oldest, at, silent = i, k, r.time()
			}
		}
		count += n
		if n < room && roomy == 0 {
			roomy = i
		}
	}
	if oldest != 0 && (count >= most || !within(l.clock.now, silent, window)) {
		e.forget(silent)
		l.lines.touch(oldest)
		m := l.lines.at(oldest)
		m[at], m[at+1] = member, uint64(newRun(now, 1))
		return
	}
	if roomy == 0 {
		i, m := l.lines.take(more)
		m.setNext(e.next())
		e.setNext(i)
		roomy = i
	}
	l.lines.touch(roomy)
	m := l.lines.at(roomy)
	base, n, _ := m.members()
	m[base+2*n], m[base+2*n+1] = member, uint64(newRun(now, 1))
	m.setN(n + 1)
}

// memberReturn takes one event of member that was written down at the time t
// out again, if it still counts, and reports whether it did.
func (l *Embedded) memberReturn(first uint32, member uint64, t int64) bool {
	if t <= l.lines.at(first).forgotten() {
		return false
	}
	for before, i := uint32(0), first; i != 0; before, i = i, l.lines.at(i).next() {
		m := l.lines.at(i)
		base, n, _ := m.members()
		for k := base; k < base+2*n; k += 2 {
			if m[k] != member {
				continue
			}
			r := run(m[k+1])
			if r.count() == runMax { // we have lost count
				return false
			}
			l.lines.touch(i)
			if r.count() > 1 {
				m[k+1] = uint64(newRun(r.time(), r.count()-1))
				return true
			}
			last := base + 2*(n-1)
			m[k], m[k+1] = m[last], m[last+1]
			m.setN(n - 1)
			if n == 1 && before != 0 {
				l.unlink(before, i)
			}
			return true
		}
	}
	return false
}
