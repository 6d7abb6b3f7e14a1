package ruleset_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/ledger"
)

func ExampleGate_Judge() {
	rules, problems := ruleset.Compile("otp.rules.yaml", []byte(`version: 1
request: {phone: json /phone, region: US}
human: {require: never}
limits: [{per: phone, max: 1, in: 60s}]
`), nil, ruleset.Wiring{})
	if problems.HasErrors() {
		fmt.Println(problems)
		return
	}
	gate := ruleset.NewGate(rules, nil, ledger.NewEmbedded(), ruleset.NewKeys(make([]byte, 32)))

	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	client := netip.MustParseAddr("192.0.2.7")
	for _, phone := range []string{"+1 415 555 0123", "(415) 555-0123", "+44 20 7946 0958"} {
		r, _ := http.NewRequest("POST", "/otp", strings.NewReader(`{"phone":"`+phone+`"}`))
		r.Header.Set("Content-Type", "application/json")

		j := gate.Judge(r, client, now)
		fmt.Println(j.Facts.Phone, j.Verdict.Action, j.Verdict.Code, j.Verdict.Wait)

		if j.Verdict.Held { // the app answers 200
			gate.Settle(context.Background(), now, j, ruleset.OutcomeOf(j.Answers().Status(200)))
		}
		now = now.Add(20 * time.Second)
	}
	// Output:
	// +1********23 allow  0s
	// +1********23 deny too_soon 40s
	// +44********58 deny number_refused 0s
}
