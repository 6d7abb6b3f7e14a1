package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// twelveLimits asks for no remote proof, and for everything else.
const twelveLimits = `
version: 1
name: bench
request: {phone: json /phone, email: json /email, device: header X-Device-Id, region: US}
number: {countries: any, types: any}
human: {require: never}
limits:
  - {per: phone, max: 30, in: 60s}
  - {per: phone, max: 64, in: 24h}
  - {per: [email, phone], max: 60, in: 24h}
  - {per: device, max: 1000000, in: 24h}
  - {per: ip, max: 100000000, in: 1h, count: unverified}
  - {per: ip, max: 200000000, in: 24h, count: unverified, ban: 24h}
  - {per: ip, max: 100000000, in: 1m, count: requests}
  - {per: ip, max: 100000000, in: 10m, count: refusals, ban: 1h}
  - {per: range, max: 1000000, in: 10m}
  - {per: country, max: 100000000, in: 1h}
  - {per: phone, max: 5, in: 15m, count: wrong_codes, ban: 30m}
  - {max: 200000000, in: 1h}
`

// BenchmarkEndToEnd compares whole requests, over loopback, through one running
// Caddy, with the clients and the app in this process. The two of a pair take
// turns, so that whatever else the machine does slows both alike:
//
//   - allowed: reverse_proxy alone (bare), and behind a gate with twelve limits
//   - durable: the same, with a ledger that is on disk before the app is asked
//   - refused: Caddy's respond 429 (bare), and a gate that refuses for a cooldown
//
// Each is told in requests a second, and of_bare is their ratio. The gate writes
// its log lines, but to nowhere: what that costs depends on where they go.
func BenchmarkEndToEnd(b *testing.B) {
	var next atomic.Int64
	fresh := func() string { return manyPhones(&next) }
	same := func() string { return alice }
	for _, pair := range []struct {
		name, store string
		bare, gate  string
		status      int
		phone       func() string
	}{
		{"allowed", "memory", "/bare", "/send", 202, fresh},
		{"durable", "embedded", "/bare", "/send", 202, fresh},
		{"refused", "memory", "/429", "/refuse", 429, same},
	} {
		b.Run(pair.name, func(b *testing.B) {
			p := openPair(b, pair.store)
			const turn = 250
			var bare, gate time.Duration
			var bad int64
			asked := 0
			b.ResetTimer()
			for ; asked < b.N; asked += turn {
				took, wrong := p.hammer(pair.bare, turn, pair.status, pair.phone)
				bare, bad = bare+took, bad+wrong
				took, wrong = p.hammer(pair.gate, turn, pair.status, pair.phone)
				gate, bad = gate+took, bad+wrong
			}
			if bad > 1 { // one may pass before the cooldown
				b.Errorf("%d answers were not %d", bad, pair.status)
			}
			b.ReportMetric(float64(asked)/bare.Seconds(), "bare_req/s")
			b.ReportMetric(float64(asked)/gate.Seconds(), "gate_req/s")
			b.ReportMetric(bare.Seconds()/gate.Seconds(), "of_bare")
		})
	}
}

// openPair opens a Caddy with gates and with what they are compared to.
func openPair(b *testing.B, store string) *place {
	return open(b, twelveLimits, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}), func(p *place) {
		refusing := p.folder + "/refuse.rules.yaml"
		writeFile(b, refusing, strings.Replace(oneAMinute, "name: test", "name: refuse", 1))
		p.output = "discard"
		p.global = "store " + store
		p.site = `
	handle /bare {
		reverse_proxy ` + p.app + `
	}
	handle /429 {
		respond 429
	}
	handle /refuse {
		otp_gate * ` + refusing + `
		reverse_proxy ` + p.app + `
	}`
	})
}

// manyPhones returns a number that nobody has asked for lately.
func manyPhones(next *atomic.Int64) string {
	n := next.Add(1)
	return fmt.Sprintf("+1212%07d", 2000000+n%7999999)
}

// hammer asks n times, from sixteen clients at once. It returns how long that
// took, and how many answers were not as they should be.
func (p *place) hammer(path string, n int64, status int, phone func() string) (time.Duration, int64) {
	var asked, bad atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range 16 {
		wg.Go(func() {
			for asked.Add(1) <= n {
				r, _ := http.NewRequest(http.MethodPost, p.url+path, strings.NewReader(`{"phone":"`+phone()+`","email":"a@example.com"}`))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-Device-Id", "bench")
				resp, err := client.Do(r)
				if err != nil {
					bad.Add(1)
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != status {
					bad.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began), bad.Load()
}
