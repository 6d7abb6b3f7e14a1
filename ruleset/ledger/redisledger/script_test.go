package redisledger

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/ledgertest"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// told makes a ledger use the script that is told the shape for all calls.
func told(l *Ledger) *Ledger {
	l.shapes.made = make(map[string]script)
	for i := range shapesMost {
		l.shapes.made[strconv.Itoa(i)] = script{}
	}
	return l
}

// stored is all that a ledger has stored, by the names of its keys, but when
// the data began.
func stored(t testing.TB, s *redistest.Server, l *Ledger) map[string]string {
	t.Helper()
	c := s.Client()
	defer c.Close()
	ctx := context.Background()
	all := make(map[string]string)
	for _, key := range c.Keys(ctx, l.parts[0].prefix+"*").Val() {
		value := c.Get(ctx, key).Val()
		if key == l.parts[0].clock {
			value = value[:8]
		}
		all[strings.TrimPrefix(key, l.parts[0].prefix)] = value
	}
	return all
}

var windows = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 20 * time.Second, time.Minute}

// randomTally makes any tally. Exact ones have limits of which a model knows
// the answer to the millisecond.
func randomTally(r *rand.Rand, n int, exact bool) *ledger.Tally {
	t := &ledger.Tally{Seed: ledger.Key{r.Uint64(), r.Uint64()}, Name: fmt.Sprint("tally ", n)}
	kinds := 6
	if exact {
		kinds = 4
	}
	most := int64(9)
	switch r.IntN(kinds) {
	case 0:
		t.Count = ledger.Unverified
	case 1:
		t.Distinct, t.Count, most = true, ledger.Count(r.IntN(2)), 3
	case 2:
		t.Period = ledger.Day
		for range 1 + r.IntN(2) {
			t.Limits = append(t.Limits, ledger.Limit{Max: 1 + r.Int64N(100), Shadow: r.IntN(4) == 0})
		}
		return t
	case 4:
		most = 90
	case 5:
		t.Count, most = ledger.Requests+ledger.Count(r.IntN(3)), 40
	}
	for range 1 + r.IntN(3) {
		l := ledger.Limit{Max: 1 + r.Int64N(most), Window: windows[r.IntN(len(windows))], Shadow: r.IntN(5) == 0}
		if most == 90 && r.IntN(2) == 0 {
			l.Max = 65 + r.Int64N(30)
		}
		if r.IntN(5) == 0 {
			l.Ban = windows[r.IntN(len(windows))]
		}
		t.Limits = append(t.Limits, l)
	}
	if first := &t.Limits[0]; exact {
		// What shadow limits alone would have refused is not remembered for ever.
		first.Shadow, first.Max, first.Window = false, most, windows[len(windows)-1]
		for i := range t.Limits {
			t.Limits[i].Shadow = t.Limits[i].Shadow && !t.Distinct
		}
	}
	return t
}

// reloaded is a tally with other limits, exact or wide.
func reloaded(r *rand.Rand, t *ledger.Tally) *ledger.Tally {
	if t.Distinct || t.Period != ledger.Sliding {
		return t
	}
	other := *t
	other.Limits = nil
	for range 1 + r.IntN(3) {
		most := []int64{1, 3, 9, 20, 65, 70, 80, 90}[r.IntN(8)]
		other.Limits = append(other.Limits, ledger.Limit{Max: most, Window: windows[r.IntN(len(windows))]})
	}
	return &other
}

var passing = []time.Duration{0, 0, 0, time.Millisecond, 999 * time.Millisecond, time.Second, 1001 * time.Millisecond, 5 * time.Second, 7777 * time.Millisecond, time.Minute, 7 * time.Hour}

