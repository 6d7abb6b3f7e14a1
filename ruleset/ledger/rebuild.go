package ledger

// rebuild makes from the lines what is not on disk: the index, and what is
// free. It reports whether the lines hang together.
func (l *Embedded) rebuild() bool {
	a := &l.lines
	top := uint32(len(a.chunks) * chunkLines)
	for top > 1 && a.at(top-1).kind() == free {
		top--
	}
	a.fresh = max(top, 1)
	claimed := make([]bool, a.fresh)
	follow := func(e *line, most int) bool {
		for i := e.next(); i != 0; i = a.at(i).next() {
			if i >= a.fresh || claimed[i] || a.at(i).kind() != more || a.at(i).n() > most {
				return false
			}
			claimed[i] = true
		}
		return true
	}
	mores, follows := 0, 0
	for i := a.fresh - 1; i > 0; i-- { // the lowest are used again first
		e := a.at(i)
		ok := true
		switch e.kind() {
		case free:
			*e = line{free << kindShift, uint64(a.freed)}
			a.freed = i
			continue
		case more:
			mores++
			a.used++
			continue
		case logEntry:
			ok = e.n() <= headRuns && follow(e, lineRuns)
		case memberEntry:
			ok = e.n() <= headMembers && follow(e, lineMembers)
		case sumEntry:
			ok = e.n() <= 1 && e.next() == 0 && e[sumSum] <= maxSum
		case holdEntry:
			ok = e.n() <= headMarks && follow(e, lineMarks)
			l.holds++
			l.keys--
		case noteEntry:
			ok = e.n() == 0 && e.next() == 0
			l.notes++
			l.keys--
		default:
			ok = false
		}
		if !ok {
			return false
		}
		l.keys++
		a.used++
		l.index.insert(l.index.hash(e[2], e[3]), i)
	}
	for _, c := range claimed {
		if c {
			follows++
		}
	}
	for _, all := range l.attempts {
		for _, s := range *all {
			s.used, s.fresh = l.clock.event, false
			for _, row := range s.rows {
				for i := range row {
					s.banned = max(s.banned, int64(row[i][slotBan])*1000)
				}
			}
		}
	}
	return mores == follows
}
