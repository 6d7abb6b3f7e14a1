package ledger

import (
	"context"
	"testing"
	"time"
)

func sumTally(name uint64, p Period, zone *time.Location, limits ...Limit) *Tally {
	t := testTally(name, Sends, false, limits...)
	t.Period, t.Zone = p, zone
	return t
}

// The last fraction of a millisecond of a day belongs to that day, although
// events are written down as of the next full millisecond.
func TestLastMomentOfDay(t *testing.T) {
	l := NewEmbedded()
	budget := sumTally(1, Day, nil, Limit{Name: "budget", Max: 100})
	ctx, midnight := context.Background(), time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	var a Answer
	spend := func(at time.Time, id uint64, amount int64) bool {
		t.Helper()
		if err := l.Reserve(ctx, at, newID(id), []Charge{{Tally: budget, Key: Key{1}, Amount: amount}}, &a); err != nil {
			t.Fatal(err)
		}
		return !a.Refused
	}
	last := midnight.Add(-300 * time.Microsecond)
	if !spend(last, 1, 100) || spend(last, 2, 1) || a.Short.Wait != time.Millisecond {
		t.Fatalf("%+v", a)
	}
	if !spend(midnight, 3, 60) || !spend(midnight, 4, 40) || spend(midnight, 5, 1) || a.Short.Wait != 24*time.Hour {
		t.Fatalf("%+v", a)
	}
	l.Settle(ctx, midnight, newID(1), NotSent) // not to the next day
	if spend(midnight, 6, 1) {
		t.Fatal("given back to the next day")
	}
	l.Settle(ctx, midnight, newID(4), NotSent) // charged at its very beginning
	if !spend(midnight, 7, 40) || spend(midnight, 8, 1) {
		t.Fatal("what was charged at midnight is not given back exactly")
	}
	if s := l.Stats(); s.Keys != 1 {
		t.Fatalf("%+v", s)
	}
}

// Charges of one request to one key add up before any of them is taken.
func TestTwoAmountsOfOneRequest(t *testing.T) {
	l := NewEmbedded()
	budget := sumTally(1, Month, nil, Limit{Name: "budget", Max: 100})
	for i, tt := range []struct {
		first, second int64
		admitted      bool
	}{{60, 41, false}, {100, 1, false}, {MaxAmount, MaxAmount, false}, {60, 30, true}, {6, 5, false}, {0, 10, true}, {0, 1, false}, {0, 0, true}} {
		var a Answer
		err := l.Reserve(context.Background(), dawn, newID(uint64(i+1)), []Charge{{Tally: budget, Key: Key{1}, Amount: tt.first}, {Tally: budget, Key: Key{1}, Amount: tt.second}}, &a)
		if err != nil || a.Refused == tt.admitted {
			t.Errorf("%d and %d: %+v, %v", tt.first, tt.second, a, err)
		}
	}
}

// Where nothing refuses, a sum stops at a number that is more than any limit.
func TestSumWithoutEnd(t *testing.T) {
	l := NewEmbedded()
	shadow := sumTally(1, Day, nil, Limit{Name: "alert", Max: MaxAmount, Shadow: true})
	stop := sumTally(1, Day, nil, Limit{Name: "stop", Max: MaxAmount})
	var a Answer
	for i := range uint64(5000) {
		if err := l.Reserve(context.Background(), dawn, newID(i+1), []Charge{{Tally: shadow, Key: Key{1}, Amount: MaxAmount}}, &a); err != nil || a.Refused {
			t.Fatal(a, err)
		}
	}
	for i := range uint64(5000) {
		l.Settle(context.Background(), dawn, newID(i+1), NotSent)
	}
	if err := l.Reserve(context.Background(), dawn, newID(9999), []Charge{{Tally: stop, Key: Key{1}, Amount: 1}}, &a); err != nil || !a.Refused {
		t.Fatal("a sum that was lost count of is spent again", a, err)
	}
}

