package ledgertest

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

const day = 24 * hour

// on goes to a time of the calendar.
func (s *story) on(at time.Time) *story {
	s.now = at
	return s
}

func amountsAddUp(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open) // at 10 o'clock
	budget := sums("budget", ledger.Day, nil, upTo("budget", 100))
	s.at(0).admitted(costs(budget, "x", 60))
	s.at(hour).admitted(costs(budget, "x", 39))
	s.refused("budget", 13*hour, costs(budget, "x", 2))
	s.admitted(costs(budget, "x", 1)) // all of it
	s.refused("budget", 13*hour, costs(budget, "x", 1))
	s.look(costs(budget, "x", 1))
	s.wasRefused("budget", 13*hour, false)
	s.admitted(costs(budget, "y", 100))
	s.at(14*hour-ms).refused("budget", ms, costs(budget, "x", 1))
	s.at(14 * hour).look(costs(budget, "x", 100))
	s.wasAdmitted()
	s.admitted(costs(budget, "x", 100)) // looking took nothing
	s.refused("budget", day, costs(budget, "x", 1))
	s.refused("budget", day, costs(budget, "z", 101)) // never, to be honest
	s.at(38 * hour).admitted(costs(budget, "x", 50))
	s.at(5 * day).admitted(costs(budget, "x", 100)) // after days on which nobody asked

	month := sums("month", ledger.Month, nil, upTo("month", 1000))
	s.at(5 * day).admitted(costs(month, "x", 999))
	s.at(10*day+14*hour-ms).refused("month", ms, costs(month, "x", 2))
	s.at(10*day + 14*hour).admitted(costs(month, "x", 1000))
	s.refused("month", 31*day, costs(month, "x", 1)) // December
	s.at(41*day + 14*hour).admitted(costs(month, "x", 1000))
	s.on(time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)).admitted(costs(month, "x", 1000))
	s.refused("month", 28*day, costs(month, "x", 1))

	// The same id charges once.
	id := s.admitted(costs(month, "y", 600))
	s.reserve(id, costs(month, "y", 600))
	s.wasAdmitted()
	s.admitted(costs(month, "y", 400))
}

func calendar(t testing.TB, open func(testing.TB) ledger.Ledger) {
	for _, tt := range []struct {
		zone   string
		period ledger.Period
		at     string // in UTC
		long   time.Duration
	}{
		{"UTC", ledger.Day, "2027-03-28T12:00:00Z", day},
		{"Asia/Kathmandu", ledger.Day, "2027-03-28T12:00:00Z", day},
		{"Europe/Berlin", ledger.Day, "2027-03-27T12:00:00Z", day},
		{"Europe/Berlin", ledger.Day, "2027-03-28T12:00:00Z", 23 * hour},
		{"Europe/Berlin", ledger.Day, "2027-10-31T12:00:00Z", 25 * hour},
		{"Europe/Berlin", ledger.Month, "2027-03-10T12:00:00Z", 31*day - hour},
		{"Europe/Berlin", ledger.Month, "2027-10-10T12:00:00Z", 31*day + hour},
		{"America/New_York", ledger.Day, "2027-03-14T18:00:00Z", 23 * hour},
		{"America/New_York", ledger.Day, "2027-11-07T18:00:00Z", 25 * hour},
		{"America/New_York", ledger.Month, "2027-02-10T12:00:00Z", 28 * day},
		{"Australia/Lord_Howe", ledger.Day, "2027-04-04T00:00:00Z", 24*hour + 30*minute},
		{"America/Havana", ledger.Day, "2027-03-14T18:00:00Z", 23 * hour}, // begins at one o'clock
		{"America/Havana", ledger.Day, "2027-03-13T18:00:00Z", day},
		{"America/Havana", ledger.Day, "2027-11-07T18:00:00Z", 25 * hour},
		{"Africa/Cairo", ledger.Day, "2027-04-30T12:00:00Z", 23 * hour}, // the same
		{"Africa/Cairo", ledger.Day, "2027-10-28T12:00:00Z", 25 * hour}, // has eleven o'clock in the evening twice
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		budget := sums("budget", tt.period, zone, upTo("budget", 100))
		begin, end := budget.Bounds(at)
		if end.Sub(begin) != tt.long {
			t.Fatalf("%s: the %s of %s is %s long, want %s: have the rules of the zone changed?", tt.zone, tt.period, tt.at, end.Sub(begin), tt.long)
		}
		s := tell(t, open)
		s.on(begin.Add(-ms)).admitted(costs(budget, "x", 100)) // the day before
		s.refused("budget", ms, costs(budget, "x", 1))
		s.on(begin).admitted(costs(budget, "x", 60))
		s.refused("budget", tt.long, costs(budget, "x", 41))
		s.on(at).admitted(costs(budget, "x", 30))
		s.refused("budget", end.Sub(at), costs(budget, "x", 11))
		s.on(end.Add(-ms)).admitted(costs(budget, "x", 10))
		s.refused("budget", ms, costs(budget, "x", 1))
		s.on(end).admitted(costs(budget, "x", 100))
		s.look(costs(budget, "x", 1))
		if _, next := budget.Bounds(end); !s.answer.Refused || s.answer.Short.Wait != next.Sub(end) {
			t.Fatalf("%s: the %s after that of %s: %s", tt.zone, tt.period, tt.at, show(s.answer.Short))
		}
	}
}

