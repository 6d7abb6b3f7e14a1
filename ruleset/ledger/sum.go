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

// inPeriod makes the probe of a tally with a period know the one that now is in.
func (l *Embedded) inPeriod(p *probe, c *Charge) {
	if l.clock.now >= p.end {
		start, end := c.Tally.Bounds(time.UnixMilli(l.clock.now))
		p.start, p.end = start.UnixMilli(), end.UnixMilli()
	}
	p.keep = max(p.end-l.clock.event, 0)
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
	sum := l.sum(p.entry) + l.sum(p.also) + p.amount
	for i := range c.Tally.Limits {
		if sum > c.Tally.Limits[i].Max-c.Amount {
			p.short = a.short(c.Tally, i, p.end-l.clock.now, false) || p.short
		}
	}
}

// sumEvent adds an amount to e.
func (l *Embedded) sumEvent(e *line, p *probe, amount int64) {
	if int64(e[sumEnd]) <= l.clock.now {
		e[sumStart], e[sumSum] = uint64(p.start), 0
	}
	e[sumEnd] = uint64(p.end)
	e[sumSum] = min(e[sumSum]+uint64(amount), maxSum)
	e.setN(1)
}

// sumMark is the second part of a hold's mark for an amount.
func (l *Embedded) sumMark(amount int64) uint64 {
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
