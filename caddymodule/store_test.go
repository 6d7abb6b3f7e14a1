package caddymodule

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

const testSecret = "secret-of-the-tests-secret-of-the-tests"

// Left out, the store is on disk, where Caddy keeps its data: what has been
// counted stays counted when Caddy is stopped, and when it is killed.
func TestEmbeddedSurvives(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"stopped": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			p := own(t, oneAMinute, answering(202))
			s := p.start()
			want(t, s.ask(alice), "202")
			s.end(signal)
			if _, err := os.Stat(filepath.Join(p.storage, "otp_gate", "ledger", "lock")); err != nil {
				t.Error(err)
			}
			s = p.start()
			want(t, s.ask(alice), "429 too_soon")
			want(t, s.ask(bob), "202")
			if lines := s.logged("the ledger is open"); len(lines) != 1 || lines[0]["holds"] != 1.0 {
				t.Errorf("logged %v", lines)
			}
		})
	}
}

// Two processes cannot have one directory, and are told both ways out.
func TestLockedDirectory(t *testing.T) {
	p := own(t, oneAMinute, answering(202))
	p.start()
	other := own(t, oneAMinute, answering(202), func(o *place) { o.storage = p.storage })
	s := other.run()
	dir := filepath.Join(p.storage, "otp_gate", "ledger")
	if said := s.said(); !strings.Contains(said, "opening the ledger: "+dir+": in use by another ledger: each process needs a directory of its own; either give this Caddy another directory (dir PATH), or let all share one ledger: store redis URL") {
		t.Errorf("it said: %s", said)
	}
}

// What cannot be opened is said with what to do, and nothing is served.
func TestUnopenedLedger(t *testing.T) {
	p := own(t, oneAMinute, answering(202))
	s := p.start()
	want(t, s.ask(alice), "202")
	s.end(syscall.SIGTERM)
	dir := filepath.Join(p.storage, "otp_gate", "ledger")
	snapshot := filepath.Join(dir, "snapshot")
	text, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	writeFile(t, snapshot, string(text))
	s = p.run()
	if said := s.said(); !strings.Contains(said, snapshot+" is damaged at byte ") || !strings.Contains(said, "to set it aside: mv "+dir+" "+dir+".damaged") {
		t.Errorf("it said: %s", said)
	}
	if err := os.Rename(dir, dir+".damaged"); err != nil {
		t.Fatal(err)
	}
	want(t, p.start().ask(alice), "202")
}

// withRedis makes a place count in a server, with a ledger of its own beside
// it.
func withRedis(url string, lines ...string) func(*place) {
	return func(p *place) {
		p.global = "secret " + testSecret + "\nstore redis " + url + " {\n" + strings.Join(lines, "\n") + "\n}"
	}
}

// Two gates with one server let through together what one lets through.
func TestRedisIsShared(t *testing.T) {
	server := redistest.Start(t)
	server.Do("CONFIG", "SET", "requirepass", "secret-of-the-tests")
	server.Auth("default", "secret-of-the-tests")
	url := "redis://:secret-of-the-tests@" + server.Addr + "?timeout=1s"
	var gates []*process
	for range 2 {
		gates = append(gates, own(t, oneAMinute, answering(202), withRedis(url)).start())
	}
	want(t, gates[0].ask(alice), "202")
	want(t, gates[1].ask(alice), "429 too_soon")
	want(t, gates[1].ask(bob), "202")
	want(t, gates[0].ask(bob), "429 too_soon")
	until(t, "the gates have counted each other", func() bool { return gates[1].metric("otpgate_ledger_gates") == "2" })
	for _, g := range gates {
		lines := g.logged("ruleset in force")
		if want := "redis://" + server.Addr + "/0 as gate, and beside it in " + filepath.Join(g.storage, "otp_gate", "ledger"); len(lines) == 0 || lines[0]["ledger"] != want {
			t.Errorf("logged %v, want %s", lines, want)
		}
	}
}

