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
	room := min(limit.Max, MaxExact) - extra
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

// memberEvent writes down one event of member. The place of one who has left
// is used again; where only shadow limits would have refused a new one, it
// takes the place of the one longest silent.
func (l *Embedded) memberEvent(e *line, member uint64, tally *Tally) {
	now := l.clock.event
	window, most, _ := reach(tally.Limits)
	most = min(most, MaxExact)

	var oldest, roomy *line
	at, count := 0, 0
	for m := e; m != nil; m = l.follow(m) {
		base, n, room := m.members()
		for i := base; i < base+2*n; i += 2 {
			r := run(m[i+1])
			if m[i] == member {
				outstanding := min(r.count()+1, runMax)
				if !within(l.clock.now, r.time(), window) {
					e.forget(r.time())
					outstanding = 1
				}
				m[i+1] = uint64(newRun(now, outstanding))
				return
			}
			if oldest == nil || r.time() < run(oldest[at+1]).time() {
				oldest, at = m, i
			}
		}
		count += n
		if n < room && roomy == nil {
			roomy = m
		}
	}
	if oldest != nil {
		if t := run(oldest[at+1]).time(); count >= most || !within(l.clock.now, t, window) {
			e.forget(t)
			oldest[at], oldest[at+1] = member, uint64(newRun(now, 1))
			return
		}
	}
	if roomy == nil {
		var i uint32
		i, roomy = l.lines.take(more)
		roomy.setNext(e.next())
		e.setNext(i)
	}
	base, n, _ := roomy.members()
	roomy[base+2*n], roomy[base+2*n+1] = member, uint64(newRun(now, 1))
	roomy.setN(n + 1)
}

// memberReturn takes one event of member that was written down at the time t
// out again, if it still counts, and reports whether it did.
func (l *Embedded) memberReturn(e *line, member uint64, t int64) bool {
	if t <= e.forgotten() {
		return false
	}
	for before, m := (*line)(nil), e; m != nil; before, m = m, l.follow(m) {
		base, n, _ := m.members()
		for i := base; i < base+2*n; i += 2 {
			if m[i] != member {
				continue
			}
			switch r := run(m[i+1]); {
			case r.count() == runMax: // we have lost count
				return false
			case r.count() > 1:
				m[i+1] = uint64(newRun(r.time(), r.count()-1))
				return true
			}
			last := base + 2*(n-1)
			m[i], m[i+1] = m[last], m[last+1]
			m.setN(n - 1)
			if n == 1 && before != nil {
				i := before.next()
				before.setNext(m.next())
				l.lines.give(i)
			}
			return true
		}
	}
	return false
}
