package redisledger

import "testing"

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
