package scenario

import (
	"context"
	"errors"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// switched is a ledger that can be away.
type switched struct {
	ledger.Ledger
	away bool
}

var errAway = errors.New("the ledger is away")

func (l *switched) Look(ctx context.Context, at time.Time, charges []ledger.Charge, a *ledger.Answer) error {
	if l.away {
		*a = ledger.Answer{Refused: true}
		return errAway
	}
	return l.Ledger.Look(ctx, at, charges, a)
}

func (l *switched) Reserve(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	if l.away {
		*a = ledger.Answer{Refused: true}
		return errAway
	}
	return l.Ledger.Reserve(ctx, at, id, charges, a)
}

func (l *switched) Record(ctx context.Context, at time.Time, charges []ledger.Charge) error {
	if l.away {
		return errAway
	}
	return l.Ledger.Record(ctx, at, charges)
}

func (l *switched) Settle(ctx context.Context, at time.Time, id ledger.ID, o ledger.Outcome) error {
	if l.away {
		return errAway
	}
	return l.Ledger.Settle(ctx, at, id, o)
}

func (l *switched) Remember(ctx context.Context, at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error {
	if l.away {
		return errAway
	}
	return l.Ledger.Remember(ctx, at, key, n, life)
}

func (l *switched) Recall(ctx context.Context, at time.Time, key ledger.Key) (ledger.Note, bool, error) {
	if l.away {
		return ledger.Note{}, false, errAway
	}
	return l.Ledger.Recall(ctx, at, key)
}
