package ledger_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// floodKeys is how many requests with fresh keys a flood has: LEDGER_FLOOD, by
// default two million, and a tenth of that in short tests and with the race
// detector.
func floodKeys(t *testing.T) int {
	if s := os.Getenv("LEDGER_FLOOD"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("LEDGER_FLOOD: %v", err)
		}
		return n
	}
	if testing.Short() || raced {
		return 200_000
	}
	return 2_000_000
}

// flood is an attacker with a fresh phone for each request, or a fresh address
// for each, and somebody whom he would like to be forgotten.
type flood struct {
	*testing.T
	*ledger.Embedded
	plan ledger.Plan

	phone, ip, phones, budget, total, asked *ledger.Tally

	ids                     int
	admitted, refused, full int
	before                  uint64 // bytes of the heap, without the ledger
	most                    int    // bytes of its tables
	mostHeap                uint64
	answer                  ledger.Answer
}

func newFlood(t *testing.T, everything int64, opts ...ledger.Option) *flood {
	f := &flood{
		T:      t,
		phone:  &ledger.Tally{Seed: ledger.Key{1}, Name: "phone", Limits: []ledger.Limit{{Name: "phone: 1 in 60s", Max: 1, Window: time.Minute}, {Name: "phone: 5 in 24h", Max: 5, Window: 24 * time.Hour, Ban: 48 * time.Hour}}},
		ip:     &ledger.Tally{Seed: ledger.Key{2}, Name: "ip", Count: ledger.Unverified, Limits: []ledger.Limit{{Name: "ip: 10 in 24h", Max: 10, Window: 24 * time.Hour}}},
		phones: &ledger.Tally{Seed: ledger.Key{3}, Name: "ip, distinct phone", Distinct: true, Limits: []ledger.Limit{{Name: "ip: 3 phones in 24h", Max: 3, Window: 24 * time.Hour}}},
		budget: &ledger.Tally{Seed: ledger.Key{4}, Name: "money", Period: ledger.Month, Total: true, Limits: []ledger.Limit{{Name: "money", Max: 1000_000_000}}},
		asked:  &ledger.Tally{Seed: ledger.Key{5}, Name: "ip asked", Count: ledger.Requests, Limits: []ledger.Limit{{Name: "ip: 1000 asked in 1m", Max: 1000, Window: time.Minute}}},
	}
	tallies := []*ledger.Tally{f.phone, f.ip, f.phones, f.budget, f.asked}
	if everything > 0 {
		f.total = &ledger.Tally{Seed: ledger.Key{6}, Name: "everything", Total: true, Limits: []ledger.Limit{{Name: "everything: " + strconv.FormatInt(everything, 10) + " in 1h", Max: everything, Window: time.Hour}}}
		tallies = append(tallies, f.total)
	}
	f.before = heap()
	f.Embedded = ledger.NewEmbedded(opts...)
	plan, err := f.Prepare(tallies)
	if err != nil {
		t.Fatal(err)
	}
	f.plan = plan
	t.Log(plan)
	return f
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// ask reserves for a phone and an address, and reports whether it was admitted
// and by which limit it was not.
func (f *flood) ask(at time.Time, phone, ip int) (admitted bool, by string) {
	charges := [6]ledger.Charge{
		{Tally: f.asked, Key: key(ip<<3 | 1)},
		{Tally: f.phone, Key: key(phone<<3 | 2)},
		{Tally: f.ip, Key: key(ip<<3 | 3)},
		{Tally: f.phones, Key: key(ip<<3 | 4), Member: mix(uint64(phone))},
		{Tally: f.budget, Key: key(5), Amount: 1},
	}
	n := 5
	if f.total != nil {
		charges[n] = ledger.Charge{Tally: f.total, Key: key(6)}
		n++
	}
	f.ids++
	switch err := f.Reserve(context.Background(), at, id(f.ids), charges[:n], &f.answer); {
	case errors.Is(err, ledger.ErrFull):
		f.full++
		return false, "full"
	case err != nil:
		f.Fatal(err)
	}
	if f.answer.Refused {
		f.refused++
		return false, f.answer.Short.Tally.Limits[f.answer.Short.Limit].Name
	}
	f.admitted++
	return true, ""
}

func (f *flood) mustAdmit(at time.Time, phone, ip int) {
	f.Helper()
	if ok, by := f.ask(at, phone, ip); !ok {
		f.Fatalf("after %s: refused by %q", at.Sub(morning), by)
	}
}

func (f *flood) mustRefuse(at time.Time, phone, ip int, by string) {
	f.Helper()
	if ok, got := f.ask(at, phone, ip); ok || got != by {
		f.Fatalf("after %s: admitted %t, refused by %q, want %q", at.Sub(morning), ok, got, by)
	}
}

// measure demands that memory is within the plan.
func (f *flood) measure() {
	f.Helper()
	s, h := f.Stats(), heap()
	f.most, f.mostHeap = max(f.most, s.Bytes), max(f.mostHeap, h)
	most := f.plan.Bytes + f.plan.Attempts
	if s.Bytes > most {
		f.Fatalf("the tables take %d bytes, and the plan was %s", s.Bytes, f.plan)
	}
	// What one call works with, and the test itself, are not in the plan.
	if h > f.before+uint64(most)+1<<20 {
		f.Fatalf("the heap has grown by %d bytes, and the plan was %s", h-f.before, f.plan)
	}
	if f.plan.By != "" && s.Keys > f.plan.Keys+f.plan.Keys/3 {
		f.Fatalf("%d keys, and the plan was %s", s.Keys, f.plan)
	}
}

// The victim has all of his day's codes, and the attacker too; another has some
// left.
const (
	victim   = -1
	attacker = -2
	other    = -3
)

func (f *flood) begin() (at time.Time) {
	at = morning
	for n := range 5 {
		at = morning.Add(time.Duration(n) * 2 * time.Minute)
		f.mustAdmit(at, victim, victim-1000*n)
		if n < 3 {
			f.mustAdmit(at, other, other)
			f.mustAdmit(at, attacker-1000*(n+1), attacker) // three phones
		}
	}
	f.mustRefuse(at, victim, -9999, "phone: 5 in 24h") // and a ban of two days
	f.mustRefuse(at, attacker-5000, attacker, "ip: 3 phones in 24h")
	return at
}

// intact demands that all is as begin left it.
func (f *flood) intact(at time.Time, room bool) {
	f.Helper()
	f.mustRefuse(at, victim, -9999, "phone: 5 in 24h")
	if !f.answer.Short.Banned || f.answer.Short.Wait != 48*time.Hour+8*time.Minute-at.Sub(morning) {
		f.Fatalf("after %s: the victim is refused until %s later", at.Sub(morning), f.answer.Short.Wait)
	}
	f.mustRefuse(at, attacker-5000, attacker, "ip: 3 phones in 24h")
	if !room {
		return
	}
	f.mustAdmit(at, other, other)
	f.mustAdmit(at.Add(2*time.Minute), other, other)
	f.mustRefuse(at.Add(4*time.Minute), other, other, "phone: 5 in 24h")
}

func (f *flood) log(n int, took time.Duration) {
	s := f.Stats()
	f.Logf("%d requests with fresh keys in %s (%d ns each): %d admitted, %d refused, %d found the ledger full; at most %.1f MiB of tables and %.1f MiB of heap, the plan allows %.1f MiB; now %d keys, %d reservations, %d lines",
		n, took.Round(time.Millisecond), took.Nanoseconds()/int64(n), f.admitted, f.refused, f.full,
		mib(f.most), mib(int(f.mostHeap-f.before)), mib(f.plan.Bytes+f.plan.Attempts), s.Keys, s.Holds, s.Lines)
}

func mib(n int) float64 { return float64(n) / (1 << 20) }

// With a limit on everything, a flood of fresh keys that lasts for a day leaves
// no more than that limit admits, and nothing is forgotten.
func TestFloodOfFreshKeys(t *testing.T) {
	n := floodKeys(t)
	f := newFlood(t, 5000)
	f.begin()
	at, begun := morning.Add(10*time.Minute), time.Now()
	for i := range n {
		f.ask(at.Add(time.Duration(i)*(22*time.Hour/time.Duration(n))), i, i^1<<40)
		if i%(n/20) == 0 {
			f.measure()
		}
	}
	took := time.Since(begun)
	f.measure()
	f.log(n, took)
	if f.full > 0 || f.admitted < min(n/2, 22*5000-5000) || f.admitted > 23*5000 {
		t.Errorf("%d were admitted", f.admitted)
	}
	f.intact(morning.Add(23*time.Hour+30*time.Minute), true)
}

// Without one, max_keys is what bounds memory. New keys are refused when it is
// reached; those that are there are counted as before.
func TestFloodOfFreshKeysWithoutTotal(t *testing.T) {
	n := floodKeys(t)
	f := newFlood(t, 0, ledger.MaxKeys(n/4))
	f.begin()
	at, begun := morning.Add(10*time.Minute), time.Now()
	for i := range n {
		f.ask(at.Add(time.Duration(i)*(22*time.Hour/time.Duration(n))), i, i^1<<40)
		if i%(n/20) == 0 {
			f.measure()
		}
	}
	took := time.Since(begun)
	f.measure()
	f.log(n, took)
	if f.full < n/2 || f.admitted < n/4/5 {
		t.Errorf("%d were admitted, and %d found it full", f.admitted, f.full)
	}
	f.intact(morning.Add(23*time.Hour+30*time.Minute), true)
	// Two days later there is room again.
	later := morning.Add(72 * time.Hour)
	for i := range 1000 {
		f.ask(later.Add(time.Duration(i)*time.Millisecond), n+i, n+i^1<<40)
	}
	if ok, by := f.ask(later.Add(time.Second), 2*n, 2*n^1<<40); !ok {
		t.Errorf("refused by %q when all had expired", by)
	}
	f.measure()
}
