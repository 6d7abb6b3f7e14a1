package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
	"github.com/otpgate/otpgate/cmd/caddy/internal/fleet"
	"github.com/otpgate/otpgate/ruleset/phone"
)

const (
	someone  = "+14155550101"
	somebody = "+14155550102"
)

// ruleset reads a ruleset for a server, with limits.
func ruleset(t *testing.T, server, limits string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/authservers/" + server + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "limits: " + limits + "\n"
}

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
const betterAuthRoutes = `path /api/auth/phone-number/send-otp /api/auth/phone-number/request-password-reset /api/auth/sign-in/phone-number`

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
		mustSend(t, gate, a.receiver, route, someone)
		alone := make(map[string]bool)
		tricks := route.Tricks(someone, somebody)
		through := 0
		for _, trick := range tricks {
			name := route.Path + " " + trick.Name
			trick.Send(t, a.addr, authapp.HeaderRequest+": alone, "+name)
			if len(a.receiver.Of("alone, "+name)) > 0 {
				alone[trick.Name] = true
			}
			through += judged(t, gate, a.receiver, &trick.Request, name)
		}
		t.Logf("%s: of %d tricks %d make better-auth send, and %d with a gate, which judged the number", route.Path, len(tricks), len(alone), through)
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

// mustSend fails the test if a plain request does not get through: then nothing
// would be known of a gate that refuses all others.
func mustSend(t *testing.T, gate *authapp.Gate, receiver *authapp.Receiver, route *authapp.Route, number string) {
	t.Helper()
	plain := route.Plain(number)
	if judged(t, gate, receiver, &plain, route.Path+" plain") != 1 {
		t.Errorf("%s: a plain request sends nothing", route.Path)
	}
}

// judged asks the gate and fails the test if a message went out that the gate
// has not judged, or has judged to go elsewhere. It returns how many did.
func judged(t *testing.T, gate *authapp.Gate, receiver *authapp.Receiver, r *authapp.Request, name string) int {
	t.Helper()
	reply := gate.Ask(r, name)
	messages := receiver.Of(name)
	for _, m := range messages {
		asJudged(t, gate, &m, name)
	}
	if reply.Problem() && len(messages) > 0 {
		t.Errorf("%s: refused, and sent all the same", name)
	}
	return len(messages)
}

// asJudged fails the test if m is not for the number that the gate judged, or
// if its charge has been given back.
func asJudged(t *testing.T, gate *authapp.Gate, m *authapp.Message, name string) {
	t.Helper()
	if m.GateID == "" {
		t.Errorf("%s: a message to %q, and no gate has judged the request", name, m.To)
		return
	}
	n, err := phone.Parse(m.To, "")
	if err != nil {
		n, err = phone.Parse("+"+m.To, "") // as supabase hands it over
	}
	if err != nil || n.E164() != m.Judged {
		t.Errorf("%s: a message to %q, and the gate judged %q", name, m.To, m.Judged)
	}
	if j := gate.Judged(m.GateID); j.Action != "allow" || j.Outcome == "not_sent" {
		t.Errorf("%s: a message to %q, and the gate has kept no charge: %+v", name, m.To, j)
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
	tricks := sendOTP.Tricks(someone, somebody)
	kinds := []kind{
		{"a code", sendOTP.Plain, false},
		{"a code", sendOTP.Plain, false},
		{"a code", sendOTP.Plain, false},
		{"a code, and the provider fails", to(authapp.Broken), false},
		{"a code for the same number", to(someone), false},
		{"a trick", func(string) authapp.Request { return tricks[rand.IntN(len(tricks))].Request }, false},
		{"a new password", func(string) authapp.Request { return reset.Plain(enrolled) }, false},
		{"a new password of nobody", reset.Plain, true},
		{"a sign-in that sends", func(string) authapp.Request { return signIn.Plain(somebody) }, false},
		{"a sign-in of nobody", signIn.Plain, true},
		{"a sign-in with a wrong password", func(string) authapp.Request { return signIn.Plain(verified) }, true},
		{"a sign-in", func(string) authapp.Request { return right.Plain(verified) }, true},
	}
	untold := make(map[string]bool) // ids of requests whose charges stay for nothing
	var mu sync.Mutex
	var wg sync.WaitGroup
	const asks, clients = 1000, 8
	before := len(a.receiver.Messages())
	for client := range clients {
		wg.Go(func() {
			for i := client; i < asks; i += clients {
				k := kinds[i%len(kinds)]
				if strings.HasPrefix(k.name, "a sign-in") && i%3 != 0 {
					k = kinds[0] // passwords take their time
				}
				r := k.make(fleet.US(1000 + i))
				reply := gate.Ask(&r, fmt.Sprint("mixed ", i), fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", 1+i%200))
				if k.untold && !reply.Problem() {
					mu.Lock()
					untold[reply.ID()] = true
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	messages := a.receiver.Messages()[before:]
	for _, m := range messages {
		asJudged(t, gate, &m, m.Request)
	}
	for id := range untold {
		if gate.Judged(id).Outcome == "not_sent" {
			delete(untold, id) // it was told after all
		}
	}
	if kept := gate.Kept(); kept != len(messages)+len(untold) {
		t.Errorf("%d messages, %d answers that do not tell that nothing was sent, and %d charges kept", len(messages), len(untold), kept)
	}
	if len(messages) < asks/4 || len(messages) == asks {
		t.Errorf("%d messages: nothing is known", len(messages))
	}
	// What the log says is what the ledger has.
	left := 0
	for i := range most {
		r := sendOTP.Plain(fleet.US(5000 + i))
		if reply := gate.Ask(&r, "the rest"); reply.Problem() {
			break
		}
		left++
	}
	if charged := most - left; charged != len(messages)+len(untold) {
		t.Errorf("%d messages, %d answers that do not tell that nothing was sent, and %d charges in the ledger", len(messages), len(untold), charged)
	}
	t.Logf("%d requests: %d messages, %d charges; %d of them for answers that do not tell that nothing was sent", asks, len(messages), most-left, len(untold))
	if !slices.ContainsFunc(messages, func(m authapp.Message) bool { return m.Kind == "reset" }) {
		t.Error("nobody got a new password")
	}
}
