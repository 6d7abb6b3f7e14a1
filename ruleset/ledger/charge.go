package ledger

// chargeRequests takes the charges that count requests, if there is room for
// all of them.
func (l *Embedded) chargeRequests(charges []Charge) {
	if !l.asked {
		return
	}
	for i := range charges {
		if charges[i].Tally.Count == Requests && l.probes[i].short {
			return
		}
	}
	for i := range charges {
		if p := &l.probes[i]; charges[i].Tally.Count == Requests {
			p.reading.all.add(p.spread, l.clock.event)
		}
	}
}

// makeRoom makes sure that the charges of sends can be taken: that there are
// lines for new keys, for the hold, and for logs that grow, each by one line
// at most.
func (l *Embedded) makeRoom(charges []Charge) error {
	for pressed := false; ; pressed = true {
		need := l.marked + holdLines(l.marked) // there are as many marks as charges at least
		if l.lines.used+2*need <= l.maxLines {
			return nil
		}
		fresh := 0
		for i := range charges {
			if p := &l.probes[i]; p.marks > 0 && p.entry == nil {
				fresh++
			}
		}
		if (fresh == 0 || l.lines.used+fresh <= l.maxLines) && l.lines.used+need+fresh <= l.maxLines+l.maxLines/4 {
			return nil
		}
		if pressed {
			return ErrFull
		}
		l.sweep(sweepBatch)
		l.find(charges) // some of what was found may have been swept
	}
}

// chargeSends takes the charges of sends and remembers them under id.
func (l *Embedded) chargeSends(id ID, hash uint32, charges []Charge) {
	marks := l.marks[:0]
	var expires int64
	for i := range charges {
		c, p := &charges[i], &l.probes[i]
		if p.marks == 0 {
			continue
		}
		if p.kind == sumEntry && c.Amount == 0 {
			continue
		}
		if p.entry == nil && p.extra > 0 {
			p.line, p.entry = l.findEntry(p.kind, c.Key, p.hash)
		}
		if p.entry == nil {
			p.line, p.entry = l.newEntry(p.kind, c.Key, p.hash)
		}
		l.lines.touch(p.line)
		until := l.clock.event + p.keep
		p.entry.keep(until)
		if p.kind == sumEntry {
			until = min(until, l.clock.event+millis(MaxHeld))
		}
		expires = max(expires, until)

		mark := p.line << markShift
		if c.Tally.Count == Unverified {
			mark |= markUnverified
		}
		if p.kind == logEntry {
			l.logEvent(p.entry, c.Tally, p.keep)
			marks = append(marks, mark)
			continue
		}
		pair := c.Member
		if p.kind == memberEntry {
			l.memberEvent(p.line, c.Member, c.Tally)
		} else {
			pair = l.sumEvent(p.entry, p.rare, c.Amount)
		}
		marks = append(marks, mark|markPair, uint32(pair), uint32(pair>>32))
	}
	l.marks = marks
	if len(marks) > 0 {
		l.hold(id, hash, marks, expires)
	}
}

// findEntry returns the entry of a key, and nil if there is none.
func (l *Embedded) findEntry(kind uint64, k Key, hash uint32) (uint32, *line) {
	s, at := l.index.segment(hash), hash
	for {
		var i uint32
		if i, at = s.find(hash, at); i == 0 {
			return 0, nil
		}
		if e := l.lines.at(i); e.is(kind, k) {
			return i, e
		}
	}
}

func (l *Embedded) newEntry(kind uint64, k Key, hash uint32) (uint32, *line) {
	i, e := l.lines.take(kind)
	e.forget(l.clock.event - 1) // nothing from before can be given back
	e[2], e[3] = k[0], k[1]
	l.index.insert(hash, i)
	l.keys++
	return i, e
}
