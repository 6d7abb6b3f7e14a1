package main

import (
	"slices"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
)

// server is an auth server that does not run here, as it was recorded and as it
// is modelled.
type server struct {
	name   string
	prefix string
	match  string   // what is gated
	sent   int      // recordings of messages that get through
	claims []string // recordings that say that a message was sent, when none was
	model  func(testing.TB, *authapp.Receiver) (addr string)
	routes []authapp.Route // that send to a number in their body
}

var servers = []server{
	{
		name: "supabase", prefix: "/auth/v1",
		match: `path /auth/v1/otp* /auth/v1/signup* /auth/v1/resend* /auth/v1/user /auth/v1/user/ /auth/v1/reauthenticate* /auth/v1/factors /auth/v1/factors/ /auth/v1/factors/*/challenge*`,
		sent:  22,
		model: func(t testing.TB, r *authapp.Receiver) string {
			return authapp.StartGoTrue(t, "/auth/v1", true, r).Addr
		},
		claims: []string{"150-test-otp-send"}, // the operator's own test number
		routes: []authapp.Route{
			{Path: "/auth/v1/otp", Key: "phone", Form: "create_user=true"},
			{Path: "/auth/v1/signup", Key: "phone", Rest: `"password":"Password123!"`, Form: "password=x"},
			{Path: "/auth/v1/resend", Key: "phone", Rest: `"type":"sms"`, Form: "type=sms"},
			{Method: "PUT", Path: "/auth/v1/user", Key: "phone", Header: authapp.Bearer(authapp.Owner, true)},
		},
	},
	{
		name:   "kratos",
		match:  `path /self-service/login* /self-service/registration* /self-service/settings* /self-service/verification* /self-service/recovery*`,
		sent:   21,
		model:  func(t testing.TB, r *authapp.Receiver) string { return authapp.StartKratos(t, true, r).Addr },
		routes: kratosRoutes(),
	},
}

func kratosRoutes() (routes []authapp.Route) {
	for _, route := range []authapp.Route{
		{Path: "/self-service/login", Key: "identifier"},
		{Path: "/self-service/login", Key: "address"},
		{Path: "/self-service/verification", Key: "email"},
		{Path: "/self-service/recovery", Key: "email"},
		{Path: "/self-service/recovery", Key: "recovery_address"},
		{Path: "/self-service/recovery", Key: "recovery_confirm_address"},
		{Path: "/self-service/registration", In: "traits", Key: "phone"},
		{Path: "/self-service/registration", In: "traits", Key: "phone", Rest: `"method":"password"`, Form: "method=password"},
		{Path: "/self-service/settings", In: "traits", Key: "phone", Rest: `"method":"profile"`, Form: "method=profile"},
	} {
		route.Query, route.Header = "flow=e579a2d6-86c8-4733-91ce-"+authapp.Fresh, "Accept: application/json"
		if route.Rest == "" {
			route.Rest, route.Form = `"method":"code"`, "method=code"
		}
		routes = append(routes, route)
	}
	return routes
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
		reply := gate.Ask(p.As(s.prefix), p.Name)
		sent += checkMessages(t, gate, receiver, &reply, p.Name) // and their numbers
		outcome := s.outcome(t, gate, p, &reply)
		outcomes[outcome]++
		t.Logf("%s: %d messages, status %d: %s", p.Name, len(p.SMS), p.Response.Status, outcome)
	}
	for _, odd := range app.Odd() {
		t.Error(odd)
	}
	if sent < s.sent {
		t.Errorf("only %d recordings of messages got through, want %d at least", sent, s.sent)
	}
	t.Logf("%d messages; %v", sent, outcomes)
}

// outcome says how what the gate thinks of a recording compares with what was
// recorded, and fails the test if they contradict each other.
func (s *server) outcome(t *testing.T, gate *authapp.Gate, p *authapp.Pair, reply *authapp.Reply) string {
	if reply.Problem() {
		if len(p.SMS) > 0 {
			return "refused, and would send: " + gate.Judged(reply.ID()).Detail
		}
		return "refused"
	}
	if reply.Status != p.Response.Status {
		t.Errorf("%s: the client gets status %d, and the server answered %d", p.Name, reply.Status, p.Response.Status)
	}
	if reply.ID() == "" {
		if len(p.SMS) > 0 {
			t.Errorf("%s: it sends, and is not gated", p.Name)
		}
		return "agreed: not gated, nothing sent"
	}
	j := gate.Judged(reply.ID())
	switch {
	case j.Outcome == "" && len(p.SMS) > 0:
		t.Errorf("%s: it sends, and nothing is charged: %+v", p.Name, j)
	case j.Outcome == "":
		return "agreed: nothing held, nothing sent"
	case j.Outcome == "sent" && len(p.SMS) > 0:
		return "agreed: sent to the number that was judged"
	case j.Outcome == "sent" && slices.Contains(s.claims, p.Name):
		return "the server claims that it was sent: charged"
	case j.Outcome == "sent":
		t.Errorf("%s: the gate thinks that the server sent: %+v", p.Name, j)
	case j.Outcome == "not_sent" && len(p.SMS) > 0:
		t.Errorf("%s: it sends, and is given back: %+v", p.Name, j)
	case j.Outcome == "not_sent":
		return "agreed: not sent, given back"
	}
	return "unknown: charged"
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