func amountsExact(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Day, nil, upTo("budget", ledger.MaxAmount))
	s.admitted(costs(budget, "x", ledger.MaxAmount/2+1))
	s.admitted(costs(budget, "x", ledger.MaxAmount/2-2))
	s.refused("budget", 14*hour, costs(budget, "x", 2))
	s.refused("budget", 14*hour, costs(budget, "x", ledger.MaxAmount))
	s.admitted(costs(budget, "x", 1))
	s.refused("budget", 14*hour, costs(budget, "x", 1))
	s.admitted(costs(budget, "y", ledger.MaxAmount))
	s.refused("budget", 14*hour, costs(budget, "y", 1))

	// 1000 codes at 0.0407 and one millionth less than the 1001st.
	const price = 40_700
	cents := sums("cents", ledger.Day, nil, upTo("cents", 1001*price-1))
	for range 1000 {
		s.admitted(costs(cents, "x", price))
	}
	s.refused("cents", 14*hour, costs(cents, "x", price))
	s.admitted(costs(cents, "x", price-1))
	s.refused("cents", 14*hour, costs(cents, "x", 1))
}

func amountsInBounds(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Day, nil, upTo("budget", ledger.MaxAmount))
	phone := of(tally("phone", ledger.Sends, limit(1, hour)), "a")
	s.admitted(costs(budget, "x", 5))
	for _, amount := range []int64{-1, -5, math.MinInt64, ledger.MaxAmount + 1, math.MaxInt64} {
		charges := []ledger.Charge{phone, costs(budget, "x", amount)}
		s.answer = ledger.Answer{}
		if err := s.Reserve(context.Background(), s.now, s.newID(), charges, &s.answer); err == nil || !s.answer.Refused {
			t.Fatalf("reserving %d: error %v and refused %t, want an error and a refusal", amount, err, s.answer.Refused)
		}
		s.answer = ledger.Answer{}
		if err := s.Look(context.Background(), s.now, charges, &s.answer); err == nil || !s.answer.Refused {
			t.Fatalf("looking at %d: error %v and refused %t, want an error and a refusal", amount, err, s.answer.Refused)
		}
	}
	s.refused("budget", 14*hour, costs(budget, "x", ledger.MaxAmount-4))
	s.admitted(costs(budget, "x", ledger.MaxAmount-5), phone)
}

