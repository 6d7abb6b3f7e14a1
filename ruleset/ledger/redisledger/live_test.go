package redisledger_test

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

var background = context.Background()

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	m.Run()
}

// quiet keeps go-redis from writing of servers that were killed on purpose.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func open(t testing.TB, url, name string) *redisledger.Ledger {
	t.Helper()
	l, err := redisledger.Open(redisledger.Config{URL: url, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func tally(name string, count ledger.Count, limits ...ledger.Limit) *ledger.Tally {
	var seed ledger.Key
	for i, b := range []byte(name) {
		seed[i%2] = seed[i%2]*131 + uint64(b)
	}
	return &ledger.Tally{Seed: seed, Name: name, Count: count, Limits: limits}
}

func limit(max int, window time.Duration) ledger.Limit {
	return ledger.Limit{Name: strconv.Itoa(max), Max: int64(max), Window: window}
}

func of(t *ledger.Tally, key uint64) ledger.Charge {
	return ledger.Charge{Tally: t, Key: ledger.Key{t.Seed[0] ^ key*0x9e3779b97f4a7c15, t.Seed[1] ^ key}}
}

func newID() (id ledger.ID) {
	rand.Read(id[:])
	return id
}

func reserve(t testing.TB, l ledger.Ledger, charges ...ledger.Charge) (ledger.ID, ledger.Answer) {
	t.Helper()
	var a ledger.Answer
	id := newID()
	if err := l.Reserve(background, time.Now(), id, charges, &a); err != nil {
		t.Fatalf("reserving: %v", err)
	}
	return id, a
}

func admitted(t testing.TB, l ledger.Ledger, charges ...ledger.Charge) ledger.ID {
	t.Helper()
	id, a := reserve(t, l, charges...)
	if a.Refused {
		t.Fatalf("refused by %s, want admitted", a.Short.Tally.Name)
	}
	return id
}

func refused(t testing.TB, l ledger.Ledger, charges ...ledger.Charge) ledger.Short {
	t.Helper()
	_, a := reserve(t, l, charges...)
	if !a.Refused {
		t.Fatal("admitted, want refused")
	}
	return a.Short
}

func settle(t testing.TB, l ledger.Ledger, id ledger.ID, o ledger.Outcome) {
	t.Helper()
	if err := l.Settle(background, time.Now(), id, o); err != nil {
		t.Fatalf("settling: %v", err)
	}
}

// eventually tries until do is true.
func eventually(t testing.TB, what string, do func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !do(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func answers(l ledger.Ledger, charges ...ledger.Charge) bool {
	var a ledger.Answer
	return l.Look(background, time.Now(), charges, &a) == nil
}

var phones, wide = tally("phone", ledger.Sends, limit(1, time.Hour)), tally("all", ledger.Sends, limit(1000, time.Hour))

func TestGatesShareOneServer(t *testing.T) {
	s := redistest.Start(t)
	a, b := open(t, "redis://"+s.Addr+"?timeout=2s", ""), open(t, "redis://"+s.Addr+"?timeout=2s", "")
	other := open(t, "redis://"+s.Addr+"?timeout=2s", "other")
	id := admitted(t, a, of(phones, 1))
	short := refused(t, b, of(phones, 1))
	if short.Wait < time.Hour-time.Second || short.Wait > time.Hour+time.Millisecond {
		t.Errorf("wait of %s, want about an hour", short.Wait)
	}
	admitted(t, other, of(phones, 1))
	settle(t, b, id, ledger.NotSent) // through another gate
	settle(t, a, id, ledger.NotSent)
	admitted(t, b, of(phones, 1))
	refused(t, a, of(phones, 1))
}

// Many gates and callers together admit exactly as many as there is room for.
func TestNeverOverAdmits(t *testing.T) {
	s := redistest.Start(t)
	r := redistest.StartCluster(t, 3, 0)
	for name, url := range map[string]string{
		"single": "redis://" + s.Addr + "?timeout=5s", "unpipelined": "redis://" + s.Addr + "/2?timeout=5s&pipeline=off",
		"cluster": r.URL() + "?timeout=5s", "spread": r.URL() + "?timeout=5s&spread=8",
	} {
		t.Run(name, func(t *testing.T) {
			var gates []*redisledger.Ledger
			for range 4 {
				gates = append(gates, open(t, url, "over-"+name))
			}
			const keys, max = 20, 3
			few := tally("few", ledger.Sends, limit(max, time.Hour))
			block := tally("block", ledger.Unverified, limit(100, time.Hour))
			most := tally("most", ledger.Sends, limit(50, time.Hour))
			var counts [keys]atomic.Int64
			var total atomic.Int64
			var wg sync.WaitGroup
			for g := range 64 {
				wg.Go(func() {
					for i := range 25 {
						key := uint64(g*7+i) % keys
						var a ledger.Answer
						id := newID()
						err := gates[g%len(gates)].Reserve(background, time.Now(), id, []ledger.Charge{of(few, key), of(block, 0), of(most, 0)}, &a)
						if err != nil {
							t.Errorf("reserving: %v", err)
						}
						if a.Refused {
							continue
						}
						if i%5 == 0 {
							settle(t, gates[(g+1)%len(gates)], id, ledger.NotSent)
							continue
						}
						counts[key].Add(1)
						total.Add(1)
					}
				})
			}
			wg.Wait()
			for i := range counts {
				if n := counts[i].Load(); n > max {
					t.Errorf("key %d: admitted %d of %d", i, n, max)
				}
			}
			if n := total.Load(); n > 50 || n < 30 {
				t.Errorf("admitted %d of 50 in all", n)
			}
		})
	}
}

func TestKeysAreHashedAndExpire(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, "redis://"+s.Addr+"?timeout=2s", "signup")
	ips := tally("ip", ledger.Requests, limit(60, time.Minute))
	distinct := tally("distinct", ledger.Unverified, limit(5, time.Hour))
	distinct.Distinct = true
	banning := tally("banning", ledger.Unverified, ledger.Limit{Max: 1, Window: time.Minute, Ban: time.Hour})
	for i := range uint64(50) {
		id, _ := reserve(t, l, of(phones, i%30), of(ips, i), of(distinct, i%7), of(banning, i%20), of(wide, 0))
		settle(t, l, id, []ledger.Outcome{ledger.Sent, ledger.NotSent, ledger.Verified}[i%3])
		if err := l.Record(background, time.Now(), []ledger.Charge{of(tally("wrong", ledger.WrongCodes, limit(5, time.Minute)), i)}); err != nil {
			t.Fatal(err)
		}
	}
	c := s.Client()
	defer c.Close()
	keys, err := c.Keys(background, "*").Result()
	if err != nil || len(keys) < 100 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	name := regexp.MustCompile(`^\{otp:signup\}(clock|h?[A-Za-z0-9_-]{22})$`)
	for _, k := range keys {
		if !name.MatchString(k) {
			t.Errorf("a key is named %q", k)
		}
		if ttl := c.PTTL(background, k).Val(); ttl <= 0 {
			t.Errorf("%s expires in %s", k, ttl)
		}
	}
}

func TestRefusalWritesNothing(t *testing.T) {
	s := redistest.Start(t, "--enable-debug-command", "local")
	l := open(t, "redis://"+s.Addr+"?timeout=2s", "")
	admitted(t, l, of(phones, 1))
	before := s.Do("DEBUG", "DIGEST")
	for i := range uint64(100) {
		refused(t, l, of(tally("ip", ledger.Sends, limit(5, time.Hour)), i), of(phones, 1), of(wide, 0))
	}
	if after := s.Do("DEBUG", "DIGEST"); after != before {
		t.Error("refusals have changed the data")
	}
}

func TestUnknownScript(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, "redis://"+s.Addr+"?timeout=2s", "")
	admitted(t, l, of(phones, 1))
	s.Do("SCRIPT", "FLUSH")
	id := admitted(t, l, of(phones, 2))
	refused(t, l, of(phones, 2))
	s.Do("SCRIPT", "FLUSH")
	settle(t, l, id, ledger.NotSent)
	admitted(t, l, of(phones, 2))
}

// A script that a client had sent and given up on, and that the server comes
// to later, or twice, takes nothing more. One caller finds out, and later ones
// do not ask at all.
func TestHungServer(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, "redis://"+s.Addr+"?timeout=500ms", "")
	eventually(t, "the server answers", func() bool { return answers(l, of(phones, 9)) })
	admitted(t, l, of(phones, 1), of(wide, 0))
	s.Pause()
	before := l.Stats()
	var a ledger.Answer
	err := l.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, 2), of(wide, 0)}, &a)
	if !errors.Is(err, redisledger.ErrUncertain) || !a.Refused || a.Short.Tally != nil {
		t.Fatalf("refused %t with error %v, want an uncertain one", a.Refused, err)
	}
	for range 1000 {
		err = l.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, 2), of(wide, 0)}, &a)
		if !errors.Is(err, redisledger.ErrAway) || !a.Refused {
			t.Fatalf("refused %t with error %v, want ErrAway", a.Refused, err)
		}
	}
	after := l.Stats()
	if after.Up || after.Opened != before.Opened+1 || after.Away-before.Away != 1000 || after.Trips-before.Trips != 1 {
		t.Errorf("stats %+v, before %+v", after, before)
	}
	s.Resume()
	eventually(t, "the server answers again", func() bool { return answers(l, of(phones, 9)) })
	eventually(t, "what was in doubt is given back", func() bool { return l.Stats().Cancelling == 0 })
	admitted(t, l, of(phones, 2)) // the late script has taken nothing
}

