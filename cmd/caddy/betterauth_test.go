package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
	"github.com/otpgate/otpgate/cmd/caddy/internal/fleet"
)

// betterAuth is better-auth with people who have accounts.
type betterAuth struct {
	addr     string
	receiver *authapp.Receiver
	asked    int
}

// The routes that send to a number in their body.
var (
	sendOTP = authapp.Route{Path: "/api/auth/phone-number/send-otp", Key: "phoneNumber"}
	signIn  = authapp.Route{Path: "/api/auth/sign-in/phone-number", Key: "phoneNumber", Rest: `"password":"not this one"`}
	reset   = authapp.Route{Path: "/api/auth/phone-number/request-password-reset", Key: "phoneNumber"}
)

// betterAuthRoutes is what has to be gated.
const betterAuthRoutes = `path /api/auth/phone-number/send-otp /api/auth/phone-number/request-password-reset /api/auth/sign-in/phone-number /api/auth/two-factor/send-otp`

// TestBetterAuth: whatever is tried on a gate in front of better-auth, a
// message goes to the number that the gate judged, or there is none; and each
// message is one charge.
func TestBetterAuth(t *testing.T) {
	receiver := authapp.StartReceiver(t)
	app := &betterAuth{receiver: receiver}
	app.addr = authapp.StartBetterAuth(t, "../../testdata/apps/better-auth", receiver)
	for _, number := range []string{someone, somebody} {
		app.signUp(t, number)
	}
	t.Run("tricks", app.tricks)
	t.Run("two factors", app.twoFactors)
	t.Run("as many messages as charges", app.mixed)
}

// ask asks better-auth itself, and fails the test if that does not go well.
func (a *betterAuth) ask(t *testing.T, path, body string, header ...string) authapp.Reply {
	t.Helper()
	a.asked++
	r := authapp.Request{Line: "POST /api/auth" + path, Header: "Content-Type: application/json", Body: body}
	reply := r.Send(t, a.addr, append(header, authapp.HeaderRequest+": "+fmt.Sprint("preparation ", a.asked))...)
	if reply.Status != 200 {
		t.Fatalf("%s answers %d %s", path, reply.Status, reply.Body)
	}
	return reply
}

const password = "Password123!"

// signUp makes an account of somebody whose number nobody has verified.
func (a *betterAuth) signUp(t *testing.T, number string) (session string) {
	t.Helper()
	reply := a.ask(t, "/sign-up/email", fmt.Sprintf(`{"email":"a%s@example.com","password":%q,"name":"a","phoneNumber":%q}`, number[1:], password, number))
	var cookies []string
	for _, line := range reply.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		cookies = append(cookies, pair)
	}
	return "Cookie: " + strings.Join(cookies, "; ")
}

// verify has the number verified.
func (a *betterAuth) verify(t *testing.T, number string) {
	t.Helper()
	a.ask(t, "/phone-number/send-otp", fmt.Sprintf(`{"phoneNumber":%q}`, number))
	all := a.receiver.Messages()
	a.ask(t, "/phone-number/verify", fmt.Sprintf(`{"phoneNumber":%q,"code":%q}`, number, all[len(all)-1].Code))
}

// Tricks that better-auth itself falls for, so that the table is known to be
// worth its while.
var betterAuthFallsFor = []string{
	"key twice", "escaped key", "key in two cases", "email beside the number", "no plus", "dashes", "spaces", "brackets", "zero-width space", "full-width digits",
	"empty", "letters", "two numbers with a comma", "line end behind", "escaped null behind", "trunk zero", "byte order mark", "jsonx", "upper-case type", "long body",
	"path /api/auth/phone-number/x/../send-otp", "path /api/auth/phone-number/x/%2e%2e/send-otp", `path /api/auth/phone-number\send-otp`, "path /api/auth/phone-number/send-otp#f",
}

func (a *betterAuth) tricks(t *testing.T) {
	gate := authapp.StartGate(t, *binary, ruleset(t, "better-auth", "[]"), betterAuthRoutes, a.addr)
	for _, route := range []*authapp.Route{&sendOTP, &signIn, &reset} {
		route.Header = "Origin: " + authapp.Origin
		alone := try(t, gate, a.receiver, a.addr, route)
		if route != &sendOTP {
			continue
		}
		for _, name := range betterAuthFallsFor {
			if !alone[name] {
				t.Errorf("better-auth does not send for %q: is it another version?", name)
			}
		}
	}
}

