package ledgertest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func looking(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, ip := of(tally("phone", ledger.Sends, limit(1, minute)), "a"), of(tally("ip", ledger.Unverified, limit(1, hour)), "x")
	for range 5 {
		s.look(phone, ip)
		s.wasAdmitted()
	}
	s.admitted(phone)
	for range 5 {
		s.look(phone, ip)
		s.wasRefused("phone", minute, false)
	}
	s.at(minute).look(phone, ip)
	s.wasAdmitted()
	s.admitted(phone, ip)
}

func notSent(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, ip := of(tally("phone", ledger.Sends, limit(2, hour)), "a"), of(tally("ip", ledger.Unverified, limit(2, hour)), "x")
	country := of(tally("country", ledger.Sends, limit(100, hour)), "c")
	for range 98 {
		s.admitted(country)
	}
	s.at(0)
	kept := s.admitted(phone, ip, country)
	back := s.at(second).admitted(phone, ip, country)
	s.at(2*second).refused("phone", hour-2*second, phone)
	s.settle(back, ledger.NotSent)
	s.settle(back, ledger.NotSent)
	s.settle(back, ledger.Verified)
	s.at(3*second).admitted(phone, ip, country)
	s.at(4*second).refused("phone", hour-4*second, phone) // the first was not touched
	s.refused("ip", hour-4*second, ip)
	s.reserve(s.newID(), country)
	if !s.answer.Refused {
		t.Fatal("country: 101 of 100")
	}
	s.settle(back, ledger.NotSent)
	s.refused("phone", hour-4*second, phone)

	// After a code was sent, or nobody knows, it may still turn out not to be.
	for _, o := range []ledger.Outcome{ledger.Sent, ledger.Unknown} {
		s.settle(kept, o)
	}
	s.settle(kept, ledger.NotSent)
	s.admitted(phone, ip)
	s.refused("phone", hour-second, phone)
}

func sentAndUnknown(t testing.TB, open func(testing.TB) ledger.Ledger) {
	for _, o := range []ledger.Outcome{ledger.Sent, ledger.Unknown} {
		s := tell(t, open)
		phone, ip := of(tally("phone", ledger.Sends, limit(1, hour)), "a"), of(tally("ip", ledger.Unverified, limit(1, hour)), "x")
		id := s.admitted(phone, ip)
		s.settle(id, o)
		s.settle(id, o)
		s.at(hour-ms).refused("phone", ms, phone)
		s.refused("ip", ms, ip)
	}
}

func verifiedOnce(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, ip := of(tally("phone", ledger.Sends, limit(3, hour)), "a"), of(tally("ip", ledger.Unverified, limit(2, hour)), "x")
	wide := of(tally("block", ledger.Unverified, limit(70, hour)), "x")
	first := s.admitted(phone, ip)
	second_ := s.at(second).admitted(phone, ip)
	for range 68 {
		s.admitted(wide)
	}
	s.settle(first, ledger.Sent)
	s.at(5*minute).refused("ip", 55*minute, ip)
	s.settle(first, ledger.Verified)
	s.settle(first, ledger.Verified)
	s.settle(first, ledger.NotSent) // cannot be
	third := s.admitted(phone, ip)
	s.refused("ip", 55*minute+second, ip) // the second was not touched
	s.refused("phone", 55*minute, phone)  // all three were sent
	s.settle(second_, ledger.Verified)    // with nothing settled before
	s.settle(third, ledger.NotSent)
	s.settle(third, ledger.Verified)
	s.admitted(phone, ip)
	s.admitted(ip)
	s.refused("ip", hour, ip)

	// A run of many events gives back one for each.
	var ids []ledger.ID
	for range 2 {
		ids = append(ids, s.admitted(wide))
	}
	s.reserve(s.newID(), wide)
	if !s.answer.Refused {
		t.Fatal("block: 71 of 70")
	}
	for _, id := range ids {
		s.settle(id, ledger.Verified)
		s.settle(id, ledger.Verified)
		s.admitted(wide)
		s.reserve(s.newID(), wide)
		if !s.answer.Refused {
			t.Fatal("block: two places given back for one")
		}
	}
}

