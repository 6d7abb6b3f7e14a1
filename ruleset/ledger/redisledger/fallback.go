package redisledger

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// FallbackConfig says how a [Fallback] is to decide.
type FallbackConfig struct {
	// Gates is how many gates share the ledger. Zero lets them count each
	// other: every gate announces itself every ten seconds, and the highest
	// number that was there within a minute counts for ten. A gate that has
	// never reached the server knows of none, and takes every share to be 1.
	Gates int
	// Changed, if it is not nil, is called when the gate begins (away is true)
	// and ends to decide by itself. Why is what failed; it holds no secrets.
	Changed func(away bool, why error)
}

// Fallback is a ledger in Redis that goes on by itself while the server is
// away, and tells the server afterwards what it has admitted.
//
// Beside the one in Redis there is a ledger of the gate's own. It is always
// fed with what the gate admits, so that an outage resets nothing; while the
// server is away it decides, and each limit says how ([ledger.Limit.Away]).
// When the server is back, what was admitted meanwhile is put back by its id,
// and until that is done the gate's own ledger goes on deciding.
//
// A server that was emptied, was started again, or has taken over from another
// may lack what its gates have admitted. Each of them then puts back all that
// it remembers, and decides by itself until it has seen that the others, as
// far as it knows them, have done so as well, for 15 seconds at most.
//
// What is put back counts from then on, not from when it was admitted: that
// refuses too long, and never admits too much. Bans and attempts (requests,
// refusals, wrong codes) are not put back; a ban begins again with the next
// request that finds its limit full.
//
// A gate remembers 65,536 reservations, the latest, of about 700 bytes each, and
// as many notes, of about 200. Notes are put back as well, each unless the server
// has a later one by then, by the clocks of the gates that have made them.
// The package's comment says what follows from all this.
type Fallback struct {
	redis *Ledger
	own   Own
	cfg   FallbackConfig

	shares atomic.Pointer[shares]
	away   atomic.Bool
	mu     sync.RWMutex // held for reading while the gate decides by itself
	memory memory
	notes  keptNotes
	gates  *gates
	kick   chan struct{}
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once

	// Of run alone: the change after which everything was put back, and when.
	told      uint64
	toldSince time.Time

	patience atomic.Int64 // to wait for other gates; a test may have less

	decided, replayed, dropped, denied, impatient atomic.Uint64
}

var _ ledger.Ledger = (*Fallback)(nil)

