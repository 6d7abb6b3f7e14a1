package caddymodule

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// provider publishes a list. What it answers can be changed.
type provider struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func publishes(t testing.TB, answer http.HandlerFunc) *provider {
	t.Helper()
	p := new(provider)
	p.answers(answer)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		(*p.answer.Load())(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answers(answer http.HandlerFunc) { p.answer.Store(&answer) }

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }
}

func saying(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

// networks are lines of so many networks that nobody in the tests has.
func networks(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "198.18.%d.%d/32\n", i>>8&255, i&255)
	}
	return strings.ReplaceAll(lines.String(), "198.18.", "51.15.")
}

// proxied lets tests come from any address.
func proxied(p *place) { p.server = "trusted_proxies static 127.0.0.1/32\ntrusted_proxies_strict" }

const (
	inside  = "192.0.2.66"
	outside = "192.0.2.7"
)

// from asks for a code from an address.
func (p *place) from(address, phone string) string {
	p.t.Helper()
	return p.ask(phone, "X-Forwarded-For", address).String()
}

// kept returns the keeper of the lists of p, and its states by name.
func (p *place) kept() *keeper {
	p.t.Helper()
	dir := filepath.Join(p.storage, "otp_gate", "lists")
	var found *keeper
	keepers.Range(func(_, value any) bool {
		if k := value.(*keeper); k.place.dir == dir {
			found = k
		}
		return found == nil
	})
	if found == nil {
		p.t.Fatalf("nobody keeps lists in %s", dir)
	}
	return found
}

// update looks for news now. An error is for metrics and logs to tell.
func (p *place) update(names ...string) {
	p.t.Helper()
	_ = p.kept().lists.Load().Update(context.Background(), names...)
}

func withList(url string) string {
	return noProof + "limits: []\nnetwork: {deny: [bad], lists: {bad: {url: \"" + url + "\", required: true}}}\n"
}

