package redisledger

import (
	"sync"
	"sync/atomic"
	"time"
)

// breaker keeps callers from waiting for a server that does not answer. While
// it is open nobody waits: every call fails at once, and one probe at a time
// asks in the background whether the server is back.
//
// It opens after so many failures in a row, when half of the calls of a second
// failed, or at once when a call timed out and nobody at all had an answer
// since it was sent.
type breaker struct {
	open    atomic.Bool
	answers atomic.Int64 // when the last answer came, nanoseconds since base

	mu       sync.Mutex
	row      int // failures without an answer in between
	second   int64
	ok, fail int // in this second
	opened   int // how often
	since    time.Time
	probing  bool
	closed   bool
	stop     chan struct{}
}

const (
	breakerRow    = 5
	breakerSample = 10 // the least calls of a second that say anything
	probeFirst    = 20 * time.Millisecond
	probeMost     = time.Second
)

// answered notes that the server has answered at the time now.
func (b *breaker) answered(now time.Time) {
	ns := int64(now.Sub(base))
	last := b.answers.Swap(ns)
	if ns-last < int64(time.Millisecond) {
		return // enough to know; a busy server need not take the lock each time
	}
	b.mu.Lock()
	b.row = 0
	b.count(ns, true)
	b.mu.Unlock()
}

// failed notes that a call that was sent at a time has failed, and reports
// whether the breaker opened by it.
func (b *breaker) failed(sent, now time.Time, timeout bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	ns := int64(now.Sub(base))
	if b.answers.Load() > int64(sent.Sub(base)) {
		b.row = 0
	}
	b.row++
	b.count(ns, false)
	silent := timeout && b.answers.Load() <= int64(sent.Sub(base))
	half := b.fail+b.ok >= breakerSample && b.fail >= b.ok
	if b.closed || b.open.Load() || !silent && !half && b.row < breakerRow {
		return false
	}
	b.open.Store(true)
	b.opened++
	b.since = now
	return true
}

func (b *breaker) count(ns int64, ok bool) {
	if s := ns / int64(time.Second); s != b.second {
		b.second, b.ok, b.fail = s, 0, 0
	}
	if ok {
		b.ok++
	} else {
		b.fail++
	}
}

// probe asks until the server answers, then closes the breaker and calls back.
func (b *breaker) probe(ask func() error, back func()) {
	b.mu.Lock()
	if b.probing || b.closed {
		b.mu.Unlock()
		return
	}
	b.probing = true
	b.mu.Unlock()
	go func() {
		wait := time.NewTimer(probeFirst)
		defer wait.Stop()
		for pause := probeFirst; ; pause = min(2*pause, probeMost) {
			select {
			case <-b.stop:
				return
			case <-wait.C:
			}
			if ask() == nil {
				break
			}
			wait.Reset(pause)
		}
		b.mu.Lock()
		b.row, b.ok, b.fail, b.probing = 0, 0, 0, false
		b.answers.Store(int64(time.Since(base)))
		b.open.Store(false)
		b.mu.Unlock()
		back()
	}()
}

// close ends the probe.
func (b *breaker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.stop)
	}
}