// Own is the gate's own ledger, which [ledger.Embedded] is.
type Own interface {
	ledger.Ledger
	// Feed takes what the server has admitted. Nobody should have to wait for
	// a disk here, since the server has it.
	Feed(at time.Time, id ledger.ID, charges []ledger.Charge) error
	// FeedNote takes a note that the server takes as well, likewise.
	FeedNote(at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error
}

// NewFallback returns a ledger that is l while its server answers, and own,
// tightened, while it does not. It takes l over; Close closes it, but not own.
//
// Own may be in memory only. One that is kept on disk remembers over a restart
// what the gate has admitted, so that being restarted while the server is away
// does not give the gate its shares anew; each decision waits for its disk as
// well then.
func NewFallback(l *Ledger, own Own, cfg FallbackConfig) *Fallback {
	f := &Fallback{
		redis: l, own: own, cfg: cfg, gates: newGates(),
		kick: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	f.patience.Store(int64(patience))
	f.share()
	lost := func() { go f.leave(errDataGone) }
	l.lost.Store(&lost)
	back := f.wake
	l.back.Store(&back)
	go f.run()
	return f
}

// Close ends the ledger. What was not put back yet is lost to the others.
func (f *Fallback) Close() error {
	f.once.Do(func() { close(f.stop) })
	<-f.done
	return f.redis.Close()
}

// FallbackStats is the state of a Fallback, for metrics.
type FallbackStats struct {
	Stats
	Alone      bool   // the gate decides by itself
	Gates      int    // that share the ledger, as this one takes it; 0 is unknown
	Remembered int    // reservations that can be put back
	Waiting    int    // admitted meanwhile, settled or noted, and not told yet
	Decided    uint64 // reservations that the gate decided by itself
	Denied     uint64 // that it refused as a limit says deny
	Replayed   uint64 // reservations put back
	Dropped    uint64 // not counted by the gate's own ledger, as it had no room
	Forgotten  uint64 // not to be put back should the server lose them, as there were too many
	Unnoted    uint64 // notes not told, as there were too many: other gates have not seen the handle
	Unsettled  uint64 // settlements not told, as there were too many: their charges stay
	Impatient  uint64 // changes of server after which other gates were not waited for any longer
}

// Stats returns the state of the ledger.
func (f *Fallback) Stats() FallbackStats {
	s := FallbackStats{
		Stats: f.redis.Stats(), Alone: f.away.Load(), Gates: f.shares.Load().gates,
		Decided: f.decided.Load(), Denied: f.denied.Load(), Replayed: f.replayed.Load(), Dropped: f.dropped.Load(),
		Impatient: f.impatient.Load(),
	}
	f.memory.stats(&s)
	f.notes.stats(&s)
	return s
}

// leave makes the gate decide by itself, until all is put back.
func (f *Fallback) leave(why error) {
	f.mu.Lock()
	first := f.away.CompareAndSwap(false, true)
	f.mu.Unlock()
	if first && f.cfg.Changed != nil {
		f.cfg.Changed(true, why)
	}
	f.wake()
}

func (f *Fallback) wake() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// gone reports whether err means that the server could not count, and not that
// the caller has left or asked for what cannot be.
func gone(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, errNoID) && !errors.Is(err, errAmount) && !errors.Is(err, errCancelling)
}

// Look asks whether all charges would fit. See [ledger.Ledger].
func (f *Fallback) Look(ctx context.Context, at time.Time, charges []ledger.Charge, a *ledger.Answer) error {
	if !f.away.Load() {
		err := f.redis.Look(ctx, at, charges, a)
		if !gone(ctx, err) {
			if err == nil {
				f.feedRequests(ctx, at, charges)
			}
			return err
		}
		f.leave(err)
	}
	return f.alone(charges, a, func(charges []ledger.Charge) error {
		return f.own.Look(ctx, at, charges, a)
	})
}

// Reserve takes all charges, or none. See [ledger.Ledger].
func (f *Fallback) Reserve(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	var uncertain bool
	waiting := true
	if !f.away.Load() {
		changes := f.redis.standing.changes.Load()
		err := f.redis.reserve(ctx, at, id, charges, a)
		if !gone(ctx, err) {
			if errors.Is(err, ErrUncertain) {
				f.redis.cancels.add(id, 0)
			}
			if err == nil {
				f.feed(ctx, at, id, charges, a)
			}
			if err == nil && !a.Refused && f.away.Load() {
				return f.reserveAgain(ctx, at, id, charges, a)
			}
			if err == nil && !f.redis.standing.same(changes) {
				f.memory.doubt(id) // others may be putting back already
				f.leave(errDataGone)
			}
			return err
		}
		uncertain = errors.Is(err, ErrUncertain)
		if waiting = !errors.Is(err, errReplicas); waiting {
			f.leave(err)
		} // else the server is there, and has it
	}
	err := f.reserveAlone(ctx, at, id, charges, a, waiting)
	if err == nil && !a.Refused {
		if waiting && !f.away.Load() { // it came back meanwhile
			f.leave(ErrAway)
		}
		return nil
	}
	if uncertain {
		f.redis.cancels.add(id, 0)
	}
	return err
}

// reserveAgain asks the gate's own ledger about what the server has admitted,
// but not before the gate began to decide by itself: it may have let others
// through who did not see this one. Whoever comes after feed has seen it.
func (f *Fallback) reserveAgain(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	_ = f.own.Settle(context.WithoutCancel(ctx), at, id, ledger.NotSent)
	f.memory.settled(id, ledger.NotSent)
	err := f.reserveAlone(ctx, at, id, charges, a, true)
	if err != nil || a.Refused {
		f.redis.cancels.add(id, 0)
	} else if !f.away.Load() { // it came back meanwhile
		f.leave(ErrAway)
	}
	return err
}

// reserveAlone is Reserve while the gate decides by itself. Waiting says that
// the server does not know of it.
func (f *Fallback) reserveAlone(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer, waiting bool) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	err := f.alone(charges, a, func(alone []ledger.Charge) error {
		return f.own.Reserve(ctx, at, id, alone, a)
	})
	f.decided.Add(1)
	if err != nil || a.Refused || f.memory.add(id, charges, waiting) {
		return err
	}
	// What cannot be told to the server later is not admitted now.
	_ = f.own.Settle(context.WithoutCancel(ctx), at, id, ledger.NotSent)
	refuse(a)
	return ledger.ErrFull
}

// Record adds one event to each charge. See [ledger.Ledger].
func (f *Fallback) Record(ctx context.Context, at time.Time, charges []ledger.Charge) error {
	own := f.own.Record(ctx, at, f.as(charges, func(v *variants) *ledger.Tally { return v.fed }))
	if own != nil || f.away.Load() {
		return own
	}
	if err := f.redis.Record(ctx, at, charges); err != nil {
		f.leave(err)
	}
	return nil
}

// Settle closes what was reserved under id. See [ledger.Ledger].
func (f *Fallback) Settle(ctx context.Context, at time.Time, id ledger.ID, o ledger.Outcome) error {
	if o != ledger.NotSent && o != ledger.Verified {
		return nil
	}
	own := f.own.Settle(ctx, at, id, o)
	f.mu.RLock()
	away := f.away.Load()
	if away {
		f.memory.settle(id, o)
	}
	f.mu.RUnlock()
	if away {
		return own
	}
	if err := f.redis.Settle(ctx, at, id, o); err != nil {
		f.memory.settle(id, o)
		f.leave(err)
	} else {
		f.memory.settled(id, o)
	}
	return own
}

// feed tells the gate's own ledger what the server has admitted.
func (f *Fallback) feed(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) {
	if a.Refused {
		f.feedRequests(ctx, at, charges)
		return
	}
	if f.own.Feed(at, id, f.as(charges, func(v *variants) *ledger.Tally { return v.fed })) != nil {
		f.dropped.Add(1)
	}
	if !f.memory.add(id, charges, false) {
		f.dropped.Add(1)
	}
}

func (f *Fallback) feedRequests(ctx context.Context, at time.Time, charges []ledger.Charge) {
	var some []ledger.Charge
	for i := range charges {
		if charges[i].Tally.Count == ledger.Requests {
			some = append(some, charges[i])
		}
	}
	if len(some) > 0 {
		var own ledger.Answer
		_ = f.own.Look(context.WithoutCancel(ctx), at, f.as(some, func(v *variants) *ledger.Tally { return v.fed }), &own)
	}
}
