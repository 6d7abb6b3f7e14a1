package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
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

// BenchmarkEndToEnd compares whole requests, over loopback and with the client
// and the app in this process, through one running Caddy:
//
//   - bare_proxy: reverse_proxy to the app
//   - gate_12_limits: the same behind a gate with twelve limits, all allowed
//   - bare_respond_429: Caddy's own respond
//   - gate_refusal: a gate that refuses with a cooldown
func BenchmarkEndToEnd(b *testing.B) {
	p := open(b, twelveLimits, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}), func(p *place) {
		refusing := p.folder + "/refuse.rules.yaml"
		writeFile(b, refusing, strings.Replace(oneAMinute, "name: test", "name: refuse", 1))
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
	var next atomic.Int64
	for _, bench := range []struct {
		name, path string
		status     int
		phone      func() string
	}{
		{"bare_proxy", "/bare", 202, func() string { return manyPhones(&next) }},
		{"gate_12_limits", "/send", 202, func() string { return manyPhones(&next) }},
		{"bare_respond_429", "/429", 429, func() string { return alice }},
		{"gate_refusal", "/refuse", 429, func() string { return alice }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			bad := p.hammer(b, bench.path, bench.status, bench.phone)
			if bad > 1 { // the first that a cooldown meets passes
				b.Errorf("%d answers were not %d", bad, bench.status)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}

// manyPhones returns a number that nobody has asked for lately.
func manyPhones(next *atomic.Int64) string {
	n := next.Add(1)
	return fmt.Sprintf("+1%03d%07d", 212+n%3*100+n%7*0, 2000000+n%7999999)
}

// hammer asks b.N times, from several clients at once, and returns how many
// answers were not as they should be.
func (p *place) hammer(b *testing.B, path string, status int, phone func() string) int64 {
	var bad atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
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
	return bad.Load()
}