func TestKilledAndRestarted(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	l := open(t, "redis://"+s.Addr+"?timeout=2s", "")
	admitted(t, l, of(phones, 1))
	s.Kill()
	var a ledger.Answer
	if err := l.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, 2)}, &a); err == nil || !a.Refused {
		t.Fatalf("refused %t with error %v from a dead server", a.Refused, err)
	}
	s.Restart()
	eventually(t, "the server answers again", func() bool { return answers(l, of(phones, 9)) })
	refused(t, l, of(phones, 1))
	eventually(t, "what was in doubt is given back", func() bool {
		var a ledger.Answer
		return l.Look(background, time.Now(), []ledger.Charge{of(phones, 2)}, &a) == nil && !a.Refused
	})
	admitted(t, l, of(phones, 2))
}

// A caller who leaves says nothing about the server.
func TestCallerLeaves(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, "redis://"+s.Addr+"?timeout=2s", "")
	admitted(t, l, of(phones, 1))
	for range 20 {
		ctx, cancel := context.WithCancel(background)
		cancel()
		var a ledger.Answer
		if err := l.Reserve(ctx, time.Now(), newID(), []ledger.Charge{of(phones, 2)}, &a); !errors.Is(err, context.Canceled) || !a.Refused {
			t.Fatalf("refused %t with %v", a.Refused, err)
		}
	}
	admitted(t, l, of(phones, 2))
}

