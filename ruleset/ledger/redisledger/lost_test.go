package redisledger_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// What a server has lost, the gates tell it again before they believe it: not
// one answer is taken from it that does not know what it should.
func TestServerLosesItsData(t *testing.T) {
	for _, lost := range []struct {
		name         string
		before, lose func(*redistest.Server)
	}{
		{"emptied", nil, func(s *redistest.Server) { s.Do("FLUSHALL") }},
		{"restarted without its data", nil, func(s *redistest.Server) {
			s.Kill()
			s.Restart()
		}},
		{"restarted with an old snapshot", func(s *redistest.Server) { s.Do("SAVE") }, func(s *redistest.Server) {
			s.Kill()
			s.Restart()
		}},
	} {
		t.Run(lost.name, func(t *testing.T) {
			s := redistest.Start(t)
			url := "redis://" + s.Addr + "?timeout=500ms"
			all := gates(t, 2, url)
			a, b := all[0], all[1]
			announced(t, all)
			early := admitted(t, a, of(phones, 1))
			admitted(t, b, of(phones, 2))
			if lost.before != nil {
				lost.before(s)
			}
			admitted(t, a, of(phones, 3))
			admitted(t, b, of(phones, 4))
			lost.lose(s)
			// The first question already is not answered by the server.
			refused(t, a, of(phones, 1))
			refused(t, a, of(phones, 3))
			refused(t, b, of(phones, 4))
			eventually(t, "both have seen it", func() bool { return a.Stats().Lost > 0 && b.Stats().Lost > 0 })
			together(t, all)
			eventually(t, "nothing is in doubt", func() bool { return a.Stats().Cancelling == 0 && b.Stats().Cancelling == 0 })
			l := open(t, url, "")
			for key := range uint64(4) {
				refused(t, l, of(phones, 1+key))
			}
			settle(t, l, early, ledger.NotSent)
			admitted(t, l, of(phones, 1))
			for _, f := range all {
				if stats := f.Stats(); stats.Impatient != 0 || stats.Waiting != 0 || stats.Replayed == 0 {
					t.Errorf("stats %+v", stats)
				}
			}
		})
	}
}

// proxy stands between a gate and its server, and can be cut.
type proxy struct {
	net.Listener
	cut   atomic.Bool
	mu    sync.Mutex
	conns []net.Conn
}

func startProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	t.Cleanup(func() { l.Close(); p.set(true) })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil || p.cut.Load() {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
	return p
}

