package ledger

import "time"

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
			l.lines.touch(i)
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
			most = max(most, int(limits[i].Max))
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
			if newer < int(limit.Max) {
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
