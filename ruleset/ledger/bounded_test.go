package ledger_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

var morning = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func id(n int) (id ledger.ID) {
	binary.LittleEndian.PutUint64(id[:], uint64(n)+1)
	return id
}

func key(n int) ledger.Key { return ledger.Key{mix(uint64(n)), mix(^uint64(n))} }

func one(most int, window time.Duration) *ledger.Tally {
	return &ledger.Tally{Name: "one", Limits: []ledger.Limit{{Name: "one", Max: int64(most), Window: window}}}
}

func reserve(t testing.TB, l *ledger.Embedded, at time.Time, n int, charges ...ledger.Charge) bool {
	t.Helper()
	var a ledger.Answer
	if err := l.Reserve(context.Background(), at, id(n), charges, &a); err != nil {
		t.Fatal(err)
	}
	return !a.Refused
}

// A flood of fresh keys, all refused by one limit, leaves everything as it was.
func TestFloodOfRefusedKeys(t *testing.T) {
	l := ledger.NewEmbedded()
	phone, ip := one(1, time.Hour), one(1, time.Hour)
	total := &ledger.Tally{Name: "everything", Total: true, Limits: []ledger.Limit{{Name: "everything", Max: 1000, Window: time.Hour}}}
	all := ledger.Charge{Tally: total, Key: key(-1)}
	plan, err := l.Prepare([]*ledger.Tally{phone, ip, total})
	if err != nil {
		t.Fatal(err)
	}
	victim, attacker := ledger.Charge{Tally: phone, Key: key(-2)}, ledger.Charge{Tally: ip, Key: key(-3)}
	if !reserve(t, l, morning, 0, victim, attacker, all) {
		t.Fatal("the first is refused")
	}
	n := 1
	for ; n < 1000; n++ {
		reserve(t, l, morning, n, ledger.Charge{Tally: phone, Key: key(n)}, ledger.Charge{Tally: ip, Key: key(n << 32)}, all)
	}
	before := l.Stats()
	if before.Keys != 2001 || before.Keys > plan.Keys || before.Lines > plan.Lines || before.Bytes > plan.Bytes {
		t.Fatalf("%+v, and the plan was %+v", before, plan)
	}
	flood := 2_000_000
	if testing.Short() {
		flood /= 10
	}
	for ; n < flood; n++ {
		if reserve(t, l, morning.Add(time.Duration(n)*time.Microsecond), n, ledger.Charge{Tally: phone, Key: key(n)}, ledger.Charge{Tally: ip, Key: key(n << 32)}, all) {
			t.Fatal("admitted beyond the limit on everything")
		}
	}
	after := l.Stats()
	if after.Keys != before.Keys || after.Holds != before.Holds || after.Lines != before.Lines || after.Bytes != before.Bytes {
		t.Fatalf("the flood has left something: %+v, before %+v", after, before)
	}
	late := morning.Add(time.Hour - time.Millisecond)
	if reserve(t, l, late, n, victim) || reserve(t, l, late, n, attacker) {
		t.Fatal("the flood has washed away what was counted")
	}
}

// Random keys that are all admitted fill the table to its cap and no further;
// those that are known are still counted, and expired ones make room.
func TestFullTable(t *testing.T) {
	const most = 10_000
	l := ledger.NewEmbedded(ledger.MaxKeys(most))
	plan, _ := l.Prepare([]*ledger.Tally{one(1, time.Hour)})
	phone, ip := one(2, time.Hour), one(1000, time.Hour)
	shared := ledger.Charge{Tally: ip, Key: key(-1)}
	known := ledger.Charge{Tally: phone, Key: key(-2)}
	if !reserve(t, l, morning, 0, known, shared) {
		t.Fatal("the first is refused")
	}
	var a ledger.Answer
	admitted := 1
	for n := 1; n < 5*most; n++ {
		err := l.Reserve(context.Background(), morning.Add(time.Second), id(n), []ledger.Charge{{Tally: phone, Key: key(n)}}, &a)
		switch {
		case err == nil && !a.Refused:
			admitted++
		case !errors.Is(err, ledger.ErrFull) || !a.Refused || a.Short != (ledger.Short{}):
			t.Fatalf("error %v, answer %+v, want ErrFull and an empty refusal", err, a)
		}
	}
	s := l.Stats()
	if s.Lines > most+1 || s.Lines < most || s.Bytes > plan.Bytes || s.Full != uint64(5*most-admitted) {
		t.Fatalf("%+v after %d were admitted; plan: %+v", s, admitted, plan)
	}
	if !reserve(t, l, morning.Add(time.Minute), 5*most, known, shared) {
		t.Fatal("a known key is refused in a full table")
	}
	if reserve(t, l, morning.Add(time.Minute), 5*most+1, known, shared) {
		t.Fatal("a third of 2 in a full table")
	}
	next := morning.Add(time.Hour + 2*time.Second)
	for n := range 100 {
		if !reserve(t, l, next, 6*most+n, ledger.Charge{Tally: phone, Key: key(6*most + n)}) {
			t.Fatal("expired keys make no room")
		}
	}
}

