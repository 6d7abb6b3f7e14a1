package redisledger

import (
	"testing"
	"time"
)

// OpenInCallersTime opens a ledger that takes the caller's time in place of
// the server's, so that tests need not wait for windows to end.
func OpenInCallersTime(t testing.TB, cfg Config) *Ledger {
	t.Helper()
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.callersClock = true
	return l
}

// Impatient lets f wait for other gates no longer than d.
func Impatient(f *Fallback, d time.Duration) { f.patience.Store(int64(d)) }

// Announce lets f announce itself now.
func Announce(f *Fallback) {
	changes, _ := f.redis.standing.believe()
	if there, err := f.announce(changes); err == nil {
		f.gates.know(there)
	}
}
