package ledgertest

import (
	"context"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func notes(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	ctx := context.Background()
	remember := func(key string, n byte, life time.Duration) {
		t.Helper()
		if err := s.Remember(ctx, s.now, spread(key), noteOf(n), life); err != nil {
			t.Fatal(err)
		}
	}
	// recalls wants a note, 0 for none.
	recalls := func(key string, want byte) {
		t.Helper()
		n, found, err := s.Recall(ctx, s.now, spread(key))
		switch {
		case err != nil:
			t.Fatal(err)
		case want == 0 && (found || n != ledger.Note{}):
			t.Fatalf("there is a note for %s: %v", key, n)
		case want != 0 && (!found || n != noteOf(want)):
			t.Fatalf("the note for %s is %v (%t), want %d", key, n, found, want)
		}
	}
	// A counter, a reservation and a note may have the same name.
	phone := of(tally("phone", ledger.Sends, named("limit", 1, hour)), "a")
	phone.Key = spread("a")
	k := spread("a")
	var id ledger.ID
	for i := range 8 {
		id[i], id[8+i] = byte(k[0]>>(56-8*i)), byte(k[1]>>(56-8*i))
	}
	if err := s.Reserve(ctx, s.now, id, []ledger.Charge{phone}, &s.answer); err != nil || s.answer.Refused {
		t.Fatalf("not admitted: %v", err)
	}
	recalls("a", 0)
	remember("a", 1, 10*minute)
	remember("b", 2, 10*minute)
	recalls("a", 1)
	recalls("b", 2)
	recalls("c", 0)
	s.refused("limit", hour, phone)

	// The latest counts, and so does its life.
	s.at(minute)
	remember("a", 3, 2*minute)
	recalls("a", 3)
	s.at(3*minute - ms)
	recalls("a", 3)
	s.at(3*minute + second)
	recalls("a", 0)
	recalls("b", 2)
	remember("a", 4, 366*24*hour)
	s.at(10*minute + second)
	recalls("b", 0)
	s.at(365 * 24 * hour)
	recalls("a", 4)

	// Settling takes no notes.
	if err := s.Settle(ctx, s.now, id, ledger.NotSent); err != nil {
		t.Fatal(err)
	}
	recalls("a", 4)
}

func noteOf(n byte) (note ledger.Note) {
	for i := range note {
		note[i] = n + byte(i)<<3
	}
	return note
}
