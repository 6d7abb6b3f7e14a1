package ledger

import "slices"

// While a secret is being replaced a key has two names, and an entry under
// each. Limits read both as if they were one; what is charged goes to the entry
// of the key's own name.

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

// bothWait is logWait for two logs.
func (l *Embedded) bothWait(e, also *line, limit *Limit, extra int) int64 {
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

// bothMembersWait is memberWait for two entries. Who is in both needs one
// place, until the last event in either leaves.
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

// bans returns until when a key is banned under either of its names, and by
// which limit.
func (p *probe) bans() (until int64, limit int) {
	if p.entry != nil {
		until, limit = p.entry.ban()
	}
	if p.also != nil {
		if u, i := p.also.ban(); u > until {
			until, limit = u, i
		}
	}
	return until, limit
}