func settleNothing(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	ip := of(tally("ip", ledger.Unverified, limit(2, minute)), "x")
	for _, o := range []ledger.Outcome{ledger.Unknown, ledger.Sent, ledger.NotSent, ledger.Verified} {
		s.settle(s.newID(), o)
	}
	old := s.admitted(ip)
	other := s.at(minute - ms).admitted(ip)
	s.settle(s.newID(), ledger.NotSent)
	s.refused("ip", ms, ip)
	s.at(minute).admitted(ip)
	s.refused("ip", minute-ms, ip)
	s.settle(old, ledger.NotSent) // its window has ended
	s.settle(old, ledger.Verified)
	s.refused("ip", minute-ms, ip)
	s.at(hour)
	last := s.admitted(ip)
	s.admitted(ip)
	s.settle(other, ledger.Verified)
	s.refused("ip", minute, ip)
	s.settle(last, ledger.Verified)
	s.admitted(ip)
}

func idempotent(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone, ip := of(tally("phone", ledger.Sends, limit(2, hour)), "a"), of(tally("ip", ledger.Requests, limit(2, hour)), "x")
	id := s.admitted(phone, ip)
	for i := range 5 {
		s.at(time.Duration(i)*minute).reserve(id, phone, ip)
		s.wasAdmitted()
	}
	s.admitted(phone, ip)
	s.reserve(id, phone, ip) // full by now, but this was admitted before
	s.wasAdmitted()
	s.at(5*minute).refused("phone", 55*minute, phone)
	s.reserve(s.newID(), ip)
	if !s.answer.Refused {
		t.Fatal("a third request of 2")
	}

	// A refusal reserves nothing: the id is still free.
	free := s.newID()
	s.reserve(free, phone)
	s.wasRefused("phone", 55*minute, false)
	s.at(hour).reserve(free, phone)
	s.wasAdmitted()
	s.refused("phone", 4*minute, phone)

	// What has been given back is not reserved any more: it charges again.
	s.settle(free, ledger.NotSent)
	s.reserve(free, phone)
	s.wasAdmitted()
	s.refused("phone", 4*minute, phone)
}

func idNeeded(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone := of(tally("phone", ledger.Sends, limit(1, hour)), "a")
	s.answer = ledger.Answer{}
	if err := s.Reserve(context.Background(), s.now, ledger.ID{}, []ledger.Charge{phone}, &s.answer); err == nil || !s.answer.Refused {
		t.Fatalf("error %v and refused %t without an id, want an error and a refusal", err, s.answer.Refused)
	}
	s.admitted(phone)
}

func hundredForOne(t testing.TB, open func(testing.TB) ledger.Ledger) {
	s := tell(t, open)
	phone := of(tally("phone", ledger.Sends, limit(3, hour)), "a")
	for range 2 {
		s.admitted(phone)
	}
	var admitted atomic.Int32
	var wg sync.WaitGroup
	for i := range 100 {
		ip := of(tally("ip", ledger.Unverified, limit(1, hour)), string(rune('a'+i)))
		id := s.newID()
		wg.Go(func() {
			var a ledger.Answer
			if err := s.Reserve(context.Background(), s.now, id, []ledger.Charge{phone, ip}, &a); err != nil {
				t.Error(err)
			} else if !a.Refused {
				admitted.Add(1)
			}
		})
	}
	wg.Wait()
	if n := admitted.Load(); n != 1 {
		t.Fatalf("%d of a hundred got the one place", n)
	}
	left := 0
	for i := range 100 {
		s.look(of(tally("ip", ledger.Unverified, limit(1, hour)), string(rune('a'+i))))
		if !s.answer.Refused {
			left++
		}
	}
	if left != 99 {
		t.Fatalf("%d addresses were charged for one place", 100-left)
	}
}
