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

// Embedded is a ledger in the memory of one process.
//
// One decision is one step under one mutex: all keys are looked up, then all
// limits are checked, then everything is charged, or nothing. None of its
// calls allocates once the tables have grown, and none waits for a table to
// grow or to be swept: both happen a little with each call.
//
// It forgets nothing that a limit still reads. Keys expire when the longest of
// their windows and bans ends; until then each takes 64 bytes and its part of
// the index, 11 to 22 bytes, and 64 bytes more for each 7 events over 3. A
// reservation takes 64 bytes for up to 8 charges until the last of its windows
// ends. When there is no room for a new key, Reserve returns [ErrFull] rather
// than forget another.
//
// Look and Reserve take nothing and return the context's error if it has ended
// before they begin. Record and Settle ignore it: what they report has
// happened.
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

	keys, holds int
	stats       Stats
	returned    uint64
	swept       uint64

	// What one call works with, kept to save the allocations.
	probes []probe
	runs   []run
	chain  []uint32
	times  []int64
	marks  []uint32
	sink   uint64
	marked int  // marks of the charges
	asked  bool // some of them count requests
}

// Option changes how an embedded ledger is made.
type Option func(*Embedded)

const (
	defaultMaxKeys = 1 << 20
	defaultColumns = 1 << 14
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
// codes, rounded up to a power of two; the default is 1<<14 and the most
// 1<<16. Each length of window of such a tally takes 256 bytes times n: 4 MiB
// by default. With many more busy keys than n in a window, keys begin to be
// counted for each other.
func AttemptColumns(n int) Option {
	return func(l *Embedded) {
		n = min(max(n, 1), 1<<16)
		l.columns = 1 << bits.Len(uint(n-1))
	}
}

// NewEmbedded returns an empty ledger.
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

// probe is what one call knows about one of its charges. What is known of the
// tally is kept for the next call, which is likely to have the same tally in
// the same place.
type probe struct {
	tally   *Tally
	keep    int64  // its longest window, in milliseconds
	kind    uint64 // of its entries
	marks   int    // that a hold has for it, 0 for attempts
	reading *reading
	segment *segment
	hash    uint32 // in the index
	at      uint32
	line    uint32 // 0 if the key is new
	entry   *line
	slot    uint64 // the first slot, read early
	spread  uint64 // the hash of attempts
	extra   int    // charges to the same key earlier in this call
	short   bool   // a limit that is no shadow has no room
}

// Look asks whether all charges would fit. See [Ledger].
func (l *Embedded) Look(ctx context.Context, at time.Time, charges []Charge, a *Answer) error {
	a.refuse()
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()

	l.begin(at)
	l.stats.Looks++
	l.find(charges)
	l.check(charges, a)
	l.chargeRequests(charges)
	return nil
}

var errNoID = errors.New("ledger: a reservation needs an id")

// Reserve takes all charges, or none. See [Ledger].
func (l *Embedded) Reserve(ctx context.Context, at time.Time, id ID, charges []Charge, a *Answer) error {
	a.refuse()
	if err := ctx.Err(); err != nil {
		return err
	}
	if id == (ID{}) {
		return errNoID // or all requests without one would be the same
	}
	l.mu.Lock()
	defer l.mu.Unlock()

	l.begin(at)
	l.stats.Reserves++
	hash := l.index.hash(id.words())
	l.sink += l.index.segment(hash).slots[hash%segmentSlots]
	l.find(charges)
	if i, h := l.findHold(id, hash); h != nil {
		if h.expires() > l.clock.now {
			a.Refused = false
			return nil
		}
		l.drop(i, h)
	}
	l.check(charges, a)
	if !a.Refused {
		if err := l.makeRoom(charges); err != nil {
			a.refuse()
			l.stats.Full++
			return err
		}
	}
	l.chargeRequests(charges)
	if a.Refused {
		l.stats.Refusals++
		return nil
	}
	l.chargeSends(id, hash, charges)
	return nil
}

// Record adds one event to each charge. See [Ledger].
func (l *Embedded) Record(_ context.Context, at time.Time, charges []Charge) error {
	for i := range charges {
		if c := charges[i].Tally.Count; c != Refusals && c != WrongCodes {
			return fmt.Errorf("ledger: %q does not count what can be recorded", charges[i].Tally.Name)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()

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
	defer l.mu.Unlock()

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

// find looks up all charges. It does so in rounds, so that the processor waits
// for all keys at once and not for one after the other: first the slots of the
// index are read, then the lines.
func (l *Embedded) find(charges []Charge) {
	for len(l.probes) < len(charges) {
		l.probes = append(l.probes, probe{})
	}
	probes := l.probes[:len(charges)]
	sink := uint64(0)
	l.marked, l.asked = 0, false
	for i := range probes {
		c, p := &charges[i], &probes[i]
		if p.tally != c.Tally {
			l.know(p, c.Tally)
		}
		p.line, p.entry, p.extra, p.short = 0, nil, 0, false
		l.marked += p.marks
		if p.marks == 0 {
			l.asked = l.asked || c.Tally.Count == Requests
			p.reading.used = l.clock.event
			p.spread = l.attemptHash(c.Key)
			p.hash = uint32(p.spread)
			for _, s := range p.reading.sketches {
				sink += uint64(s.touch(p.spread))
			}
			continue
		}
		p.hash = l.index.hash(c.Key[0], c.Key[1])
		p.segment = l.index.segment(p.hash)
		p.slot = p.segment.slots[p.hash%segmentSlots]
	}
	for i := range probes {
		p := &probes[i]
		if p.marks == 0 || p.slot == 0 {
			continue
		}
		if p.line, p.at = p.segment.find(p.hash, p.hash); p.line != 0 {
			p.entry = l.lines.at(p.line)
			sink += p.entry[0]
		}
	}
	var seen uint64
	for i := range probes {
		c, p := &charges[i], &probes[i]
		for p.entry != nil && !p.entry.is(p.kind, c.Key) {
			if p.line, p.at = p.segment.find(p.hash, p.at); p.line == 0 {
				p.entry = nil
			} else {
				p.entry = l.lines.at(p.line)
			}
		}
		if e := p.entry; e != nil && uint32(e[1]) != 0 && run(e[5]).time()+p.keep > l.clock.now {
			sink += l.lines.at(uint32(e[1]))[0] // it will be asked for
		}
		bit := uint64(1) << (p.hash % 64)
		if seen&bit != 0 {
			p.extra = extra(charges, i)
		}
		seen |= bit
	}
	l.sink += sink // or the compiler would see that nobody needs it
}

// know fills in what p has to know of a tally.
func (l *Embedded) know(p *probe, t *Tally) {
	*p = probe{tally: t}
	if t.Count.Attempts() {
		p.reading = l.read(t)
		return
	}
	window, _, _ := reach(t.Limits)
	p.keep, p.kind, p.marks = millis(window), logEntry, 1
	if t.Distinct {
		p.kind, p.marks = memberEntry, 3
	}
}

// is reports whether e is the entry, of a kind, of a key.
func (e *line) is(kind uint64, k Key) bool {
	return e[2] == k[0] && e[3] == k[1] && e.kind() == kind
}

// extra counts the charges before the i-th that need a place of the same key.
func extra(charges []Charge, i int) int {
	c, n := &charges[i], 0
	for j := range i {
		b := &charges[j]
		if b.Key != c.Key || b.Tally.Seed != c.Tally.Seed {
			continue
		}
		if c.Tally.Distinct && b.Member == c.Member {
			return n // it has its place with the earlier one
		}
		n++
	}
	return n
}

// findHold returns the hold of id, and nil if there is none.
func (l *Embedded) findHold(id ID, hash uint32) (uint32, *line) {
	k0, k1 := id.words()
	return l.findEntry(holdEntry, Key{k0, k1}, hash)
}

// chargeRequests takes the charges that count requests, if there is room for
// all of them.
func (l *Embedded) chargeRequests(charges []Charge) {
	if !l.asked {
		return
	}
	for i := range charges {
		if charges[i].Tally.Count == Requests && l.probes[i].short {
			return
		}
	}
	for i := range charges {
		if p := &l.probes[i]; charges[i].Tally.Count == Requests {
			p.reading.all.add(p.spread, l.clock.event)
		}
	}
}

// makeRoom makes sure that the charges of sends can be taken: that there are
// lines for new keys, for the hold, and for logs that grow, each by one line
// at most.
func (l *Embedded) makeRoom(charges []Charge) error {
	for pressed := false; ; pressed = true {
		need := l.marked + holdLines(l.marked) // there are as many marks as charges at least
		if l.lines.used+2*need <= l.maxLines {
			return nil
		}
		fresh := 0
		for i := range charges {
			if p := &l.probes[i]; p.marks > 0 && p.entry == nil {
				fresh++
			}
		}
		if (fresh == 0 || l.lines.used+fresh <= l.maxLines) && l.lines.used+need+fresh <= l.maxLines+l.maxLines/4 {
			return nil
		}
		if pressed {
			return ErrFull
		}
		l.sweep(sweepBatch)
		l.find(charges) // some of what was found may have been swept
	}
}

// chargeSends takes the charges of sends and remembers them under id.
func (l *Embedded) chargeSends(id ID, hash uint32, charges []Charge) {
	marks := l.marks[:0]
	var expires int64
	for i := range charges {
		c, p := &charges[i], &l.probes[i]
		if p.marks == 0 {
			continue
		}
		if p.entry == nil && p.extra > 0 {
			p.line, p.entry = l.findEntry(p.kind, c.Key, p.hash)
		}
		if p.entry == nil {
			p.line, p.entry = l.newEntry(p.kind, c.Key, p.hash)
		}
		until := l.clock.event + p.keep
		p.entry.keep(until)
		expires = max(expires, until)

		mark := p.line << markShift
		if c.Tally.Count == Unverified {
			mark |= markUnverified
		}
		if p.kind == memberEntry {
			l.memberEvent(p.entry, c.Member, c.Tally)
			marks = append(marks, mark|markMember, uint32(c.Member), uint32(c.Member>>32))
		} else {
			l.logEvent(p.entry, c.Tally)
			marks = append(marks, mark)
		}
	}
	l.marks = marks
	if len(marks) > 0 {
		l.hold(id, hash, marks, expires)
	}
}

// findEntry returns the entry of a key, and nil if there is none.
func (l *Embedded) findEntry(kind uint64, k Key, hash uint32) (uint32, *line) {
	s, at := l.index.segment(hash), hash
	for {
		var i uint32
		if i, at = s.find(hash, at); i == 0 {
			return 0, nil
		}
		if e := l.lines.at(i); e.is(kind, k) {
			return i, e
		}
	}
}

func (l *Embedded) newEntry(kind uint64, k Key, hash uint32) (uint32, *line) {
	i, e := l.lines.take(kind)
	e.forget(l.clock.event - 1) // nothing from before can be given back
	e[2], e[3] = k[0], k[1]
	l.index.insert(hash, i)
	l.keys++
	return i, e
}