// play plays a random story to several ledgers, which have to agree.
func play(t *testing.T, r *rand.Rand, exact bool, ledgers ...ledger.Ledger) {
	ctx := context.Background()
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	var tallies []*ledger.Tally
	for i := range 1 + r.IntN(6) {
		tallies = append(tallies, randomTally(r, i, exact))
	}
	shortest := time.Hour
	for _, tally := range tallies {
		for _, l := range tally.Limits {
			if l.Window > 0 {
				shortest = min(shortest, l.Window)
			}
		}
	}
	type reservation struct {
		id ledger.ID
		at time.Time
	}
	var ids []reservation
	for step := range 60 {
		at = at.Add(passing[r.IntN(len(passing))])
		again := 1
		if !exact && r.IntN(3) == 0 {
			again = 20
		}
		var charges []ledger.Charge
		var recorded []ledger.Charge
		for i, tally := range tallies {
			if !exact && r.IntN(10) == 0 {
				tallies[i] = reloaded(r, tally)
				tally = tallies[i]
			}
			if r.IntN(4) == 0 {
				continue
			}
			c := ledger.Charge{Tally: tally, Key: ledger.Key{tally.Seed[0], tally.Seed[1] + r.Uint64N(2)}, Member: r.Uint64N(4)}
			if tally.Period != ledger.Sliding {
				c.Amount = r.Int64N(30)
			}
			charges = append(charges, c)
			if tally.Count > ledger.Requests {
				recorded = append(recorded, c)
			}
		}
		what, settled, outcome := r.IntN(6), r.IntN(4), ledger.Outcome(r.IntN(4))
		for n := range again {
			if n > 0 {
				at = at.Add(time.Duration(r.IntN(3)*r.IntN(800)) * time.Millisecond)
			}
			var id ledger.ID
			binary.BigEndian.PutUint64(id[8:], uint64(len(ids)+1))
			if what > 2 {
				ids = append(ids, reservation{id, at})
			}
			answers := make([]ledger.Answer, len(ledgers))
			for i, l := range ledgers {
				var err error
				switch what {
				case 0:
					err = l.Look(ctx, at, charges, &answers[i])
				case 1:
					err = l.Record(ctx, at, recorded)
				case 2:
					// A model gives back later than others, where that changes nothing.
					if k := len(ids) - 1 - settled; k >= 0 && (!exact || at.Sub(ids[k].at) < shortest) {
						err = l.Settle(ctx, at, ids[k].id, outcome)
					}
				default:
					err = l.Reserve(ctx, at, id, charges, &answers[i])
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for i := range answers[1:] {
				agree(t, step, answers[0], answers[i+1])
			}
		}
	}
}

// agree demands equal answers. Of several limits with the same wait any may be
// named.
func agree(t *testing.T, step int, a, b ledger.Answer) {
	t.Helper()
	sorted := func(s []ledger.Short) []ledger.Short {
		return slices.SortedFunc(slices.Values(s), func(a, b ledger.Short) int {
			return cmp.Or(cmp.Compare(a.Tally.Name, b.Tally.Name), cmp.Compare(a.Limit, b.Limit))
		})
	}
	if a.Refused != b.Refused || a.Short.Wait != b.Short.Wait || a.Short.Banned != b.Short.Banned || !slices.Equal(sorted(a.Shadow), sorted(b.Shadow)) {
		t.Fatalf("step %d: %s\nnot %s", step, show(a), show(b))
	}
}

func show(a ledger.Answer) string {
	var b strings.Builder
	for _, s := range append([]ledger.Short{a.Short}, a.Shadow...) {
		if s.Tally != nil {
			fmt.Fprintf(&b, "%s of %+v wait %s banned %t; ", s.Tally.Name, *s.Tally, s.Wait, s.Banned)
		}
	}
	return fmt.Sprintf("refused %t %s", a.Refused, b.String())
}

// The scripts of random shapes agree with a model, where limits are exact, and
// with the script for all cases, to the last byte that they leave behind.
func TestScriptsOfRandomShapes(t *testing.T) {
	s := redistest.Start(t)
	open := func(name string) *Ledger {
		return OpenInCallersTime(t, Config{URL: "redis://" + s.Addr + "?timeout=5s&pool_size=2", Name: name})
	}
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, seed))
		exact := seed%2 == 0
		a, b := open(fmt.Sprint("a", seed)), told(open(fmt.Sprint("b", seed)))
		ledgers := []ledger.Ledger{a, b}
		if exact {
			ledgers = append(ledgers, ledgertest.NewModel())
		}
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { play(t, r, exact, ledgers...) })
		if x, y := stored(t, s, a), stored(t, s, b); !maps.Equal(x, y) {
			for key := range x {
				if x[key] != y[key] {
					t.Errorf("%s: %x\n%x", key, x[key], y[key])
				}
			}
			t.Fatalf("seed %d: what is stored differs", seed)
		}
		a.Close()
		b.Close()
	}
}

