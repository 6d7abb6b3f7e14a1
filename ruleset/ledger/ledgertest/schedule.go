package ledgertest

import (
	"cmp"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// failer is what a property needs of a test.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// draw returns a random number from 0 to n-1.
type draw func(name string, n int) int

// randomly tries a property with random schedules. In tests of the suite
// itself there is no need to find the smallest one that fails.
func randomly(t testing.TB, open func(testing.TB) ledger.Ledger, property func(failer, ledger.Ledger, draw)) {
	if _, ok := t.(*testing.T); ok {
		rapid.Check(t, func(rt *rapid.T) {
			property(rt, open(t), func(name string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, name) })
		})
		return
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, seed))
		property(t, open(t), func(_ string, n int) int { return r.IntN(n) })
	}
}

// steps are the times that pass between two calls: those where windows end,
// and a millisecond beside.
var steps = []time.Duration{0, 0, 0, ms, 999 * ms, second, 1001 * ms, 1999 * ms, 2 * second, 4999 * ms, 5 * second, 7777 * ms, 19 * second, minute}

// schedule is a random story: the same calls to a ledger and a model.
type schedule struct {
	failer
	draw
	ledger ledger.Ledger
	model  *Model
	now    time.Time
	ids    []ledger.ID // reserved so far
	times  []time.Time // when
	last   []ledger.Charge
}

func (s *schedule) pass() {
	s.now = s.now.Add(steps[s.draw("step", len(steps))])
}

func (s *schedule) id() ledger.ID {
	var id ledger.ID
	binary.BigEndian.PutUint64(id[8:], uint64(len(s.ids)+1))
	s.ids, s.times = append(s.ids, id), append(s.times, s.now)
	return id
}

// some returns some of the tallies, each with one of two keys and members.
func (s *schedule) some(tallies []*ledger.Tally) []ledger.Charge {
	var charges []ledger.Charge
	for _, t := range tallies {
		if s.draw("in", 4) > 0 {
			charges = append(charges, by(t, strconv.Itoa(s.draw("key", 2)), strconv.Itoa(s.draw("member", 4))))
		}
	}
	return charges
}

func must(f failer, errs ...error) {
	f.Helper()
	for _, err := range errs {
		if err != nil {
			f.Fatalf("%v", err)
		}
	}
}

// agree demands that a ledger gives the answers of the model, to the
// millisecond, where all limits are exact.
func agree(t testing.TB, open func(testing.TB) ledger.Ledger) {
	shadowed := ledger.Limit{Max: 3, Window: 10 * second, Shadow: true}
	tallies := []*ledger.Tally{
		tally("phone", ledger.Sends, named("cooldown", 1, second), named("few", 4, 20*second)),
		tally("ip", ledger.Unverified, ledger.Limit{Max: 5, Window: 20 * second, Ban: 40 * second}),
		tally("device", ledger.Sends, named("short", 3, 2*second), ledger.Limit{Name: "long", Max: 9, Window: minute, Ban: 5 * second}, shadowed),
		distinct("ip, distinct phone", ledger.Unverified, limit(2, 20*second)),
		distinct("device, distinct email", ledger.Sends, named("short", 2, 5*second), ledger.Limit{Name: "long", Max: 3, Window: minute, Ban: 30 * second}),
		tally("all", ledger.Sends, limit(30, minute)),
	}
	randomly(t, open, func(f failer, l ledger.Ledger, d draw) {
		s := &schedule{failer: f, draw: d, ledger: l, model: NewModel(), now: start}
		ctx := context.Background()
		for range 20 + d("calls", 60) {
			s.pass()
			var got, want ledger.Answer
			switch d("call", 9) {
			case 0:
				charges := s.some(tallies)
				must(f, s.ledger.Look(ctx, s.now, charges, &got), s.model.Look(ctx, s.now, charges, &want))
			case 1, 3:
				if len(s.ids) > 0 {
					i, o := max(len(s.ids)-1-d("ago", 4), 0), ledger.Outcome(d("outcome", 4))
					if s.now.Sub(s.times[i]) < 20*second { // while the shortest of their windows lasts
						must(f, s.ledger.Settle(ctx, s.now, s.ids[i], o), s.model.Settle(ctx, s.now, s.ids[i], o))
					}
				}
			case 2:
				if len(s.ids) > 0 && s.now.Sub(s.times[len(s.ids)-1]) < 20*second {
					s.both(s.ids[len(s.ids)-1], s.last, &got, &want) // the call before once more
				}
			default:
				s.last = s.some(tallies)
				s.both(s.id(), s.last, &got, &want)
			}
			s.same(got, want)
		}
	})
}

