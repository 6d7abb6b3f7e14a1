package ledger

import "time"

// clock turns the caller's time into milliseconds since 1970 that never run
// backwards.
//
// Times that carry a monotonic reading, as those of [time.Now] do, are
// measured by it: a wall clock that is set forwards or backwards while the
// ledger lives changes nothing. For other times the wall clock counts. When it
// is set back, the ledger stands still until it has caught up, and refuses for
// so much longer; when it is set forward, what was counted before is as old as
// it then seems. No client has a say in either.
type clock struct {
	base  time.Time
	now   int64 // the latest time seen, rounded down: what questions are asked at
	event int64 // the same, rounded up: what events are written down as
}

func newClock() clock { return clock{base: time.Now()} }

// read moves the clock on to at.
//
// Questions are asked a little early and events are written down a little
// late, by less than a millisecond, so that windows are never too short.
func (c *clock) read(at time.Time) {
	ns := max(c.base.UnixNano()+int64(at.Sub(c.base)), 0)
	ms := ns / 1e6
	c.now = max(c.now, ms)
	if ns%1e6 != 0 {
		ms++
	}
	c.event = max(c.event, ms)
}

// millis returns d in milliseconds, rounded up.
func millis(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// within reports whether an event at the time t counts in a window that ends
// now.
func within(now, t int64, window time.Duration) bool {
	return (now-t)*1e6 < int64(window)
}
