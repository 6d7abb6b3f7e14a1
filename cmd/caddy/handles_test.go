package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/cmd/caddy/internal/fleet"
	"github.com/otpgate/otpgate/cmd/caddy/internal/process"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// handles is a fleet in front of an app that is told a number once, and sends
// to it by an id later.
type handles struct {
	*testing.T
	gates  []*process.Caddy
	client *http.Client

	mu      sync.Mutex
	numbers map[string]string // by id
	sent    map[string]int    // by number, where the gate had judged that one
	blind   map[string]int    // where the gate knew of none
	amiss   int               // where it had judged another
}

// perNumber is how many codes a number may be sent.
const perNumber = 6

// long is how long runs are that have time for every kind of server.
const long = 30 * time.Second

// byID is a ruleset of this name. What is challenged strictly must be known.
func byID(name string) string {
	return fmt.Sprintf(`
version: 1
name: %s
requests:
  - {name: enrol, method: POST, path: /factors, sends: false, phone: json /phone, session: header X-Session, answer: {handle: json /id, keep: 366d}}
  - {name: strict, method: POST, path: /factors/*/strict, about: account, handle: path *, session: header X-Session, unseen: deny}
  - {name: challenge, method: POST, path: /factors/*/challenge, about: account, handle: path *, session: header X-Session}
number: {countries: any, types: any}
human: {require: never}
limits: [{per: phone, max: %d, in: 1h}, {per: session, max: 10, in: 1h}]
`, name, perNumber)
}

// startHandles starts a gate of each name.
func startHandles(t *testing.T, store string, names ...string) *handles {
	h := &handles{T: t, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: 30 * time.Second}}
	h.numbers, h.sent, h.blind = make(map[string]string), make(map[string]int), make(map[string]int)
	app := httptest.NewServer(h)
	t.Cleanup(func() {
		app.CloseClientConnections()
		app.Close()
	})
	for _, name := range names {
		h.gates = append(h.gates, process.Start(t, *binary, func(c *process.Caddy) string {
			c.Write("gate.yaml", byID(name))
			return c.Options("secret the-secret-of-a-fleet-of-gates-with-handles\n\t\t"+strings.ReplaceAll(store, "DIR", c.File("ledger"))) + fmt.Sprintf(`
http://127.0.0.1:%d {
	handle /factors* {
		otp_gate * %s {
			phone_header X-Judged
		}
		reverse_proxy %s
	}
}
`, c.Port, c.File("gate.yaml"), app.Listener.Addr())
		}))
	}
	return h
}

// ServeHTTP is the app.
func (h *handles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	path := strings.Split(r.URL.Path, "/")
	if len(path) == 2 {
		var body struct{ Phone string }
		if text, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(text, &body) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		id := fmt.Sprintf("%08x-0000-4000-8000-%012x", rand.Uint32(), rand.Uint64N(1<<48))
		h.numbers[id] = body.Phone
		fmt.Fprintf(w, `{"id":%q}`, id)
		return
	}
	number, judged := h.numbers[path[2]], r.Header.Get("X-Judged")
	switch {
	case judged == "":
		h.blind[number]++
	case judged != number:
		h.amiss++
	default:
		h.sent[number]++
	}
}

// post is answered with a status and a body.
func (h *handles) post(gate int, session, path, body string) (int, string) {
	r, err := http.NewRequest(http.MethodPost, h.gates[gate].URL+path, strings.NewReader(body))
	if err != nil {
		h.Error(err)
		return 0, ""
	}
	r.GetBody = nil // or Go might ask again by itself
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Session", session)
	resp, err := h.client.Do(r)
	if err != nil {
		return 0, "" // the gate was killed
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

// enrol returns the id of a new factor; it is empty if there is none.
func (h *handles) enrol(gate int, session, number string) string {
	_, text := h.post(gate, session, "/factors", fmt.Sprintf(`{"phone":%q}`, number))
	var factor struct{ ID string }
	_ = json.Unmarshal([]byte(text), &factor)
	return factor.ID
}

func (h *handles) mustEnrol(gate int, number string) string {
	h.Helper()
	id := h.enrol(gate, "anybody", number)
	if id == "" {
		h.Fatalf("gate %d enrols nothing", gate)
	}
	return id
}

// strict wants a strict challenge to be answered so.
func (h *handles) strict(gate int, id string, want int) {
	h.Helper()
	if got, text := h.post(gate, "anybody", "/factors/"+id+"/strict", "{}"); got != want {
		h.Errorf("a challenge at gate %d is answered %d %s, want %d", gate, got, text, want)
	}
}

// eventually waits until a gate knows the id.
func (h *handles) eventually(gate int, id string) {
	h.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got, text := h.post(gate, "anybody", "/factors/"+id+"/strict", "{}")
		if got == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			h.Fatalf("a challenge at gate %d is still answered %d %s", gate, got, text)
		}
	}
}

