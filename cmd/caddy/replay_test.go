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
	others []string // recordings where the request names another number than the one that was sent to
	model  func(testing.TB, *authapp.Receiver) (addr string)
	routes []authapp.Route // that send to a number in their body
}

var servers = []server{
	{
		name: "supabase", prefix: "/auth/v1",
		match: `path /auth/v1/otp* /auth/v1/signup* /auth/v1/resend* /auth/v1/user /auth/v1/user/ /auth/v1/reauthenticate* /auth/v1/factors /auth/v1/factors/ /auth/v1/factors/*/challenge*`,
		sent:  21,
		model: func(t testing.TB, r *authapp.Receiver) string {
			return authapp.StartGoTrue(t, "/auth/v1", true, r).Addr
		},
		claims: []string{"150-test-otp-send"}, // the operator's own test number
		others: []string{"078-resend-phone_change-OLD-number-sends-to-NEW"},
		routes: []authapp.Route{
			{Path: "/auth/v1/otp", Key: "phone", Form: "create_user=true"},
			{Path: "/auth/v1/signup", Key: "phone", Rest: `"password":"Password123!"`, Form: "password=x"},
			{Path: "/auth/v1/resend", Key: "phone", Rest: `"type":"sms"`, Form: "type=sms"},
			{Method: "PUT", Path: "/auth/v1/user", Key: "phone", Header: "Authorization: " + bearer},
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

// bearer is a token of somebody's session, unsigned.
const bearer = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI4YjgzM2QyYi00MDY4LTRkNDAtYjFlMi03N2U2ZWQwMWQ1YzAifQ.c2lnbmF0dXJl"

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
		if slices.Contains(s.others, p.Name) {
			continue
		}
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
		if j.Outcome == "" {
			j.Outcome = "nothing held"
		}
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
