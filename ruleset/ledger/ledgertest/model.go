package ledgertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Model is a ledger as slow and as obvious as can be: it keeps every event in
// a list and counts, or adds up, by going through it. It is exact for all limits, also for
// those where other ledgers may be too careful. It forgets nothing, so it is
// for tests only.
type Model struct {
	mu       sync.Mutex
	now      time.Time
	counters map[counterKey]*counter
	holds    map[ledger.ID]*hold
	notes    map[ledger.Key]note
	bounds   func(t *ledger.Tally, at time.Time) (start, end time.Time)
}

type counterKey struct {
	seed ledger.Key
	key  ledger.Key
}

// counter is what is known of one key of one tally.
type counter struct {
	events   []event
	banned   time.Time // until then
	bannedBy int
}

type event struct {
	at     time.Time
	member uint64
	amount int64
	id     ledger.ID
}

type hold struct {
	charges  []ledger.Charge
	verified bool
	until    time.Time // what has not left its window by then is kept
}

type note struct {
	says ledger.Note
	ends time.Time
}

// NewModel returns an empty model.
func NewModel() *Model {
	return &Model{counters: make(map[counterKey]*counter), holds: make(map[ledger.ID]*hold), notes: make(map[ledger.Key]note), bounds: (*ledger.Tally).Bounds}
}

var _ ledger.Ledger = (*Model)(nil)

func (m *Model) Look(_ context.Context, at time.Time, charges []ledger.Charge, a *ledger.Answer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick(at)
	return m.ask(charges, a)
}

func (m *Model) Reserve(_ context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick(at)
	if id == (ledger.ID{}) {
		*a = ledger.Answer{Refused: true}
		return errors.New("no id")
	}
	if m.holds[id] != nil {
		*a = ledger.Answer{}
		return nil
	}
	err := m.ask(charges, a)
	if !a.Refused {
		m.take(id, charges)
	}
	return err
}

func (m *Model) Record(_ context.Context, at time.Time, charges []ledger.Charge) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick(at)
	for _, c := range charges {
		if c.Tally.Count != ledger.Refusals && c.Tally.Count != ledger.WrongCodes {
			return errors.New("not to be recorded")
		}
	}
	for _, c := range charges {
		m.add(ledger.ID{}, c)
	}
	return nil
}

func (m *Model) Settle(_ context.Context, at time.Time, id ledger.ID, o ledger.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick(at)
	h := m.holds[id]
	if h == nil || h.verified || !h.until.After(m.now) {
		return nil
	}
	switch o {
	case ledger.NotSent:
		m.giveBack(id, h, func(ledger.Count) bool { return true })
		delete(m.holds, id)
	case ledger.Verified:
		m.giveBack(id, h, func(c ledger.Count) bool { return c == ledger.Unverified })
		h.verified = true
	}
	return nil
}

func (m *Model) Remember(_ context.Context, at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick(at)
	m.notes[key] = note{n, m.now.Add(life)}
	return nil
}

func (m *Model) Recall(_ context.Context, at time.Time, key ledger.Key) (ledger.Note, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick(at)
	n, found := m.notes[key]
	if !found || !m.now.Before(n.ends) {
		return ledger.Note{}, false, nil
	}
	return n.says, true, nil
}

func (m *Model) tick(at time.Time) {
	if at.After(m.now) {
		m.now = at
	}
}

// counter is where c is charged to.
func (m *Model) counter(c ledger.Charge) *counter {
	k := counterKey{c.Tally.Seed, c.Key}
	if m.counters[k] == nil {
		m.counters[k] = new(counter)
	}
	return m.counters[k]
}

// united is what is known of the key of c under both of its names.
func (m *Model) united(c ledger.Charge) counter {
	k := *m.counter(c)
	also := m.counters[counterKey{c.Tally.Seed, c.Also}]
	if c.Also == (ledger.Key{}) || also == nil {
		return k
	}
	k.events = slices.Concat(k.events, also.events)
	if also.banned.After(k.banned) {
		k.banned, k.bannedBy = also.banned, also.bannedBy
	}
	return k
}

// ask fills in the answer, starts bans, and charges requests.
func (m *Model) ask(charges []ledger.Charge, a *ledger.Answer) error {
	*a = ledger.Answer{Refused: true}
	for _, c := range charges {
		if c.Tally.Period != ledger.Sliding && (c.Amount < 0 || c.Amount > ledger.MaxAmount) {
			return errors.New("no such amount")
		}
	}
	*a = ledger.Answer{}
	requests := true // may be charged
	for _, c := range charges {
		if m.askOne(c, a) && c.Tally.Count == ledger.Requests {
			requests = false
		}
	}
	for _, c := range charges {
		if requests && c.Tally.Count == ledger.Requests {
			m.add(ledger.ID{}, c)
		}
	}
	return nil
}

