package redisledger

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func numbered(n int) (id ledger.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n+1))
	return id
}

// What the server does not know is not forgotten: where there is no room for
// more of it, no more is admitted.
func TestMemoryIsBounded(t *testing.T) {
	var m memory
	for i := range memoryMost + 10 {
		if !m.add(numbered(i), onceCharges(1), false) {
			t.Fatalf("no room for the %dth, although the server knows all", i)
		}
	}
	if n := len(m.entries); n != memoryMost || m.forgotten != 10 {
		t.Errorf("%d are remembered and %d forgotten, want %d and 10", n, m.forgotten, memoryMost)
	}
	first := memoryMost + 10
	for i := range memoryMost {
		if !m.add(numbered(first+i), onceCharges(1), true) {
			t.Fatalf("no room for the %dth that the server does not know", i)
		}
	}
	if m.add(numbered(0), onceCharges(1), true) || m.add(numbered(1), onceCharges(1), false) {
		t.Error("there is room for more than the most")
	}
	if n := m.waiting(); n != memoryMost || len(m.unconfirmed()) != n || len(m.known()) != 0 {
		t.Errorf("%d wait, want %d", n, memoryMost)
	}
	m.confirm(numbered(first))
	if !m.add(numbered(0), onceCharges(1), true) {
		t.Error("no room although one is known now")
	}
}

// A settlement that there is no room for is lost: its charges stay.
func TestSettlementsAreBounded(t *testing.T) {
	var m memory
	for i := range settlesMost + 3 {
		m.settle(numbered(i), ledger.NotSent)
	}
	if n := m.waiting(); n != settlesMost || m.unsettled != 3 {
		t.Errorf("%d wait and %d are lost, want %d and 3", n, m.unsettled, settlesMost)
	}
	m.settledLate(settlesMost)
	if n := m.waiting(); n != 0 {
		t.Errorf("%d wait still", n)
	}
}

func TestCancelsAreBounded(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	c := cancels{after: time.Hour, settle: func(cancel) error { return errors.New("away") }, stop: stop}
	for i := range cancelsMost + 5 {
		c.add(numbered(i), 0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) != cancelsMost || c.dropped != 5 {
		t.Errorf("%d wait and %d are lost, want %d and 5", len(c.waiting), c.dropped, cancelsMost)
	}
}

// What has ended by the time that a server has lost it is not put back: money
// of yesterday is not spent today.
func TestMemoryEnds(t *testing.T) {
	day := &ledger.Tally{Name: "spend", Period: ledger.Day, Limits: []ledger.Limit{{Max: 100}}}
	hour := &ledger.Tally{Name: "hour", Limits: []ledger.Limit{{Max: 1, Window: time.Minute}, {Max: 1, Window: time.Hour}}}
	at := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	if end := ends(day, at); !end.Equal(at.Add(30 * time.Minute)) {
		t.Errorf("the day ends at %s", end)
	}
	if end := ends(hour, at); !end.Equal(at.Add(time.Hour)) {
		t.Errorf("the hour ends at %s", end)
	}
	var m memory
	m.add(ledger.ID{1}, []ledger.Charge{{Tally: day, Amount: 5}, {Tally: hour}}, true)
	m.entries[ledger.ID{1}].at = time.Now().Add(-48 * time.Hour)
	if some := m.unconfirmed(); len(some) != 1 || len(some[0].charges) != 0 {
		t.Errorf("%+v", some)
	}
}

// A number of gates counts for ten minutes after it was seen last.
func TestHighestNumberOfGates(t *testing.T) {
	g := newGates()
	at := func(minutes int) time.Time { return base.Add(time.Duration(minutes) * time.Minute) }
	saw := func(minutes, n int) {
		there := presence{g.me: 0}
		for i := range n - 1 {
			there[gateID{byte(i + 1)}] = 0
		}
		g.count(at(minutes), there)
	}
	if g.highest() != 0 {
		t.Error("gates before any was seen")
	}
	for _, step := range []struct{ minute, seen, want int }{
		{0, 2, 2}, {1, 5, 5}, {2, 3, 5}, {5, 4, 5}, {11, 2, 5}, {12, 2, 4}, {16, 1, 2}, {30, 1, 1}, {31, 6, 6},
	} {
		saw(step.minute, step.seen)
		if n := g.highest(); n != step.want {
			t.Errorf("minute %d: %d gates, want %d", step.minute, n, step.want)
		}
	}
}
