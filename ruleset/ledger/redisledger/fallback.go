package redisledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Away says what becomes of a limit while the server is away.
type Away uint8

const (
	// Share lets each gate admit its share of the limit: max divided by the
	// number of gates, rounded down, and at least 1. The zero value.
	//
	// A gate knows what it has admitted itself, not what others have. So one
	// outage may add to what was admitted before it, for each key, at most the
	// shares of the other gates: max at most, or one for each of them where
	// max is less than their number.
	Share Away = iota
	// Local lets each gate admit the whole limit by itself: one outage may
	// add max for each other gate.
	Local
	// Deny refuses what is charged to the limit: never more than max.
	Deny
)

// FallbackConfig says how a [Fallback] is to decide.
type FallbackConfig struct {
	// Gates is how many gates share the ledger; at least 1.
	Gates int
	// Away says what becomes of each limit while the server is away. Nil is
	// Share for all. It has to answer the same for the same limit each time.
	Away func(*ledger.Tally, *ledger.Limit) Away
	// Changed, if it is not nil, is called when the gate begins (away is true)
	// and ends to decide by itself. Why is what failed; it holds no secrets.
	Changed func(away bool, why error)
}

// Fallback is a ledger in Redis that goes on by itself while the server is
// away, and tells the server afterwards what it has admitted.
//
// Beside the one in Redis there is a ledger of the gate's own. It is always
// fed with what the gate admits, so that an outage resets nothing; while the
// server is away it decides, with tightened limits. When the server is back,
// what was admitted meanwhile is put back by its id, and until that is done
// the gate's own ledger goes on deciding. The same is done with all that the
// gate remembers when the server's data has gone, and with the last minutes
// after every loss of connection, as a server that takes over from another may
// lack the end.
//
// What is put back counts from then on, not from when it was admitted: that
// refuses too long, by the length of the outage, and never admits too much.
// Bans that were begun by the server are not known while it is away.
type Fallback struct {
	redis *Ledger
	own   ledger.Ledger
	cfg   FallbackConfig

	tallies sync.Map // of *ledger.Tally to *variants
	away    atomic.Bool
	mu      sync.RWMutex // held for reading while the gate decides by itself
	memory  memory
	kick    chan struct{}
	lost    atomic.Bool
	stop    chan struct{}
	done    chan struct{}
	once    sync.Once

	decided, replayed, dropped, denied atomic.Uint64
}

var _ ledger.Ledger = (*Fallback)(nil)

// variants are a tally as the gate's own ledger is to see it.
type variants struct {
	fed   *ledger.Tally // counts and refuses nobody
	alone *ledger.Tally // tightened
	deny  int           // the limit that refuses while away, -1 if none
}