func (s *schedule) both(id ledger.ID, charges []ledger.Charge, got, want *ledger.Answer) {
	must(s, s.ledger.Reserve(context.Background(), s.now, id, charges, got), s.model.Reserve(context.Background(), s.now, id, charges, want))
}

// same demands equal answers. Of several limits with the same wait any may be
// named.
func (s *schedule) same(got, want ledger.Answer) {
	s.Helper()
	byName := func(a, b ledger.Short) int {
		return cmp.Or(cmp.Compare(a.Tally.Name, b.Tally.Name), cmp.Compare(a.Limit, b.Limit))
	}
	slices.SortFunc(got.Shadow, byName)
	slices.SortFunc(want.Shadow, byName)
	if got.Refused != want.Refused || got.Short.Wait != want.Short.Wait || got.Short.Banned != want.Short.Banned || !slices.Equal(got.Shadow, want.Shadow) {
		s.Fatalf("after %s: refused %t by %s, shadow %v; want %t by %s, shadow %v", s.now.Sub(start), got.Refused, show(got.Short), got.Shadow, want.Refused, show(want.Short), want.Shadow)
	}
}

// agreeOnAmounts demands the answers of the model on amounts, from shortly
// before a month ends to days after that.
func agreeOnAmounts(t testing.TB, open func(testing.TB) ledger.Ledger) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tallies := []*ledger.Tally{
		sums("budget", ledger.Day, berlin, ledger.Limit{Name: "alert", Max: 600, Shadow: true}, upTo("stop", 1000)),
		sums("month", ledger.Month, berlin, upTo("month", 2500), ledger.Limit{Name: "alert", Max: 1500, Shadow: true}),
		sums("days in UTC", ledger.Day, nil, upTo("stop", 1200)),
		sums("alert only", ledger.Day, nil, ledger.Limit{Max: 700, Shadow: true}),
		tally("phone", ledger.Sends, named("cooldown", 1, second), named("few", 40, hour)),
		tally("ip", ledger.Unverified, limit(30, day)),
	}
	amounts := []int64{0, 1, 99, 250, 333, 999, 1000, 1001}
	longer := []time.Duration{10 * minute, hour, 6 * hour}
	begin := time.Date(2026, 11, 30, 23, 58, 30, 0, berlin)
	randomly(t, open, func(f failer, l ledger.Ledger, d draw) {
		s := &schedule{failer: f, draw: d, ledger: l, model: NewModel(), now: begin}
		ctx := context.Background()
		some := func() []ledger.Charge {
			charges := s.some(tallies)
			for i := range charges {
				if charges[i].Tally.Period != ledger.Sliding {
					charges[i].Amount = amounts[d("amount", len(amounts))]
				}
			}
			return charges
		}
		for range 20 + d("calls", 60) {
			if s.pass(); d("longer", 8) == 0 {
				s.now = s.now.Add(longer[d("by", len(longer))])
			}
			var got, want ledger.Answer
			switch d("call", 8) {
			case 0:
				charges := some()
				must(f, s.ledger.Look(ctx, s.now, charges, &got), s.model.Look(ctx, s.now, charges, &want))
			case 1, 2:
				if len(s.ids) > 0 {
					i, o := max(len(s.ids)-1-d("ago", 6), 0), ledger.Outcome(d("outcome", 4))
					if s.now.Sub(s.times[i]) < day { // later nobody needs to remember
						must(f, s.ledger.Settle(ctx, s.now, s.ids[i], o), s.model.Settle(ctx, s.now, s.ids[i], o))
					}
				}
			default:
				s.both(s.id(), some(), &got, &want)
			}
			s.same(got, want)
		}
	})
}

