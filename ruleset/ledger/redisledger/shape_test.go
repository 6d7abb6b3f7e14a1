package redisledger_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// The period of an amount is that of the server's time, also if a gate's clock
// is wrong, and its key is gone soon after.
func TestPeriodsAreTheServers(t *testing.T) {
	s := redistest.Start(t)
	a, b := open(t, "redis://"+s.Addr, ""), open(t, "redis://"+s.Addr, "")
	budget := &ledger.Tally{Seed: ledger.Key{1, 2}, Name: "budget", Period: ledger.Month, Limits: []ledger.Limit{{Max: 100}}}
	charge := func(amount int64) []ledger.Charge {
		return []ledger.Charge{{Tally: budget, Key: ledger.Key{1, 3}, Amount: amount}}
	}
	reserve := func(l ledger.Ledger, at time.Time, amount int64) ledger.Answer {
		var answer ledger.Answer
		if err := l.Reserve(background, at, newID(), charge(amount), &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for i, off := range []time.Duration{0, 70 * 24 * time.Hour, -400 * 24 * time.Hour, 20 * 24 * time.Hour} {
		if answer := reserve([]ledger.Ledger{a, b}[i%2], time.Now().Add(off), 25); answer.Refused {
			t.Fatalf("%d of 4 is refused", i+1)
		}
	}
	answer := reserve(b, time.Now().Add(-70*24*time.Hour), 1)
	_, end := budget.Bounds(time.Now())
	if left := time.Until(end); !answer.Refused || answer.Short.Wait < left-time.Second || answer.Short.Wait > left+time.Second {
		t.Errorf("refused %t for %s, want until %s", answer.Refused, answer.Short.Wait, end)
	}
	c := s.Client()
	defer c.Close()
	for _, key := range c.Keys(background, "*").Val() {
		if ttl := c.PTTL(background, key).Val(); ttl <= 0 || key != "{otp:gate}clock" && ttl > time.Until(end)+2*time.Minute {
			t.Errorf("%s expires in %s", key, ttl)
		}
	}
}

// While the secret is replaced, some gates charge under the old one and some
// under the new one. Together they admit no more than there is room for.
func TestRotationNeverOverAdmits(t *testing.T) {
	s := redistest.Start(t)
	r := redistest.StartCluster(t, 3, 0)
	for name, url := range map[string]string{"single": "redis://" + s.Addr + "?timeout=5s", "spread": r.URL() + "?timeout=5s&spread=8"} {
		t.Run(name, func(t *testing.T) {
			gates := []*redisledger.Ledger{open(t, url, "rotate"), open(t, url, "rotate")}
			const keys, max = 25, 3
			few := tally("few", ledger.Sends, limit(max, time.Hour))
			budget := &ledger.Tally{Seed: ledger.Key{5, 6}, Name: "budget", Period: ledger.Day, Limits: []ledger.Limit{{Max: 7 * keys}}}
			both := func(c ledger.Charge, newFirst bool) ledger.Charge {
				if c.Also = (ledger.Key{^c.Key[0], ^c.Key[1]}); newFirst {
					c.Key, c.Also = c.Also, c.Key
				}
				return c
			}
			var counts [keys]atomic.Int64
			var total atomic.Int64
			var wg sync.WaitGroup
			for g := range 16 {
				wg.Go(func() {
					for i := range 40 {
						key, newFirst := (g*7+i)%keys, g%2 == 0
						cost := of(budget, 0)
						cost.Amount = 3
						var a ledger.Answer
						if err := gates[g%2].Reserve(background, time.Now(), newID(), []ledger.Charge{both(of(few, uint64(key)), newFirst), both(cost, newFirst)}, &a); err != nil {
							t.Error(err)
						} else if !a.Refused {
							counts[key].Add(1)
							total.Add(3)
						}
					}
				})
			}
			wg.Wait()
			for i := range counts {
				if n := counts[i].Load(); n > max {
					t.Errorf("key %d: admitted %d of %d", i, n, max)
				}
			}
			if n := total.Load(); n > 7*keys || n == 0 {
				t.Errorf("admitted %d of %d in all", n, 7*keys)
			}
		})
	}
}
