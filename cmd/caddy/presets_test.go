package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
)

// A GET that sends is a charge, each time.
func TestSecondFactors(t *testing.T) {
	s := servers[1]
	receiver := authapp.StartReceiver(t)
	gate := authapp.StartGate(t, *binary, ruleset(t, s.name, "[{per: session, max: 3, in: 1h}]"), s.match, s.model(t, receiver))
	for i := range 5 {
		name := fmt.Sprint("factor ", i)
		r := authapp.Request{Line: "GET /self-service/login/api?aal=aal2&via=phone", Header: "X-Session-Token: ory_st_eYXE0P42PWqLHlwy9UYy2s2E8c4B6iFm\nAccept: application/json"}
		if got, want := judged(t, gate, receiver, &r, name), min(1, max(0, 3-i)); got != want {
			t.Errorf("GET %d: %d messages, want %d", i+1, got, want)
		}
	}
	if kept := len(gate.Kept()); kept != 3 {
		t.Errorf("%d charges, want 3", kept)
	}
}

// An email address at a route that has numbers, too, is not held to their
// limits; with a number beside it, it is.
func TestEmailPasses(t *testing.T) {
	s := servers[0]
	receiver := authapp.StartReceiver(t)
	gate := authapp.StartGate(t, *binary, ruleset(t, s.name, "[{per: phone, max: 1, in: 1h}, {max: 2, in: 24h}]"), s.match, s.model(t, receiver))
	ask := func(name, body string) authapp.Reply {
		r := authapp.Request{Line: "POST /auth/v1/otp", Header: "Content-Type: application/json", Body: body}
		return gate.Ask(&r, name)
	}
	email := func(n int) {
		for i := range n {
			if reply := ask("email", fmt.Sprintf(`{"email":"a%d@example.com","create_user":true}`, i)); reply.Status != 200 {
				t.Errorf("an email address is answered %d %s", reply.Status, reply.Body)
			}
		}
	}
	email(5)
	for _, number := range []string{someone, somebody} {
		if reply := ask(number, fmt.Sprintf(`{"phone":%q}`, number)); reply.Status != 200 {
			t.Errorf("a number is answered %d %s", reply.Status, reply.Body)
		}
	}
	for _, body := range []string{`{"phone":"+14155550110"}`, `{"email":"a@example.com","phone":"+14155550110"}`, `{"email":"a@example.com","PHONE":"+14155550110"}`, `{"email":"a@example.com","phone":"+14155550110","Email":""}`} {
		if reply := ask(body, body); !reply.Problem() {
			t.Errorf("%s is answered %d", body, reply.Status)
		}
	}
	email(2)
	if got := len(receiver.Messages()); got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
	if slices.ContainsFunc(gate.Kept(), func(j authapp.Judged) bool { return j.Shape == "otp" && j.Outcome == "unknown" }) {
		t.Error("what is sent is not known")
	}
}
