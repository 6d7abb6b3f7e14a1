package ruleset

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/otpgate/otpgate/ruleset/human"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network/risk"
)

// said is a risk service that says the same of all addresses.
type said struct {
	risk.Answer
	known bool // without asking
	asked int
}

func (s *said) Known(netip.Addr, time.Time) (risk.Answer, bool) {
	if s.known {
		return s.Answer, true
	}
	return risk.Answer{}, false
}

func (s *said) Ask(context.Context, netip.Addr, time.Time) risk.Answer {
	s.asked++
	return s.Answer
}

// Whether a score is known already or has to be asked for first changes the way of
// a request, and never where it ends.
func TestAskingChangesNothing(t *testing.T) {
	conditions := []string{
		"risk.score > 50", "risk.score > 50 && ip.is_v6", "risk.known", "device.given || risk.score >= 80", "!risk.known && device.given",
		"ip.is_v6", "device.given", `request.user_agent == "bot"`, "risk.score > 0 || true", "1 / int(risk.score) == 0",
	}
	answers := []risk.Answer{
		{Known: true}, {Score: 55, Known: true}, {Score: 90, Known: true}, {Err: errors.New("away")}, {Err: risk.ErrUnknown},
	}
	pass := human.VerifierFunc(func(context.Context, human.Proof) human.Result { return human.Result{Status: human.Passed} })
	words := func(t *rapid.T, what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		fmt.Fprintf(&b, "%shuman: {require: %s}\nnetwork: {risk: {%s away: %s, shadow: %s}}\nrules:\n", smallest, words(t, "require", "always", "challenged"),
			words(t, "thresholds", "", "deny: 80,", "challenge: 50,", "deny: 80, challenge: 50, flag: 10,"), words(t, "away", "deny", "challenge", "flag", "allow"), words(t, "shadow", "true", "false"))
		for i := range rapid.IntRange(1, 4).Draw(t, "rules") {
			fmt.Fprintf(&b, "  - {name: r%d, if: '%s', then: %s, shadow: %s}\n", i, words(t, "if", conditions...),
				words(t, "then", "deny", "challenge", "flag", "allow"), words(t, "in shadow", "false", "false", "true"))
		}
		address := words(t, "address", "192.0.2.7", "2001:db8::7", "10.0.0.7")
		user, proof, device := words(t, "user agent", "bot", "other"), words(t, "proof", "", "good"), words(t, "device", "", "d1")
		answer := rapid.SampledFrom(answers).Draw(t, "answer")
		judge := func(known bool) (*Judgement, int) {
			source := &said{Answer: answer, known: known}
			rules, problems := Compile("test.yaml", []byte(strings.Replace(b.String(), "phone: json /phone", "phone: json /phone, device: header X-Device-Id, proof: header X-Proof", 1)), nil, Wiring{Turnstile: true, Risk: source})
			if rules == nil {
				if strings.Contains(problems.Error(), "is never reached") {
					return nil, 0
				}
				t.Fatalf("%v\n%s", problems, b.String())
			}
			r := post(`{"phone":"+14155550123"}`)
			r.Header.Set("User-Agent", user)
			r.Header.Set("X-Proof", proof)
			r.Header.Set("X-Device-Id", device)
			gate := NewGate(rules, pass, ledger.NewEmbedded(), NewKeys(make([]byte, 32)))
			return gate.Judge(r, netip.MustParseAddr(address), noon), source.asked
		}
		now, asked := judge(true)
		if now == nil {
			return
		}
		if asked != 0 {
			t.Fatalf("asked for what is known\n%s", b.String())
		}
		later, asked := judge(false)
		if asked > 1 || asked > 0 && address == "10.0.0.7" {
			t.Fatalf("asked %d times about %s\n%s", asked, address, b.String())
		}
		if (now.Verdict.Action == Allow) != (later.Verdict.Action == Allow) || now.Verdict.Held != later.Verdict.Held {
			t.Fatalf("known: %+v\nasked for: %+v\n%s", now.Verdict, later.Verdict, b.String())
		}
	})
}

// Who has left is not a service that is away; but nobody is let through for it.
func TestRiskCallerGone(t *testing.T) {
	rules, problems := Compile("test.yaml", []byte(smallest+"human: {require: never}\nnetwork: {risk: {deny: 50}}\n"), nil, Wiring{Risk: &said{Answer: risk.Answer{Err: context.Canceled}}})
	if rules == nil {
		t.Fatal(problems)
	}
	j := NewGate(rules, nil, ledger.NewEmbedded(), NewKeys(make([]byte, 32))).Judge(post(`{"phone":"+14155550123"}`), netip.MustParseAddr("192.0.2.7"), noon)
	if v := j.Verdict; v.Action != Deny || v.Code != Unavailable || !errors.Is(v.Err, context.Canceled) || v.Held {
		t.Errorf("%+v", v)
	}
}