func amountOfNothing(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Day, nil, upTo("budget", 10))
	lower := sums("budget", ledger.Day, nil, upTo("budget", 5), ledger.Limit{Name: "alert", Max: 3, Shadow: true})
	s.admitted(costs(budget, "x", 0))
	s.admitted(costs(budget, "x", 10))
	free := s.admitted(costs(budget, "x", 0))
	s.admitted(costs(lower, "x", 0))
	if len(s.answer.Shadow) > 0 {
		t.Fatal("an alert for nothing")
	}
	s.settle(free, ledger.NotSent)
	s.refused("budget", 14*hour, costs(budget, "x", 1))
}

func alerts(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Day, nil, ledger.Limit{Name: "alert", Max: 50, Shadow: true}, upTo("stop", 100), ledger.Limit{Name: "late", Max: 90, Shadow: true})
	was := func(names ...string) {
		t.Helper()
		var got []string
		for _, short := range s.answer.Shadow {
			got = append(got, short.Tally.Limits[short.Limit].Name)
			if short.Wait != 14*hour || short.Banned {
				t.Fatalf("alert %s, want a wait of 14h", show(short))
			}
		}
		if len(got) != len(names) {
			t.Fatalf("alerts %q, want %q", got, names)
		}
		for i := range got {
			if got[i] != names[i] {
				t.Fatalf("alerts %q, want %q", got, names)
			}
		}
	}
	s.admitted(costs(budget, "x", 50))
	was()
	s.look(costs(budget, "x", 1))
	s.wasAdmitted()
	was("alert")
	id := s.admitted(costs(budget, "x", 1))
	was("alert")
	s.settle(id, ledger.NotSent)
	s.admitted(costs(budget, "x", 41))
	was("alert", "late")
	s.refused("stop", 14*hour, costs(budget, "x", 10))
	was("alert", "late")
	s.admitted(costs(budget, "x", 9))
	was("alert", "late")
	s.at(14 * hour).admitted(costs(budget, "x", 50))
	was()

	// Alone they refuse nobody, and what they would have refused counts.
	s.at(0)
	only := sums("only", ledger.Day, nil, ledger.Limit{Name: "alert", Max: 5, Shadow: true})
	stop := sums("only", ledger.Day, nil, upTo("stop", 100))
	for range 10 {
		s.admitted(costs(only, "x", 10))
	}
	s.look(costs(stop, "x", 1))
	s.wasRefused("stop", day, false)
}

func amountsAllOrNone(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Day, nil, upTo("budget", 100))
	month := sums("month", ledger.Month, nil, upTo("month", 110))
	phone, ips := tally("phone", ledger.Sends, limit(1, minute)), distinct("ip, distinct phone", ledger.Unverified, limit(1, 48*hour))
	s.admitted(of(phone, "a"), costs(budget, "x", 90), costs(month, "x", 90), by(ips, "x", "a"))
	for range 5 {
		s.refused("phone", minute, of(phone, "a"), costs(budget, "x", 10), costs(month, "x", 10))
		s.refused("phone", minute, costs(month, "x", 10), costs(budget, "x", 10), of(phone, "a"))
		s.refused("budget", 14*hour, of(phone, "b"), costs(budget, "x", 11), costs(month, "x", 11))
		s.refused("budget", 14*hour, costs(budget, "x", 11), of(phone, "a"), costs(month, "x", 11))
		s.refused("month", 10*day+14*hour, costs(budget, "y", 30), costs(month, "x", 30), of(phone, "a"))
		s.refused("ip, distinct phone", 48*hour, by(ips, "x", "b"), of(phone, "b"), costs(budget, "x", 10), costs(budget, "y", 10))
	}
	s.admitted(of(phone, "b"), costs(budget, "x", 10), costs(month, "x", 10))
	s.admitted(of(phone, "c"), costs(budget, "y", 100), costs(month, "x", 10))
}

