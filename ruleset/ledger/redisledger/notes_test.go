package redisledger_test

import (
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
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
	recalls(0, other, 3)
	recalls(1, key, 2)
	remember(1, other, 4)
	recalls(0, other, 4)
}
