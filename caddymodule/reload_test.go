package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A changed ruleset takes over within a second, and nothing counted is lost.
func TestRulesetChanges(t *testing.T) {
	p := open(t, oneAMinute, answering(202))
	want(t, p.ask(alice), "202")
	want(t, p.ask(bob), "202")

	p.write(noProof + "limits: [{per: phone, max: 2, in: 60s}]")
	began := time.Now()
	until(t, "the new ruleset", func() bool { return p.metric(`otpgate_ruleset_reloads_total{gate="test",result="used"}`) == "1" })
	t.Logf("the new ruleset took over after %v", time.Since(began))
	want(t, p.ask(alice), "202") // the second of two: the first still counts
	want(t, p.ask(alice), "403 refused")

	bad := noProof + "limits: [{per: phome, max: 2, in: 60s}]\n"
	p.write(bad)
	until(t, "the bad ruleset is refused", func() bool { return p.metric(`otpgate_ruleset_refused{gate="test"}`) == "1" })
	want(t, p.ask(bob), "202")
	want(t, p.ask(bob), "403 refused")
	reports := func() []map[string]any {
		return p.logged("the changed ruleset is refused; the old one stays in force")
	}
	if got := reports(); len(got) != 1 || !strings.Contains(fmt.Sprint(got[0]["report"]), "otp.rules.yaml:6:16: ") {
		t.Errorf("the report on a bad ruleset: %v", got)
	}

	if err := os.Remove(filepath.Join(p.folder, "otp.rules.yaml")); err != nil {
		t.Fatal(err)
	}
	until(t, "the ruleset that is gone is reported", func() bool { return len(reports()) == 2 })
	want(t, p.ask(bob), "403 refused")

	// Back again, by renaming, and with a list beside it.
	list := filepath.Join(p.folder, "bad.txt")
	p.write(noProof + "limits: [{per: phone, max: 3, in: 60s}]\nnetwork: {deny: [bad], lists: {bad: {file: bad.txt}}}")
	until(t, "the list that is missing is reported", func() bool { return len(reports()) == 3 })
	if err := os.WriteFile(list, []byte("192.0.2.0/24\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the list that has appeared", func() bool { return p.metric(`otpgate_ruleset_refused{gate="test"}`) == "0" })
	want(t, p.ask(bob), "202")
	want(t, p.ask(bob), "403 refused")

	if err := os.WriteFile(list, []byte("192.0.2.0/24\n127.0.0.0/8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the list that has grown", func() bool { return p.ask("+14155550104").code == "network_refused" })
}

// A reload of Caddy, and changes of the ruleset, in the middle of it all: every
// request is answered, and no count is lost.
func TestReloadUnderLoad(t *testing.T) {
	const phones, places = 8, 3
	var sent [phones]atomic.Int64
	p := open(t, rulesWith(places), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var n int
		fmt.Sscanf(string(body), `{"phone":"+141555501%02d"}`, &n)
		sent[n].Add(1)
		time.Sleep(time.Millisecond)
		w.WriteHeader(202)
	}))
	stop := make(chan bool)
	var asked atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				phone := fmt.Sprintf("+141555501%02d", (worker+i)%phones)
				r, err := http.NewRequest(http.MethodPost, p.url+"/send", strings.NewReader(`{"phone":"`+phone+`"}`))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/json")
				asked.Add(1)
				resp, err := client.Do(r)
				if err != nil {
					t.Error(err)
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 202 && resp.StatusCode != 403 {
					t.Errorf("status %d", resp.StatusCode)
				}
			}
		})
	}
	for i := range 6 {
		p.write(rulesWith(places) + fmt.Sprintf("# %d\n", i))
		time.Sleep(300 * time.Millisecond)
		if err := p.load(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	for n := range sent {
		if got := sent[n].Load(); got != places {
			t.Errorf("number %d was sent %d codes, want %d", n, got, places)
		}
	}
	t.Logf("%d requests through 6 reloads of Caddy and 6 of the ruleset", asked.Load())
}

func rulesWith(places int) string {
	return fmt.Sprintf("%slimits: [{per: phone, max: %d, in: 10m}]\n", noProof, places)
}

// A configuration that does not load leaves the running one as it is.
func TestBadConfiguration(t *testing.T) {
	p := open(t, oneAMinute, answering(202))
	want(t, p.ask(alice), "202")
	p.gate = "turnstile {\nsecret 1x00000000000000000000AA\n}"
	if err := p.load(); err == nil {
		t.Fatal("a bad configuration loads")
	}
	p.gate = ""
	want(t, p.ask(alice), "429 too_soon")
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	want(t, p.ask(alice), "429 too_soon")
}

// With the secret of its storage, and with one that is configured, a gate
// keeps its counts over reloads; with another one it begins anew.
func TestSecretOverReloads(t *testing.T) {
	p := open(t, oneAMinute, answering(202))
	want(t, p.ask(alice), "202")
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	want(t, p.ask(alice), "429 too_soon")
	kept, err := os.ReadFile(filepath.Join(p.storage, "otp_gate", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	p.global = "secret " + strings.TrimSpace(string(kept))
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	want(t, p.ask(alice), "429 too_soon")
	p.global = "secret " + strings.Repeat("secret-of-the-tests-", 2)
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	// What comes over a connection that was open before may still be answered
	// by the generation that is going.
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got := p.ask(alice).String(); got == "202" {
			break
		} else if time.Now().After(end) {
			t.Fatalf("with another secret: %s", got)
		}
	}
}
