package ledgertest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func distinctMembers(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	ips := distinct("ip, distinct phone", ledger.Sends, limit(3, hour))
	s.at(0).admitted(by(ips, "x", "a"))
	s.at(minute).admitted(by(ips, "x", "b"))
	for i := range 10 {
		s.at(time.Duration(i+2) * minute).admitted(by(ips, "x", "a")) // no new place
	}
	s.at(20 * minute).admitted(by(ips, "x", "c"))
	s.refused("ip, distinct phone", 41*minute, by(ips, "x", "d")) // until b has left
	s.admitted(by(ips, "x", "b"))
	s.refused("ip, distinct phone", 51*minute, by(ips, "x", "d")) // a, last seen after 11 minutes
	s.admitted(by(ips, "y", "d"))
	s.at(71*minute-ms).refused("ip, distinct phone", ms, by(ips, "x", "d"))
	s.at(71 * minute).admitted(by(ips, "x", "d"))
	s.refused("ip, distinct phone", 9*minute, by(ips, "x", "a"))

	many := distinct("many", ledger.Sends, limit(ledger.MaxExact, hour))
	s.at(5 * hour)
	for i := range ledger.MaxExact {
		s.admitted(by(many, "x", strconv.Itoa(i)))
	}
	s.refused("many", hour, by(many, "x", "another"))
	for i := range ledger.MaxExact {
		s.admitted(by(many, "x", strconv.Itoa(i)))
	}
}

func distinctGivenBack(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	ips := distinct("ip, distinct phone", ledger.Unverified, limit(2, hour))
	a1 := s.at(0).admitted(by(ips, "x", "a"))
	a2 := s.at(minute).admitted(by(ips, "x", "a"))
	b := s.at(2 * minute).admitted(by(ips, "x", "b"))
	s.settle(a2, ledger.Verified)
	s.settle(a2, ledger.Verified)
	s.reserve(s.newID(), by(ips, "x", "c"))
	if !s.answer.Refused {
		t.Fatal("a member is gone with one event still outstanding")
	}
	s.settle(a1, ledger.NotSent)
	s.admitted(by(ips, "x", "c"))
	s.refused("ip, distinct phone", hour, by(ips, "x", "d")) // b left first, after 62 minutes
	s.settle(b, ledger.Verified)
	s.admitted(by(ips, "x", "d"))
	s.reserve(s.newID(), by(ips, "x", "e"))
	if !s.answer.Refused {
		t.Fatal("a third member of two")
	}
}

func bans(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	ip := of(tally("ip", ledger.Unverified, ledger.Limit{Name: "short", Max: 2, Window: minute, Ban: hour}, named("long", 3, 2*hour)), "x")
	first := s.at(0).admitted(ip)
	second_ := s.at(second).admitted(ip)
	s.at(2*second).banned("short", hour, ip) // the ban begins when somebody asks
	for i := range 10 {
		at := time.Duration(i) * 5 * minute
		s.at(2*second+at).banned("short", hour-at, ip) // asking does not prolong it
	}
	s.settle(first, ledger.Verified) // now there is room, and still a ban
	s.settle(second_, ledger.Verified)
	s.at(hour+2*second-ms).banned("short", ms, ip)
	s.look(ip)
	s.wasRefused("short", ms, true)
	s.at(hour + 2*second).admitted(ip)

	// Looking starts a ban too. The longer wait is told.
	s.at(hour + 3*second).admitted(ip)
	s.look(ip)
	s.wasRefused("short", hour, true)
	s.at(2*hour + 3*second).admitted(ip)
	s.refused("long", hour-second, ip)
}

func shadow(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone := of(tally("phone", ledger.Sends, ledger.Limit{Name: "tried", Max: 2, Window: minute, Shadow: true, Ban: hour}, named("real", 5, hour)), "a")
	only := of(tally("ip", ledger.Unverified, ledger.Limit{Max: 3, Window: hour, Shadow: true}), "x")
	was := func(names ...string) {
		t.Helper()
		var got []string
		for _, short := range s.answer.Shadow {
			got = append(got, short.Tally.Limits[short.Limit].Name)
		}
		if len(got) != len(names) {
			t.Fatalf("after %s: shadow limits %q would have refused, want %q", s.now.Sub(start), got, names)
		}
		for i := range got {
			if got[i] != names[i] {
				t.Fatalf("after %s: shadow limits %q would have refused, want %q", s.now.Sub(start), got, names)
			}
		}
	}
	s.at(0).admitted(phone, only)
	was()
	s.admitted(phone, only)
	was()
	s.look(phone, only)
	s.wasAdmitted()
	was("tried")
	s.at(second).admitted(phone, only)
	was("tried")
	if wait := s.answer.Shadow[0].Wait; wait != minute-second {
		t.Fatalf("a shadow limit says to wait %s, want %s", wait, minute-second)
	}
	s.at(2*second).admitted(phone, only) // what it would have refused counts
	was("tried", "ip")
	s.at(minute).admitted(phone)
	was("tried")
	s.at(minute+second).refused("real", hour-minute-second, phone)
	was("tried")
	s.at(3 * minute).look(phone) // no ban
	was()

	for range 200 {
		s.admitted(only)
		was("ip")
	}
	s.at(3*minute + hour - ms).admitted(only)
	was("ip")
	s.at(5 * hour).admitted(only)
	was()
}

