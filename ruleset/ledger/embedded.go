package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"sync"
	"time"
)

// Embedded is a ledger in the memory of one process. One that is opened with
// [OpenEmbedded] is kept on disk as well; one made with [NewEmbedded] ends with
// its process.
//
// One decision is one step under one mutex: all keys are looked up, then all
// limits are checked, then everything is charged, or nothing. Once the tables
// have grown no call allocates, but for one a minute that tidies up after
// tallies; and none waits for a table to grow or to be swept, since both happen
// a little at a time.
//
// It forgets nothing that a limit still reads. Keys expire when the longest of
// their windows and bans, or their period, ends; until then each takes 64 bytes
// and its part of the index, 11 to 22 bytes, and 64 bytes more for each 7 events
// over 3. A reservation takes 64 bytes for up to 8 charges, where one to a
// distinct tally or to one with a period counts as three, until the last of its
// windows ends, or for two days where that is a period. When there is no room for a
// new key, Reserve returns [ErrFull] rather than forget another. A note takes 64
// bytes, and a quarter of all there is at most is for notes.
//
// Look and Reserve take nothing and return the context's error if it has ended
// before they begin, or while Reserve waits for the disk. Record and Settle
// ignore it: what they report has happened.
//
// Time is that of the caller. As those of [time.Now] are measured by the
// monotonic clock, a wall clock that is set while the process lives changes
// nothing, and neither does it move midnight for what is added up by days: the
// ledger hears of it when it is made anew. See [Recovery] for clocks that were
// set in between.
type Embedded struct {
	mu    sync.Mutex
	clock clock

	index index
	lines arena

	attempts map[Key]*attempts // by the seed of the tally
	readings map[*Tally]*reading
	seed     [2]uint64
	columns  int
	tidied   int64

	maxLines int
	cursor   uint32 // the line that was swept last
	calls    int
	sweeps   int // lines that were due so far

	disk     *disk // nil: it is in memory only
	recovery Recovery
	closed   bool

	keys, holds int
	notes       int
	stats       Stats
	returned    uint64
	swept       uint64

	// What one call works with, kept to save the allocations.
	probes []probe
	rares  []*rare
	runs   []run
	chain  []uint32
	times  []int64
	marks  []uint32
	sink   uint64
	marked int  // marks of the charges
	asked  bool // some of them count requests
	wrong  bool // an amount of them cannot be
	both   []uint64
}

// Option changes how an embedded ledger is made.
type Option func(*Embedded)

const (
	defaultMaxKeys = 1 << 20
	defaultColumns = 1 << 16
)

// MaxKeys limits memory: there are at most n lines of 64 bytes for keys, for
// the further lines of long logs, and for reservations that may still be
// settled. Reservations and logs of keys that are known may go a quarter
// beyond that. With the index this is at most 110 bytes for each of n, and
// 110 MiB for the default, 1<<20; it is taken as it is needed. The most is
// 1<<29.
func MaxKeys(n int) Option {
	return func(l *Embedded) { l.maxLines = min(max(n, 1), 1<<29) }
}

// AttemptColumns sets the width of what counts requests, refusals and wrong
// codes, rounded up to a power of two; the default, 1<<16, is the most. Each
// length of window of such a tally takes 256 bytes times n: 16 MiB by default,
// of which the system gives what is touched. With more than about n times max
// events of other keys in a window, keys begin to be counted for each other.
func AttemptColumns(n int) Option {
	return func(l *Embedded) {
		n = min(max(n, 1), 1<<16)
		l.columns = 1 << bits.Len(uint(n-1))
	}
}

// NewEmbedded returns an empty ledger that is in memory only.
func NewEmbedded(opts ...Option) *Embedded {
	l := &Embedded{
		clock:    newClock(),
		index:    newIndex(),
		attempts: make(map[Key]*attempts),
		readings: make(map[*Tally]*reading),
		seed:     [2]uint64{rand.Uint64(), rand.Uint64()},
		columns:  defaultColumns,
		maxLines: defaultMaxKeys,
	}
	for _, o := range opts {
		o(l)
	}
	return l
}

var _ Ledger = (*Embedded)(nil)

// Look asks whether all charges would fit. See [Ledger].
func (l *Embedded) Look(ctx context.Context, at time.Time, charges []Charge, a *Answer) error {
	a.refuse()
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.unlock()
	if l.closed {
		return ErrClosed
	}

	l.begin(at)
	l.stats.Looks++
	l.find(charges)
	if l.wrong {
		return errAmount
	}
	l.check(charges, a)
	l.chargeRequests(charges)
	return nil
}

