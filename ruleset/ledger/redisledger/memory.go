package redisledger

import (
	"slices"
	"sync"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// memory is what a gate has admitted lately, so that it can tell a server that
// does not know, or not any more. It is bounded by count and by the windows of
// what it remembers.
type memory struct {
	mu      sync.Mutex
	entries map[ledger.ID]*remembered
	order   []ledger.ID // oldest first
	unsent  int         // of entries: not on the server
	settles []settlement

	forgotten uint64 // that a server may yet lack
	unsettled uint64 // settlements that there was no room for
}

type remembered struct {
	id      ledger.ID
	charges []ledger.Charge // of sends
	at      time.Time
	until   time.Time // the last of its windows ends
	waiting bool      // not on the server
}

type settlement struct {
	id      ledger.ID
	outcome ledger.Outcome
}

// How much is remembered at most.
const (
	memoryMost  = 1 << 16
	settlesMost = 1 << 16
)

// ends returns when an event of t that was admitted at a time counts no more.
func ends(t *ledger.Tally, at time.Time) time.Time {
	if t.Period != ledger.Sliding {
		_, end := t.Bounds(at)
		return end
	}
	var longest time.Duration
	for i := range t.Limits {
		longest = max(longest, t.Limits[i].Window)
	}
	return at.Add(longest)
}

// add remembers an admitted reservation. It is false if there is no room: what
// a server does not know is then never forgotten for what it does know.
func (m *memory) add(id ledger.ID, charges []ledger.Charge, waiting bool) bool {
	r := &remembered{id: id, at: time.Now(), waiting: waiting}
	for i := range charges {
		if c := &charges[i]; !c.Tally.Count.Attempts() {
			r.charges = append(r.charges, *c)
			if until := ends(c.Tally, r.at); until.After(r.until) {
				r.until = until
			}
		}
	}
	if len(r.charges) == 0 {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries == nil {
		m.entries = make(map[ledger.ID]*remembered)
	}
	if old := m.entries[id]; old != nil {
		return true
	}
	m.forget(r.at)
	if len(m.entries) >= memoryMost {
		if !waiting {
			m.forgotten++
		}
		return false
	}
	if len(m.order) >= 2*memoryMost { // most of them settled
		m.order = slices.DeleteFunc(m.order, func(id ledger.ID) bool { return m.entries[id] == nil })
	}
	m.entries[id] = r
	m.order = append(m.order, id)
	if waiting {
		m.unsent++
	}
	return true
}

// forget drops some of the oldest that are over, and one more where it is full.
func (m *memory) forget(now time.Time) {
	for range 4 {
		if len(m.order) == 0 {
			return
		}
		r := m.entries[m.order[0]]
		full := len(m.entries) >= memoryMost
		if r != nil && (r.waiting || r.until.After(now) && !full) {
			return
		}
		if r != nil {
			if r.until.After(now) {
				m.forgotten++
			}
			delete(m.entries, r.id)
		}
		m.order = m.order[1:]
		if full && r != nil {
			return
		}
	}
}

// doubt notes that the server may not know id after all.
func (m *memory) doubt(id ledger.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.entries[id]; r != nil && !r.waiting {
		r.waiting = true
		m.unsent++
	}
}

// known returns all that the server has ever been told, as far as it still
// counts.
func (m *memory) known() []remembered {
	return m.some(func(r *remembered) bool { return !r.waiting })
}

// unconfirmed returns what the server does not know.
func (m *memory) unconfirmed() []remembered {
	return m.some(func(r *remembered) bool { return r.waiting })
}

func (m *memory) some(want func(*remembered) bool) (some []remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, id := range m.order {
		r := m.entries[id]
		if r == nil || !want(r) {
			continue
		}
		still := *r
		still.charges = slices.DeleteFunc(slices.Clone(r.charges), func(c ledger.Charge) bool {
			return !ends(c.Tally, r.at).After(now)
		})
		if len(still.charges) > 0 || r.waiting {
			some = append(some, still)
		}
	}
	return some
}

// waiting is how much there is to tell the server.
func (m *memory) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unsent + len(m.settles)
}

func (m *memory) stats(s *FallbackStats) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Remembered, s.Waiting = len(m.entries), m.unsent+len(m.settles)
	s.Forgotten, s.Unsettled = m.forgotten, m.unsettled
}

// confirm notes that the server knows id.
func (m *memory) confirm(id ledger.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.entries[id]; r != nil && r.waiting {
		r.waiting = false
		m.unsent--
	}
}

// settled notes what was given back: it is not to be put back again.
func (m *memory) settled(id ledger.ID, o ledger.Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(id, o)
}

// settle notes that the server is still to be told what came of id. Where
// there is no room for that the charges stay, which refuses too much.
func (m *memory) settle(id ledger.ID, o ledger.Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.settles) >= settlesMost {
		m.unsettled++
		return
	}
	m.settles = append(m.settles, settlement{id, o})
}

func (m *memory) settlements() []settlement {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.settles)
}

// settledLate notes that the server was told of the first n settlements.
func (m *memory) settledLate(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.settles[:n] {
		m.drop(s.id, s.outcome)
	}
	if m.settles = m.settles[n:]; len(m.settles) == 0 {
		m.settles = nil
	}
}

// drop takes out of memory what was given back.
func (m *memory) drop(id ledger.ID, o ledger.Outcome) {
	r := m.entries[id]
	if r == nil {
		return
	}
	kept := r.charges[:0:0]
	if o == ledger.Verified {
		for _, c := range r.charges {
			if c.Tally.Count != ledger.Unverified {
				kept = append(kept, c)
			}
		}
	}
	if r.charges = kept; len(kept) == 0 {
		if r.waiting {
			m.unsent--
		}
		delete(m.entries, id)
	}
}
