package ruleset

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/human"
	"github.com/otpgate/otpgate/ruleset/ledger"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func gateOf(t testing.TB, text string, prover human.Verifier) *Gate {
	t.Helper()
	return NewGate(compiled(t, text), prover, ledger.NewEmbedded(), NewKeys(make([]byte, 32)))
}

func post(body string) *http.Request {
	r, _ := http.NewRequest("POST", "http://example.com/otp", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// However many ask at once: where one place is left, one gets it.
func TestOnePlaceIsTakenOnce(t *testing.T) {
	gate := gateOf(t, smallest+"human: {require: never}\nlimits: [{per: phone, max: 1, in: 60s}]\n", nil)
	var allowed atomic.Int32
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			spelling := []string{"+14155550123", "+1 415 555 0123", "(415) 555-0123", "001 415 555 0123"}[i%4]
			j := gate.Judge(post(`{"phone":"`+spelling+`"}`), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), noon)
			if j.Verdict.Action == Allow {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	if n := allowed.Load(); n != 1 {
		t.Errorf("%d of 100 were let through, want 1", n)
	}
}

// Without a good proof, nothing is charged to a number; and a proof is not
// spent on what is refused anyway.
func TestProofComesBeforeChargesAndAfterFullLimits(t *testing.T) {
	var looked int
	prover := human.VerifierFunc(func(_ context.Context, p human.Proof) human.Result {
		looked++
		if p.Token == "good" {
			return human.Result{Status: human.Passed}
		}
		return human.Result{Status: human.Failed, Codes: []string{"invalid-input-response"}}
	})
	gate := gateOf(t, smallest+"limits: [{per: phone, max: 1, in: 60s}]\n", prover)
	ask := func(token string) *Judgement {
		return gate.Judge(post(fmt.Sprintf(`{"phone":"+14155550123","cf-turnstile-response":%q}`, token)), netip.MustParseAddr("192.0.2.7"), noon)
	}
	for range 5 {
		if j := ask("bad"); j.Verdict.Code != HumanFailed {
			t.Fatalf("a bad proof got %q", j.Verdict.Code)
		}
	}
	if j := ask("good"); j.Verdict.Action != Allow {
		t.Fatalf("after bad proofs, a good one got %q", j.Verdict.Code)
	}
	looked = 0
	if j := ask("good"); j.Verdict.Code != TooSoon || looked != 0 {
		t.Errorf("in the cooldown: %q after %d proofs were looked into, want too_soon after none", j.Verdict.Code, looked)
	}
}

// A judgement can be printed without giving the number or the address away.
func TestJudgementsMaskThemselves(t *testing.T) {
	gate := gateOf(t, `version: 1
request: {phone: json /phone, email: json /email, region: US}
human: {require: never}
`, nil)
	j := gate.Judge(post(`{"phone":"+14155550123","email":"somebody.else@example.com"}`), netip.MustParseAddr("192.0.2.7"), noon)
	for _, format := range []string{"%v", "%+v", "%#v"} {
		text := fmt.Sprintf(format, *j)
		for _, secret := range []string{"4155550123", "5550123", "somebody.else"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q", format, secret)
			}
		}
	}
}

func TestIDsSortByTime(t *testing.T) {
	a, b := FormatID(NewID(noon)), FormatID(NewID(noon.Add(time.Millisecond)))
	if len(a) != 26 || a >= b {
		t.Errorf("%s is not before %s", a, b)
	}
	if other := FormatID(NewID(noon)); other == a {
		t.Errorf("two requests are called %s", a)
	}
}
