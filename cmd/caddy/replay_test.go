package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
)

// server is an auth server that does not run here, as it was recorded and as it
// is modelled.
type server struct {
	name     string
	prefix   string
	match    string // what is gated
	recorded func(*authapp.Pair) bool
	sent     int      // recordings of messages that get through
	claims   []string // recordings that say that a message was sent, when none was
	model    func(testing.TB, *authapp.Receiver) (addr string)
	routes   []authapp.Route // that send to a number in their body
}

var servers = []server{
	{
		name: "supabase", prefix: "/auth/v1",
		match:    "path /auth/v1/otp*",
		recorded: func(p *authapp.Pair) bool { return strings.HasPrefix(p.Request.Path, "/otp") },
		sent:     7,
		claims:   []string{"150-test-otp-send", "152-test-otp-existing"}, // the operator's own test numbers
		model: func(t testing.TB, r *authapp.Receiver) string {
			return authapp.StartGoTrue(t, "/auth/v1", false, r).Addr
		},
		routes: []authapp.Route{{Path: "/auth/v1/otp", Key: "phone", Form: "create_user=true"}},
	},
	{
		name:  "kratos",
		match: "path /self-service/login*",
		recorded: func(p *authapp.Pair) bool {
			return strings.HasPrefix(p.Request.Path, "/self-service/login?") && strings.Contains(p.Request.Body, `"identifier"`)
		},
		sent:  5,
		model: func(t testing.TB, r *authapp.Receiver) string { return authapp.StartKratos(t, false, r).Addr },
		routes: []authapp.Route{{
			Path: "/self-service/login", Query: "flow=e579a2d6-86c8-4733-91ce-89309d2c0fdd", Header: "Accept: application/json",
			Key: "identifier", Rest: `"method":"code"`, Form: "method=code",
		}},
	},
}

// TestRecorded: of each request that was recorded, the gate knows to whom the
// server sent, and does not think that it sent nothing when it did, or that it
// did when it sent nothing.
func TestRecorded(t *testing.T) {
	for _, s := range servers {
		pairs := authapp.Pairs(t, "../..", s.name)
		if len(pairs) == 0 {
			continue
		}
		for _, form := range []struct {
			name string
			gzip bool
		}{{"plain", false}, {"gzip", true}} {
			t.Run(s.name+"/"+form.name, func(t *testing.T) { s.replay(t, pairs, form.gzip) })
		}
	}
}

func (s *server) replay(t *testing.T, pairs []*authapp.Pair, gzip bool) {
	receiver := authapp.StartReceiver(t)
	app := authapp.StartReplay(t, pairs, s.prefix, gzip, receiver)
	gate := authapp.StartGate(t, *binary, ruleset(t, s.name, "[]"), s.match, app.Addr)
	outcomes, sent := make(map[string]int), 0
	for _, p := range pairs {
		if !s.recorded(p) {
			continue
		}
		reply := gate.Ask(p.As(s.prefix), p.Name)
		sent += checkMessages(t, gate, receiver, &reply, p.Name)
		switch {
		case reply.Problem():
			outcomes["refused"]++
			if len(p.SMS) > 0 {
				t.Logf("%s would send, and is refused: %s", p.Name, gate.Judged(reply.ID()).Detail)
			}
			continue
		case reply.Status != p.Response.Status:
			t.Errorf("%s: the client gets status %d, and the server answered %d", p.Name, reply.Status, p.Response.Status)
		case reply.ID() == "":
			outcomes["not gated"]++
			continue
		}
		j := gate.Judged(reply.ID())
		outcomes[j.Outcome]++
		if j.Outcome == "sent" && len(p.SMS) == 0 && !slices.Contains(s.claims, p.Name) {
			t.Errorf("%s: the gate thinks that the server sent: %+v", p.Name, j)
		}
	}
	for _, odd := range app.Odd() {
		t.Error(odd)
	}
	if sent < s.sent {
		t.Errorf("only %d recordings of messages got through, want %d at least", sent, s.sent)
	}
	t.Logf("%d messages; %v", sent, outcomes)
}

// TestTricks: whatever is tried, a message goes to the number that the gate
// judged, or there is none.
func TestTricks(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			receiver := authapp.StartReceiver(t)
			addr := s.model(t, receiver)
			gate := authapp.StartGate(t, *binary, ruleset(t, s.name, "[]"), s.match, addr)
			for _, route := range s.routes {
				try(t, gate, receiver, addr, &route)
			}
		})
	}
}
