package ledger

import "time"

// A tally with a period keeps, for each key, what its amounts come to in one
// period: when that begins and ends, and the sum. The entry goes with the end of
// the period; where the next one has begun before it was swept, it starts anew.
//
//	w0 n: 1 if there is anything   w5 start   w6 end   w7 sum
//
// Which period an amount belongs to is seen from the time of the question, and
// events are written down up to a millisecond later: perhaps after midnight. The
// mark of such an amount says so, or it might be given back to the next day.
const (
	sumStart = 5
	sumEnd   = 6
	sumSum   = 7

	markLate = 1 << 63 // of an amount

	// Where only shadow limits would refuse, a sum may grow for ever. It stops
	// here, and nothing is given back then: we have lost count.
	maxSum = 1 << 60
)

// inPeriod fills in what has to be known of the i-th charge, which is to a tally
// with a period.
func (l *Embedded) inPeriod(p *probe, o *rare, charges []Charge, i int) {
	c := &charges[i]
	if l.clock.now >= o.end {
		start, end := c.Tally.Bounds(time.UnixMilli(l.clock.now))
		o.start, o.end = start.UnixMilli(), end.UnixMilli()
	}
	p.rare = o
	p.keep = max(o.end-l.clock.event, 0)
	o.amount = 0
	if p.extra > 0 {
		o.amount = amounts(charges, i)
	}
	if c.Amount < 0 || c.Amount > MaxAmount {
		l.wrong = true
	}
}

// sum returns what e has come to in the period that now is in.
func (l *Embedded) sum(e *line) int64 {
	if e == nil || int64(e[sumEnd]) <= l.clock.now {
		return 0
	}
	return int64(e[sumSum])
}

// checkSum asks the limits of one tally with a period.
func (l *Embedded) checkSum(c *Charge, p *probe, a *Answer) {
	if c.Amount == 0 {
		return // fits also where a limit has become lower than the sum
	}
	o := p.rare
	sum := l.sum(p.entry) + l.sum(o.also) + o.amount
	for i := range c.Tally.Limits {
		if sum > c.Tally.Limits[i].Max-c.Amount {
			p.short = a.short(c.Tally, i, o.end-l.clock.now, false) || p.short
		}
	}
}

// sumEvent adds an amount to e, and returns the second part of a hold's mark for
// it.
func (l *Embedded) sumEvent(e *line, o *rare, amount int64) uint64 {
	if int64(e[sumEnd]) <= l.clock.now {
		e[sumStart], e[sumSum] = uint64(o.start), 0
	}
	e[sumEnd] = uint64(o.end)
	e[sumSum] = min(e[sumSum]+uint64(amount), maxSum)
	e.setN(1)
	if l.clock.event > l.clock.now {
		return uint64(amount) | markLate
	}
	return uint64(amount)
}

// sumReturn takes an amount that was written down at the time t out again, if
// its period has not ended, and reports whether it did.
func (l *Embedded) sumReturn(i uint32, mark uint64, t int64) bool {
	e := l.lines.at(i)
	if t <= e.forgotten() {
		return false
	}
	if mark&markLate != 0 {
		t--
	}
	amount := mark &^ markLate
	if t < int64(e[sumStart]) || int64(e[sumEnd]) <= l.clock.now || e[sumSum] == maxSum || amount > e[sumSum] {
		return false
	}
	l.lines.touch(i)
	if e[sumSum] -= amount; e[sumSum] == 0 {
		e.setN(0)
	}
	return true
}

// amounts adds up the charges before the i-th to the same key.
func amounts(charges []Charge, i int) int64 {
	c, sum := &charges[i], int64(0)
	for j := range i {
		if b := &charges[j]; b.Key == c.Key && b.Tally.Seed == c.Tally.Seed {
			sum = min(sum+b.Amount, maxSum)
		}
	}
	return sum
}
