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

const (
	memoryMost   = 1 << 16
	memoryRecent = 5 * time.Minute // what a server that took over may lack
)

// add remembers an admitted reservation. It is false if there is no room: what
// a server does not know is then never forgotten for what it does know.
func (m *memory) add(id ledger.ID, charges []ledger.Charge, waiting bool) bool {
	r := &remembered{id: id, at: time.Now(), waiting: waiting}
	for i := range charges {
		if c := &charges[i]; !c.Tally.Count.Attempts() {
			r.charges = append(r.charges, *c)
			_, longest, _ := kindOf(c.Tally)
			if until := r.at.Add(time.Duration(longest) * time.Millisecond); until.After(r.until) {
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
			delete(m.entries, r.id)
		}
		m.order = m.order[1:]
		if full && r != nil {
			return
		}
	}
}

// recent returns what the server may have lost: all, or the last minutes.
func (m *memory) recent(all bool) []remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	var some []remembered
	for _, id := range m.order {
		if r := m.entries[id]; r != nil && r.until.After(now) && (all || r.waiting || now.Sub(r.at) < memoryRecent) {
			some = append(some, *r)
		}
	}
	return some
}

// unconfirmed returns what the server does not know.
func (m *memory) unconfirmed() []remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	var some []remembered
	for _, id := range m.order {
		if r := m.entries[id]; r != nil && r.waiting {
			some = append(some, *r)
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

// settle is settled, and notes that the server is still to be told.
func (m *memory) settle(id ledger.ID, o ledger.Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settles = append(m.settles, settlement{id, o})
}

func (m *memory) settlements() []settlement {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]settlement(nil), m.settles...)
}

// settledLate notes that the server was told.
func (m *memory) settledLate(id ledger.ID, o ledger.Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(id, o)
	for i, s := range m.settles {
		if s == (settlement{id, o}) {
			m.settles = append(m.settles[:i], m.settles[i+1:]...)
			return
		}
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
