package redisledger_test

import (
	"sync"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// A gate alone: what it gave back while the server was away leaves no room
// afterwards that its limit does not have.
func TestGivenBackWhileAway(t *testing.T) {
	two := tally("two", ledger.Sends, limit(2, time.Hour))
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	l, err := redisledger.Open(redisledger.Config{URL: "redis://" + s.Addr})
	if err != nil {
		t.Fatal(err)
	}
	f := redisledger.NewFallback(l, ledger.NewEmbedded(), redisledger.FallbackConfig{Gates: 1})
	t.Cleanup(func() { f.Close() })
	admitted(t, f, of(phones, 999))
	s.Kill()
	admitted(t, f, of(two, 1)) // sent
	settle(t, f, admitted(t, f, of(two, 1)), ledger.NotSent)
	admitted(t, f, of(two, 1)) // sent: both places are taken
	refused(t, f, of(two, 1))
	s.Restart()
	eventually(t, "the gate asks the server again", func() bool { return !f.Stats().Alone && f.Stats().Up })
	refused(t, f, of(two, 1)) // a third
}

// Two requests of one gate for the same place: the server is still busy with
// the first when the gate begins to decide by itself and admits the second.
func TestInFlightWhenTheGateLeaves(t *testing.T) {
	one := tally("one", ledger.Sends, limit(1, time.Hour))
	s := redistest.Start(t)
	l, err := redisledger.Open(redisledger.Config{URL: "redis://" + s.Addr + "?timeout=500ms&pipeline=off"})
	if err != nil {
		t.Fatal(err)
	}
	f := redisledger.NewFallback(l, ledger.NewEmbedded(), redisledger.FallbackConfig{Gates: 1})
	t.Cleanup(func() { f.Close() })
	admitted(t, f, of(phones, 999))
	s.Pause()
	left := make(chan bool)
	go func() { // runs out of time after 500ms, and makes the gate leave
		var a ledger.Answer
		_ = f.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, 1)}, &a)
		close(left)
	}()
	time.Sleep(300 * time.Millisecond)
	first := make(chan bool)
	go func() {
		var a ledger.Answer
		err := f.Reserve(background, time.Now(), newID(), []ledger.Charge{of(one, 1)}, &a)
		first <- err == nil && !a.Refused
	}()
	<-left
	_, a := reserve(t, f, of(one, 1)) // by the gate itself
	s.Resume()
	if <-first && !a.Refused {
		t.Error("a gate has admitted two of one by itself")
	}
}

// Connections that are made while all is well tell of no loss.
func TestSentinelConnections(t *testing.T) {
	r := redistest.StartSentinel(t, 1)
	l, err := redisledger.Open(redisledger.Config{URL: r.URL() + "?timeout=5s&pipeline=off"})
	if err != nil {
		t.Fatal(err)
	}
	f := redisledger.NewFallback(l, ledger.NewEmbedded(), redisledger.FallbackConfig{Gates: 1})
	t.Cleanup(func() { f.Close() })
	var wg sync.WaitGroup
	for i := range uint64(50) {
		wg.Go(func() {
			var a ledger.Answer
			_ = f.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, i)}, &a)
		})
	}
	wg.Wait()
	time.Sleep(2 * time.Second)
	if n := f.Stats().Lost; n != 0 {
		t.Errorf("the data was lost %d times, want never", n)
	}
}