// A sum goes when its period has ended, and so does one that was given back.
func TestSumsGo(t *testing.T) {
	l := NewEmbedded()
	budget := sumTally(1, Day, nil, Limit{Name: "budget", Max: 100})
	var a Answer
	for i := range uint64(1000) {
		charges := []Charge{{Tally: budget, Key: Key{i + 1}, Amount: 5}, {Tally: budget, Key: Key{1, i + 1}}} // the second is for nothing
		if err := l.Reserve(context.Background(), dawn, newID(i+1), charges, &a); err != nil || a.Refused {
			t.Fatal(a, err)
		}
	}
	for i := range uint64(500) {
		l.Settle(context.Background(), dawn, newID(i+1), NotSent)
	}
	if s := l.Stats(); s.Keys != 500 || s.Holds != 500 {
		t.Fatalf("%+v", s)
	}
	for range 2000 {
		l.Look(context.Background(), dawn.Add(18*time.Hour), nil, &a)
	}
	if s := l.Stats(); s.Keys != 0 || s.Holds != 0 || s.Lines != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestValidate(t *testing.T) {
	minute := Limit{Name: "few", Max: 1, Window: time.Minute}
	budget := Limit{Name: "budget", Max: 1}
	for _, tt := range []struct {
		name  string
		tally Tally
		want  string
	}{
		{"events", Tally{Limits: []Limit{minute}}, ""},
		{"a day", Tally{Period: Day, Zone: time.UTC, Limits: []Limit{budget}}, ""},
		{"a month, with an alert", Tally{Period: Month, Total: true, Limits: []Limit{{Max: MaxAmount}, {Max: 1, Shadow: true}}}, ""},
		{"no limits", Tally{Name: "t", Period: Day}, `ledger: tally "t" has no limits`},
		{"an unknown count", Tally{Name: "t", Count: WrongCodes + 1, Limits: []Limit{minute}}, `ledger: tally "t" counts something unknown`},
		{"attempts with members", Tally{Name: "t", Count: Requests, Distinct: true, Limits: []Limit{minute}}, `ledger: tally "t" counts attempts, and those have no members`},
		{"too many", Tally{Limits: []Limit{{Name: "many", Max: MaxEvents + 1, Window: time.Minute}}}, `ledger: limit "many" has a max of 2147483648, not of 1 to 2147483647`},
		{"too many members", Tally{Distinct: true, Limits: []Limit{{Name: "many", Max: 65, Window: time.Minute}}}, `ledger: limit "many" has a max of 65 members, and 64 is the most`},
		{"no window", Tally{Limits: []Limit{budget}}, `ledger: limit "budget" has a window of 0s, not of 1s to 8784h0m0s`},
		{"a ban without end", Tally{Limits: []Limit{{Name: "few", Max: 1, Window: time.Minute, Ban: 367 * 24 * time.Hour}}}, `ledger: limit "few" has a ban of 8808h0m0s, not of 0 to 8784h0m0s`},
		{"a zone for windows", Tally{Name: "t", Zone: time.UTC, Limits: []Limit{minute}}, `ledger: tally "t" has a zone, and no period that would need one`},
		{"an unknown period", Tally{Name: "t", Period: Month + 1, Limits: []Limit{budget}}, `ledger: tally "t" has an unknown period`},
		{"amounts of requests", Tally{Name: "t", Period: Day, Count: Requests, Limits: []Limit{budget}}, `ledger: tally "t" adds up amounts in each day, and only sends have amounts`},
		{"amounts of unverified", Tally{Name: "t", Period: Month, Count: Unverified, Limits: []Limit{budget}}, `ledger: tally "t" adds up amounts in each month, and only sends have amounts`},
		{"amounts of members", Tally{Name: "t", Period: Day, Distinct: true, Limits: []Limit{budget}}, `ledger: tally "t" adds up amounts in each day, and those have no members`},
		{"no amount", Tally{Period: Day, Limits: []Limit{{Name: "budget"}}}, `ledger: limit "budget" has a max of 0, not of 1 to 4503599627370496`},
		{"too much", Tally{Period: Day, Limits: []Limit{{Name: "budget", Max: MaxAmount + 1}}}, `ledger: limit "budget" has a max of 4503599627370497, not of 1 to 4503599627370496`},
		{"a window in a day", Tally{Period: Day, Limits: []Limit{minute}}, `ledger: limit "few" has a window of 1m0s, and is for each day`},
		{"a ban in a month", Tally{Period: Month, Limits: []Limit{{Name: "budget", Max: 1, Ban: time.Hour}}}, `ledger: limit "budget" has a ban of 1h0m0s, and what is for each month bans nobody`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if _, err := NewEmbedded(AttemptColumns(1)).Prepare([]*Tally{&tt.tally}); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}