var (
	errNoID   = errors.New("ledger: a reservation needs an id")
	errAmount = fmt.Errorf("ledger: an amount to charge is 0 to %d", int64(MaxAmount))
)

// Reserve takes all charges, or none. See [Ledger].
func (l *Embedded) Reserve(ctx context.Context, at time.Time, id ID, charges []Charge, a *Answer) error {
	a.refuse()
	if err := ctx.Err(); err != nil {
		return err
	}
	if id == (ID{}) {
		return errNoID // or all requests without one would be the same
	}
	c, mine, err := l.reserve(at, id, charges, a, true)
	if c != nil {
		err = l.await(ctx, c, id, mine)
	}
	if err != nil {
		a.refuse()
	}
	return err
}

// reserve takes all charges, or none, in memory. If there is a disk it returns
// what to wait for, and whether it was this call that has charged.
func (l *Embedded) reserve(at time.Time, id ID, charges []Charge, a *Answer, safely bool) (c *commit, mine bool, err error) {
	l.mu.Lock()
	defer l.unlock()
	if l.closed {
		return nil, false, ErrClosed
	}

	l.begin(at)
	l.stats.Reserves++
	hash := l.index.hash(id.words())
	l.sink += l.index.segment(hash).slots[hash%segmentSlots]
	l.find(charges)
	if l.wrong {
		return nil, false, errAmount
	}
	if i, h := l.findHold(id, hash); h != nil {
		if h.expires() > l.clock.now {
			a.Refused = false
			if l.disk == nil || !safely {
				return nil, false, nil
			}
			h[0] |= again
			l.lines.touch(i)
			return l.disk.commit(), false, nil
		}
		l.drop(i, h)
	}
	l.check(charges, a)
	if !a.Refused {
		if err := l.makeRoom(charges); err != nil {
			l.stats.Full++
			return nil, false, err
		}
	}
	l.chargeRequests(charges)
	if a.Refused {
		l.stats.Refusals++
		return nil, false, nil
	}
	l.chargeSends(id, hash, charges)
	if l.disk == nil || l.marked == 0 || !safely {
		return nil, false, nil
	}
	return l.disk.commit(), true, nil
}

// Feed is Reserve for what another ledger has admitted, which keeps it: it does
// not wait for the disk, where it is a tenth of a second later. Nothing is
// taken if a limit refuses, so their limits should be in shadow.
func (l *Embedded) Feed(at time.Time, id ID, charges []Charge) error {
	if id == (ID{}) {
		return errNoID
	}
	var a Answer
	_, _, err := l.reserve(at, id, charges, &a, false)
	return err
}

// Record adds one event to each charge. See [Ledger].
func (l *Embedded) Record(_ context.Context, at time.Time, charges []Charge) error {
	for i := range charges {
		if c := charges[i].Tally.Count; c != Refusals && c != WrongCodes {
			return fmt.Errorf("ledger: %q does not count what can be recorded", charges[i].Tally.Name)
		}
	}
	l.mu.Lock()
	defer l.unlock()
	if l.closed {
		return ErrClosed
	}

	l.begin(at)
	for i := range charges {
		c := &charges[i]
		l.read(c.Tally).all.add(l.attemptHash(c.Key), l.clock.event)
	}
	return nil
}

// Settle closes what was reserved under id. See [Ledger].
func (l *Embedded) Settle(_ context.Context, at time.Time, id ID, o Outcome) error {
	if o != NotSent && o != Verified {
		return nil
	}
	l.mu.Lock()
	defer l.unlock()
	if l.closed {
		return ErrClosed
	}

	l.begin(at)
	i, h := l.findHold(id, l.index.hash(id.words()))
	if h == nil || h.expires() <= l.clock.now || h[0]&verified != 0 {
		return nil
	}
	if o == NotSent {
		l.giveBack(h, true)
		l.drop(i, h)
		return nil
	}
	h[0] |= verified
	l.lines.touch(i)
	l.giveBack(h, false)
	return nil
}

// refuse makes a the answer of somebody who has not counted yet.
func (a *Answer) refuse() {
	*a = Answer{Refused: true, Shadow: a.Shadow[:0]}
}

// sweepBatch is how many lines are swept at once: few enough not to be felt,
// and enough for the processor to wait for many of them together.
const sweepBatch = 128

// begin reads the clock and sees to the sweeping: three lines for each that
// was taken, so that it keeps ahead, and one for each call.
func (l *Embedded) begin(at time.Time) {
	l.clock.read(at)
	l.tidy()
	l.calls++
	if due := l.calls + 3*l.lines.taken - l.sweeps; due >= sweepBatch {
		l.sweep(min(due, 4*sweepBatch))
		l.sweeps += due
	}
}
