package ledger

// probe is what one call knows about one of its charges. What is known of the
// tally is kept for the next call, which is likely to have the same tally in
// the same place.
type probe struct {
	tally   *Tally
	keep    int64  // its longest window, or what is left of its period, in milliseconds
	kind    uint64 // of its entries
	marks   int    // that a hold has for it, 0 for attempts
	reading *reading
	segment *segment
	hash    uint32 // in the index
	at      uint32
	line    uint32 // 0 if the key is new
	entry   *line
	slot    uint64 // the first slot, read early
	spread  uint64 // the hash of attempts
	extra   int    // charges to the same key earlier in this call
	short   bool   // a limit that is no shadow has no room
	rare    *rare  // what few probes have to know beside that; others have nil
}

// rare is for keys that have another name too, and for tallies with a period.
type rare struct {
	tally      *Tally
	also       *line  // what is under the other name, nil if there is nothing
	line       uint32 // where
	spread     uint64 // its hash, of attempts
	start, end int64  // of the period
	amount     int64  // that was charged to the same key earlier in this call
}

// find looks up all charges. It does so in rounds, so that the processor waits
// for all keys at once and not for one after the other: first the slots of the
// index are read, then the lines.
func (l *Embedded) find(charges []Charge) {
	for len(l.probes) < len(charges) {
		l.probes = append(l.probes, probe{})
	}
	probes := l.probes[:len(charges)]
	sink, special := uint64(0), uint64(0)
	l.marked, l.asked, l.wrong = 0, false, false
	for i := range probes {
		c, p := &charges[i], &probes[i]
		if p.tally != c.Tally {
			l.know(p, c.Tally)
		}
		p.line, p.entry, p.rare, p.extra, p.short = 0, nil, nil, 0, false
		special |= p.kind&sumEntry | c.Also[0] | c.Also[1]
		l.marked += p.marks
		if p.marks == 0 {
			l.asked = l.asked || c.Tally.Count == Requests
			p.reading.used = l.clock.event
			p.spread = l.attemptHash(c.Key)
			p.hash = uint32(p.spread)
			for _, s := range p.reading.sketches {
				sink += uint64(s.touch(p.spread))
			}
			continue
		}
		p.hash = l.index.hash(c.Key[0], c.Key[1])
		p.segment = l.index.segment(p.hash)
		p.slot = p.segment.slots[p.hash%segmentSlots]
	}
	for i := range probes {
		p := &probes[i]
		if p.marks == 0 || p.slot == 0 {
			continue
		}
		if p.line, p.at = p.segment.find(p.hash, p.hash); p.line != 0 {
			p.entry = l.lines.at(p.line)
			sink += p.entry[0]
		}
	}
	var seen uint64
	for i := range probes {
		c, p := &charges[i], &probes[i]
		for p.entry != nil && !p.entry.is(p.kind, c.Key) {
			if p.line, p.at = p.segment.find(p.hash, p.at); p.line == 0 {
				p.entry = nil
			} else {
				p.entry = l.lines.at(p.line)
			}
		}
		if e := p.entry; e != nil && uint32(e[1]) != 0 && run(e[5]).time()+p.keep > l.clock.now {
			sink += l.lines.at(uint32(e[1]))[0] // it will be asked for
		}
		bit := uint64(1) << (p.hash % 64)
		if seen&bit != 0 {
			p.extra = extra(charges, i)
		}
		seen |= bit
	}
	if special != 0 {
		l.findRare(charges)
	}
	l.sink += sink // or the compiler would see that nobody needs it
}

// know fills in what p has to know of a tally.
func (l *Embedded) know(p *probe, t *Tally) {
	*p = probe{tally: t}
	if t.Count.Attempts() {
		p.reading = l.read(t)
		return
	}
	window, _, _ := reach(t.Limits)
	p.keep, p.kind, p.marks = millis(window), logEntry, 1
	switch {
	case t.Distinct:
		p.kind, p.marks = memberEntry, 3
	case t.Period != Sliding:
		p.kind, p.marks = sumEntry, 3
	}
}

// is reports whether e is the entry, of a kind, of a key.
func (e *line) is(kind uint64, k Key) bool {
	return e[2] == k[0] && e[3] == k[1] && e.kind() == kind
}

// extra counts the charges before the i-th that need a place of the same key.
func extra(charges []Charge, i int) int {
	c, n := &charges[i], 0
	for j := range i {
		b := &charges[j]
		if b.Key != c.Key || b.Tally.Seed != c.Tally.Seed {
			continue
		}
		if c.Tally.Distinct && b.Member == c.Member {
			return n // it has its place with the earlier one
		}
		n++
	}
	return n
}

// findHold returns the hold of id, and nil if there is none.
func (l *Embedded) findHold(id ID, hash uint32) (uint32, *line) {
	k0, k1 := id.words()
	return l.findEntry(holdEntry, Key{k0, k1}, hash)
}
