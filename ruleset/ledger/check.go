package ledger

import "time"

// check asks all limits of all charges, and starts the bans of those that are
// full. What stands in the way goes to the answer.
func (l *Embedded) check(charges []Charge, a *Answer) {
	*a = Answer{Shadow: a.Shadow[:0]}
	for i := range charges {
		switch p := &l.probes[i]; {
		case p.marks == 0:
			l.checkAttempts(&charges[i], p, a)
		case p.kind == sumEntry:
			l.checkSum(&charges[i], p, a)
		case p.entry != nil || p.extra > 0 || p.rare != nil: // a new key has room
			l.checkSends(&charges[i], p, a)
		}
	}
}

// checkSends asks the limits of one tally of sends.
func (l *Embedded) checkSends(c *Charge, p *probe, a *Answer) {
	t, e, o, now := c.Tally, p.entry, p.rare, l.clock.now
	banned := false
	if e != nil || o != nil {
		var until int64
		var limit int
		if o != nil {
			until, limit = bothBan(e, o.also)
		} else {
			until, limit = e.ban()
		}
		if until > now {
			banned = a.short(t, t.bannedBy(limit), until-now, true)
			p.short = banned
		}
	}
	var ban time.Duration // to be started
	var bans int
	for i := range t.Limits {
		limit := &t.Limits[i]
		var wait int64
		switch {
		case o != nil:
			wait = l.bothWait(p.kind, e, o.also, c.Member, limit, p.extra)
		case p.kind == memberEntry:
			wait = l.memberWait(e, c.Member, limit, p.extra)
		default:
			wait = l.logWait(e, limit, p.extra)
		}
		if wait == 0 {
			continue
		}
		if !banned && !limit.Shadow && limit.Ban > ban && (e != nil || o != nil) {
			ban, bans = limit.Ban, i
		}
		p.short = a.short(t, i, wait, false) || p.short
	}
	if ban > 0 {
		until := min(now+millis(ban), 1<<42)
		if e != nil {
			l.ban(p.line, until, bans)
		} else {
			l.ban(o.line, until, bans) // a new name has no entry, and gets none for being refused
		}
		p.short = a.short(t, bans, until-now, true) || p.short
	}
	if o != nil {
		l.keepAlso(p)
	}
	if e == nil {
		return
	}
	// A window that has become longer since the last event keeps the key.
	last := int64(0)
	if p.kind == memberEntry {
		last = l.lastMember(e)
	} else {
		last = l.lastEvent(e)
	}
	if last > 0 && e.keep(last+p.keep) {
		l.lines.touch(p.line)
	}
}

// ban starts a ban of the i-th limit for the entry at a line.
func (l *Embedded) ban(line uint32, until int64, i int) {
	e := l.lines.at(line)
	e.setBan(until, i)
	e.keep(until)
	l.lines.touch(line)
}

// bannedBy returns the limit to name for a ban that the i-th limit started,
// which need not be there any more: then it is the first that is no shadow.
func (t *Tally) bannedBy(i int) int {
	if i < len(t.Limits) && t.Limits[i].Ban > 0 {
		return i
	}
	for i := range t.Limits {
		if !t.Limits[i].Shadow {
			return i
		}
	}
	return 0
}

// checkAttempts asks the limits of one tally of attempts.
func (l *Embedded) checkAttempts(c *Charge, p *probe, a *Answer) {
	t, now := c.Tally, l.clock.event // as they are written down
	banned := false
	var ban time.Duration
	var bans int
	for i := range t.Limits {
		limit := &t.Limits[i]
		s := p.reading.sketches[i]
		var wait, until int64
		if p.rare != nil {
			wait, until = s.bothWait(p.spread, p.rare.spread, now, limit, p.extra)
		} else {
			wait, until = s.wait(p.spread, now, limit, p.extra)
		}
		if until > now {
			short := a.short(t, i, until-now, true)
			banned, p.short = banned || short, p.short || short
		}
		if wait == 0 {
			continue
		}
		if !limit.Shadow && limit.Ban > ban {
			ban, bans = limit.Ban, i
		}
		p.short = a.short(t, i, wait, false) || p.short
	}
	if ban > 0 && !banned {
		until := min(now+millis(ban), 1<<41)
		p.reading.sketches[bans].ban(p.spread, until)
		p.short = a.short(t, bans, (until+999)/1000*1000-now, true) || p.short
	}
}

// short notes that a limit has no room for wait milliseconds, and reports
// whether it refuses.
func (a *Answer) short(t *Tally, limit int, wait int64, banned bool) bool {
	s := Short{Tally: t, Limit: limit, Wait: time.Duration(wait) * time.Millisecond, Banned: banned}
	if t.Limits[limit].Shadow {
		a.Shadow = append(a.Shadow, s)
		return false
	}
	if !a.Refused || s.Wait > a.Short.Wait || s.Wait == a.Short.Wait && s.Banned && !a.Short.Banned {
		a.Short = s
	}
	a.Refused = true
	return true
}
