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
	room := limit.Max - extra
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

// logReturn takes one event that was written down at the time t out again, if
// it is still there, and reports whether it was.
func (l *Embedded) logReturn(e *line, t int64) bool {
	if t <= e.forgotten() {
		return false
	}
	// The event is in the oldest run that is not older than it.
	in, at := e, -1
	before := (*line)(nil)
	words, m, base := e[5:5+e.n()], e, 5
	var previous *line
	for {
		i := len(words) - 1
		for i >= 0 && run(words[i]).time() >= t {
			i--
		}
		if i+1 < len(words) {
			in, at, before = m, base+i+1, previous
		}
		if i >= 0 || m.next() == 0 {
			break
		}
		previous, m, base = m, l.lines.at(m.next()), 1
		words = m[1 : 1+m.n()]
	}
	if at < 0 {
		return false
	}
	r := run(in[at])
	if r.count() > 1 {
		in[at]--
		return true
	}
	base = 5
	if in.kind() == more {
		base = 1
	}
	n := in.n() - 1
	copy(in[at:base+n], in[at+1:base+n+1])
	in.setN(n)
	if n == 0 && before != nil {
		i := before.next()
		before.setNext(in.next())
		l.lines.give(i)
	}
	return true
}