func requests(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	ip := tally("ip", ledger.Requests, limit(5, minute))
	other := tally("net", ledger.Requests, limit(50, minute))
	phone := of(tally("phone", ledger.Sends, limit(1, hour)), "a")
	s.admitted(phone)
	for range 5 {
		s.look(of(ip, "x"), of(other, "n"), phone)
		s.wasRefused("phone", hour, false)
	}
	for range 100 {
		s.look(of(ip, "x"), of(other, "n"))
		if !s.answer.Refused || s.answer.Short.Tally != ip {
			t.Fatalf("a sixth request of 5: refused %t", s.answer.Refused)
		}
	}
	for range 45 { // the hundred were not charged to the other
		s.look(of(other, "n"))
		s.wasAdmitted()
	}
	if s.look(of(other, "n")); !s.answer.Refused {
		t.Fatal("a 51st request of 50")
	}
	s.at(2 * minute)
	for range 5 {
		s.reserve(s.newID(), of(ip, "x"), phone)
		s.wasRefused("phone", hour-2*minute, false)
	}
	s.reserve(s.newID(), of(ip, "x"), of(tally("email", ledger.Sends, limit(1, hour)), "e"))
	if !s.answer.Refused {
		t.Fatal("requests of Reserve are not counted")
	}
	id := s.admitted(of(ip, "y"), of(tally("device", ledger.Sends, limit(9, hour)), "d"))
	s.settle(id, ledger.NotSent) // it was a request all the same
	for range 4 {
		s.look(of(ip, "y"))
		s.wasAdmitted()
	}
	if s.look(of(ip, "y")); !s.answer.Refused {
		t.Fatal("a request was given back")
	}
}

func recorded(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	ip := of(tally("ip", ledger.Refusals, ledger.Limit{Max: 3, Window: 10 * minute, Ban: hour}), "x")
	phone := of(tally("codes", ledger.WrongCodes, limit(2, 15*minute)), "a")
	for range 20 {
		s.look(ip, phone)
		s.wasAdmitted()
		s.admitted(ip, phone, of(tally("device", ledger.Sends, limit(99, hour)), "d"))
	}
	s.at(second)
	for range 3 {
		s.look(ip, phone)
		s.wasAdmitted()
		s.record(ip)
	}
	s.at(2 * second).look(phone)
	s.wasAdmitted()
	s.look(phone, ip)
	s.wasRefused("ip", hour, true)
	s.at(30 * minute).look(ip)
	s.wasRefused("ip", hour-30*minute+2*second, true)
	s.at(hour + 2*second).look(ip)
	s.wasAdmitted()

	s.record(phone)
	s.record(phone)
	if s.look(phone); !s.answer.Refused || s.answer.Short.Wait < 15*minute || s.answer.Short.Wait > 17*minute {
		t.Fatalf("after two wrong codes: refused %t by %s", s.answer.Refused, show(s.answer.Short))
	}
	s.reserve(s.newID(), phone)
	if !s.answer.Refused {
		t.Fatal("wrong codes do not keep from reserving")
	}
	s.at(hour + 20*minute).look(phone)
	s.wasAdmitted()
}

func recordedOnly(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	refusals := of(tally("refusals", ledger.Refusals, limit(1, hour)), "x")
	for _, count := range []ledger.Count{ledger.Sends, ledger.Unverified, ledger.Requests} {
		if err := s.Record(context.Background(), s.now, []ledger.Charge{refusals, of(tally("other", count, limit(1, hour)), "x")}); err == nil {
			t.Fatalf("events of count %d can be recorded", count)
		}
	}
	s.look(refusals)
	s.wasAdmitted()
}
