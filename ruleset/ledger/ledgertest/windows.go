package ledgertest

import (
	"strconv"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

const (
	ms     = time.Millisecond
	second = time.Second
	minute = time.Minute
	hour   = time.Hour
)

func allOrNone(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, ip := tally("phone", ledger.Sends, limit(1, minute)), tally("ip", ledger.Unverified, limit(2, hour))
	ips := distinct("ip, distinct phone", ledger.Sends, limit(2, hour))
	s.admitted(of(phone, "a"), of(ip, "x"), by(ips, "x", "a"))
	for range 5 {
		s.refused("phone", minute, of(ip, "x"), of(phone, "a"), by(ips, "x", "c"))
		s.refused("phone", minute, of(phone, "a"), by(ips, "x", "d"), of(ip, "x"))
	}
	s.admitted(of(phone, "b"), of(ip, "x"), by(ips, "x", "b"))
	for range 5 {
		s.refused("ip", hour, of(phone, "c"), of(ip, "x"))
	}
	s.admitted(of(phone, "c"))
}

func exactWindows(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone := of(tally("phone", ledger.Sends, limit(3, 10*second)), "a")
	s.at(0).admitted(phone)
	s.at(1 * second).admitted(phone)
	s.at(2500 * ms).admitted(phone)
	s.at(2500*ms).refused("phone", 7500*ms, phone)
	s.at(9999*ms).refused("phone", ms, phone)
	s.at(10 * second).admitted(phone)
	s.at(10*second).refused("phone", second, phone)
	s.at(10999*ms).refused("phone", ms, phone)
	s.at(11 * second).admitted(phone)
	s.at(12499*ms).refused("phone", ms, phone)
	s.at(12500 * ms).admitted(phone)
	s.at(19999*ms).refused("phone", ms, phone)
	s.at(hour)
	for range 3 {
		s.admitted(phone)
	}
	s.refused("phone", 10*second, phone)
}

func severalWindows(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone := of(tally("phone", ledger.Sends, named("cooldown", 1, minute), named("hour", 3, hour), named("day", 4, 24*hour)), "a")
	s.at(0).admitted(phone)
	s.at(59*second).refused("cooldown", second, phone)
	s.at(60 * second).admitted(phone)
	s.at(120 * second).admitted(phone)
	s.at(180*second).refused("hour", 57*minute, phone)
	s.at(hour).admitted(phone)
	s.at(hour+minute).refused("day", 22*hour+59*minute, phone)
	s.at(24*hour-ms).refused("day", ms, phone)
	s.at(24 * hour).admitted(phone)
	s.at(24*hour).refused("cooldown", minute, phone)
}

func longLogs(t testing.TB, open func(testing.TB) ledger.Ledger) {
	for _, most := range []int{2, 3, 4, 5, 10, 11, 12, 17, 18, 19, ledger.MaxExact} {
		s := tell(t, open)
		window := time.Duration(most) * second
		phone := of(tally("phone "+strconv.Itoa(most), ledger.Sends, named("limit", most, window)), "a")
		for i := range 3 * most {
			at := time.Duration(i) * second
			if i >= most {
				s.at(at-ms).refused("limit", ms, phone)
			}
			s.at(at).admitted(phone)
		}
	}
}

func wideWindows(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	const most = ledger.MaxExact + 16
	window := 16 * minute
	cell := window / ledger.Cells
	country := of(tally("country", ledger.Sends, limit(most, window)), "a")
	var last time.Duration
	for i := range most {
		last = time.Duration(i) * window / most
		s.at(last).admitted(country)
	}
	for at := last; at < window; at += 7 * second {
		s.at(at).reserve(s.newID(), country)
		if !s.answer.Refused {
			t.Fatalf("after %s: admitted, with %d in the window", at, most)
		}
		if wait := s.answer.Short.Wait; at+wait < window || at+wait > window+cell {
			t.Fatalf("after %s: wait of %s, want one until %s or at most %s later", at, wait, window, cell)
		}
	}
	// Each event leaves at most one cell late.
	for i := range most {
		s.at(time.Duration(i)*window/most + window + cell).admitted(country)
	}
}

func longestWait(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone := of(tally("phone", ledger.Sends, named("cooldown", 1, minute), named("hour", 2, hour)), "a")
	ip := of(tally("ip", ledger.Unverified, named("day", 2, 24*hour)), "x")
	all := of(tally("all", ledger.Sends, named("all", 2, 10*minute)), "")
	s.at(0).admitted(phone, ip, all)
	s.at(30*second).refused("cooldown", 30*second, phone, ip, all)
	s.at(2*minute).admitted(phone, ip, all)
	for _, charges := range [][]ledger.Charge{{phone, ip, all}, {ip, all, phone}, {all, phone, ip}} {
		s.at(2*minute+1*second).refused("day", 24*hour-2*minute-second, charges...)
	}
	s.refused("hour", hour-2*minute-second, all, phone)
	s.refused("all", 8*minute-second, all)
	if got := s.answer.Short.Tally.Name; got != "all" {
		t.Fatalf("refused by tally %q, want %q", got, "all")
	}
}

// honestWait plays the same events twice: once it asks just before the time
// it was told, once at that time. Asking in one must not disturb the other, as
// it may start bans.
func honestWait(t testing.TB, open func(testing.TB) ledger.Ledger) {
	phone := of(tally("phone", ledger.Sends, limit(1, minute), limit(3, hour), limit(5, 24*hour)), "a")
	ip := of(tally("ip", ledger.Unverified, ledger.Limit{Max: 4, Window: 2 * hour, Ban: 90 * minute}), "x")
	range_ := of(tally("range", ledger.Sends, limit(70, 24*hour)), "r")
	ips := by(distinct("ip, distinct", ledger.Sends, limit(2, 3*hour)), "x", "a")
	charges := []ledger.Charge{phone, ip, range_, ips}
	times := []time.Duration{0, minute, 3 * minute, 5*minute + 17*ms, hour, 2 * hour, 3 * hour, 5 * hour, 6 * hour, 10 * hour, 23 * hour}
	play := func(n int) (*story, time.Duration) {
		s := tell(t, open)
		s.at(0).admitted(by(ips.Tally, "x", "b"))
		s.at(0).admitted(by(ips.Tally, "x", "c"))
		for range 68 {
			s.admitted(range_)
		}
		for _, at := range times[:n] {
			s.at(at).reserve(s.newID(), charges...)
		}
		s.at(times[n]).reserve(s.newID(), charges...)
		if !s.answer.Refused {
			return nil, 0
		}
		return s, times[n] + s.answer.Short.Wait
	}
	refusals := 0
	for n := range times {
		s, until := play(n)
		if s == nil {
			continue
		}
		refusals++
		s.at(until).reserve(s.newID(), charges...)
		s.wasAdmitted()
		s, until = play(n)
		s.at(until-ms).reserve(s.newID(), charges...)
		if !s.answer.Refused {
			t.Fatalf("after %s: told to wait until %s, and admitted a millisecond before", times[n], until)
		}
	}
	if refusals < 5 {
		t.Fatalf("%d refusals, want a story that has more", refusals)
	}
}

func changedLimits(t testing.TB, open func(testing.TB) ledger.Ledger) {
	with := func(limits ...ledger.Limit) ledger.Charge { return of(tally("phone", ledger.Sends, limits...), "a") }

	s := tell(t, open)
	for i := range 4 {
		s.at(time.Duration(i) * minute).admitted(with(limit(4, hour)))
	}
	s.at(4*minute).refused("phone", 56*minute, with(limit(4, hour)))
	s.refused("phone", 59*minute, with(limit(1, hour))) // lower
	s.admitted(with(limit(5, hour)))                    // higher
	s.refused("phone", 10*hour-4*minute, with(limit(5, 10*hour)))
	s.at(hour-ms).refused("phone", ms, with(limit(5, hour)))
	s.at(hour+minute).refused("phone", 8*hour+59*minute, with(limit(5, 10*hour))) // still remembered
	s.at(10 * hour).admitted(with(limit(5, 10*hour)))

	// From exact to wide and back.
	s = tell(t, open)
	for i := range 60 {
		s.at(time.Duration(i) * second).admitted(with(limit(60, hour)))
	}
	s.at(minute)
	for range 40 {
		s.admitted(with(limit(100, hour)))
	}
	s.reserve(s.newID(), with(limit(100, hour)))
	if !s.answer.Refused {
		t.Fatal("the 101st is admitted, after 60 under a limit of 60 and 40 under one of 100")
	}
	s.refused("phone", hour, with(limit(40, hour)))
	s.at(hour+minute-ms).refused("phone", ms, with(limit(1, hour)))
	s.at(hour + 5*minute).admitted(with(limit(60, hour)))

	// Attempts too.
	s = tell(t, open)
	ask := func(limits ...ledger.Limit) ledger.Charge { return of(tally("ip", ledger.Requests, limits...), "x") }
	for range 5 {
		s.look(ask(limit(5, minute)))
		s.wasAdmitted()
	}
	for _, changed := range []ledger.Charge{ask(limit(5, hour)), ask(limit(3, minute)), ask(limit(5, 30*second)), ask(limit(4, 2*minute), limit(5, 7*minute))} {
		if s.look(changed); !s.answer.Refused {
			t.Fatalf("five requests are forgotten under %v", changed.Tally.Limits)
		}
	}
	s.look(ask(limit(6, minute)))
	s.wasAdmitted()
	if s.look(ask(limit(6, minute))); !s.answer.Refused {
		t.Fatal("a seventh request under a limit of 6")
	}
}

func apart(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, device := tally("phone", ledger.Sends, limit(1, hour)), tally("device", ledger.Sends, limit(1, hour))
	for i := range 1000 {
		key := strconv.Itoa(i)
		s.admitted(of(phone, key), of(device, key))
	}
	for i := range 1000 {
		s.refused("phone", hour, of(phone, strconv.Itoa(i)))
		s.refused("device", hour, of(device, strconv.Itoa(i)))
	}
}

func backwards(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, ip := of(tally("phone", ledger.Sends, limit(1, minute)), "a"), of(tally("ip", ledger.Sends, limit(1, minute)), "x")
	s.at(hour).admitted(phone)
	s.at(0).admitted(ip) // as if after an hour
	s.at(minute).refused("ip", minute, ip)
	s.refused("phone", minute, phone)
	s.at(hour+minute-ms).refused("ip", ms, ip)
	s.at(hour+minute).admitted(phone, ip)
}