// Whatever a provider answers, the last good list stays in force, the reason is
// logged once, and metrics tell.
func TestListFromServer(t *testing.T) {
	source := publishes(t, saying(500))
	rules := strings.Replace(withList(source.URL+"/list?token=secret-of-the-tests"), "required: true", "required: true, max_size: 1MiB", 1)
	p := open(t, rules, answering(202), proxied, func(p *place) { p.global = "lists {\n\t\t\ttimeout 2s\n\t\t}" })

	// It has never been loaded, and is required.
	if got := p.from(outside, alice); got != "403 network_refused" {
		t.Errorf("without the list: %s", got)
	}
	until(t, "the failure is logged", func() bool { return len(p.logged(failedList)) == 1 })
	if missing := p.logged("lists that have never been loaded: until they are, those that are required refuse everybody, and the others nobody"); len(missing) != 1 || fmt.Sprint(missing[0]["lists"]) != "[bad]" {
		t.Errorf("missing: %v", missing)
	}
	if got := p.metric(`otpgate_list_loaded{list="test.bad"}`); got != "0" {
		t.Errorf("loaded is %q", got)
	}

	good := inside + "\n" + networks(100)
	var conditional atomic.Int64
	source.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"1"` {
			conditional.Add(1)
			w.WriteHeader(304)
			return
		}
		w.Header().Set("ETag", `"1"`)
		io.WriteString(w, good)
	})
	p.update()
	inForce := func(what string) {
		t.Helper()
		if got := p.from(inside, alice); got != "403 network_refused" {
			t.Errorf("%s: an address in the list: %s", what, got)
		}
		if got := p.from(outside, alice); got != "202" {
			t.Errorf("%s: an address that is not in it: %s", what, got)
		}
		if got := p.metric(`otpgate_list_entries{list="test.bad"}`); got != "101" {
			t.Errorf("%s: %s entries", what, got)
		}
	}
	until(t, "the gate has the list", func() bool { return p.from(outside, alice) == "202" })
	inForce("loaded")
	p.update()
	inForce("304")
	if conditional.Load() != 1 {
		t.Errorf("%d conditional requests were answered", conditional.Load())
	}
	until(t, "it is well again", func() bool { return len(p.logged("a list is well again")) == 1 })
	if got := p.metric(`otpgate_list_failing{list="test.bad",reason="bad_status"}`); got != "" {
		t.Errorf("failing is %q of a list that is well", got)
	}

	for _, bad := range []struct {
		name, reason string
		answer       http.HandlerFunc
	}{
		{"500", "bad_status", saying(500)},
		{"an empty file", "empty", says("")},
		{"half a file", "truncated", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
			io.WriteString(w, good[:len(good)/2])
		}},
		{"a web page", "not_a_list", says("<!DOCTYPE html><html><body>192.0.2.7 is your address</body></html>")},
		{"ten times as much", "changed_too_much", says(networks(1010))},
		{"2 GB, told beforehand", "too_large", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", fmt.Sprint(2<<30)) }},
		{"a slow drip", "too_slow", func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(good) && r.Context().Err() == nil; i++ {
				io.WriteString(w, good[i:i+1])
				http.NewResponseController(w).Flush()
				if i == 3 {
					inForce("while it drips")
				}
				time.Sleep(10 * time.Millisecond)
			}
		}},
		{"another scheme", "bad_redirect", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "ftp://"+r.Host+"/list")
			w.WriteHeader(302)
		}},
	} {
		source.answers(bad.answer)
		message := failedList
		if bad.reason == "changed_too_much" {
			message = heldList + "test.bad"
		}
		about := func() (n int) {
			for _, line := range p.logged(message) {
				if line["reason"] == bad.reason {
					n++
				}
			}
			return n
		}
		before := about() // that of the first start is of the list that had never been loaded
		for range 2 {
			p.update()
			inForce(bad.name)
		}
		if got := about() - before; got != 1 {
			t.Errorf("%s: logged %d times, want once", bad.name, got)
		}
		if got := p.metric(`otpgate_list_failing{list="test.bad",reason="` + bad.reason + `"}`); got != "1" {
			t.Errorf("%s: failing for %s is %q", bad.name, bad.reason, got)
		}
	}
	// 2 GB that nobody has told of are read up to the most that a list may have.
	source.answers(func(w http.ResponseWriter, r *http.Request) {
		line := []byte(strings.Repeat("192.0.2.7\n", 100_000))
		for range (2 << 30) / len(line) {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	if err := p.kept().lists.Load().Update(context.Background()); err == nil || !strings.Contains(err.Error(), "it is larger than 1048576 bytes") {
		t.Errorf("2 GB: %v", err)
	}
	inForce("2 GB")
	if got := p.metric(`otpgate_list_held{list="test.bad"}`); got != "1010" {
		t.Errorf("%s entries are held back", got)
	}

	// What it says then is believed again.
	good = inside + "\n" + networks(110)
	source.answers(says(good))
	p.update()
	until(t, "the new list is in force", func() bool { return p.metric(`otpgate_list_entries{list="test.bad"}`) == "111" })
	if got := p.metric(`otpgate_list_failures_total{list="test.bad"}`); got < "15" {
		t.Errorf("%s failures", got)
	}
	if lines := len(p.logged("list loaded")); lines != 2 {
		t.Errorf("%d lists were loaded, want 2", lines)
	}
}

const (
	failedList = "a list could not be loaded; the one before stays, if there is one"
	heldList   = "a list has changed too much to be believed at once; the one before stays until it has come the same again, or until: caddy otp-gate lists accept "
)

// A reload of Caddy, and a ruleset that has more lists, keep what has been
// loaded, and so does a restart; nobody is asked again, and nothing runs when
// Caddy has stopped.
func TestListsOverReloads(t *testing.T) {
	source := publishes(t, says(inside+"\n"))
	rules := withList(source.URL + "/bad")
	p := open(t, rules, answering(202), proxied)
	until(t, "the list is loaded", func() bool { return p.from(outside, alice) == "202" })
	before := p.kept()
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	if p.kept() != before {
		t.Error("the lists of the new configuration are others")
	}
	if got := p.from(inside, alice); got != "403 network_refused" {
		t.Errorf("after a reload: %s", got)
	}
	another := publishes(t, says("203.0.113.7\n"))
	p.write(strings.ReplaceAll(rules, "lists: {", "lists: {more: {url: \""+another.URL+"\"}, ") + "\n# more\n")
	until(t, "the new ruleset is in force", func() bool { return p.metric(`otpgate_list_loaded{list="test.more"}`) == "1" })
	if got := p.from(inside, alice); got != "403 network_refused" {
		t.Errorf("with another list beside it: %s", got)
	}
	p.write(rules)
	until(t, "the old ruleset is in force", func() bool { return p.metric(`otpgate_list_loaded{list="test.more"}`) == "" })

	caddy.Stop()
	idle(t)
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	if got := p.from(inside, alice); got != "403 network_refused" {
		t.Errorf("after a restart: %s", got)
	}
	if got := p.from(outside, alice); got != "202" {
		t.Errorf("after a restart: %s", got)
	}
	if asked := source.asked.Load(); asked != 1 {
		t.Errorf("the source was asked %d times", asked)
	}
}

// idle waits until nothing runs that keeps lists or databases.
func idle(t *testing.T) {
	t.Helper()
	until(t, "all that keeps lists and databases has ended", func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !bytes.Contains(stacks, []byte("caddymodule.(*keeper)")) && !bytes.Contains(stacks, []byte("caddymodule.(*openDatabases)"))
	})
}

// Who validates a configuration asks nobody and writes nothing.
func TestValidateFetchesNothing(t *testing.T) {
	source := publishes(t, says(inside+"\n"))
	p := prepare(t, withList(source.URL), answering(202))
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(p.caddyfile()), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	var c caddy.Config
	if err := caddy.StrictUnmarshalJSON(config, &c); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&c); err != nil {
		t.Fatal(err)
	}
	idle(t)
	if asked := source.asked.Load(); asked != 0 {
		t.Errorf("the source was asked %d times", asked)
	}
	if _, err := os.Stat(filepath.Join(p.storage, "otp_gate")); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}

// Two gates that want one list fetched differently do not load.
func TestListsDisagree(t *testing.T) {
	p := prepare(t, noProof+"network: {deny: [bad], lists: {bad: {url: \"https://example.com/a\"}}}\n", answering(202))
	other := filepath.Join(p.folder, "other.yaml")
	writeFile(t, other, noProof+"network: {deny: [bad], lists: {bad: {url: \"https://example.com/b\"}}}\n")
	p.site = "otp_gate /other " + other
	err := p.load()
	if err == nil || !strings.Contains(err.Error(), "the list test.bad is not the same in "+other+" and in "+filepath.Join(p.folder, "otp.rules.yaml")) &&
		!strings.Contains(err.Error(), "the list test.bad is not the same in "+filepath.Join(p.folder, "otp.rules.yaml")+" and in "+other) {
		t.Errorf("got %v", err)
	}
	idle(t)
}

// A Caddy that is not to fetch takes up what the command has fetched.
func TestListsOffline(t *testing.T) {
	source := publishes(t, says(inside+"\n"))
	p := open(t, withList(source.URL), answering(202), proxied, func(p *place) { p.global = "lists {\n\t\t\toffline\n\t\t}" })
	if got := p.from(outside, alice); got != "403 network_refused" {
		t.Errorf("without the list: %s", got)
	}
	config := filepath.Join(p.folder, "Caddyfile")
	writeFile(t, config, p.caddyfile())
	if asked := source.asked.Load(); asked != 0 {
		t.Errorf("the source was asked %d times", asked)
	}
	out, errs, code := run(t, "lists", "update", "--config", config)
	if code != 0 || out != "test.bad  1 entry\n" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	until(t, "the list is taken up", func() bool { return p.from(outside, alice) == "202" })
	if got := p.from(inside, alice); got != "403 network_refused" {
		t.Errorf("an address in the list: %s", got)
	}
}
