package redisledger

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

func TestZZ(t *testing.T) {
	s := redistest.Start(t)
	full := chargeLua
	if f := os.Getenv("ZZ"); f != "" {
		b, _ := os.ReadFile(f)
		full = string(b)
	}
	cut := func(mark string) string {
		i := strings.Index(full, mark)
		if i < 0 {
			t.Fatal(mark)
		}
		return full[:i] + "\ndo return {1, us, 0} end\n" + full[i:]
	}
	noset := strings.ReplaceAll(full, "call('PSETEX', KEYS[i + 2], ARGV[7 + i], s)", "")
	variants := []struct{ name, text string }{
		{"time", cut("local mode =")},
		{"+unpack args", cut("local values =")},
		{"+mget", cut("-- A key of events")},
		{"+setup", cut("-- starts is")},
		{"+check", cut("-- What is to be")},
		{"+closures", cut("local expires, fresh")},
		{"noset", noset},
		{"full", full},
	}
	tallies := []*ledger.Tally{}
	tt := func(seed uint64, name string, count ledger.Count, limits ...ledger.Limit) *ledger.Tally {
		return &ledger.Tally{Seed: ledger.Key{seed, seed}, Name: name, Count: count, Limits: limits}
	}
	ll := func(max int, window time.Duration) ledger.Limit { return ledger.Limit{Max: max, Window: window} }
	tallies = []*ledger.Tally{
		tt(1, "phone", ledger.Sends, ll(1, time.Minute), ll(5, 24*time.Hour)),
		tt(2, "ip", ledger.Unverified, ll(15, time.Hour), ll(50, 24*time.Hour)),
		tt(3, "device", ledger.Sends, ll(10, 24*time.Hour)),
		tt(4, "email, phone", ledger.Sends, ll(5, 24*time.Hour)),
		tt(5, "country, wide", ledger.Sends, ll(1<<30, time.Hour)),
		tt(6, "everything, wide", ledger.Sends, ll(1<<30, time.Hour)),
	}
	for _, v := range variants {
		chargeScript = newScript(v.text)
		l, err := Open(Config{URL: "redis://" + s.Addr + "?timeout=5s&pool_size=64"})
		if err != nil {
			t.Fatal(err)
		}
		run1 := func(n int) {
			for range n {
				var a ledger.Answer
				var cs []ledger.Charge
				for i, x := range tallies {
					k := ledger.Key{rand.Uint64(), rand.Uint64()}
					if i == 4 {
						k = ledger.Key{5, rand.Uint64N(20)}
					}
					if i == 5 {
						k = ledger.Key{6, 6}
					}
					cs = append(cs, ledger.Charge{Tally: x, Key: k})
				}
				id := ledger.ID{1}
				r := rand.Uint64()
				for i := range 8 {
					id[i+1] = byte(r >> (8 * i))
				}
				if err := l.Reserve(context.Background(), time.Now(), id, cs, &a); err != nil {
					t.Fatal(v.name, err)
				}
			}
		}
		run := func(n int) {
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() { run1(n / 64) })
			}
			wg.Wait()
		}
		run(640)
		before := s.CPU()
		best := time.Hour
		for range 5 {
			run(6400)
			now := s.CPU()
			best = min(best, now-before)
			before = now
		}
		t.Logf("%-14s %6.2f µs", v.name, float64(best.Nanoseconds())/1e3/6400)
		l.Close()
		s.Do("FLUSHALL")
	}
}