// A gate goes on by itself while the server is away, says so, and tells the
// server afterwards.
func TestRedisIsAway(t *testing.T) {
	server := redistest.Start(t)
	p := open(t, oneAMinute, answering(202), withRedis("redis://"+server.Addr+"?timeout=1s", "name login"))
	until(t, "the server is greeted", func() bool { return len(p.logged("the server of the ledger answers")) == 1 })
	want(t, p.ask(alice), "202")
	if up := p.metric("otpgate_ledger_redis_up"); up != "1" {
		t.Errorf("up is %s", up)
	}
	if keys, _ := server.Do("KEYS", "{otp:login}*").([]any); len(keys) == 0 {
		t.Error("nothing is counted under the name")
	}

	server.Kill()
	want(t, p.ask(alice), "429 too_soon")
	want(t, p.ask(bob), "202")
	want(t, p.ask(bob), "429 too_soon")
	if up, waiting := p.metric("otpgate_ledger_redis_up"), p.metric("otpgate_ledger_waiting"); up != "0" || waiting != "1" {
		t.Errorf("up is %s, waiting %s", up, waiting)
	}
	away := p.logged("the server of the ledger is away: this gate decides by itself, by its part of each limit")
	if len(away) != 1 || away[0]["level"] != "warn" || away[0]["server"] != "redis://"+server.Addr+"/0" || away[0]["error"] == nil {
		t.Errorf("logged %v", away)
	}

	server.Restart()
	back := func() []map[string]any {
		return p.logged("the server of the ledger is back, and knows what this gate has let through by itself")
	}
	until(t, "the server is back", func() bool { return len(back()) == 1 })
	if line := back()[0]; line["level"] != "info" || line["replayed"].(float64) < 1 || line["decided"].(float64) < 1 {
		t.Errorf("logged %v", line)
	}
	if up, replayed := p.metric("otpgate_ledger_redis_up"), p.metric("otpgate_ledger_replayed_total"); up != "1" || replayed == "0" {
		t.Errorf("up is %s, replayed %s", up, replayed)
	}
	want(t, p.ask(alice), "429 too_soon")
	want(t, p.ask(bob), "429 too_soon")
}

// A reload keeps the ledger, and Caddy starts also without the server.
func TestRedisOverReloads(t *testing.T) {
	server := redistest.Start(t)
	p := open(t, oneAMinute, answering(202), withRedis("redis://"+server.Addr+"?timeout=1s"))
	want(t, p.ask(alice), "202")
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	want(t, p.ask(alice), "429 too_soon")
	server.Kill()
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	want(t, p.ask(alice), "429 too_soon")
	withRedis("redis://"+server.Addr+"?timeout=1s", "gates 2")(p)
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	until(t, "it is said that nobody answers", func() bool {
		return len(p.logged("the server of the ledger does not answer: until it does, this gate decides by itself, by its part of each limit")) == 1
	})
	want(t, p.ask(alice), "429 too_soon") // by the ledger beside it
}

// A secret is exchanged in two steps, and nobody may send again for it.
func TestSecretIsExchanged(t *testing.T) {
	const other = "other-secret-of-the-tests-other-secret-of-the-tests"
	p := open(t, oneAMinute, answering(202), func(p *place) { p.global = "secret " + testSecret })
	want(t, p.ask(alice), "202")
	for _, global := range []string{
		"secret " + testSecret + "\nalso_secret " + other,
		"secret " + other + "\nalso_secret " + testSecret,
	} {
		p.global = global
		if err := p.load(); err != nil {
			t.Fatal(err)
		}
		want(t, p.ask(alice), "429 too_soon")
	}
	want(t, p.ask(bob), "202") // under the new one
	p.global = "secret " + other
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	want(t, p.ask(bob), "429 too_soon")
}

// max_keys is a matter of restarts: a reload keeps the ledger, and says so.
func TestMaxKeysOverReloads(t *testing.T) {
	p := open(t, oneAMinute, answering(202), func(p *place) { p.global = "store memory" })
	want(t, p.ask(alice), "202")
	if lines := p.logged("the ledger is in memory: everybody may send again when this process ends; this is for tests and trials"); len(lines) != 1 || lines[0]["level"] != "warn" {
		t.Errorf("logged %v", lines)
	}
	p.global = "store memory {\nmax_keys 1000\n}"
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	want(t, p.ask(alice), "429 too_soon")
	lines := p.logged("max_keys has changed: the new value is in force after a restart")
	if len(lines) != 1 || lines[0]["max_keys"] != 1000.0 {
		t.Errorf("logged %v", lines)
	}
}

// A request that is on its way while Caddy gets another ledger is settled in
// the one that it was charged to, which is closed after that.
func TestReloadToAnotherLedger(t *testing.T) {
	asked, answer := make(chan bool), make(chan bool)
	p := open(t, oneAMinute, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- true
		<-answer
		w.WriteHeader(422) // nothing was sent
	}))
	dir := filepath.Join(p.storage, "otp_gate", "ledger")
	var wg sync.WaitGroup
	wg.Go(func() { want(t, p.ask(alice), "422") })
	<-asked
	p.global = "store memory"
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenEmbedded(dir); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("the ledger is closed too early: %v", err)
	}
	answer <- true
	wg.Wait()
	var l *ledger.Embedded
	until(t, "the ledger is closed", func() (ok bool) {
		var err error
		l, err = ledger.OpenEmbedded(dir)
		return err == nil
	})
	defer l.Close()
	if holds := l.Recovery().Holds; holds != 0 {
		t.Errorf("%d holds, want none", holds)
	}
	if lines := p.logged("not settled: the charges stay"); len(lines) > 0 {
		t.Errorf("logged %v", lines)
	}
}