// Floods against a banned key, or against a limit on requests, are answered
// without a trip.
func TestDeniedFlood(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, "redis://"+s.Addr+"?timeout=2s", "")
	ips := tally("ip", ledger.Requests, limit(3, time.Minute))
	var a ledger.Answer
	for range 1000 {
		if err := l.Look(background, time.Now(), []ledger.Charge{of(ips, 1), of(phones, 1)}, &a); err != nil {
			t.Fatal(err)
		}
	}
	if stats := l.Stats(); !a.Refused || a.Short.Tally != ips || stats.Trips > 6 || stats.Denied < 990 {
		t.Errorf("refused %t, %+v", a.Refused, stats)
	}
	if err := l.Look(background, time.Now(), []ledger.Charge{of(ips, 2), of(phones, 1)}, &a); err != nil || a.Refused {
		t.Errorf("the next address: refused %t, %v", a.Refused, err)
	}
}

// What others refuse holds no place of a victim, also where keys are spread.
func TestVictimUnderFlood(t *testing.T) {
	c := redistest.StartCluster(t, 3, 0)
	s := redistest.Start(t)
	for name, url := range map[string]string{"single": "redis://" + s.Addr, "one tag": c.URL(), "spread": c.URL() + "?spread=16"} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(url, "?") {
				url += "?"
			}
			l := open(t, url+"&timeout=5s", "flood")
			ips := tally("ip", ledger.Unverified, limit(1, time.Hour))
			for i := range uint64(16) {
				admitted(t, l, of(ips, i))
			}
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for i := range uint64(16) {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						var a ledger.Answer
						if err := l.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, 1), of(ips, i)}, &a); err != nil || !a.Refused {
							t.Errorf("the flood: refused %t, %v", a.Refused, err)
						}
					}
				})
			}
			spurious := 0
			for i := range uint64(500) {
				id, a := reserve(t, l, of(phones, 1), of(ips, 100+i))
				if a.Refused {
					spurious++
				}
				settle(t, l, id, ledger.NotSent)
			}
			close(stop)
			wg.Wait()
			if spurious > 0 {
				t.Errorf("the victim was refused %d times of 500", spurious)
			}
		})
	}
}