// NewFallback returns a ledger that is l while its server answers, and own,
// tightened, while it does not. It takes both over; Close closes l.
func NewFallback(l *Ledger, own ledger.Ledger, cfg FallbackConfig) *Fallback {
	cfg.Gates = max(cfg.Gates, 1)
	f := &Fallback{redis: l, own: own, cfg: cfg, kick: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	lost := func() { f.lost.Store(true); f.leave(errDataGone) }
	back := func() { f.wake() }
	l.lost.Store(&lost)
	l.back.Store(&back)
	go f.run()
	return f
}

var errDataGone = errors.New("the server's data has gone, or another server has taken its place")

// Close ends the ledger. What was not put back yet is lost to the others.
func (f *Fallback) Close() error {
	f.once.Do(func() { close(f.stop) })
	<-f.done
	return f.redis.Close()
}

// FallbackStats is the state of a Fallback, for metrics.
type FallbackStats struct {
	Stats
	Alone    bool   // the gate decides by itself
	Waiting  int    // admitted meanwhile and not put back yet
	Decided  uint64 // reservations that the gate decided by itself
	Denied   uint64 // that it refused as a limit says deny
	Replayed uint64 // reservations put back
	Dropped  uint64 // not remembered, as there were too many
}

// Stats returns the state of the ledger.
func (f *Fallback) Stats() FallbackStats {
	return FallbackStats{
		Stats: f.redis.Stats(), Alone: f.away.Load(), Waiting: f.memory.waiting(),
		Decided: f.decided.Load(), Denied: f.denied.Load(), Replayed: f.replayed.Load(), Dropped: f.dropped.Load(),
	}
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
	return err != nil && ctx.Err() == nil && !errors.Is(err, errNoID) && !errors.Is(err, errCancelling)
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
	if !f.away.Load() {
		err := f.redis.reserve(ctx, at, id, charges, a)
		if !gone(ctx, err) {
			if errors.Is(err, ErrUncertain) {
				f.redis.cancels.add(id, 0)
			}
			if err == nil {
				f.feed(ctx, at, id, charges, a)
			}
			return err
		}
		uncertain = errors.Is(err, ErrUncertain)
		f.leave(err)
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	err := f.alone(charges, a, func(alone []ledger.Charge) error {
		return f.own.Reserve(ctx, at, id, alone, a)
	})
	f.decided.Add(1)
	if err == nil && !a.Refused {
		if f.memory.add(id, charges, true) {
			return nil
		}
		// What cannot be told to the server later is not admitted now.
		_ = f.own.Settle(context.WithoutCancel(ctx), at, id, ledger.NotSent)
		refuse(a)
		err = ledger.ErrFull
	}
	if uncertain {
		f.redis.cancels.add(id, 0)
	}
	return err
}

// Record adds one event to each charge. See [ledger.Ledger].
func (f *Fallback) Record(ctx context.Context, at time.Time, charges []ledger.Charge) error {
	own := f.own.Record(ctx, at, f.as(charges, func(v *variants) *ledger.Tally { return v.fed }))
	if own != nil || f.away.Load() {
		return own
	}
	if err := f.redis.Record(ctx, at, charges); gone(ctx, err) {
		f.leave(err)
		return own
	}
	return own
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
	if err := f.redis.Settle(ctx, at, id, o); gone(ctx, err) {
		f.memory.settle(id, o)
		f.leave(err)
	} else {
		f.memory.settled(id, o)
	}
	return own
}

// alone asks the gate's own ledger, with tightened limits.
func (f *Fallback) alone(charges []ledger.Charge, a *ledger.Answer, ask func([]ledger.Charge) error) error {
	for i := range charges {
		if v := f.variants(charges[i].Tally); v.deny >= 0 {
			f.denied.Add(1)
			refuse(a)
			return fmt.Errorf("%w, and limit %q says deny", ErrAway, charges[i].Tally.Limits[v.deny].Name)
		}
	}
	alone := f.as(charges, func(v *variants) *ledger.Tally { return v.alone })
	if err := ask(alone); err != nil {
		return err
	}
	a.Short.Tally = original(alone, charges, a.Short.Tally)
	for i := range a.Shadow {
		a.Shadow[i].Tally = original(alone, charges, a.Shadow[i].Tally)
	}
	return nil
}

// original returns the caller's tally for one that was put in its place.
func original(alone, charges []ledger.Charge, t *ledger.Tally) *ledger.Tally {
	for i := range alone {
		if alone[i].Tally == t {
			return charges[i].Tally
		}
	}
	return t
}

// feed tells the gate's own ledger what the server has admitted.
func (f *Fallback) feed(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) {
	if a.Refused {
		f.feedRequests(ctx, at, charges)
		return
	}
	var own ledger.Answer
	if f.own.Reserve(context.WithoutCancel(ctx), at, id, f.as(charges, func(v *variants) *ledger.Tally { return v.fed }), &own) != nil {
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

// as returns charges with other tallies in their place.
func (f *Fallback) as(charges []ledger.Charge, which func(*variants) *ledger.Tally) []ledger.Charge {
	as := append([]ledger.Charge(nil), charges...)
	for i := range as {
		as[i].Tally = which(f.variants(as[i].Tally))
	}
	return as
}

func (f *Fallback) variants(t *ledger.Tally) *variants {
	if v, ok := f.tallies.Load(t); ok {
		return v.(*variants)
	}
	fed, alone := *t, *t
	fed.Limits = append([]ledger.Limit(nil), t.Limits...)
	alone.Limits = append([]ledger.Limit(nil), t.Limits...)
	v := &variants{fed: &fed, alone: &alone, deny: -1}
	for i := range t.Limits {
		fed.Limits[i].Shadow = true
		away := Share
		if f.cfg.Away != nil {
			away = f.cfg.Away(t, &t.Limits[i])
		}
		switch {
		case away == Share:
			alone.Limits[i].Max = max(t.Limits[i].Max/int64(f.cfg.Gates), 1)
		case away == Deny && !t.Limits[i].Shadow && v.deny < 0:
			v.deny = i
		}
	}
	got, _ := f.tallies.LoadOrStore(t, v)
	return got.(*variants)
}

// run puts back what is to be put back, whenever there is a reason to.
func (f *Fallback) run() {
	defer close(f.done)
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-f.kick:
		case <-pause.C:
		}
		pause.Reset(time.Hour)
		if f.away.Load() && !f.restore() {
			pause.Reset(100 * time.Millisecond)
		}
	}
}

// restore puts everything back and ends the gate's being alone. It is false if
// the server is still away.
func (f *Fallback) restore() bool {
	if f.redis.breaker.open.Load() || f.redis.Ping(context.Background()) != nil {
		return false
	}
	everything := f.lost.Swap(false)
	if !f.putBack(f.memory.recent(everything)) {
		f.lost.Store(f.lost.Load() || everything)
		return false
	}
	for {
		if !f.putBack(f.memory.unconfirmed()) || !f.settleAll() {
			return false
		}
		f.mu.Lock()
		if f.lost.Load() {
			f.mu.Unlock()
			return false
		}
		if f.memory.waiting() == 0 {
			f.away.Store(false)
			f.mu.Unlock()
			if f.cfg.Changed != nil {
				f.cfg.Changed(false, nil)
			}
			return true
		}
		f.mu.Unlock()
	}
}

func (f *Fallback) putBack(some []remembered) bool {
	for _, r := range some {
		select {
		case <-f.stop:
			return false
		default:
		}
		if f.redis.putBack(r.id, r.charges) != nil {
			return false
		}
		f.memory.confirm(r.id)
		f.replayed.Add(1)
	}
	return true
}

func (f *Fallback) settleAll() bool {
	for _, s := range f.memory.settlements() {
		if f.redis.Settle(context.Background(), time.Now(), s.id, s.outcome) != nil {
			return false
		}
		f.memory.settledLate(s.id, s.outcome)
	}
	return true
}
