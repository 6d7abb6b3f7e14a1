package caddymodule

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// scorer is a risk service. It scores 90 what ends in .9, and 10 all else.
type scorer struct {
	*httptest.Server
	asked atomic.Int64
	fault atomic.Pointer[http.HandlerFunc] // what it does instead, if it is not nil

	mu    sync.Mutex
	paths []string
}

func newScorer(t *testing.T) *scorer {
	t.Helper()
	t.Setenv("RISK_KEY", "secret-of-the-tests")
	s := new(scorer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		s.paths = append(s.paths, r.URL.Path)
		s.mu.Unlock()
		switch fault := s.fault.Load(); {
		case r.Header.Get("X-Key") != "secret-of-the-tests":
			w.WriteHeader(http.StatusUnauthorized)
		case fault != nil:
			(*fault)(w, r)
		case strings.HasSuffix(r.URL.Path, ".9"):
			fmt.Fprint(w, `{"data": [{"score": "90"}]}`)
		default:
			fmt.Fprint(w, `{"data": [{"score": 10}]}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// scored wires a risk service.
func (s *scorer) scored(more ...string) func(*place) {
	return func(p *place) {
		proxied(p)
		p.global = "risk " + s.URL + "/v1/{ip} {\nheader X-Key {env.RISK_KEY}\nscore /data/0/score\n" + strings.Join(more, "\n") + "\n}\n"
	}
}

const byScore = noProof + "limits: []\nnetwork: {trust: [office], lists: {office: {cidrs: [203.0.113.0/24]}}, risk: {deny: 80}}\n"

func TestRisk(t *testing.T) {
	s := newScorer(t)
	p := open(t, byScore, answering(202), s.scored())
	for _, test := range []struct{ from, want string }{
		{"192.0.2.9", "403 network_refused"},
		{"192.0.2.9", "403 network_refused"},
		{"192.0.2.1", "202"},
		{"192.0.2.1", "202"},
		{"2001:db8::1", "202"},
		{"2001:db8::2", "202"},
		{"203.0.113.9", "202"},
		{"10.0.0.9", "202"},
	} {
		if got := p.from(test.from, alice); got != test.want {
			t.Errorf("%s: %s, want %s", test.from, got, test.want)
		}
	}
	if got := strings.Join(s.paths, " "); got != "/v1/192.0.2.9 /v1/192.0.2.1 /v1/2001:db8::1" {
		t.Errorf("asked for %s", got)
	}
	for name, want := range map[string]string{"asked_total": "3", "cached_total": "3", "faults_total": "0", "up": "1", "entries": "3"} {
		if got := p.metric("otpgate_risk_" + name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	until(t, "the log", func() bool { return len(p.logged("judged")) == 8 })
	if line := p.logged("judged")[0]; line["risk"] != 90.0 || line["rule"] != "risk" || line["detail"] != "a score of 90" {
		t.Errorf("%v", line)
	}
	// A reload asks for nothing again.
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	if got := p.from("192.0.2.9", alice); got != "403 network_refused" || s.asked.Load() != 3 {
		t.Errorf("after a reload: %s, asked %d times", got, s.asked.Load())
	}
}

// Whatever the service does, nobody passes by it, and what is known stays known.
func TestRiskFaults(t *testing.T) {
	faults := map[string]http.HandlerFunc{
		"500":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"garbage":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>secret-of-the-tests") },
		"wrong type": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data": [{"score": {}}]}`) },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat(" ", 1<<20), `{"data": [{"score": 1}]}`)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/v2/secret-of-the-tests", http.StatusFound)
		},
		"half a body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			fmt.Fprint(w, `{`)
		},
		"hangs up":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"says nothing": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			s := newScorer(t)
			p := open(t, byScore, answering(202), s.scored("timeout 250ms"))
			want := func(from, want string) {
				t.Helper()
				if got := p.from(from, alice); got != want {
					t.Errorf("%s: %s, want %s", from, got, want)
				}
			}
			want("192.0.2.1", "202")
			s.fault.Store(&fault)
			want("192.0.2.1", "202")
			for i := range 5 {
				want(fmt.Sprintf("192.0.2.1%d", i), "503 unavailable")
			}
			until(t, "the breaker is open", func() bool { return p.metric("otpgate_risk_up") == "0" })
			if n := len(p.logged("the risk service does not answer, and is left alone for a while; until it does, the rulesets' network.risk.away is done where a score is wanted")); n != 1 {
				t.Errorf("logged %d times", n)
			}
			want("192.0.2.1", "202")
			s.fault.Store(nil)
			until(t, "the service is tried again", func() bool { return p.from("192.0.2.20", alice) == "202" })
			until(t, "the log", func() bool { return len(p.logged("the risk service answers again")) == 1 })
		})
	}
}

func TestRiskNobodyThere(t *testing.T) {
	s := newScorer(t)
	s.Close()
	p := open(t, byScore+"rules: [{name: a, if: risk.score > 5.0, then: flag}]\n", answering(202), s.scored())
	if got := p.from("192.0.2.1", alice); got != "503 unavailable" {
		t.Error(got)
	}
}

// What is wrong with the wiring is said at load, without its secrets.
func TestRiskWiring(t *testing.T) {
	t.Setenv("RISK_KEY", "secret-of-the-tests")
	tests := []struct{ name, global, want string }{
		{"none", "", "network.risk needs a service that tells scores of addresses: add risk URL to the global otp_gate options of the Caddyfile"},
		{"no place", "risk https://risk.example.com/{env.RISK_KEY}", "risk: url: has no place for the address: write {ip} where it goes"},
		{"unset key", "risk https://risk.example.com/{ip}/{env.NO_SUCH_RISK_KEY}", "risk url: evaluated placeholder {env.NO_SUCH_RISK_KEY} is empty"},
		{"unset header", "risk https://risk.example.com/{ip} {\nheader X-Key {env.NO_SUCH_RISK_KEY}\n}", "risk header X-Key: evaluated placeholder {env.NO_SUCH_RISK_KEY} is empty"},
		{"unset in the body", "risk https://risk.example.com/ {\nbody `{\"key\": \"{env.NO_SUCH_RISK_KEY}\", \"ip\": \"{ip}\"}`\n}", "risk body: evaluated placeholder {env.NO_SUCH_RISK_KEY} is empty"},
		{"http", "risk http://risk.example.com/{ip}?{env.RISK_KEY}", "risk: url: must be https"},
		{"pointer", "risk https://risk.example.com/{ip} {\nscore data.score\n}", `risk: score: "data.score" is no JSON Pointer`},
		{"timeout", "risk https://risk.example.com/{ip} {\ntimeout 1m\n}", "risk: timeout: want 1ms to 10s, not 1m0s"},
		{"good", "risk https://risk.example.com/ {\nbody `{\"key\": \"{env.RISK_KEY}\", \"ip\": \"{ip}\"}`\ncache 24h 1000\n}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := prepare(t, byScore, answering(202), func(p *place) { p.global = test.global })
			err := p.load()
			if err == nil {
				caddy.Stop()
			}
			switch {
			case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %s", err, test.want)
			case err != nil && strings.Contains(err.Error(), "secret-of-the-tests"):
				t.Errorf("a secret in: %v", err)
			}
		})
	}
}