// kinds are tallies of all kinds, and one that is full after one.
func kinds() (all []*ledger.Tally, full *ledger.Tally) {
	l := func(max int64, window time.Duration) ledger.Limit { return ledger.Limit{Max: max, Window: window} }
	all = []*ledger.Tally{
		{Name: "log", Limits: []ledger.Limit{l(20, time.Minute), l(50, time.Hour)}},
		{Name: "wide", Count: ledger.Unverified, Limits: []ledger.Limit{l(1000, time.Hour)}},
		{Name: "both", Limits: []ledger.Limit{l(30, time.Hour), l(1000, 24*time.Hour)}},
		{Name: "members", Distinct: true, Limits: []ledger.Limit{l(5, time.Hour)}},
		{Name: "sum", Period: ledger.Month, Limits: []ledger.Limit{{Max: 1000}}},
		{Name: "refusals", Count: ledger.Refusals, Limits: []ledger.Limit{l(3, time.Hour)}},
		{Name: "shadow", Limits: []ledger.Limit{{Max: 2, Window: time.Hour, Shadow: true}}},
	}
	full = &ledger.Tally{Name: "full", Limits: []ledger.Limit{l(1, time.Hour)}}
	for i, t := range append(all, full) {
		t.Seed = ledger.Key{uint64(i + 1), 7}
	}
	return all, full
}

func chargesTo(tallies []*ledger.Tally, key uint64) []ledger.Charge {
	var charges []ledger.Charge
	for _, t := range tallies {
		charges = append(charges, ledger.Charge{Tally: t, Key: ledger.Key{t.Seed[0], key}, Member: key % 3, Amount: 7})
	}
	return charges
}

func idOf(n int) (id ledger.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n+1))
	return id
}