// load lets clients enrol a few numbers over and over, at any gate, and
// challenge at any other at once. It returns how many challenges were asked for.
func (h *handles) load(numbers int, during func()) int64 {
	stop := make(chan struct{})
	var asked, unknown atomic.Int64
	var wg sync.WaitGroup
	for i := range min(*clients, 32) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), rand.Uint64()))
			for {
				select {
				case <-stop:
					return
				default:
				}
				session := fmt.Sprintf("session-%d", r.IntN(1<<30))
				a, b := r.IntN(len(h.gates)), r.IntN(len(h.gates))
				id := h.enrol(a, session, fleet.US(r.IntN(numbers)))
				if id == "" {
					time.Sleep(20 * time.Millisecond)
					continue
				}
				kind := [2]string{"strict", "challenge"}[r.IntN(2)]
				if got, _ := h.post(b, session, "/factors/"+id+"/"+kind, "{}"); got == http.StatusBadRequest {
					unknown.Add(1)
				}
				asked.Add(1)
			}
		})
	}
	time.Sleep(*length / 6)
	during()
	time.Sleep(*length / 3)
	close(stop)
	wg.Wait()
	h.Logf("%d challenges of new factors for %d numbers; the gate did not know %d that had to be known", asked.Load(), numbers, unknown.Load())
	return unknown.Load()
}

// judge holds the gates to a limit for each number that they have judged.
func (h *handles) judge(numbers, most int) (blind int) {
	h.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	full := 0
	for number, n := range h.sent {
		if n > most {
			h.Errorf("%d codes to %s, want %d at most", n, number, most)
		}
		if n >= perNumber {
			full++
		}
	}
	if full < numbers {
		h.Errorf("only %d of %d numbers have had all that they may", full, numbers)
	}
	if h.amiss > 0 {
		h.Errorf("%d codes were judged for another number", h.amiss)
	}
	for _, n := range h.blind {
		blind += n
	}
	return blind
}

// What is enrolled at one gate is judged by its number at every other, from the
// moment at which the client has the answer.
func TestHandlesInAFleet(t *testing.T) {
	const numbers = 40
	for _, m := range modes {
		if m.name != "single" && *length < long {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			h := startHandles(t, shared(3, m.start(t)), "app", "app", "app")
			unknown := h.load(numbers, func() {})
			if blind := h.judge(numbers, perNumber); blind > 0 || unknown > 0 {
				t.Errorf("%d challenges were let through without their number, and %d refused, as the gate did not know it", blind, unknown)
			}
		})
	}
}

// While the server is away, and after that, no number is sent more than a limit
// on it may let through then. What a gate does not know meanwhile is refused, or
// counted for the session; afterwards all know it.
func TestHandlesAway(t *testing.T) {
	const numbers, n = 40, 3
	for _, outage := range []struct {
		name        string
		begin, over func(*redistest.Server)
	}{
		{"paused", (*redistest.Server).Pause, (*redistest.Server).Resume},
		{"restarted empty", (*redistest.Server).Kill, (*redistest.Server).Restart},
	} {
		t.Run(outage.name, func(t *testing.T) {
			s := redistest.Start(t)
			h := startHandles(t, shared(n, "redis://"+s.Addr+brisk), "app", "app", "app", "another")
			before := h.mustEnrol(0, fleet.US(1000))
			h.strict(1, before, 200)
			h.strict(3, before, 400) // what it is called by one app tells nothing of another's
			var during string
			h.gates = h.gates[:n]
			h.load(numbers, func() {
				outage.begin(s)
				during = h.mustEnrol(0, fleet.US(1001))
				h.strict(0, during, 200)
				h.strict(1, during, 400)
				h.strict(0, before, 200)
				outage.over(s)
			})
			for gate := range n {
				h.eventually(gate, during)
				h.eventually(gate, before)
			}
			h.judge(numbers, perNumber+(n-1)*(perNumber/n))
		})
	}
}

// So it is where another server takes the place of one that is lost.
func TestHandlesFailOver(t *testing.T) {
	if *length < long {
		t.Skip("only in runs of a minute")
	}
	r := redistest.StartSentinel(t, 1)
	h := startHandles(t, shared(2, r.URL()+brisk), "app", "app")
	before := h.mustEnrol(0, fleet.US(1))
	h.strict(1, before, 200)
	r.Servers[0].Kill()
	during := h.mustEnrol(1, fleet.US(2))
	r.WaitForMaster(t, r.Servers[0])
	for gate := range 2 {
		h.eventually(gate, before)
		h.eventually(gate, during)
	}
}

// A gate with its own ledger that is killed as soon as somebody has been
// answered knows what was enrolled.
func TestHandlesOfAKilledGate(t *testing.T) {
	h := startHandles(t, own, "app")
	for i := range min(*kills, 3) {
		id := h.mustEnrol(0, fleet.US(i))
		h.gates[0].Kill()
		h.gates[0].Restart()
		h.strict(0, id, 200)
	}
}
