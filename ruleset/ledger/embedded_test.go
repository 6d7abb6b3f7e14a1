package ledger_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/ledgertest"
)

func TestEmbedded(t *testing.T) {
	ledgertest.Run(t, func(testing.TB) ledger.Ledger { return ledger.NewEmbedded(ledger.AttemptColumns(64)) })
}

// The suite again, with a ledger that may be closed, or its process killed, and
// opened again before every call.
func TestReopened(t *testing.T) {
	ledgertest.Run(t, func(t testing.TB) ledger.Ledger {
		r := &reopened{t: t, dir: ledger.TempDir(t), random: rand.New(rand.NewPCG(1, 2))}
		r.open()
		t.Cleanup(func() { r.Close() })
		return r
	})
}

type reopened struct {
	mu sync.RWMutex // the ledger is not opened again while it is asked
	*ledger.Embedded
	t      testing.TB
	dir    string
	random *rand.Rand
}

func (r *reopened) open() {
	l, err := ledger.OpenEmbedded(r.dir, ledger.AttemptColumns(64))
	if err != nil {
		r.t.Fatal(err)
	}
	r.Embedded = l
}

// perhaps opens the ledger again, or does not, and keeps it open for a call.
func (r *reopened) perhaps() (done func()) {
	r.mu.Lock()
	defer r.mu.RLock()
	defer r.mu.Unlock()
	var err error
	switch r.random.IntN(20) {
	case 0:
		err = r.Close()
	case 1:
		err = r.Kill()
	default:
		return r.mu.RUnlock
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.open()
	return r.mu.RUnlock
}

func (r *reopened) Look(ctx context.Context, at time.Time, charges []ledger.Charge, a *ledger.Answer) error {
	defer r.perhaps()()
	return r.Embedded.Look(ctx, at, charges, a)
}

func (r *reopened) Reserve(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	defer r.perhaps()()
	return r.Embedded.Reserve(ctx, at, id, charges, a)
}

func (r *reopened) Record(ctx context.Context, at time.Time, charges []ledger.Charge) error {
	defer r.perhaps()()
	return r.Embedded.Record(ctx, at, charges)
}

func (r *reopened) Remember(ctx context.Context, at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error {
	defer r.perhaps()()
	return r.Embedded.Remember(ctx, at, key, n, life)
}

func (r *reopened) Settle(ctx context.Context, at time.Time, id ledger.ID, o ledger.Outcome) error {
	defer r.perhaps()()
	return r.Embedded.Settle(ctx, at, id, o)
}