func amountsHeld(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Month, nil, upTo("budget", 100))
	phone := tally("phone", ledger.Sends, limit(1, hour))
	short, long := costs(budget, "x", 100), costs(budget, "y", 100)
	first, second := s.admitted(short, of(phone, "a")), s.admitted(long)
	s.at(ledger.MaxHeld - time.Millisecond)
	s.settle(first, ledger.NotSent)
	s.admitted(short)
	s.at(ledger.MaxHeld)
	s.settle(second, ledger.NotSent)
	s.refused("budget", 10*day+14*hour-ledger.MaxHeld, long)
}

func amountsGivenBack(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Day, nil, upTo("budget", 100))
	phone, ip := of(tally("phone", ledger.Sends, limit(50, hour)), "a"), of(tally("ip", ledger.Unverified, limit(1, 48*hour)), "x")
	full := func() {
		t.Helper()
		_, end := budget.Bounds(s.now)
		s.refused("budget", end.Sub(s.now), costs(budget, "x", 1))
	}
	back := s.admitted(costs(budget, "x", 30), phone)
	kept := s.admitted(costs(budget, "x", 70), ip)
	full()
	s.settle(back, ledger.NotSent)
	s.settle(back, ledger.NotSent)
	s.settle(back, ledger.Verified)
	again := s.admitted(costs(budget, "x", 30))
	full()
	s.settle(back, ledger.NotSent)
	full()

	// A code that was entered was sent, and paid for.
	s.settle(kept, ledger.Verified)
	full()
	s.refused("budget", 14*hour, costs(budget, "x", 1), ip)
	s.settle(kept, ledger.NotSent)
	full()
	for _, o := range []ledger.Outcome{ledger.Sent, ledger.Unknown, ledger.NotSent} {
		full()
		s.settle(again, o)
	}
	again = s.admitted(costs(budget, "x", 30), ip)
	full()

	// Late on the same day, and when the day is over.
	s.at(14*hour-2*ms).settle(again, ledger.NotSent)
	late := s.at(14*hour-ms).admitted(costs(budget, "x", 10), ip)
	later := s.admitted(costs(budget, "x", 20))
	full()
	first := s.at(14 * hour).admitted(costs(budget, "x", 100))
	for _, id := range []ledger.ID{late, later} {
		s.settle(id, ledger.NotSent)
		full()
	}
	s.admitted(ip) // was still given back, as its window lasts
	s.settle(first, ledger.NotSent)
	s.admitted(costs(budget, "x", 100))
	full()

	// Nobody has charged anything on the day after that.
	s.at(40 * hour)
	s.settle(first, ledger.NotSent)
	s.admitted(costs(budget, "x", 100))
	full()
}

func amountsStay(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	with := func(most int64) *ledger.Tally { return sums("budget", ledger.Day, nil, upTo("budget", most)) }
	s.admitted(costs(with(100), "x", 100))
	s.refused("budget", 14*hour, costs(with(100), "x", 1))
	s.refused("budget", 14*hour, costs(with(40), "x", 1))
	id := s.admitted(costs(with(250), "x", 150))
	s.refused("budget", 14*hour, costs(with(250), "x", 1))
	s.refused("budget", 14*hour, costs(with(100), "x", 1))
	s.settle(id, ledger.NotSent)
	s.admitted(costs(with(101), "x", 1))
}

func hundredForAmount(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Day, nil, upTo("budget", 1000))
	s.admitted(costs(budget, "x", 978)) // there is room for three of seven
	var admitted atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		id := s.newID()
		wg.Go(func() {
			var a ledger.Answer
			if err := s.Reserve(context.Background(), s.now, id, []ledger.Charge{costs(budget, "x", 7)}, &a); err != nil {
				t.Error(err)
			} else if !a.Refused {
				admitted.Add(1)
			}
		})
	}
	wg.Wait()
	if n := admitted.Load(); n != 3 {
		t.Fatalf("%d of a hundred got the three places", n)
	}
	s.admitted(costs(budget, "x", 1))
	s.refused("budget", 14*hour, costs(budget, "x", 1))
}
