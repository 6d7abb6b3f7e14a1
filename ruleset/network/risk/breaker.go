package risk

import (
	"sync"
	"time"
)

// breaker keeps requests from waiting for a service that does not answer. While it
// is open nobody asks, but for one question at a time that tries whether the service
// is back. The zero breaker is closed.
type breaker struct {
	mu       sync.Mutex
	row      int // faults without an answer in between
	began    time.Time
	ok, fail int           // since then
	until    time.Time     // nobody asks before; zero: closed
	pause    time.Duration // the next one
	trying   bool
	opened   int64 // how often
}

const (
	breakerRow    = 5
	breakerSpan   = 10 * time.Second
	breakerSample = 20 // the least questions of a span that say anything
	pauseFirst    = time.Second
	pauseMost     = 30 * time.Second
	retryMost     = 5 * time.Minute // the most that Retry-After is believed
)

// enter reports whether the service may be asked at the time at, and whether that is
// the question that tries. If it may, answered or failed has to be called.
func (b *breaker) enter(at time.Time) (may, tries bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return true, false
	case b.trying || at.Before(b.until):
		return false, false
	default:
		b.trying = true
		return true, true
	}
}

// answered notes an answer to a question put at a time, and reports whether the
// breaker closed by it.
func (b *breaker) answered(at time.Time, tried bool) (closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.row = 0
	b.count(at, true)
	if !tried {
		return false // one that was under way when the breaker opened proves nothing new
	}
	b.until, b.pause, b.trying, b.ok, b.fail = time.Time{}, 0, false, 0, 0
	return true
}

// failed notes a fault of a question put at a time, and reports whether the breaker
// opened by it. A pause of 0 is the breaker's own.
func (b *breaker) failed(at time.Time, tried bool, pause time.Duration) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.row++
	b.count(at, false)
	half := b.ok+b.fail >= breakerSample && b.fail >= b.ok
	switch wasOpen := !b.until.IsZero(); {
	case wasOpen && !tried:
		return false
	case !wasOpen && pause == 0 && !half && b.row < breakerRow:
		return false
	default:
		b.pause = min(max(2*b.pause, pauseFirst), pauseMost)
		b.until = at.Add(min(max(b.pause, pause), retryMost))
		b.trying = false
		if !wasOpen {
			b.opened++
		}
		return !wasOpen
	}
}

func (b *breaker) count(at time.Time, ok bool) {
	if since := at.Sub(b.began); since < 0 || since >= breakerSpan {
		b.began, b.ok, b.fail = at, 0, 0
	}
	if ok {
		b.ok++
	} else {
		b.fail++
	}
}

// state says whether the breaker is open, and how often it has opened.
func (b *breaker) state() (open bool, opened int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.until.IsZero(), b.opened
}
