package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// What is fed counts at once, and is on disk when the ledger is closed.
func TestFeed(t *testing.T) {
	dir := t.TempDir()
	open := func() *ledger.Embedded {
		l, err := ledger.OpenEmbedded(dir)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	at := time.Now()
	limits := []ledger.Limit{{Name: "one", Max: 1, Window: time.Hour}}
	asked := &ledger.Tally{Seed: ledger.Key{1, 1}, Name: "phone", Limits: limits}
	fed := *asked
	fed.Limits = []ledger.Limit{limits[0]}
	fed.Limits[0].Shadow = true
	charge := func(tally *ledger.Tally) []ledger.Charge {
		return []ledger.Charge{{Tally: tally, Key: ledger.Key{2, 3}}}
	}

	l := open()
	for id := range byte(2) { // the second is beyond the limit
		if err := l.Feed(at, ledger.ID{1, id}, charge(&fed)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Feed(at, ledger.ID{}, charge(&fed)); err == nil {
		t.Error("fed without an id")
	}
	for range 2 {
		var a ledger.Answer
		if err := l.Look(context.Background(), at, charge(asked), &a); err != nil || !a.Refused {
			t.Fatalf("refused %t, %v", a.Refused, err)
		}
		if err := l.Settle(context.Background(), at, ledger.ID{1, 0}, ledger.NotSent); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open()
	}
	if err := l.Settle(context.Background(), at, ledger.ID{1, 1}, ledger.NotSent); err != nil {
		t.Fatal(err)
	}
	var a ledger.Answer
	if err := l.Look(context.Background(), at, charge(asked), &a); err != nil || a.Refused {
		t.Errorf("given back, and refused %t, %v", a.Refused, err)
	}
	l.Close()
}
