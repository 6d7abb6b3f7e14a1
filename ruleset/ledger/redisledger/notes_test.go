package redisledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// What one gate remembers another recalls; while the server is away, or has
// lost it, each recalls what it has remembered itself.
func TestNotesWhileAway(t *testing.T) {
	s := redistest.Start(t)
	all := gates(t, 2, "redis://"+s.Addr+"?timeout=500ms")
	key, other := ledger.Key{1, 2}, ledger.Key{3, 4}
	remember := func(gate int, key ledger.Key, n byte) {
		t.Helper()
		if err := all[gate].Remember(background, time.Now(), key, ledger.Note{n}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	recalls := func(gate int, key ledger.Key, want byte) {
		t.Helper()
		n, found, err := all[gate].Recall(background, time.Now(), key)
		if err != nil || found != (want != 0) || n[0] != want {
			t.Fatalf("gate %d recalls %v, %v, %v, want %d", gate, n[0], found, err, want)
		}
	}
	remember(0, key, 1)
	recalls(1, key, 1)
	remember(1, key, 2)
	recalls(0, key, 2)

	s.Kill()
	recalls(1, key, 2)
	recalls(0, key, 1) // the latest that it knows of
	remember(0, other, 3)
	recalls(0, other, 3)
	recalls(1, other, 0)

	s.Empty()
	s.Restart()
	together(t, all)
	for i := range all { // what was made meanwhile, and of what was made before the latest
		recalls(i, other, 3)
		recalls(i, key, 2)
	}
	remember(1, other, 4)
	recalls(0, other, 4)
}

// A gate that was away by itself does not put its note in the place of a later
// one, and puts it in the place of an earlier one.
func TestNotesOfAGateThatWasCutOff(t *testing.T) {
	s := redistest.Start(t)
	line := startProxy(t, s.Addr)
	a := gate(t, 2, "redis://"+line.Addr().String()+"?timeout=2s")
	b := gate(t, 2, "redis://"+s.Addr+"?timeout=2s")
	now := time.Now()
	remember := func(f *redisledger.Fallback, key uint64, n byte, after time.Duration) {
		t.Helper()
		if err := f.Remember(background, now.Add(after), ledger.Key{key}, ledger.Note{n}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for key := range uint64(3) {
		remember(b, key, 1, 0)
	}
	line.set(true)
	for key := range uint64(2) {
		remember(a, key, 2, time.Second)
	}
	remember(b, 1, 3, 2*time.Second)
	if stats := a.Stats(); !stats.Alone || stats.Waiting != 2 {
		t.Errorf("stats %+v", stats)
	}
	line.set(false)
	together(t, []*redisledger.Fallback{a, b})
	for _, f := range []*redisledger.Fallback{a, b} {
		for key, want := range []byte{2, 3, 1} {
			if n, found, err := f.Recall(background, now, ledger.Key{uint64(key)}); err != nil || !found || n[0] != want {
				t.Errorf("note %d: %v %v %v, want %d", key, n[0], found, err, want)
			}
		}
	}
	if stats := a.Stats(); stats.Waiting != 0 {
		t.Errorf("stats %+v", stats)
	}
	if ttl, ok := s.Do("PTTL", "{otp:gate}nAAAAAAAAAAAAAAAAAAAAAA").(int64); !ok || ttl < int64(59*time.Minute/time.Millisecond) || ttl > int64(time.Hour/time.Millisecond)+2000 {
		t.Errorf("a note that was put back expires in %d ms", ttl)
	}
}

// A caller who hangs up is not told what a gate itself has known for longer.
func TestNotesOfACallerWhoLeaves(t *testing.T) {
	s := redistest.Start(t)
	all := gates(t, 2, "redis://"+s.Addr+"?timeout=2s")
	for i, f := range all {
		if err := f.Remember(background, time.Now(), ledger.Key{1}, ledger.Note{byte(i)}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(background)
	cancel()
	if n, found, err := all[0].Recall(ctx, time.Now(), ledger.Key{1}); err == nil || found {
		t.Errorf("%v %v %v, want an error", n, found, err)
	}
	if stats := all[0].Stats(); stats.Alone {
		t.Errorf("stats %+v", stats)
	}
}

// Notes are put back on every node of a cluster, too.
func TestNotesOfAClusterThatWasEmptied(t *testing.T) {
	c := redistest.StartCluster(t, 3, 0)
	all := gates(t, 2, c.URL()+"?timeout=5s&spread=8")
	announced(t, all)
	admitted(t, all[0], of(phones, 1)) // without a charge there is no telling that data has gone
	const many = 100
	for key := range uint64(many) {
		if err := all[0].Remember(background, time.Now(), ledger.Key{key << 57, key}, ledger.Note{1}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range c.Masters {
		s.Do("FLUSHALL")
	}
	eventually(t, "the other gate knows all", func() bool {
		for key := range uint64(many) {
			if _, found, err := all[1].Recall(background, time.Now(), ledger.Key{key << 57, key}); err != nil || !found {
				return false
			}
		}
		return true
	})
}