// set cuts the line, or mends it.
func (p *proxy) set(cut bool) {
	p.cut.Store(cut)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// A gate that has put back its own waits for the others before it believes a
// server that was emptied, and not for ever.
func TestGatesWaitForEachOther(t *testing.T) {
	five := tally("five", ledger.Sends, limit(5, time.Hour))
	for _, patient := range []bool{true, false} {
		s := redistest.Start(t)
		line := startProxy(t, s.Addr)
		a := gate(t, 2, "redis://"+s.Addr+"?timeout=2s")
		b := gate(t, 2, "redis://"+line.Addr().String()+"?timeout=2s")
		announced(t, []*redisledger.Fallback{a, b, a})
		if !patient {
			redisledger.Impatient(a, time.Millisecond)
		}
		for range 5 {
			admitted(t, b, of(five, 1))
		}
		admitted(t, a, of(five, 3))
		line.set(true)
		s.Do("FLUSHALL")
		admitted(t, a, of(five, 2)) // sees it, and puts it back
		if patient {
			eventually(t, "a has put back its own", func() bool { return a.Stats().Replayed > 0 })
			if n := len(fill(t, a, of(five, 1))); n != 2 || !a.Stats().Alone {
				t.Errorf("a admits %d while it waits for b, want its share of 2", n)
			}
			line.set(false)
			together(t, []*redisledger.Fallback{a, b})
			refused(t, a, of(five, 1))
			if n := a.Stats().Impatient; n != 0 {
				t.Errorf("a has lost its patience %d times", n)
			}
			continue
		}
		together(t, []*redisledger.Fallback{a})
		if n := a.Stats().Impatient; n != 1 {
			t.Errorf("a has lost its patience %d times, want once", n)
		}
		if n := len(fill(t, a, of(five, 1))); n != 5 {
			t.Errorf("without what b remembers, %d of 5 are admitted", n)
		}
		line.set(false)
		together(t, []*redisledger.Fallback{a, b})
		refused(t, a, of(five, 1))
	}
}

// announced waits until the gates know each other.
func announced(t testing.TB, all []*redisledger.Fallback) {
	t.Helper()
	for _, f := range all {
		redisledger.Announce(f)
	}
	for _, f := range all {
		redisledger.Announce(f)
	}
}

func TestGatesCountEachOther(t *testing.T) {
	s := redistest.Start(t)
	eight := tally("eight", ledger.Sends, limit(8, time.Hour))
	lonely := gate(t, 0, "redis://127.0.0.1:1")
	if n := len(fill(t, lonely, of(eight, 1))); n != 1 || lonely.Stats().Gates != 0 {
		t.Errorf("a gate that has never reached the server admits %d, and knows of %d", n, lonely.Stats().Gates)
	}
	var all []*redisledger.Fallback
	for n := range 4 {
		all = append(all, gate(t, 0, "redis://"+s.Addr+"?timeout=2s"))
		eventually(t, "the gate is announced", func() bool { return all[n].Stats().Gates == n+1 })
	}
	announced(t, all)
	all[3].Close() // says so, and still counts for ten minutes
	announced(t, all[:3])
	for i, f := range all[:3] {
		if n := f.Stats().Gates; n != 4 {
			t.Errorf("gate %d knows of %d, want 4", i, n)
		}
	}
	if n, ok := s.Do("STRLEN", "{otp:gate}gates").(int64); !ok || n != 3*32 {
		t.Errorf("the list of gates has %d bytes, want 3 times 32", n)
	}
	if ttl, ok := s.Do("PTTL", "{otp:gate}gates").(int64); !ok || ttl <= 0 || ttl > 60_000 {
		t.Errorf("the list of gates expires in %d ms", ttl)
	}
	s.Kill()
	for i, f := range all[:3] {
		if n := len(fill(t, f, of(eight, 1))); n != 2 {
			t.Errorf("gate %d admits %d, want its share of 2", i, n)
		}
	}
}

// A gate that is killed while it decides by itself takes with it what it has
// not told yet: its share at most, however often it is killed, if its own
// ledger is kept on disk.
func TestGateKilledWhileAlone(t *testing.T) {
	eight := tally("eight", ledger.Sends, limit(8, time.Hour))
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	dir := t.TempDir()
	run := func() (f *redisledger.Fallback, kill func()) {
		own, err := ledger.OpenEmbedded(dir)
		if err != nil {
			t.Fatal(err)
		}
		l, err := redisledger.Open(redisledger.Config{URL: "redis://" + s.Addr})
		if err != nil {
			t.Fatal(err)
		}
		f = redisledger.NewFallback(l, own, redisledger.FallbackConfig{Gates: 4})
		return f, sync.OnceFunc(func() { f.Close(); own.Close() })
	}
	other := gate(t, 4, "redis://"+s.Addr+"?timeout=500ms")
	s.Kill()
	f, kill := run()
	defer func() { kill() }()
	alone := 0
	for range 3 {
		alone += len(fill(t, f, of(eight, 1)))
		kill()
		f, kill = run()
	}
	if alone != 2 {
		t.Errorf("killed three times, the gate has admitted %d by itself, want its share of 2", alone)
	}
	s.Restart()
	together(t, []*redisledger.Fallback{f, other})
	if total := alone + len(fill(t, other, of(eight, 1))); total > 8+2 {
		t.Errorf("%d are admitted of 8, want a share of 2 more at most", total)
	}
}

// Amounts have shares as well.
func TestAmountsAway(t *testing.T) {
	spend := tally("spend", ledger.Sends, ledger.Limit{Name: "stop", Max: 1000})
	spend.Period = ledger.Day
	f := gate(t, 4, "redis://127.0.0.1:1")
	pay := func(amount int64) bool {
		var a ledger.Answer
		c := of(spend, 1)
		c.Amount = amount
		if err := f.Reserve(background, time.Now(), newID(), []ledger.Charge{c}, &a); err != nil {
			t.Fatal(err)
		}
		return !a.Refused
	}
	if !pay(200) || pay(51) || !pay(50) || pay(1) {
		t.Error("want exactly 250, the share of 1000 for four gates")
	}
}
