package ledger

import "time"

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

// logEvent writes down one event.
func (l *Embedded) logEvent(e *line, tally *Tally) {
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
	l.repack(e, tally, newRun(now, 1))
}

// repack adds a run to a log whose entry is full: it drops what no limit reads
// any more, makes old runs coarser where it may, and lays out the rest anew.
func (l *Embedded) repack(e *line, tally *Tally, add run) {
	runs := l.runs[:0]
	l.chain = l.chain[:0]
	for i := e.next(); i != 0; i = l.lines.at(i).next() {
		l.chain = append(l.chain, i)
	}
	for i := len(l.chain) - 1; i >= 0; i-- {
		m := l.lines.at(l.chain[i])
		for _, w := range m[1 : 1+m.n()] {
			runs = append(runs, run(w))
		}
	}
	for _, w := range e[5 : 5+e.n()] {
		runs = append(runs, run(w))
	}
	runs = append(runs, add)
	l.runs = runs

	window, most, wide := reach(tally.Limits)
	drop := 0
	for !within(l.clock.now, runs[drop].time(), window) {
		drop++
	}
	if !wide && len(runs)-drop > most {
		drop = len(runs) - most // only shadow limits let it come to this
	}
	if drop > 0 {
		e.forget(runs[drop-1].time())
		runs = runs[drop:]
	}
	if wide {
		runs = compact(runs, l.clock.now, tally.Limits)
	}
	l.layOut(e, runs)
}

// layOut writes runs to e and the lines that follow it. It leaves room in e
// itself, so that this is not needed for every event.
func (l *Embedded) layOut(e *line, runs []run) {
	head := len(runs)
	if head > headRuns {
		head = 1
	}
	rest := runs[:len(runs)-head]
	e.setN(head)
	for i, r := range runs[len(rest):] {
		e[5+i] = uint64(r)
	}
	var next uint32
	for len(rest) > 0 {
		var i uint32
		var m *line
		if last := len(l.chain) - 1; last >= 0 {
			i, m = l.chain[last], l.lines.at(l.chain[last])
			l.chain = l.chain[:last]
		} else {
			i, m = l.lines.take(more)
		}
		n := min(len(rest), lineRuns)
		m.setN(n)
		m.setNext(next)
		for j, r := range rest[:n] {
			m[1+j] = uint64(r)
		}
		rest, next = rest[n:], i
	}
	e.setNext(next)
	for _, i := range l.chain {
		l.lines.give(i)
	}
}

// reach returns the longest window of limits, the largest max of those that
// are exact, and whether there are others.
func reach(limits []Limit) (window time.Duration, most int, wide bool) {
	for i := range limits {
		window = max(window, limits[i].Window)
		if limits[i].Max > MaxExact {
			wide = true
		} else {
			most = max(most, limits[i].Max)
		}
	}
	return window, max(most, 1), wide
}

// compact merges neighbouring runs where no limit tells them apart.
func compact(runs []run, now int64, limits []Limit) []run {
	newer := 0
	for _, r := range runs {
		newer += r.count()
	}
	out := 0
	newer -= runs[0].count()
	for _, r := range runs[1:] {
		newer -= r.count()
		last := runs[out]
		if sum := last.count() + r.count(); sum <= runMax && mergeable(last.time(), r.time(), now, newer, limits) {
			runs[out] = newRun(r.time(), sum)
			continue
		}
		out++
		runs[out] = r
	}
	return runs[:out+1]
}

// mergeable reports whether events at the time t may count as events at the
// later time u: no exact limit reads u any more, and for every wide one that
// does, both are in the same cell. Newer is how many events came after u; an
// exact limit that is full with those (a shadow limit then) reads no older ones.
func mergeable(t, u, now int64, newer int, limits []Limit) bool {
	for i := range limits {
		limit := &limits[i]
		if !within(now, u, limit.Window) {
			continue
		}
		if limit.Max <= MaxExact {
			if newer < limit.Max {
				return false
			}
			continue
		}
		if cell := max(int64(limit.Window/Cells/time.Millisecond), 1); t/cell != u/cell {
			return false
		}
	}
	return true
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
