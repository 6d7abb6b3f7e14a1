package redisledger_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/ledgertest"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

func TestSuiteFallback(t *testing.T) {
	s := redistest.Start(t)
	redis := stories("redis://" + s.Addr + "?timeout=5s")
	ledgertest.Run(t, func(t testing.TB) ledger.Ledger {
		f := redisledger.NewFallback(redis(t).(*redisledger.Ledger), ledger.NewEmbedded(), redisledger.FallbackConfig{Gates: 4})
		t.Cleanup(func() { f.Close() })
		return f
	})
}

// gates are so many gates on one ledger, which share their limits while it is
// away.
func gates(t testing.TB, n int, url string) (all []*redisledger.Fallback) {
	t.Helper()
	for range n {
		all = append(all, gate(t, n, url))
	}
	return all
}

// gate is one of so many gates.
func gate(t testing.TB, n int, url string) *redisledger.Fallback {
	t.Helper()
	l, err := redisledger.Open(redisledger.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	f := redisledger.NewFallback(l, ledger.NewEmbedded(), redisledger.FallbackConfig{Gates: n})
	t.Cleanup(func() { f.Close() })
	return f
}

func fill(t testing.TB, l ledger.Ledger, charges ...ledger.Charge) (ids []ledger.ID) {
	t.Helper()
	for range 1000 {
		id, a := reserve(t, l, charges...)
		if a.Refused {
			return ids
		}
		ids = append(ids, id)
	}
	t.Fatal("there is no end to it")
	return nil
}

func together(t testing.TB, all []*redisledger.Fallback) {
	t.Helper()
	for _, f := range all {
		eventually(t, "the gate asks the server again", func() bool {
			var a ledger.Answer
			_ = f.Look(background, time.Now(), []ledger.Charge{of(phones, 999)}, &a)
			return !f.Stats().Alone && f.Stats().Up
		})
	}
}

func TestAway(t *testing.T) {
	eight := tally("eight", ledger.Sends, limit(8, time.Hour))
	few := tally("few", ledger.Sends, limit(2, time.Hour))
	own := tally("own", ledger.Sends, ledger.Limit{Name: "own", Max: 5, Window: time.Hour, Away: ledger.Local})
	strict := tally("strict", ledger.Sends, ledger.Limit{Name: "strict", Max: 5, Window: time.Hour, Away: ledger.Deny})
	for _, outage := range []struct {
		name        string
		begin, over func(*redistest.Server)
	}{
		{"killed", (*redistest.Server).Kill, (*redistest.Server).Restart},
		{"hung", (*redistest.Server).Pause, (*redistest.Server).Resume},
		{"killed and emptied", (*redistest.Server).Kill, func(s *redistest.Server) {
			s.Empty()
			s.Restart()
		}},
	} {
		t.Run(outage.name, func(t *testing.T) {
			s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
			all := gates(t, 4, "redis://"+s.Addr+"?timeout=500ms")
			a, b := all[0], all[1]
			for range 2 {
				admitted(t, a, of(eight, 1), of(own, 1)) // a's share is used up already
			}
			admitted(t, a, of(few, 1))
			outage.begin(s)

			refused(t, a, of(eight, 1))
			admitted(t, a, of(own, 1), of(eight, 2))
			refused(t, a, of(few, 1))
			given := fill(t, b, of(eight, 1))
			if len(given) != 2 {
				t.Errorf("b admits %d, want its share of 2", len(given))
			}
			if n := len(fill(t, b, of(few, 1))); n != 1 {
				t.Errorf("b admits %d of a limit of 2 for 4 gates, want 1", n)
			}
			if n := len(fill(t, b, of(own, 1))); n != 5 {
				t.Errorf("b admits %d of its own, want 5", n)
			}
			settle(t, b, given[0], ledger.NotSent)
			var answer ledger.Answer
			err := b.Reserve(background, time.Now(), newID(), []ledger.Charge{of(eight, 3), of(strict, 1)}, &answer)
			if !errors.Is(err, redisledger.ErrAway) || !answer.Refused || !strings.Contains(err.Error(), `"strict" says deny`) {
				t.Errorf("a limit that says deny: refused %t, %v", answer.Refused, err)
			}
			if stats := b.Stats(); !stats.Alone || stats.Waiting == 0 || stats.Decided == 0 {
				t.Errorf("stats %+v", stats)
			}

			outage.over(s)
			together(t, all)
			// All that was admitted counts: 2 by a, 1 by b that was sent.
			c := open(t, "redis://"+s.Addr+"?timeout=5s", "")
			if n := len(fill(t, c, of(eight, 1))); n != 5 {
				t.Errorf("after 3 of 8, %d more are admitted", n)
			}
			refused(t, c, of(few, 1))
			if short := refused(t, c, of(own, 1)); short.Tally != own {
				t.Errorf("refused by %s", short.Tally.Name)
			}
			if stats := b.Stats(); stats.Waiting != 0 || stats.Replayed == 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// What a server forgets while everybody is connected, the gates tell it again.
func TestEmptiedServer(t *testing.T) {
	s := redistest.Start(t)
	all := gates(t, 2, "redis://"+s.Addr+"?timeout=2s")
	kept := admitted(t, all[0], of(phones, 1))
	back := admitted(t, all[1], of(phones, 2))
	settle(t, all[0], back, ledger.NotSent) // not through the gate that remembers it
	admitted(t, all[1], of(phones, 3))
	s.Do("FLUSHALL")
	for i, f := range all {
		admitted(t, f, of(phones, uint64(100+i))) // sees it
		eventually(t, "the gate has seen it", func() bool {
			admittedOrNot(f, of(phones, uint64(200+i)))
			return f.Stats().Lost > 0 && !f.Stats().Alone
		})
	}
	l := open(t, "redis://"+s.Addr, "")
	refused(t, l, of(phones, 1))
	refused(t, l, of(phones, 3))
	settle(t, l, kept, ledger.NotSent)
	admitted(t, l, of(phones, 1))
}

func admittedOrNot(l ledger.Ledger, charges ...ledger.Charge) {
	var a ledger.Answer
	_ = l.Reserve(background, time.Now(), newID(), charges, &a)
}

func TestChangedIsTold(t *testing.T) {
	s := redistest.Start(t)
	l, err := redisledger.Open(redisledger.Config{URL: "redis://user:s3cr3t@" + s.Addr})
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Int32
	var why atomic.Value
	f := redisledger.NewFallback(l, ledger.NewEmbedded(), redisledger.FallbackConfig{Changed: func(is bool, err error) {
		if is {
			why.Store(err.Error())
			away.Add(1)
		}
	}})
	defer f.Close()
	admitted(t, f, of(phones, 1)) // the password is wrong: the gate goes on by itself
	refused(t, f, of(phones, 1))
	if away.Load() != 1 || strings.Contains(why.Load().(string), "s3cr3t") {
		t.Errorf("told %d times: %v", away.Load(), why.Load())
	}
}
