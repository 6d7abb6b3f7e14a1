package ledger

// The log of a key is a list of runs. A run is a count of events and the time
// of the last of them, at which all of them count. Runs of several
// milliseconds are made only of events that no exact limit reads, so for those
// the log is exact; for the others a run is at most one cell long.
//
// The newest runs stand in the entry itself, oldest first, older ones in the
// lines that follow it, newest line first.
type run uint64

const (
	runBits = 22
	runMax  = 1<<runBits - 1
)

func newRun(t int64, count int) run { return run(t<<runBits | int64(count)) }

func (r run) time() int64 { return int64(r >> runBits) }
func (r run) count() int  { return int(r & runMax) }

const (
	headRuns = 3
	lineRuns = 7
)

// logWait tells in how many milliseconds the log has room for one more event
// beside extra others; 0 is now.
func (l *Embedded) logWait(e *line, limit *Limit, extra int) int64 {
	room := int(limit.Max) - extra
	if room <= 0 {
		return millis(limit.Window) // never, to be honest
	}
	if e == nil {
		return 0
	}
	words, next := e[5:5+e.n()], e.next()
	for {
		for i := len(words) - 1; i >= 0; i-- {
			r := run(words[i])
			if !within(l.clock.now, r.time(), limit.Window) {
				return 0
			}
			if room -= r.count(); room <= 0 {
				return r.time() + millis(limit.Window) - l.clock.now
			}
		}
		if next == 0 {
			return 0
		}
		m := l.lines.at(next)
		words, next = m[1:1+m.n()], m.next()
	}
}

// lastEvent is the time of the newest event of the log, 0 if it has none.
func (l *Embedded) lastEvent(e *line) int64 {
	if n := e.n(); n > 0 {
		return run(e[4+n]).time()
	}
	if i := e.next(); i != 0 {
		m := l.lines.at(i)
		return run(m[m.n()]).time()
	}
	return 0
}

// logEvent writes down one event. Keep is the longest window of the tally.
func (l *Embedded) logEvent(e *line, tally *Tally, keep int64) {
	now := l.clock.event
	n := e.n()
	if n > 0 {
		last := run(e[4+n])
		if last.count() < runMax && (last.time() == now || mergeable(last.time(), now, l.clock.now, 0, tally.Limits)) {
			e[4+n] = uint64(newRun(now, last.count()+1))
			return
		}
	}
	if n < headRuns {
		e[5+n] = uint64(newRun(now, 1))
		e.setN(n + 1)
		return
	}
	if oldest := run(e[5]).time(); e.next() == 0 && oldest+keep <= l.clock.now {
		e.forget(oldest)
		e[5], e[6], e[7] = e[6], e[7], uint64(newRun(now, 1))
		return
	}
	l.repack(e, tally, newRun(now, 1))
}

// logReturn takes one event of the log of the line i that was written down at
// the time t out again, if it is still there, and reports whether it was.
func (l *Embedded) logReturn(i uint32, t int64) bool {
	e := l.lines.at(i)
	if t <= e.forgotten() {
		return false
	}
	// The event is in the oldest run that is not older than it.
	in, at, before := i, -1, uint32(0)
	words, m, base, previous := e[5:5+e.n()], i, 5, uint32(0)
	for {
		k := len(words) - 1
		for k >= 0 && run(words[k]).time() >= t {
			k--
		}
		if k+1 < len(words) {
			in, at, before = m, base+k+1, previous
		}
		next := l.lines.at(m).next()
		if k >= 0 || next == 0 {
			break
		}
		previous, m, base = m, next, 1
		older := l.lines.at(m)
		words = older[1 : 1+older.n()]
	}
	if at < 0 {
		return false
	}
	l.lines.touch(in)
	from := l.lines.at(in)
	if run(from[at]).count() > 1 {
		from[at]--
		return true
	}
	base = 5
	if in != i {
		base = 1
	}
	n := from.n() - 1
	copy(from[at:base+n], from[at+1:base+n+1])
	from.setN(n)
	if n == 0 && in != i {
		l.unlink(before, in)
	}
	return true
}

// unlink gives back the line i, which follows the line before.
func (l *Embedded) unlink(before, i uint32) {
	l.lines.touch(before)
	l.lines.at(before).setNext(l.lines.at(i).next())
	l.lines.give(i)
}
