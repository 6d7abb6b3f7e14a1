package human_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/otpgate/otpgate/ruleset/human"
	"github.com/otpgate/otpgate/ruleset/human/turnstiletest"
)

func ExampleTurnstile_Verify() {
	siteverify := turnstiletest.New()
	defer siteverify.Close()

	turnstile, err := human.NewTurnstile(human.TurnstileConfig{
		Secret:    siteverify.Secret,
		URL:       siteverify.URL,
		Hostnames: []string{"login.example.com"},
		Action:    "send-otp",
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	proof := human.Proof{
		Token:    siteverify.Issue(turnstiletest.Token{Hostname: "login.example.com", Action: "send-otp"}),
		RemoteIP: netip.MustParseAddr("192.0.2.7"),
		ID:       [16]byte{1},
		At:       time.Now(),
	}
	r := turnstile.Verify(context.Background(), proof)
	fmt.Println(r.Status, r.Hostname)

	proof.ID = [16]byte{2} // another request with the same token
	r = turnstile.Verify(context.Background(), proof)
	fmt.Println(r.Status, r.Codes)

	siteverify.Always(turnstiletest.Page(502))
	r = turnstile.Verify(context.Background(), proof)
	fmt.Println(r.Status, r.Codes, r.Err)
	// Output:
	// passed login.example.com
	// failed [timeout-or-duplicate]
	// unavailable [transport-error] verifying a proof: siteverify answered 502: not of type application/json
}

func ExampleTurnstile_TestSecret() {
	turnstile, err := human.NewTurnstile(human.TurnstileConfig{Secret: human.SecretAlwaysPasses})
	if err != nil {
		fmt.Println(err)
		return
	}
	if does := turnstile.TestSecret(); does != "" {
		fmt.Printf("turnstile keeps nobody out: its secret is Cloudflare's test secret (%s)\n", does)
	}
	r := turnstile.Verify(context.Background(), human.Proof{Token: human.DummyToken, ID: [16]byte{1}, At: time.Now()})
	fmt.Println(r.Status)
	// Output:
	// turnstile keeps nobody out: its secret is Cloudflare's test secret (always passes)
	// passed
}
