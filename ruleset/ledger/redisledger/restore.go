package redisledger

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

const (
	watchEvery   = time.Second            // while all is well
	restoreEvery = 100 * time.Millisecond // while it is not
	restorers    = 16
)

// run puts back what is to be put back, and announces the gate. It looks at the
// server once a second, so that a gate that nobody asks finds out as well.
func (f *Fallback) run() {
	defer close(f.done)
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-f.stop:
			f.leaveOthers()
			return
		case <-f.kick:
		case <-next.C:
		}
		pause := watchEvery
		if !f.away.Load() {
			f.watch()
		} else if !f.restore() {
			pause = restoreEvery
		}
		next.Reset(pause)
	}
}

// watch looks whether the server is the same, and announces the gate.
func (f *Fallback) watch() {
	changes, ok := f.redis.standing.believe()
	if !ok || f.redis.breaker.open.Load() {
		return // somebody is about to leave
	}
	if f.redis.ping() != nil {
		return // the next request will tell
	}
	if !f.gates.due(time.Now(), f.redis.mark()) {
		return
	}
	if there, err := f.announce(changes); err == nil {
		f.gates.know(there)
	}
}

// announce tells the others that everything was put back that the server may
// have lacked after so many changes.
func (f *Fallback) announce(changes uint64) (presence, error) {
	if err := f.redis.Ping(context.Background()); err != nil {
		return nil, err
	}
	mark := f.redis.mark()
	if !f.redis.standing.same(changes) {
		return nil, errDataGone
	}
	there, err := f.redis.announce(f.gates.me, binary.LittleEndian.AppendUint64(nil, mark))
	if err == nil {
		f.gates.count(time.Now(), there)
		f.share()
	}
	return there, err
}

// leaveOthers tells that this gate need not be waited for.
func (f *Fallback) leaveOthers() {
	if !f.redis.breaker.open.Load() {
		_, _ = f.redis.announce(f.gates.me, nil)
	}
}

// restore puts everything back and ends the gate's being alone. It is false if
// that has to wait.
func (f *Fallback) restore() bool {
	if f.redis.breaker.open.Load() || f.redis.ping() != nil {
		return false
	}
	changes, same := f.redis.standing.believe()
	if !same && f.told != changes {
		if !f.putBack(f.memory.known()) || !f.putBackNotes(f.notes.some(false)) || !f.redis.standing.same(changes) {
			return false
		}
		f.told, f.toldSince = changes, time.Now()
	}
	for {
		if !f.putBack(f.memory.unconfirmed()) || !f.settleAll() || !f.putBackNotes(f.notes.some(true)) {
			return false
		}
		there, err := f.announce(changes)
		if err != nil {
			return false
		}
		missing := !same && f.gates.missing(there) > 0
		if missing && time.Since(f.toldSince) < time.Duration(f.patience.Load()) {
			return false
		}
		if f.rejoin(changes) {
			f.gates.know(there)
			if missing {
				f.impatient.Add(1)
			}
			if f.cfg.Changed != nil {
				f.cfg.Changed(false, nil)
			}
			return true
		}
		if !f.redis.standing.same(changes) {
			return false
		}
	}
}

// rejoin lets the server decide again, if there is nothing more to tell it.
func (f *Fallback) rejoin(changes uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.memory.waiting()+f.notes.waiting() > 0 || !f.redis.standing.same(changes) {
		return false
	}
	f.redis.standing.restored.Store(changes)
	f.away.Store(false)
	return true
}

// putBack puts reservations back, some at a time.
func (f *Fallback) putBack(some []remembered) bool {
	return f.all(len(some), func(i int) bool { return f.putBackOne(&some[i]) })
}

// putBackNotes puts notes back, some at a time.
func (f *Fallback) putBackNotes(some []keptNote) bool {
	return f.all(len(some), func(i int) bool {
		if f.redis.putBackNote(&some[i]) != nil {
			return false
		}
		f.notes.confirm(&some[i])
		return true
	})
}

// all does n things, some at a time, until one fails or the ledger ends.
func (f *Fallback) all(n int, do func(int) bool) bool {
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range min(restorers, n) {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if f.stopping() || !do(i) {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return !failed.Load()
}

func (f *Fallback) stopping() bool {
	select {
	case <-f.stop:
		return true
	default:
		return false
	}
}

func (f *Fallback) putBackOne(r *remembered) bool {
	if len(r.charges) > 0 {
		if f.redis.putBack(r.id, r.charges) != nil {
			return false
		}
		f.replayed.Add(1)
	}
	f.memory.confirm(r.id)
	return true
}

func (f *Fallback) settleAll() bool {
	told := 0
	defer func() { f.memory.settledLate(told) }()
	for _, s := range f.memory.settlements() {
		if f.redis.Settle(context.Background(), time.Now(), s.id, s.outcome) != nil {
			return false
		}
		told++
	}
	return true
}