// agreeOnSecrets demands the answers of the model while secrets are replaced,
// one after the other: some gates are a step ahead of the others.
func agreeOnSecrets(t testing.TB, open func(testing.TB) ledger.Ledger) {
	tallies := []*ledger.Tally{
		tally("phone", ledger.Sends, named("cooldown", 1, second), named("few", 4, 20*second)),
		tally("ip", ledger.Unverified, ledger.Limit{Max: 5, Window: 20 * second, Ban: 40 * second}),
		tally("device", ledger.Sends, named("short", 3, 2*second), ledger.Limit{Name: "long", Max: 9, Window: minute, Ban: 5 * second}),
		distinct("ip, distinct phone", ledger.Unverified, limit(2, 20*second)),
		distinct("device, distinct email", ledger.Sends, named("short", 2, 5*second), ledger.Limit{Name: "long", Max: 3, Window: minute, Ban: 30 * second}),
		sums("budget", ledger.Day, nil, upTo("stop", 3000), ledger.Limit{Max: 2000, Shadow: true}),
	}
	steps := [][2]string{{"0", ""}, {"0", "1"}, {"1", "0"}, {"1", ""}, {"1", "2"}, {"2", "1"}}
	randomly(t, open, func(f failer, l ledger.Ledger, d draw) {
		s := &schedule{failer: f, draw: d, ledger: l, model: NewModel(), now: start}
		ctx := context.Background()
		step := 0 // that some gates have reached
		some := func() []ledger.Charge {
			behind := 0
			if step > 0 {
				behind = d("behind", 2)
			}
			charges := s.some(tallies)
			for i := range charges {
				if charges[i].Tally.Period != ledger.Sliding {
					charges[i].Amount = int64(d("amount", 1000))
				}
				charges[i] = under(steps[step-behind][0], steps[step-behind][1], charges[i])
			}
			return charges
		}
		for range 20 + d("calls", 60) {
			s.pass()
			if d("step", 8) == 0 && step < len(steps)-1 {
				if steps[step+1][1] == "" { // until all windows and bans have ended
					s.now = s.now.Add(day)
				}
				step++
			}
			var got, want ledger.Answer
			switch d("call", 9) {
			case 0:
				charges := some()
				must(f, s.ledger.Look(ctx, s.now, charges, &got), s.model.Look(ctx, s.now, charges, &want))
			case 1, 3:
				if len(s.ids) > 0 {
					i, o := max(len(s.ids)-1-d("ago", 4), 0), ledger.Outcome(d("outcome", 4))
					if s.now.Sub(s.times[i]) < 20*second {
						must(f, s.ledger.Settle(ctx, s.now, s.ids[i], o), s.model.Settle(ctx, s.now, s.ids[i], o))
					}
				}
			default:
				s.both(s.id(), some(), &got, &want)
			}
			s.same(got, want)
		}
	})
}