// What was given back, and what has expired, is gone.
func TestNothingIsLeftBehind(t *testing.T) {
	l := ledger.NewEmbedded()
	phone := one(3, time.Hour)
	ips := &ledger.Tally{Seed: ledger.Key{9}, Name: "distinct", Count: ledger.Unverified, Distinct: true, Limits: []ledger.Limit{{Max: 64, Window: time.Minute}}}
	long := &ledger.Tally{Seed: ledger.Key{8}, Name: "long", Limits: []ledger.Limit{{Max: 1 << 20, Window: time.Minute}, {Max: 64, Window: time.Second}}}
	charges := func(n int) []ledger.Charge {
		return []ledger.Charge{{Tally: phone, Key: key(n)}, {Tally: ips, Key: key(n%50 + 1<<20), Member: mix(uint64(n))}, {Tally: long, Key: key(1 << 30)}}
	}
	at := morning
	for n := range 3000 {
		at = at.Add(20 * time.Millisecond)
		if !reserve(t, l, at, n, charges(n)...) {
			t.Fatalf("the %d. is refused", n)
		}
	}
	for n := range 3000 {
		if err := l.Settle(context.Background(), at, id(n), ledger.NotSent); err != nil {
			t.Fatal(err)
		}
	}
	if s := l.Stats(); s.Keys > 1 || s.Holds > 0 || s.Lines > 64 {
		t.Fatalf("all was given back, and there is %+v", s)
	}
	for n := range 3000 {
		reserve(t, l, at, n, charges(n)...)
	}
	// Calls that refuse sweep too.
	at = at.Add(2 * time.Hour)
	full := ledger.Charge{Tally: one(1, 24*time.Hour), Key: key(-7)}
	reserve(t, l, at, 9999, full)
	for n := range 40_000 {
		reserve(t, l, at, 10_000+n, full)
	}
	if s := l.Stats(); s.Keys != 1 || s.Holds != 1 || s.Lines != 2 {
		t.Fatalf("all but one has expired, and there is %+v", s)
	}
}

