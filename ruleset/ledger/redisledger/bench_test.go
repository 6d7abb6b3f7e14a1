package redisledger_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// eight are eight limits on six things, as rulesets have them.
func eight() []*ledger.Tally {
	t := func(seed uint64, name string, count ledger.Count, limits ...ledger.Limit) *ledger.Tally {
		return &ledger.Tally{Seed: ledger.Key{seed, seed}, Name: name, Count: count, Limits: limits}
	}
	l := func(max int, window time.Duration) ledger.Limit { return ledger.Limit{Max: int64(max), Window: window} }
	return []*ledger.Tally{
		t(1, "phone", ledger.Sends, l(1, time.Minute), l(5, 24*time.Hour)),
		t(2, "ip", ledger.Unverified, l(15, time.Hour), l(50, 24*time.Hour)),
		t(3, "device", ledger.Sends, l(10, 24*time.Hour)),
		t(4, "email, phone", ledger.Sends, l(5, 24*time.Hour)),
		t(5, "country, wide", ledger.Sends, l(1<<30, time.Hour)),
		t(6, "everything, wide", ledger.Sends, l(1<<30, time.Hour)),
	}
}

func chargesOf(tallies []*ledger.Tally, into []ledger.Charge) []ledger.Charge {
	into = into[:0]
	for i, t := range tallies {
		k := ledger.Key{rand.Uint64(), rand.Uint64()}
		switch i {
		case 4:
			k = ledger.Key{5, rand.Uint64N(20)}
		case 5:
			k = ledger.Key{6, 6}
		}
		into = append(into, ledger.Charge{Tally: t, Key: k})
	}
	return into
}

// gcra is what redis_rate runs for each limit: the same commands, one key.
const gcra = `
redis.replicate_commands()
local rate_limit_key = KEYS[1]
local burst = ARGV[1]
local rate = ARGV[2]
local period = ARGV[3]
local cost = tonumber(ARGV[4])
local emission_interval = period / rate
local increment = emission_interval * cost
local burst_offset = emission_interval * burst
local jan_1_2017 = 1483228800
local now = redis.call("TIME")
now = (now[1] - jan_1_2017) + (now[2] / 1000000)
local tat = redis.call("GET", rate_limit_key)
if not tat then tat = now else tat = tonumber(tat) end
tat = math.max(tat, now)
local new_tat = tat + increment
local allow_at = new_tat - burst_offset
local diff = now - allow_at
local remaining = diff / emission_interval
if remaining < 0 then
  local reset_after = tat - now
  local retry_after = diff * -1
  return {0, 0, tostring(retry_after), tostring(reset_after)}
end
local reset_after = new_tat - now
if reset_after > 0 then
  redis.call("SET", rate_limit_key, new_tat, "EX", math.ceil(reset_after))
end
return {cost, remaining, tostring(-1), tostring(reset_after)}
`

// bare does what a decision cannot do without, and nothing else: it reads what
// eight read, and writes as many keys that expire.
const bare = `
local KEYS, call = KEYS, redis.call
call('TIME')
call('MGET', unpack(KEYS))
for i = 2, #KEYS do
  call('PSETEX', KEYS[i], '90000000', ARGV[1])
end
return 1
`