// A code for a second factor goes to the number of the account, which is not in
// the request: it is counted for the session.
func (a *betterAuth) twoFactors(t *testing.T) {
	const number = "+14155550105"
	session := a.signUp(t, number)
	origin := "Origin: " + authapp.Origin
	a.ask(t, "/two-factor/enable", fmt.Sprintf(`{"password":%q}`, password), session, origin)
	gate := authapp.StartGate(t, *binary, ruleset(t, "better-auth", "[{per: session, max: 2, in: 1h}]"), betterAuthRoutes, a.addr)
	for i, trick := range []struct{ header, body string }{
		{session, "{}"},
		{"cookie" + session[len("Cookie"):], "{}"},
		{session, "{}"},
		{session + "; better-auth.two_factor=made-up", "{}"},
		{session + "; x=y", `{"x":1}`},
		{"Cookie: better-auth.session_token=made-up\n" + session, "{}"},
	} {
		r := authapp.Request{Line: "POST /api/auth/two-factor/send-otp", Header: "Content-Type: application/json\n" + trick.header + "\n" + origin, Body: trick.body}
		if got, want := judged(t, gate, a.receiver, &r, fmt.Sprint("two-factor ", i)), min(1, max(0, 2-i)); got != want {
			t.Errorf("request %d: %d messages, want %d", i+1, got, want)
		}
	}
}

// kind is one of the things that people and bots do.
type kind struct {
	name string
	make func(number string) authapp.Request
	// untold: the answer does not tell that nothing was sent.
	untold bool
}

// most is a limit on everything, by which the ledger itself tells how much it
// has charged: it takes so much less until it is full.
const most = 1000

func (a *betterAuth) mixed(t *testing.T) {
	const verified, enrolled = "+14155550103", "+14155550104"
	a.signUp(t, verified)
	a.verify(t, verified)
	a.signUp(t, enrolled)
	limits := fmt.Sprintf(`[{per: phone, max: 2, in: 1h}, {max: %d, in: 24h}]`, most)
	gate := authapp.StartGate(t, *binary, ruleset(t, "better-auth", limits), betterAuthRoutes, a.addr)

	right := signIn
	right.Rest = fmt.Sprintf(`"password":%q`, password)
	to := func(number string) func(string) authapp.Request {
		return func(string) authapp.Request { return sendOTP.Plain(number) }
	}
	var trick atomic.Int64
	kinds := []kind{
		{"a code", sendOTP.Plain, false},
		{"a code", sendOTP.Plain, false},
		{"a code", sendOTP.Plain, false},
		{"a code, and the provider fails", to(authapp.Broken), false},
		{"a code for the same number", to(someone), false},
		{"a trick", func(number string) authapp.Request {
			all := sendOTP.Tricks(number, somebody)
			return all[trick.Add(1)*3%int64(len(all))].Request
		}, false},
		{"a new password", func(string) authapp.Request { return reset.Plain(enrolled) }, false},
		{"a new password of nobody", reset.Plain, true},
		{"a sign-in that sends", func(string) authapp.Request { return signIn.Plain(somebody) }, false},
		{"a sign-in of nobody", signIn.Plain, false},
		{"a sign-in with a wrong password", func(string) authapp.Request { return signIn.Plain(verified) }, false},
		{"a sign-in", func(string) authapp.Request { return right.Plain(verified) }, false},
	}
	untold := make(map[string]bool) // ids of requests that send nothing, and are not answered so
	var mu sync.Mutex
	var wg sync.WaitGroup
	const asks, clients = 1000, 8
	before := len(a.receiver.Messages())
	for client := range clients {
		wg.Go(func() {
			for i := client; i < asks; i += clients {
				k := kinds[i%len(kinds)]
				if strings.HasPrefix(k.name, "a sign-in") && i/len(kinds)%3 != 0 {
					k = kinds[0] // passwords take their time
				}
				r := k.make(fleet.US(1000 + i))
				reply := gate.Ask(&r, fmt.Sprint("mixed ", i), fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", 1+i%200))
				if id := reply.ID(); k.untold && id != "" {
					mu.Lock()
					untold[id] = true
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	messages := a.receiver.Messages()[before:]
	sent := make(map[string]bool)
	for _, m := range messages {
		asJudged(t, gate, &m, m.Request)
		sent[m.GateID] = true
	}
	if len(sent) != len(messages) {
		t.Errorf("%d messages, of %d requests", len(messages), len(sent))
	}
	idle := 0 // charges kept for nothing, since that could not be known
	for _, j := range gate.Kept() {
		switch {
		case sent[j.ID]:
		case untold[j.ID] || j.Status == 0 || j.Status >= 500:
			idle++
		default:
			t.Errorf("no message, and a charge is kept: %+v", j)
		}
	}
	if len(messages) < asks/4 || len(messages) == asks {
		t.Errorf("%d messages: nothing is known", len(messages))
	}
	// What the log says is what the ledger has.
	left := 0
	for i := range most {
		r := sendOTP.Plain(fleet.US(5000 + i))
		if reply := gate.Ask(&r, "the rest"); reply.Problem() {
			if j := gate.Judged(reply.ID()); j.Reason != "too_many" {
				t.Errorf("the rest: %+v", j)
			}
			break
		}
		left++
	}
	if charged := most - left; charged != len(messages)+idle {
		t.Errorf("%d messages, %d answers that do not tell that nothing was sent, and %d charges in the ledger", len(messages), idle, charged)
	}
	t.Logf("%d requests: %d messages, %d charges; %d of them for answers that do not tell that nothing was sent", asks, len(messages), most-left, idle)
	if !slices.ContainsFunc(messages, func(m authapp.Message) bool { return m.Kind == "reset" }) {
		t.Error("nobody got a new password")
	}
}
