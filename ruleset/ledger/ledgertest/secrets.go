package ledgertest

import (
	"strconv"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// A secret is replaced in steps: gates charge under the old one, then under the
// old one and also look under the new one, then the other way round.
func old(c ledger.Charge) ledger.Charge      { return under("old", "", c) }
func oldFirst(c ledger.Charge) ledger.Charge { return under("old", "new", c) }
func newFirst(c ledger.Charge) ledger.Charge { return under("new", "old", c) }

func anotherSecret(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone := of(tally("phone", ledger.Sends, named("cooldown", 1, minute), named("hour", 5, hour)), "a")
	s.at(0).admitted(old(phone))
	s.at(30*second).refused("cooldown", 30*second, oldFirst(phone))
	s.refused("cooldown", 30*second, newFirst(phone))
	s.at(1 * minute).admitted(oldFirst(phone))
	s.at(2 * minute).admitted(newFirst(phone))
	s.at(2*minute+second).refused("cooldown", 59*second, oldFirst(phone))
	s.at(3 * minute).admitted(oldFirst(phone))
	s.at(4 * minute).admitted(newFirst(phone))
	for _, at := range []time.Duration{5 * minute, hour - ms} {
		s.at(at).refused("hour", hour-at, oldFirst(phone))
		s.refused("hour", hour-at, newFirst(phone))
	}
	s.at(hour).admitted(newFirst(phone)) // each leaves in its turn, whatever its name
	s.at(hour + minute).admitted(newFirst(phone))
	s.at(hour + 2*minute).admitted(oldFirst(phone))
	s.at(hour + 3*minute).admitted(newFirst(phone))
	s.at(hour + 4*minute).admitted(newFirst(phone))
	s.refused("hour", 56*minute, newFirst(phone))

	// Long ones as well.
	for _, most := range []int{4, 11, 18, ledger.MaxExact} {
		s := tell(t, open)
		window := time.Duration(most) * second
		phone := of(tally("phone", ledger.Sends, named("limit", most, window)), "a")
		for i := range 3 * most {
			at, c := time.Duration(i)*second, oldFirst(phone)
			if i%3 == 0 || i > 2*most {
				c = newFirst(phone)
			}
			if i >= most {
				s.at(at-ms).refused("limit", ms, newFirst(phone))
				s.refused("limit", ms, oldFirst(phone))
			}
			s.at(at).admitted(c)
		}
	}
}

func anotherSecretWide(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	const most = ledger.MaxExact + 16
	window := 16 * minute
	country := of(tally("country", ledger.Sends, limit(most, window)), "a")
	var last time.Duration
	for i := range most {
		last = time.Duration(i) * window / most
		if s.at(last); i%2 == 0 {
			s.admitted(oldFirst(country))
		} else {
			s.admitted(newFirst(country))
		}
	}
	for at := last; at < window; at += 7 * second {
		for _, c := range []ledger.Charge{oldFirst(country), newFirst(country)} {
			s.at(at).reserve(s.newID(), c)
			if !s.answer.Refused {
				t.Fatalf("after %s: admitted, with %d in the window", at, most)
			}
		}
	}
	for i := range most {
		s.at(time.Duration(i)*window/most + window + window/ledger.Cells).admitted(newFirst(country))
	}
}

func anotherSecretMembers(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	ips := distinct("ip, distinct phone", ledger.Unverified, limit(3, hour))
	a1 := s.at(0).admitted(old(by(ips, "x", "a")))
	s.at(minute).admitted(oldFirst(by(ips, "x", "b")))
	a2 := s.at(2 * minute).admitted(newFirst(by(ips, "x", "a"))) // needs no place
	s.at(3 * minute).admitted(newFirst(by(ips, "x", "c")))
	for _, c := range []ledger.Charge{oldFirst(by(ips, "x", "d")), newFirst(by(ips, "x", "d"))} {
		s.at(4*minute).refused("ip, distinct phone", 57*minute, c) // until b has left
	}
	s.admitted(newFirst(by(ips, "x", "b")))
	s.refused("ip, distinct phone", 58*minute, newFirst(by(ips, "x", "d"))) // a, under its new name
	s.settle(a2, ledger.Verified)
	s.refused("ip, distinct phone", 56*minute, newFirst(by(ips, "x", "d"))) // a, under its old name
	s.settle(a1, ledger.NotSent)
	s.admitted(oldFirst(by(ips, "x", "d")))
	s.refused("ip, distinct phone", 59*minute, newFirst(by(ips, "x", "e")))

	s = tell(t, open)
	many := distinct("many", ledger.Sends, limit(ledger.MaxExact, hour))
	for i := range ledger.MaxExact {
		s.admitted(oldFirst(by(many, "x", strconv.Itoa(i))))
	}
	for i := range ledger.MaxExact {
		s.admitted(newFirst(by(many, "x", strconv.Itoa(i))))
	}
	s.refused("many", hour, newFirst(by(many, "x", "another")))
	s.refused("many", hour, oldFirst(by(many, "x", "another")))
}

func anotherSecretBans(t testing.TB, open func(testing.TB) ledger.Ledger) {
	ip := of(tally("ip", ledger.Unverified, ledger.Limit{Max: 2, Window: minute, Ban: hour}), "x")
	s := tell(t, open)
	first := s.at(0).admitted(old(ip))
	second_ := s.admitted(old(ip))
	s.at(second).banned("ip", hour, oldFirst(ip))
	s.at(2*second).banned("ip", hour-second, newFirst(ip)) // is no other
	s.settle(first, ledger.Verified)
	s.settle(second_, ledger.Verified)
	s.banned("ip", hour-second, newFirst(ip))
	s.at(hour+second-ms).banned("ip", ms, newFirst(ip))
	s.at(hour + second).admitted(newFirst(ip))

	// One that begins once the secret has been replaced.
	s = tell(t, open)
	s.at(0).admitted(oldFirst(ip))
	s.admitted(oldFirst(ip))
	s.at(second).banned("ip", hour, newFirst(ip))
	s.at(10*second).banned("ip", hour-9*second, newFirst(ip))
	s.banned("ip", hour-9*second, oldFirst(ip))
	s.at(hour + second).admitted(oldFirst(ip))
	s.admitted(newFirst(ip))
	s.banned("ip", hour, newFirst(ip))
	s.banned("ip", hour, oldFirst(ip))
}

func anotherSecretAmounts(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	budget := sums("budget", ledger.Day, nil, upTo("budget", 100), ledger.Limit{Name: "alert", Max: 80, Shadow: true})
	s.admitted(old(costs(budget, "x", 50)))
	s.admitted(oldFirst(costs(budget, "x", 10)))
	s.refused("budget", 14*hour, newFirst(costs(budget, "x", 41)))
	id := s.admitted(newFirst(costs(budget, "x", 40)))
	if len(s.answer.Shadow) != 1 {
		t.Fatal("no alert for 100 of 80")
	}
	s.refused("budget", 14*hour, newFirst(costs(budget, "x", 1)))
	s.refused("budget", 14*hour, oldFirst(costs(budget, "x", 1)))
	s.settle(id, ledger.NotSent)
	s.admitted(oldFirst(costs(budget, "x", 40)))
	s.refused("budget", 14*hour, newFirst(costs(budget, "x", 1)))
	s.at(14 * hour).admitted(newFirst(costs(budget, "x", 100)))
}

func anotherSecretAttempts(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	asked := of(tally("ip", ledger.Requests, limit(5, minute)), "x")
	refusals := of(tally("refusals", ledger.Refusals, ledger.Limit{Max: 4, Window: minute, Ban: hour}), "x")
	for i, c := range []ledger.Charge{old(asked), oldFirst(asked), newFirst(asked), oldFirst(asked), newFirst(asked)} {
		if s.look(c); s.answer.Refused {
			t.Fatalf("request %d of 5 is refused", i+1)
		}
	}
	for _, c := range []ledger.Charge{oldFirst(asked), newFirst(asked)} {
		if s.look(c); !s.answer.Refused {
			t.Fatal("a sixth request of 5")
		}
	}
	s.record(old(refusals), oldFirst(refusals), newFirst(refusals))
	s.look(newFirst(refusals))
	s.wasAdmitted()
	s.record(newFirst(refusals))
	s.at(second).look(oldFirst(refusals))
	s.wasRefused("refusals", hour, true)
	s.at(10 * second).look(newFirst(refusals))
	s.wasRefused("refusals", hour-9*second, true)
	s.at(hour + second).look(newFirst(refusals))
	s.wasAdmitted()
}

func chargedOnce(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, budget := of(tally("phone", ledger.Sends, limit(2, hour)), "a"), costs(sums("budget", ledger.Day, nil, upTo("budget", 100)), "x", 50)
	ips := distinct("ip, distinct phone", ledger.Sends, limit(2, hour))
	asked := of(tally("ip", ledger.Requests, limit(2, minute)), "x")
	s.admitted(newFirst(phone), newFirst(budget), newFirst(by(ips, "x", "a")), newFirst(asked))
	s.look(newFirst(asked))
	for i := range 2 { // nothing of that under the old one alone
		s.look(old(asked))
		s.wasAdmitted()
		s.admitted(old(phone), old(budget), old(by(ips, "x", strconv.Itoa(i))))
	}
	s.refused("phone", hour, old(phone))
	s.refused("budget", 14*hour, old(budget))
	s.refused("ip, distinct phone", hour, old(by(ips, "x", "b")))
	alone := under("new", "", phone)
	s.admitted(alone)
	s.refused("phone", hour, alone)

	// All or none, under two names too.
	other := of(tally("other", ledger.Sends, limit(1, hour)), "o")
	s.refused("phone", hour, newFirst(other), oldFirst(phone))
	s.admitted(newFirst(other))
}

func settledAfterRotation(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, ip := of(tally("phone", ledger.Sends, limit(2, hour)), "a"), of(tally("ip", ledger.Unverified, limit(70, hour)), "x")
	budget := costs(sums("budget", ledger.Day, nil, upTo("budget", 100)), "x", 50)
	var ids []ledger.ID
	ids = append(ids, s.admitted(oldFirst(phone), oldFirst(ip), oldFirst(budget)))
	ids = append(ids, s.at(second).admitted(newFirst(phone), newFirst(ip), newFirst(budget)))
	for range 68 {
		s.admitted(oldFirst(ip))
	}
	full := func() {
		t.Helper()
		for _, names := range []func(ledger.Charge) ledger.Charge{oldFirst, newFirst} {
			for _, c := range []ledger.Charge{phone, ip, budget} {
				if s.look(names(c)); !s.answer.Refused {
					t.Fatalf("there is room for another of %q", c.Tally.Name)
				}
			}
		}
	}
	full()
	for _, id := range ids {
		s.settle(id, ledger.NotSent)
		s.settle(id, ledger.NotSent)
		s.admitted(newFirst(phone), newFirst(ip), newFirst(budget))
		full()
	}
	// The same id under the new secret is the same reservation.
	s.at(2 * hour)
	id := s.admitted(oldFirst(phone))
	s.reserve(id, newFirst(phone))
	s.wasAdmitted()
	s.admitted(newFirst(phone))
	s.refused("phone", hour, newFirst(phone))
}