// askOne asks the limits of one charge and reports whether they refuse it.
func (m *Model) askOne(c ledger.Charge, a *ledger.Answer) (refused bool) {
	k := m.united(c)
	full := -1 // the full limit with the longest ban
	for i, limit := range c.Tally.Limits {
		var wait time.Duration
		if c.Tally.Period != ledger.Sliding {
			wait = m.waitForEnd(c, limit.Max)
		} else {
			wait = m.wait(c, int(limit.Max), limit.Window)
		}
		if wait == 0 {
			continue
		}
		if limit.Shadow {
			a.Shadow = append(a.Shadow, ledger.Short{Tally: c.Tally, Limit: i, Wait: wait})
			continue
		}
		refused = true
		longest(a, ledger.Short{Tally: c.Tally, Limit: i, Wait: wait})
		if limit.Ban > 0 && (full < 0 || limit.Ban > c.Tally.Limits[full].Ban) {
			full = i
		}
	}
	if full >= 0 && !k.banned.After(m.now) {
		k.banned, k.bannedBy = m.now.Add(c.Tally.Limits[full].Ban), full
		own := m.counter(c)
		own.banned, own.bannedBy = k.banned, k.bannedBy
	}
	if k.banned.After(m.now) {
		refused = true
		longest(a, ledger.Short{Tally: c.Tally, Limit: k.bannedBy, Wait: k.banned.Sub(m.now), Banned: true})
	}
	return refused
}

func longest(a *ledger.Answer, s ledger.Short) {
	if !a.Refused || s.Wait > a.Short.Wait || s.Wait == a.Short.Wait && s.Banned {
		a.Short = s
	}
	a.Refused = true
}

// wait is how long it takes until the charge fits, by waiting for one event to
// leave after the other.
func (m *Model) wait(c ledger.Charge, most int, window time.Duration) time.Duration {
	at := m.now
	for {
		n, next := m.count(c, window, at)
		if n < most {
			return at.Sub(m.now)
		}
		at = next
	}
}

// waitForEnd is how long it takes until the amount that is charged fits, which
// is until its period ends, or not at all.
func (m *Model) waitForEnd(c ledger.Charge, most int64) time.Duration {
	start, end := m.bounds(c.Tally, m.now)
	sum := c.Amount
	for _, e := range m.united(c).events {
		if !e.at.Before(start) && e.at.Before(end) {
			sum += e.amount
		}
	}
	if c.Amount == 0 || sum <= most {
		return 0
	}
	return end.Sub(m.now)
}

// count is how many events, or how many members other than the one that is
// charged, there are in the window that ends at a time; and when the first of
// these events leaves. If the member is there already, it needs no place and
// the count is -1.
func (m *Model) count(c ledger.Charge, window time.Duration, at time.Time) (n int, next time.Time) {
	members := make(map[uint64]bool)
	for _, e := range m.united(c).events {
		leaves := e.at.Add(window)
		if !leaves.After(at) {
			continue
		}
		if next.IsZero() || leaves.Before(next) {
			next = leaves
		}
		n++
		members[e.member] = true
	}
	switch {
	case !c.Tally.Distinct:
		return n, next
	case members[c.Member]:
		return -1, next
	default:
		return len(members), next
	}
}

// take charges sends under id.
func (m *Model) take(id ledger.ID, charges []ledger.Charge) {
	h := &hold{}
	for _, c := range charges {
		if !c.Tally.Count.Attempts() {
			m.add(id, c)
			h.charges = append(h.charges, c)
			if until := m.heldUntil(c); until.After(h.until) {
				h.until = until
			}
		}
	}
	if len(h.charges) > 0 {
		m.holds[id] = h
	}
}

// heldUntil is when a charge of now can no longer be given back.
func (m *Model) heldUntil(c ledger.Charge) time.Time {
	if c.Tally.Period != ledger.Sliding {
		_, end := m.bounds(c.Tally, m.now)
		return earlier(end, m.now.Add(ledger.MaxHeld))
	}
	return m.now.Add(longestWindow(c.Tally))
}

func longestWindow(t *ledger.Tally) (window time.Duration) {
	for _, limit := range t.Limits {
		window = max(window, limit.Window)
	}
	return window
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (m *Model) add(id ledger.ID, c ledger.Charge) {
	k := m.counter(c)
	if c.Tally.Distinct {
		m.leave(k, c)
	}
	k.events = append(k.events, event{m.now, c.Member, c.Amount, id})
}

// leave forgets the events of a member that has left all windows: when it
// comes back it starts anew.
func (m *Model) leave(k *counter, c ledger.Charge) {
	window := longestWindow(c.Tally)
	ofMember := func(e event) bool { return e.member == c.Member }
	if !slices.ContainsFunc(k.events, func(e event) bool { return ofMember(e) && e.at.Add(window).After(m.now) }) {
		k.events = slices.DeleteFunc(k.events, ofMember)
	}
}

// giveBack removes the events of id. A member stays until its last event has
// left, also if that one is given back while others are outstanding.
func (m *Model) giveBack(id ledger.ID, h *hold, counts func(ledger.Count) bool) {
	for _, c := range h.charges {
		if !counts(c.Tally.Count) {
			continue
		}
		k := m.counter(c)
		i := slices.IndexFunc(k.events, func(e event) bool { return e.id == id && e.member == c.Member })
		if i < 0 {
			continue
		}
		gone := k.events[i]
		k.events = slices.Delete(k.events, i, i+1)
		if !c.Tally.Distinct {
			continue
		}
		for j := len(k.events) - 1; j >= 0; j-- {
			if e := &k.events[j]; e.member == gone.member {
				if e.at.Before(gone.at) {
					e.at = gone.at
				}
				break
			}
		}
	}
}