func TestNoAllocations(t *testing.T) {
	l := ledger.NewEmbedded()
	w := newLoad(8, 12, 1<<10)
	w.charges[6].Tally.Count, w.charges[7].Tally.Count = ledger.Requests, ledger.Refusals
	w.charges[5].Tally.Distinct = true
	w.charges[3].Tally.Period, w.charges[3].Amount = ledger.Day, 10
	w.charges[2].Also = ledger.Key{1}
	w.charges[6].Also = ledger.Key{2}
	w.charges[4].Tally.Limits[0].Shadow = true
	for i := range w.charges {
		w.charges[i].Tally.Limits[0].Max = 64
	}
	w.charges[3].Tally.Limits[0].Max = ledger.MaxAmount
	ctx := context.Background()
	refusals := w.charges[7:8]
	work := func() {
		w.next()
		err := errors.Join(
			l.Look(ctx, w.at, w.charges, &w.answer),
			l.Reserve(ctx, w.at, w.id, w.charges, &w.answer),
			l.Record(ctx, w.at, refusals),
			l.Settle(ctx, w.at, w.id, ledger.Outcome(w.turn%4)),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 20_000 {
		work()
	}
	if n := testing.AllocsPerRun(2000, work); n > 0 {
		t.Fatalf("%.1f allocations for a request", n)
	}
}

// Times below the millisecond never make a window shorter.
func TestBelowMilliseconds(t *testing.T) {
	l := ledger.NewEmbedded()
	phone := ledger.Charge{Tally: one(1, time.Minute), Key: key(1)}
	at := morning.Add(900 * time.Microsecond)
	if !reserve(t, l, at, 1, phone) {
		t.Fatal("the first is refused")
	}
	if reserve(t, l, at.Add(time.Minute-time.Nanosecond), 2, phone) {
		t.Fatal("two in a minute")
	}
	if !reserve(t, l, at.Add(time.Minute+time.Millisecond), 3, phone) {
		t.Fatal("refused a millisecond after the window")
	}
}

func TestContextThatHasEnded(t *testing.T) {
	l := ledger.NewEmbedded()
	phone := ledger.Charge{Tally: one(1, time.Minute), Key: key(1)}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var a ledger.Answer
	if err := l.Reserve(ctx, morning, id(1), []ledger.Charge{phone}, &a); !errors.Is(err, context.Canceled) || !a.Refused {
		t.Fatalf("error %v, refused %t", err, a.Refused)
	}
	a = ledger.Answer{}
	if err := l.Look(ctx, morning, []ledger.Charge{phone}, &a); !errors.Is(err, context.Canceled) || !a.Refused {
		t.Fatalf("error %v, refused %t", err, a.Refused)
	}
	if !reserve(t, l, morning, 1, phone) {
		t.Fatal("a request that had ended was charged")
	}
	if err := l.Settle(ctx, morning, id(1), ledger.NotSent); err != nil {
		t.Fatal(err)
	}
	if !reserve(t, l, morning, 2, phone) {
		t.Fatal("the end of the request kept its charges from being given back")
	}
}

// In a flood of many more keys than there are columns, those of the flood and
// others are counted too high perhaps, and never too low.
func TestAttemptsAreNeverForgotten(t *testing.T) {
	l := ledger.NewEmbedded(ledger.AttemptColumns(1 << 10))
	asked := &ledger.Tally{Name: "asked", Count: ledger.Requests, Limits: []ledger.Limit{{Max: 20, Window: time.Minute}}}
	var a ledger.Answer
	at := morning
	look := func(n int) bool {
		t.Helper()
		if err := l.Look(context.Background(), at, []ledger.Charge{{Tally: asked, Key: key(n)}}, &a); err != nil {
			t.Fatal(err)
		}
		return !a.Refused
	}
	bystanders := 0
	for n := range 50_000 {
		at = at.Add(5 * time.Millisecond)
		if look(n) {
			bystanders++
		}
		if n%600 == 0 {
			busy := 0
			for range 40 {
				if look(-1) {
					busy++
				}
			}
			if busy > 20 {
				t.Fatalf("%d requests of 20 admitted", busy)
			}
		}
	}
	if bystanders < 49_000 {
		t.Errorf("only %d of 50000 that asked once were admitted", bystanders)
	}
	at = at.Add(2 * time.Minute)
	if !look(-1) {
		t.Error("the flood is over, and still refused")
	}
	if s := l.Stats(); s.Keys != 0 || s.Bytes > 1<<20 {
		t.Errorf("the flood has left %+v", s)
	}
}

func ExampleEmbedded_Prepare() {
	everything := &ledger.Tally{Name: "everything", Total: true, Limits: []ledger.Limit{{Name: "everything: 5000 in 1h", Max: 5000, Window: time.Hour}}}
	phone := &ledger.Tally{Name: "phone", Limits: []ledger.Limit{{Name: "phone: 5 in 24h", Max: 5, Window: 24 * time.Hour}}}
	asked := &ledger.Tally{Name: "ip", Count: ledger.Requests, Limits: []ledger.Limit{{Name: "ip: 60 in 1m", Max: 60, Window: time.Minute}}}

	l := ledger.NewEmbedded()
	plan, _ := l.Prepare([]*ledger.Tally{everything, phone, asked})
	fmt.Println(plan)
	plan, _ = l.Prepare([]*ledger.Tally{phone})
	fmt.Println(plan)
	phone.Limits[0].Max = 0
	_, err := l.Prepare([]*ledger.Tally{phone})
	fmt.Println(err)
	// Output:
	// at most 120001 keys in 26.2 MiB, bounded by "everything: 5000 in 1h", and 16.0 MiB for attempts
	// at most 106.2 MiB, bounded by max_keys 1048576 as no limit is on everything
	// ledger: limit "phone: 5 in 24h" has a max of 0, not of 1 to 2147483647
}

func ExampleEmbedded() {
	phone := &ledger.Tally{Seed: ledger.Key{1}, Name: "phone", Limits: []ledger.Limit{
		{Name: "phone: 1 in 60s", Max: 1, Window: time.Minute},
		{Name: "phone: 2 in 24h", Max: 2, Window: 24 * time.Hour},
	}}
	charges := []ledger.Charge{{Tally: phone, Key: ledger.Key{1, 4155550123}}} // a keyed hash, in truth

	l := ledger.NewEmbedded()
	ctx := context.Background()
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	ask := func(n byte) {
		var a ledger.Answer
		if err := l.Reserve(ctx, at, ledger.ID{n}, charges, &a); err != nil {
			fmt.Println(err)
		}
		if a.Refused {
			fmt.Println("refused by", a.Short.Tally.Limits[a.Short.Limit].Name, "for", a.Short.Wait)
			return
		}
		fmt.Println("admitted")
	}
	ask(1)
	ask(2)
	at = at.Add(time.Minute)
	ask(3)
	ask(4)
	l.Settle(ctx, at, ledger.ID{3}, ledger.NotSent)
	ask(5)
	// Output:
	// admitted
	// refused by phone: 1 in 60s for 1m0s
	// admitted
	// refused by phone: 2 in 24h for 23h59m0s
	// admitted
}
