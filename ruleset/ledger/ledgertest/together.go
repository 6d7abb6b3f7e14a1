package ledgertest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// call is one that was made while others were.
type call struct {
	settle  bool
	id      ledger.ID
	outcome ledger.Outcome
	charges []ledger.Charge // of a look where there is no id
}

func (c call) String() string {
	switch {
	case c.settle:
		return fmt.Sprintf("settle %x as %s", c.id[14:], c.outcome)
	case c.id == ledger.ID{}:
		return fmt.Sprintf("look at %d charges", len(c.charges))
	default:
		return fmt.Sprintf("reserve %d charges under %x", len(c.charges), c.id[14:])
	}
}

func (c call) make(l ledger.Ledger, at time.Time) (a ledger.Answer, err error) {
	ctx := context.Background()
	switch {
	case c.settle:
		err = l.Settle(ctx, at, c.id, c.outcome)
	case c.id == ledger.ID{}:
		err = l.Look(ctx, at, c.charges, &a)
	default:
		err = l.Reserve(ctx, at, c.id, c.charges, &a)
	}
	return a, err
}

// linear demands that what six callers are told at the same time could have
// been told to one after the other, each between asking and being answered.
func linear(t testing.TB, open func(testing.TB) ledger.Ledger) {
	spec := porcupine.Model{
		Init: func() any { return NewModel() },
		Step: func(state, input, output any) (bool, any) {
			m, want := state.(*Model).clone(), output.(ledger.Answer)
			got, err := input.(call).make(m, start)
			return err == nil && got.Refused == want.Refused && got.Short.Wait == want.Short.Wait, m
		},
		Equal:             func(a, b any) bool { return a.(*Model).String() == b.(*Model).String() },
		DescribeOperation: func(input, output any) string { return fmt.Sprint(input, output) },
	}
	phone := tally("phone", ledger.Sends, limit(3, hour))
	ip := tally("ip", ledger.Unverified, limit(4, 2*hour))
	ips := distinct("ip, distinct phone", ledger.Sends, limit(2, 3*hour))
	budget := sums("budget", ledger.Day, nil, upTo("budget", 10))
	for round := range 20 {
		l := open(t)
		var clock atomic.Int64
		var mu sync.Mutex
		var history []porcupine.Operation
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for caller := range 6 {
			r := rand.New(rand.NewPCG(uint64(round), uint64(caller)))
			wg.Go(func() {
				<-begin
				for range 5 {
					c := call{charges: []ledger.Charge{of(phone, strconv.Itoa(r.IntN(2))), of(ip, "x"), by(ips, "x", strconv.Itoa(r.IntN(3))), costs(budget, "x", r.Int64N(4))}}
					switch r.IntN(4) {
					case 0:
						c = call{settle: true, outcome: []ledger.Outcome{ledger.NotSent, ledger.Verified}[r.IntN(2)]}
						c.id[15] = 1 + byte(r.IntN(9))
					case 1:
					default:
						c.id[15] = 1 + byte(r.IntN(9)) // perhaps one of somebody else
					}
					asked := clock.Add(1)
					a, err := c.make(l, start)
					answered := clock.Add(1)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					history = append(history, porcupine.Operation{ClientId: caller, Input: c, Call: asked, Output: a, Return: answered})
					mu.Unlock()
				}
			})
		}
		close(begin)
		wg.Wait()
		if porcupine.CheckOperationsTimeout(spec, history, time.Minute) == porcupine.Illegal {
			slices.SortFunc(history, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
			var told strings.Builder
			for _, o := range history {
				a := o.Output.(ledger.Answer)
				fmt.Fprintf(&told, "\n%3d to %3d: %s: refused %t by %s", o.Call, o.Return, o.Input, a.Refused, show(a.Short))
			}
			t.Fatalf("no order explains these answers:%s", told.String())
		}
	}
}

// clone returns a model that goes its own way.
func (m *Model) clone() *Model {
	c := NewModel()
	c.now = m.now
	for key, k := range m.counters {
		own := *k
		own.events = slices.Clone(k.events)
		c.counters[key] = &own
	}
	for id, h := range m.holds {
		own := *h
		c.holds[id] = &own
	}
	return c
}

// String tells what m remembers; two that remember the same are equal.
func (m *Model) String() string {
	var lines []string
	for key, k := range m.counters {
		events := slices.Clone(k.events)
		slices.SortFunc(events, func(a, b event) int { return strings.Compare(string(a.id[:]), string(b.id[:])) })
		if len(events) > 0 || !k.banned.IsZero() {
			lines = append(lines, fmt.Sprint(key, events, k.banned, k.bannedBy))
		}
	}
	for _, id := range slices.Collect(maps.Keys(m.holds)) {
		lines = append(lines, fmt.Sprint(id, m.holds[id].verified))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// crowd lets 24 callers reserve and settle at the same time. At no moment is
// more taken than there is, and when all have gone nothing is missing.
func crowd(t testing.TB, open func(testing.TB) ledger.Ledger) {
	const sends, unverified, money, members = 60, 20, 9000, 8
	phone := of(tally("phone", ledger.Sends, limit(sends, hour)), "a")
	ip := of(tally("ip", ledger.Unverified, limit(unverified, hour)), "x")
	ips := distinct("ip, distinct phone", ledger.Sends, limit(members, hour))
	budget := sums("budget", ledger.Day, nil, upTo("budget", money))
	s := tell(t, open)
	var sent, open_, spent, refused atomic.Int64
	take := func(n *atomic.Int64, amount, most int64, name string) {
		if now := n.Add(amount); now > most {
			t.Errorf("%s: %d of %d are taken", name, now, most)
		}
	}
	var wg sync.WaitGroup
	for caller := range 24 {
		r := rand.New(rand.NewPCG(1, uint64(caller)))
		wg.Go(func() {
			for n := range 40 {
				var id ledger.ID
				id[0], id[1], id[2] = 1, byte(caller), byte(n)
				amount := r.Int64N(200)
				var a ledger.Answer
				err := s.Reserve(context.Background(), s.now, id, []ledger.Charge{phone, ip, by(ips, "x", strconv.Itoa(r.IntN(10))), costs(budget, "x", amount)}, &a)
				if err != nil {
					t.Error(err)
					return
				}
				if a.Refused {
					refused.Add(1)
					continue
				}
				take(&sent, 1, sends, "phone")
				take(&open_, 1, unverified, "ip")
				take(&spent, amount, money, "budget")
				outcome := ledger.NotSent
				if r.IntN(20) == 0 {
					outcome = ledger.Verified
				} else { // before it is: nobody may count on it from here
					sent.Add(-1)
					spent.Add(-amount)
				}
				open_.Add(-1)
				for range 2 {
					if err := s.Settle(context.Background(), s.now, id, outcome); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	for range sends - sent.Load() {
		s.admitted(phone)
	}
	s.refused("phone", hour, phone)
	for range unverified {
		s.admitted(ip)
	}
	s.refused("ip", hour, ip)
	if left := money - spent.Load(); left > 0 {
		s.admitted(costs(budget, "x", left))
	}
	s.refused("budget", 14*hour, costs(budget, "x", 1))
}
