package ledger

import "slices"

// While a secret is being replaced a key has two names, and an entry under
// each. Limits read both as if they were one; what is charged goes to the entry
// of the key's own name.

// findRare finds what few charges have, when all else has been found.
func (l *Embedded) findRare(charges []Charge) {
	for len(l.rares) < len(charges) {
		l.rares = append(l.rares, new(rare))
	}
	for i := range charges {
		c, p, o := &charges[i], &l.probes[i], l.rares[i]
		if o.tally != c.Tally {
			*o = rare{tally: c.Tally}
		}
		if o.also = nil; c.Also != (Key{}) && c.Also != c.Key {
			l.findAlso(c, p, o)
		}
		if p.kind == sumEntry {
			l.inPeriod(p, o, charges, i)
		}
	}
}

// findAlso looks up what there is under the other name of a key.
func (l *Embedded) findAlso(c *Charge, p *probe, o *rare) {
	if p.marks == 0 {
		o.spread = l.attemptHash(c.Also)
		p.rare = o
		return
	}
	if o.line, o.also = l.findEntry(p.kind, c.Also, l.index.hash(c.Also[0], c.Also[1])); o.also != nil {
		p.rare = o
	}
}

// backwards goes through the runs of a log, the newest first.
type backwards struct {
	*Embedded
	words []uint64
	next  uint32
}

func (l *Embedded) backwards(e *line) backwards {
	if e == nil {
		return backwards{Embedded: l}
	}
	return backwards{l, e[5 : 5+e.n()], e.next()}
}

// newest returns the run that is next, and 0 if there are no more.
func (b *backwards) newest() run {
	for len(b.words) == 0 {
		if b.next == 0 {
			return 0
		}
		m := b.lines.at(b.next)
		b.words, b.next = m[1:1+m.n()], m.next()
	}
	return run(b.words[len(b.words)-1])
}

func (b *backwards) pass() { b.words = b.words[:len(b.words)-1] }

// bothWait tells in how many milliseconds there is room in two entries
// together; 0 is now.
func (l *Embedded) bothWait(kind uint64, e, also *line, member uint64, limit *Limit, extra int) int64 {
	if kind == memberEntry {
		return l.bothMembersWait(e, also, member, limit, extra)
	}
	return l.bothLogsWait(e, also, limit, extra)
}

func (l *Embedded) bothLogsWait(e, also *line, limit *Limit, extra int) int64 {
	room := int(limit.Max) - extra
	if room <= 0 {
		return millis(limit.Window)
	}
	x, y := l.backwards(e), l.backwards(also)
	for {
		in, r := &x, x.newest()
		if s := y.newest(); s.time() > r.time() {
			in, r = &y, s
		}
		if r == 0 || !within(l.clock.now, r.time(), limit.Window) {
			return 0
		}
		if room -= r.count(); room <= 0 {
			return r.time() + millis(limit.Window) - l.clock.now
		}
		in.pass()
	}
}

// bothMembersWait gives one place to who is in both, until the last event in
// either leaves.
func (l *Embedded) bothMembersWait(e, also *line, member uint64, limit *Limit, extra int) int64 {
	room := int(min(limit.Max, MaxExact)) - extra
	l.times, l.both = l.times[:0], l.both[:0]
	for _, m := range []*line{e, also} {
		for ; m != nil; m = l.follow(m) {
			base, n, _ := m.members()
			for i := base; i < base+2*n; i += 2 {
				t := run(m[i+1]).time()
				if !within(l.clock.now, t, limit.Window) {
					continue
				}
				if m[i] == member {
					return 0
				}
				if at := slices.Index(l.both, m[i]); at >= 0 {
					l.times[at] = max(l.times[at], t)
					continue
				}
				l.both, l.times = append(l.both, m[i]), append(l.times, t)
			}
		}
	}
	return l.placeWait(room, limit)
}

// keepAlso keeps what is under the other name of a key, as the key itself is
// kept, for a window that has become longer since the last event.
func (l *Embedded) keepAlso(p *probe) {
	also, last := p.rare.also, int64(0)
	if p.kind == memberEntry {
		last = l.lastMember(also)
	} else {
		last = l.lastEvent(also)
	}
	if last > 0 && also.keep(last+p.keep) {
		l.lines.touch(p.rare.line)
	}
}

// bothBan returns until when a key is banned under either of its names, and by
// which limit.
func bothBan(e, also *line) (until int64, limit int) {
	until, limit = also.ban()
	if e != nil {
		if u, i := e.ban(); u >= until {
			until, limit = u, i
		}
	}
	return until, limit
}

// bothWait is wait for a key with two names, which have two hashes.
func (s *sketch) bothWait(hash, also uint64, now int64, limit *Limit, extra int) (wait, ban int64) {
	room := limit.Max - int64(extra)
	if room <= 0 {
		return millis(limit.Window), 0
	}
	epoch := now / s.cell
	x, y := s.estimate(hash, epoch), s.estimate(also, epoch)
	ban = max(x.ban, y.ban) * 1000
	for age := range int64(attemptCells) {
		if room -= x.count(epoch, age) + y.count(epoch, age); room <= 0 {
			return (epoch-age+attemptCells)*s.cell - now, ban
		}
	}
	return 0, ban
}

// estimate is what the slots of a key say together.
type estimate struct {
	slots [attemptRows]*slot
	stale uint32 // cells, counted from the newest, that some slot has not been touched in
	ban   int64  // Unix seconds
}

func (s *sketch) estimate(hash uint64, epoch int64) (e estimate) {
	e.ban = int64(1) << 40
	for r := range e.slots {
		e.slots[r] = s.slot(r, hash)
		e.ban = min(e.ban, int64(e.slots[r][slotBan]))
		e.stale = max(e.stale, uint32(epoch)-e.slots[r][slotEpoch])
	}
	return e
}

// count returns how many events there are in the cell of an age.
func (e *estimate) count(epoch, age int64) int64 {
	if age < int64(e.stale) {
		return 0
	}
	at := slotCells + (epoch-age)%attemptCells
	least := e.slots[0][at]
	for _, slot := range e.slots[1:] {
		least = min(least, slot[at])
	}
	return int64(least)
}
