package redisledger

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// cancels gives back, a little later, what may or may not have been taken: the
// caller had no answer and has refused.
//
// It waits until no script can take any more, as all are past their deadline,
// and tries until the server answers. What is lost with the process, or beyond
// cancelsMost, stays charged until its windows end: that refuses too much, and
// never admits too much.
type cancels struct {
	after  time.Duration
	settle func(cancel) error
	stop   <-chan struct{}

	mu      sync.Mutex
	waiting []cancel
	running bool
	busy    ledger.ID // being settled
	dropped uint64    // for which there was no room
}

type cancel struct {
	id    ledger.ID
	where parts // where keys are spread
	due   time.Time
}

const cancelsMost = 1 << 14

func (c *cancels) add(id ledger.ID, where parts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) >= cancelsMost {
		c.dropped++
		return
	}
	c.waiting = append(c.waiting, cancel{id, where, time.Now().Add(c.after)})
	if !c.running {
		c.running = true
		go c.run()
	}
}

// forget takes id out again, as it is to be reserved once more. It is false
// if that is too late: it is just being given back.
func (c *cancels) forget(id ledger.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy == id {
		return false
	}
	c.waiting = slices.DeleteFunc(c.waiting, func(w cancel) bool { return w.id == id })
	return true
}

func (c *cancels) run() {
	pause := c.after
	for {
		c.mu.Lock()
		if len(c.waiting) == 0 {
			c.waiting, c.running = nil, false
			c.mu.Unlock()
			return
		}
		first := c.waiting[0]
		c.mu.Unlock()
		wait := time.NewTimer(time.Until(first.due))
		select {
		case <-c.stop:
			wait.Stop()
			return
		case <-wait.C:
		}
		if !c.begin(first.id) {
			continue
		}
		err := c.settle(first)
		c.mu.Lock()
		c.busy = ledger.ID{}
		if err == nil {
			c.waiting, pause = c.waiting[1:], c.after
		} else {
			c.waiting[0].due = time.Now().Add(pause)
			pause = min(2*pause, time.Second)
		}
		c.mu.Unlock()
	}
}

// begin marks the first as being settled, if it is still id.
func (c *cancels) begin(id ledger.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 || c.waiting[0].id != id {
		return false
	}
	c.busy = id
	return true
}

// cancel gives back all that an id holds.
func (l *Ledger) cancel(what cancel) error {
	c := l.call(context.Background(), time.Now())
	defer c.end()
	if l.address.spread > 0 {
		return c.settleParts(what.where, what.id, ledger.NotSent)
	}
	return c.settleIn(c.ctx, &l.parts[0], what.id, ledger.NotSent)
}