func TestRefusalLeavesAllAsItIs(t *testing.T) {
	s := redistest.Start(t)
	l := openAt(t, "redis://"+s.Addr)
	ctx := context.Background()
	tallies, full := kinds()
	ordinary := func(n int) ledger.Answer {
		var a ledger.Answer
		charges := append(chargesTo(tallies, uint64(n%4)), chargesTo([]*ledger.Tally{full}, uint64(n))...)
		if err := l.Reserve(ctx, time.Now(), idOf(n), charges, &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	for n := range 12 {
		if a := ordinary(n); a.Refused {
			t.Fatalf("refused by %s", a.Short.Tally.Name)
		}
	}
	c := s.Client()
	defer c.Close()
	dump := func() map[string]string {
		all := make(map[string]string)
		for _, key := range c.Keys(ctx, "*").Val() {
			all[key] = c.Dump(ctx, key).Val() + c.Do(ctx, "pexpiretime", key).String()
		}
		return all
	}
	before := dump()
	if len(before) < 4*6+12+12 {
		t.Fatalf("%d keys", len(before))
	}
	for n := range 100 {
		charges := append(chargesTo(tallies, uint64(n%8)), chargesTo([]*ledger.Tally{full}, uint64(n%12))...)
		var a ledger.Answer
		if err := l.Reserve(ctx, time.Now(), idOf(1000+n), charges, &a); err != nil || !a.Refused {
			t.Fatalf("refused %t, %v", a.Refused, err)
		}
		if err := l.Look(ctx, time.Now(), charges, &a); err != nil || !a.Refused {
			t.Fatalf("refused %t, %v", a.Refused, err)
		}
	}
	if !maps.Equal(before, dump()) {
		t.Error("refusals have changed the data")
	}
}

// Servers keep scripts for ever: their number depends on the rulesets that
// were used, and is bounded.
func TestScriptsAreFew(t *testing.T) {
	s := redistest.Start(t)
	l := openAt(t, "redis://"+s.Addr)
	other := openAt(t, "redis://"+s.Addr)
	ctx := context.Background()
	cached := func() int {
		_, after, _ := strings.Cut(s.Do("INFO", "memory").(string), "number_of_cached_scripts:")
		n, _, _ := strings.Cut(after, "\r\n")
		i, _ := strconv.Atoi(n)
		return i
	}
	n := 0
	ask := func(l *Ledger, tallies []*ledger.Tally) {
		n++
		var a ledger.Answer
		if err := l.Reserve(ctx, time.Now(), idOf(n), chargesTo(tallies, uint64(n)), &a); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 { // tallies are new after each reload
		tallies, _ := kinds()
		ask(l, tallies)
		ask(other, tallies)
		if err := l.Settle(ctx, time.Now(), idOf(n), ledger.NotSent); err != nil {
			t.Fatal(err)
		}
	}
	if got := cached(); got != 2 {
		t.Errorf("one ruleset has %d scripts for reserving and settling, want 2", got)
	}
	for i := range 200 {
		tallies, _ := kinds()
		tallies[0].Limits[0].Max = int64(1 + i%60)
		tallies[1].Limits[0].Max = int64(1000 + i)
		ask(l, tallies)
	}
	if got := cached(); got > shapesMost+2 || got < shapesMost {
		t.Errorf("200 rulesets have %d scripts, want about %d", got, shapesMost)
	}
	if known := *l.shapes.known.Load(); len(known) != 1 {
		t.Errorf("%d shapes are remembered for one", len(known))
	}
}

// What is ordinary is done by the shape's own script alone.
func TestOrdinaryCallsAreFast(t *testing.T) {
	s := redistest.Start(t)
	l := openAt(t, "redis://"+s.Addr)
	ctx := context.Background()
	tallies, full := kinds()
	tallies = append(tallies, &ledger.Tally{Seed: ledger.Key{99, 99}, Name: "requests", Count: ledger.Requests, Limits: []ledger.Limit{{Max: 40, Window: time.Minute}}})
	var a ledger.Answer
	_ = l.Reserve(ctx, time.Now(), idOf(0), chargesTo([]*ledger.Tally{full}, 0), &a) // the clock is there
	for _, mode := range []string{reserve, look, count} {
		var some []*ledger.Tally
		for _, tally := range append(tallies, full) {
			if mode != count || tally.Count == ledger.Refusals {
				some = append(some, tally)
			}
		}
		charges := chargesTo(some, 1)
		sh := l.shapes.of(mode, charges)
		own, _, found := strings.Cut(sh.script.text, "local mode, shape, also = ")
		if !found {
			t.Fatal("the script has no end")
		}
		sh.script = newScript(own + "\nreturn {99, us, -1}")
	}
	refused := 0
	for n := range 100 {
		if n == 1 {
			time.Sleep(2 * time.Millisecond) // the clock's key was written down rounded up
		}
		charges := append(chargesTo(tallies, uint64(n%5)), chargesTo([]*ledger.Tally{full}, uint64(n%30))...)
		if err := l.Reserve(ctx, time.Now(), idOf(1+n), charges, &a); err != nil {
			t.Fatalf("reserving for the %d. time: %v", n, err)
		}
		if a.Refused {
			refused++
		}
		if err := l.Look(ctx, time.Now(), charges, &a); err != nil {
			t.Fatalf("looking for the %d. time: %v", n, err)
		}
		if n%3 == 0 {
			if err := l.Record(ctx, time.Now(), chargesTo(tallies[5:6], uint64(n))); err != nil {
				t.Fatalf("recording for the %d. time: %v", n, err)
			}
		}
	}
	if refused < 20 || refused > 80 {
		t.Errorf("%d of 100 were refused", refused)
	}
}
