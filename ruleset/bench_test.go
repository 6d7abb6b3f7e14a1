package ruleset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

var benchStart = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// roomy is a ledger with room for everything: what is left is the decision
// itself.
type roomy struct{ ledger.Ledger }

func (roomy) Look(context.Context, time.Time, []ledger.Charge, *ledger.Answer) error { return nil }
func (roomy) Reserve(context.Context, time.Time, ledger.ID, []ledger.Charge, *ledger.Answer) error {
	return nil
}
func (roomy) Record(context.Context, time.Time, []ledger.Charge) error           { return nil }
func (roomy) Settle(context.Context, time.Time, ledger.ID, ledger.Outcome) error { return nil }

// benchLimits are n limits of the kinds that rulesets have.
func benchLimits(n int) string {
	kinds := []string{
		"per: phone, max: 1, count: sends", "per: ip, max: 64, count: unverified", "per: device, max: 60, count: sends",
		"per: [email, phone], max: 50, count: sends", "per: range, max: 1000000, count: unverified", "per: country, max: 100000000, count: sends",
		"per: ip, max: 60, distinct: phone, count: sends", "max: 100000000, count: sends",
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {name: limit-%d, %s, in: %ds}\n", i, kinds[i%len(kinds)], 1+i/len(kinds))
	}
	return b.String()
}

func benchGate(b *testing.B, limits int, l ledger.Ledger) *Gate {
	b.Helper()
	rules := compiled(b, `version: 1
request: {phone: json /phone, email: json /email, device: header X-Device-Id, region: US}
human: {require: never}
number: {types: any}
limits:
`+benchLimits(limits))
	return NewGate(rules, nil, l, NewKeys(make([]byte, 32)))
}

// benchRequest is a request that can be made again and again, for the n-th
// number, address of mail and device.
func benchRequest() (*http.Request, func(n int)) {
	r, _ := http.NewRequest("POST", "http://example.com/otp", nil)
	r.Header.Set("Content-Type", "application/json")
	const before, between = `{"phone":"+1415`, `","email":"somebody`
	body := []byte(before + "0000000" + between + `0000000@example.com","locale":"en-US"}`)
	phone, email := body[len(before):][:7], body[len(before)+7+len(between):][:7]
	reader := bytes.NewReader(body)
	var digits [8]byte
	return r, func(n int) {
		fresh := fmt.Appendf(digits[:0], "%07d", 2000000+n%7_000_000)
		copy(phone, fresh)
		copy(email, fresh)
		r.Header["X-Device-Id"] = []string{"device-" + string(fresh)}
		reader.Reset(body)
		r.Body, r.ContentLength = io.NopCloser(reader), int64(len(body))
	}
}

func benchAddr(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(20 + n>>24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// What a request costs but for the ledger: reading it, its facts, the checks
// and the keys of its charges.
func BenchmarkJudge(b *testing.B) {
	for _, limits := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("limits=%d", limits), func(b *testing.B) {
			gate := benchGate(b, limits, roomy{})
			r, next := benchRequest()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				next(i)
				if j := gate.Judge(r, benchAddr(i), benchStart); j.Verdict.Action != Allow {
					b.Fatalf("refused: %s %s", j.Verdict.Reason, j.Verdict.Detail)
				}
			}
		})
	}
}

// The whole decision, with the embedded ledger: fresh numbers and addresses
// each time, while so many are in the ledger already.
func BenchmarkDecide(b *testing.B) {
	for _, limits := range []int{1, 8, 32} {
		for _, keys := range []int{1, 1 << 20} {
			b.Run(fmt.Sprintf("limits=%d/numbers=%d", limits, keys), func(b *testing.B) {
				l := ledger.NewEmbedded(ledger.MaxKeys(1 << 24))
				gate := benchGate(b, limits, l)
				r, next := benchRequest()
				at := benchStart
				judge := func(i int) {
					next(i)
					at = at.Add(time.Microsecond)
					if j := gate.Judge(r, benchAddr(i), at); j.Verdict.Action != Allow {
						b.Fatalf("refused: %s %s", j.Verdict.Rule, j.Verdict.Reason)
					}
				}
				for i := range keys {
					judge(i)
				}
				b.ReportAllocs()
				for i := keys; b.Loop(); i++ {
					judge(i)
				}
				b.ReportMetric(float64(l.Stats().Keys), "keys")
			})
		}
	}
}