// inBounds lets a ledger decide and checks each decision on wide limits and on
// attempts against the events so far: never more than max in a window, and
// nothing refused that would fit if all events counted two cells longer.
func inBounds(t testing.TB, open func(testing.TB) ledger.Ledger) {
	window := 32 * second
	wide := tally("country", ledger.Unverified, named("wide", 80, window), named("wider", 100, 3*window))
	asked := tally("ip", ledger.Requests, limit(30, window), limit(40, minute))
	refused := tally("refusals", ledger.Refusals, limit(20, window))
	randomly(t, open, func(f failer, l ledger.Ledger, d draw) {
		s := &schedule{failer: f, draw: d, ledger: l, model: NewModel(), now: start}
		ctx := context.Background()
		for range 10 + d("calls", 30) {
			s.pass()
			key := strconv.Itoa(d("key", 2))
			var a ledger.Answer
			switch d("call", 6) {
			case 0:
				for range d("events", 15) {
					must(f, s.ledger.Record(ctx, s.now, []ledger.Charge{of(refused, key)}), s.model.Record(ctx, s.now, []ledger.Charge{of(refused, key)}))
				}
				must(f, s.ledger.Look(ctx, s.now, []ledger.Charge{of(refused, key)}, &a))
				s.bounded(of(refused, key), a)
			case 1:
				for range d("events", 20) {
					must(f, s.ledger.Look(ctx, s.now, []ledger.Charge{of(asked, key)}, &a))
					if s.bounded(of(asked, key), a); !a.Refused {
						s.model.add(ledger.ID{}, of(asked, key))
					}
				}
			case 2:
				for range d("settled", 10) {
					if len(s.ids) > 0 {
						i, o := d("of", len(s.ids)), ledger.Outcome(d("outcome", 4))
						if s.now.Sub(s.times[i]) < 3*window { // or it is too late, and it counts until its cell goes
							must(f, s.ledger.Settle(ctx, s.now, s.ids[i], o), s.model.Settle(ctx, s.now, s.ids[i], o))
						}
					}
				}
			default:
				for range d("events", 50) {
					id := s.id()
					must(f, s.ledger.Reserve(ctx, s.now, id, []ledger.Charge{of(wide, key)}, &a))
					if s.bounded(of(wide, key), a); !a.Refused {
						s.model.take(id, []ledger.Charge{of(wide, key)})
					}
				}
			}
		}
	})
}

// neverUnder changes the limits of a tally from call to call, as reloads do,
// from exact to wide and back. Whatever they are, none is ever exceeded by what
// has been admitted under others. The longest window stays the same: what has
// left it may be forgotten.
func neverUnder(t testing.TB, open func(testing.TB) ledger.Ledger) {
	window := 20 * second
	randomly(t, open, func(f failer, l ledger.Ledger, d draw) {
		s := &schedule{failer: f, draw: d, ledger: l, model: NewModel(), now: start}
		ctx := context.Background()
		most := []int{1, 2, 3, 5, 12, ledger.MaxExact, ledger.MaxExact + 1, 90}
		for range 10 + d("calls", 40) {
			s.pass()
			changed := tally("phone", ledger.Unverified,
				limit(most[d("max", len(most))], []time.Duration{second, 5 * second, window}[d("window", 3)]),
				limit(most[4+d("most", 4)], window))
			var a ledger.Answer
			if d("call", 4) == 0 && len(s.ids) > 0 {
				for range d("settled", 10) {
					id, o := s.ids[d("of", len(s.ids))], ledger.Outcome(d("outcome", 4))
					must(f, s.ledger.Settle(ctx, s.now, id, o), s.model.Settle(ctx, s.now, id, o))
				}
				continue
			}
			for range d("events", 30) {
				id, c := s.id(), of(changed, "a")
				must(f, s.ledger.Reserve(ctx, s.now, id, []ledger.Charge{c}, &a))
				if s.notOver(c, a); !a.Refused {
					s.model.take(id, []ledger.Charge{c})
				}
			}
		}
	})
}

// notOver demands that what was admitted had room. It brings the model to the
// time it was decided.
func (s *schedule) notOver(c ledger.Charge, a ledger.Answer) {
	s.Helper()
	s.model.tick(s.now)
	for _, limit := range c.Tally.Limits {
		if n, _ := s.model.count(c, limit.Window, s.now); !a.Refused && n >= int(limit.Max) {
			s.Fatalf("after %s: %s admitted with %d of %d in %s", s.now.Sub(start), c.Tally.Name, n, limit.Max, limit.Window)
		}
	}
}

// bounded demands the same, and that what was refused would have had none if
// events counted two cells longer.
func (s *schedule) bounded(c ledger.Charge, a ledger.Answer) {
	s.Helper()
	s.notOver(c, a)
	room := true
	for _, limit := range c.Tally.Limits {
		if n, _ := s.model.count(c, limit.Window+limit.Window*2/ledger.Cells, s.now); n >= int(limit.Max) {
			room = false
		}
	}
	if a.Refused && room {
		s.Fatalf("after %s: %s refused by %s with room to spare", s.now.Sub(start), c.Tally.Name, show(a.Short))
	}
}