// BenchmarkTrip compares decisions over eight limits with their floors: INCR
// with the same client, a script that only reads and writes as many keys, and
// eight scripts of redis_rate, one after the other and in one pipeline. Names
// are made for tables:
//
//	go test -run xxx -bench Trip -count 5 | benchstat -row /way -col /clients -
func BenchmarkTrip(b *testing.B) {
	s := redistest.Start(b)
	floor := s.Client()
	b.Cleanup(func() { floor.Close() })
	plain := redis.NewClient(&redis.Options{Addr: s.Addr, Protocol: 2, MaxRetries: -1, PoolSize: 64, DisableIdentity: true})
	b.Cleanup(func() { plain.Close() })
	piped, err := plain.AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { piped.Close() })
	openAs := func(options string) *redisledger.Ledger {
		l, err := redisledger.Open(redisledger.Config{URL: "redis://" + s.Addr + "?timeout=5s&pool_size=64" + options, Name: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { l.Close() })
		return l
	}
	ours, single := openAs(""), openAs("&pipeline=off")
	tallies := eight()
	full := &ledger.Tally{Seed: ledger.Key{9, 9}, Name: "full", Limits: []ledger.Limit{{Max: 1, Window: time.Hour}}}
	ctx := context.Background()
	sha, err := floor.ScriptLoad(ctx, gcra).Result()
	if err != nil {
		b.Fatal(err)
	}
	bareSHA, err := floor.ScriptLoad(ctx, bare).Result()
	if err != nil {
		b.Fatal(err)
	}
	reserve := func(l *redisledger.Ledger, charges []ledger.Charge, refused bool) error {
		var a ledger.Answer
		id := ledger.ID{15: 1}
		binary.LittleEndian.PutUint64(id[:], rand.Uint64())
		if err := l.Reserve(ctx, time.Now(), id, charges, &a); err != nil {
			return err
		}
		if a.Refused != refused {
			return fmt.Errorf("refused %t", a.Refused)
		}
		return nil
	}
	key := func() string { return "n" + strconv.Itoa(rand.IntN(1000)) }
	ways := []struct {
		name string
		do   func(buf []ledger.Charge) error
	}{
		{"incr", func([]ledger.Charge) error { return plain.Incr(ctx, key()).Err() }},
		{"incr-pipelined", func([]ledger.Charge) error { return piped.Incr(ctx, key()).Err() }},
		{"bare-script", func([]ledger.Charge) error {
			keys := []string{"{bare}clock"} // and a hold and four that are new, and two that all have
			for range 5 {
				keys = append(keys, "{bare}"+strconv.FormatUint(rand.Uint64(), 36)+strconv.FormatUint(rand.Uint64(), 36))
			}
			keys = append(keys, "{bare}country"+strconv.Itoa(rand.IntN(20)), "{bare}everything")
			return plain.EvalSha(ctx, bareSHA, keys, "0123456789abcdef").Err()
		}},
		{"admitted", func(buf []ledger.Charge) error { return reserve(ours, chargesOf(tallies, buf), false) }},
		{"admitted-unpipelined", func(buf []ledger.Charge) error { return reserve(single, chargesOf(tallies, buf), false) }},
		{"denied", func(buf []ledger.Charge) error {
			return reserve(ours, append(chargesOf(tallies[1:], buf), ledger.Charge{Tally: full, Key: full.Seed}), true)
		}},
		{"rate-8-calls", func([]ledger.Charge) error {
			for range 8 {
				if err := plain.EvalSha(ctx, sha, []string{"rate:" + strconv.Itoa(rand.Int())}, 5, 5, 60, 1).Err(); err != nil {
					return err
				}
			}
			return nil
		}},
		{"rate-8-pipelined", func([]ledger.Charge) error {
			_, err := plain.Pipelined(ctx, func(p redis.Pipeliner) error {
				for range 8 {
					p.EvalSha(ctx, sha, []string{"rate:" + strconv.Itoa(rand.Int())}, 5, 5, 60, 1)
				}
				return nil
			})
			return err
		}},
	}
	for _, clients := range []int{1, 16, 64} {
		for _, w := range ways {
			b.Run(fmt.Sprintf("way=%s/clients=%d", w.name, clients), func(b *testing.B) {
				s.Do("FLUSHALL")
				if err := reserve(ours, []ledger.Charge{{Tally: full, Key: full.Seed}}, false); err != nil {
					b.Fatal(err)
				}
				if err := w.do(nil); err != nil {
					b.Fatal(err)
				}
				var left atomic.Int64
				left.Store(int64(b.N))
				took := make([][]time.Duration, clients)
				before := s.CPU()
				var wg sync.WaitGroup
				b.ResetTimer()
				for c := range clients {
					wg.Go(func() {
						buf := make([]ledger.Charge, 0, 8)
						for left.Add(-1) >= 0 {
							start := time.Now()
							if err := w.do(buf); err != nil {
								b.Error(err)
								return
							}
							took[c] = append(took[c], time.Since(start))
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				all := slices.Concat(took...)
				slices.Sort(all)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1e3, "p50-µs")
				b.ReportMetric(float64(all[len(all)*99/100].Nanoseconds())/1e3, "p99-µs")
				b.ReportMetric(float64((s.CPU()-before).Nanoseconds())/1e3/float64(b.N), "server-µs/op")
			})
		}
	}
}
