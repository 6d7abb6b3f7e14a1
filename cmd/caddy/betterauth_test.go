package main

import (
	"encoding/json"
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
	version  string
	addr     string
	receiver *authapp.Receiver
	asked    int
}

// The versions that are tried: that for which the preset was made, and the
// newest one, in which an account gets no number before somebody has verified
// it.
const made, newest = "1.6", "1.7"

// startBetterAuth starts one with options as its server.mjs has them.
func startBetterAuth(t *testing.T, version, options string) *betterAuth {
	t.Helper()
	app := &betterAuth{version: version, receiver: authapp.StartReceiver(t)}
	const source = "../../testdata/apps/better-auth"
	locked := source
	if version == newest {
		locked += "-" + newest
	}
	app.addr = authapp.StartBetterAuth(t, source, locked, options, app.receiver)
	return app
}

const origin = "Origin: " + authapp.Origin

// The routes that send to a number in their body.
var (
	sendOTP = authapp.Route{Path: "/api/auth/phone-number/send-otp", Key: "phoneNumber", Header: origin}
	signIn  = authapp.Route{Path: "/api/auth/sign-in/phone-number", Key: "phoneNumber", Header: origin, Rest: `"password":"not this one"`}
	reset   = authapp.Route{Path: "/api/auth/phone-number/request-password-reset", Key: "phoneNumber", Header: origin}
)

// betterAuthRoutes is what has to be gated. An app can take a slash at the end
// for nothing.
const betterAuthRoutes = `path /api/auth/phone-number/send-otp* /api/auth/phone-number/request-password-reset* /api/auth/phone-number/forget-password* /api/auth/sign-in/phone-number* /api/auth/two-factor/send-otp* /api/auth/sign-up/email* /api/auth/sign-in/email-otp*`

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

// account is the body of a request for an account, with a number if there is
// one.
func account(email, number string) string {
	body := map[string]string{"email": email, "password": password, "name": "a"}
	if number != "" {
		body["phoneNumber"] = number
	}
	text, _ := json.Marshal(body)
	return string(text)
}

// signUp makes an account of somebody whose number nobody has verified, if there
// can be such.
func (a *betterAuth) signUp(t *testing.T, number string) authapp.Session {
	t.Helper()
	email := fmt.Sprintf("someone%d@example.com", a.asked)
	if a.version == made {
		reply := a.ask(t, "/sign-up/email", account(email, number))
		return authapp.SessionOf(&reply, "session_token")
	}
	reply := a.ask(t, "/sign-up/email", account(email, ""))
	s := authapp.SessionOf(&reply, "session_token")
	a.verify(t, number, s.Cookie(), origin)
	return s
}

// verify has the number verified, for whoever has a session.
func (a *betterAuth) verify(t *testing.T, number string, header ...string) {
	t.Helper()
	body := map[string]any{"phoneNumber": number}
	ask := func(path string) {
		text, _ := json.Marshal(body)
		a.ask(t, path, string(text), header...)
	}
	ask("/phone-number/send-otp")
	body["code"], body["updatePhoneNumber"] = a.receiver.Last().Code, len(header) > 0
	ask("/phone-number/verify")
}

// enrol has codes sent for a second factor to whoever has the session.
func (a *betterAuth) enrol(t *testing.T, s authapp.Session) {
	t.Helper()
	a.ask(t, "/two-factor/enable", fmt.Sprintf(`{"password":%q}`, password), s.Cookie(), origin)
	a.ask(t, "/two-factor/send-otp", "", s.Cookie(), origin)
	a.ask(t, "/two-factor/verify-otp", fmt.Sprintf(`{"code":%q}`, a.receiver.Last().Code), s.Cookie(), origin)
}

// Tricks that better-auth itself falls for, so that the table is known to be
// worth its while.
var betterAuthFallsFor = []string{
	"key twice", "key twice, null first", "escaped key", "escaped key beside the plain one", "key in two cases", "other number deeper", "email beside the number", "code beside the number",
	"no plus", "no country", "zeros for the plus", "two pluses", "dashes", "spaces", "brackets", "no-break spaces", "zero-width space", "full-width digits", "full-width plus", "Arabic digits", "tel:",
	"empty", "letters", "two numbers with a comma", "line end behind", "escaped null behind", "null and another behind", "lone surrogate behind", "bytes that are no UTF-8", "two digits", "trunk zero",
	"byte order mark", "jsonx", "upper-case type", "JSON and form in a line", "type with another charset", "long body", "another in the query",
	"path /api/auth/phone-number/x/../send-otp", "path /api/auth/phone-number/x/%2e%2e/send-otp", `path /api/auth/phone-number\send-otp`, "path /api/auth/phone-number/send-otp#f",
	"path in X-Forwarded-Proto", "path in X-Forwarded-Proto, cut off",
}

// Tricks that the newest does not fall for any more.
var newestIsProofAgainst = []string{"jsonx", "JSON and form in a line"}

// Tricks that it falls for besides behind Express, which unpacks bodies, and as
// an app that takes a slash at the end for nothing.
var expressFallsFor = []string{"gzip", "deflate", "UTF-16", "UTF-16, big end first", "UTF-16LE", "UTF-16BE", "path /api/auth/phone-number/send-otp/"}

// TestBetterAuthTricks: whatever is tried on a gate in front of better-auth, a
// message goes to the number that the gate judged, or there is none.
func TestBetterAuthTricks(t *testing.T) {
	for _, server := range []struct {
		version, name, options string
		fallsFor               []string
		least                  int // tricks that the app alone falls for, at each route
	}{
		{made, "alone", "", betterAuthFallsFor, 85},
		{made, "behind Express", `{"express":true,"auth":{"advanced":{"skipTrailingSlashes":true}}}`, expressFallsFor, 92},
		{newest, "alone", "", betterAuthFallsFor, 85},
	} {
		t.Run(server.version+" "+server.name, func(t *testing.T) {
			t.Parallel()
			app := startBetterAuth(t, server.version, server.options)
			gate := authapp.StartGate(t, *binary, ruleset(t, "better-auth", "[]"), betterAuthRoutes, app.addr)
			known := make(map[string]bool)
			for _, number := range []string{someone, somebody} {
				app.signUp(t, number)
				known[number] = true
			}
			alone := try(t, gate, app.receiver, app.addr, &sendOTP)
			for _, name := range server.fallsFor {
				if alone[name] == (server.version == newest && slices.Contains(newestIsProofAgainst, name)) {
					t.Errorf("that better-auth sends for %q is %t: is it another version?", name, alone[name])
				}
			}
			counts := []int{len(alone)}
			// At the other routes only accounts are sent to. There are such of every
			// spelling that got a message.
			for _, m := range app.receiver.Messages() {
				if !known[m.To] {
					known[m.To] = true
					app.signUp(t, m.To)
				}
			}
			counts = append(counts, len(try(t, gate, app.receiver, app.addr, &reset)))
			if server.version == made { // only numbers that nobody has verified are sent to
				counts = append(counts, len(try(t, gate, app.receiver, app.addr, &signIn)))
			}
			if slices.Min(counts) < server.least {
				t.Errorf("only %d tricks make better-auth send", counts)
			}
		})
	}
}

// secondFactor is a request for a code to the number of an account.
var secondFactor = authapp.Request{Line: "POST /api/auth/two-factor/send-otp", Header: "Content-Type: application/json\n" + origin, Body: "{}"}

// TestBetterAuthSessions: a session is counted as one, however its credential is
// spelled and whatever stands beside it.
func TestBetterAuthSessions(t *testing.T) {
	type way struct {
		rules string
		half  bool // a sign-in that is half done, in place of a session
	}
	for _, server := range []struct {
		version, options string
		ways             []way
		least            int // tricks that the app alone falls for
	}{
		{made, "", []way{{"better-auth", false}, {"better-auth", true}}, 25},
		// The plugin bearer is there, and the gate is told so, or not.
		{made, `{"bearer":true}`, []way{{"better-auth-bearer", false}, {"better-auth", false}}, 40},
		{newest, `{"bearer":true}`, []way{{"better-auth-bearer", false}, {"better-auth", true}}, 25},
	} {
		t.Run(server.version+" "+server.options, func(t *testing.T) {
			t.Parallel()
			app := startBetterAuth(t, server.version, server.options)
			for i, way := range server.ways {
				mail := fmt.Sprintf("someone%d@example.com", app.asked)
				s := app.signUp(t, fmt.Sprint("+1415555011", i))
				if way.half {
					app.enrol(t, s)
					reply := app.ask(t, "/sign-in/email", fmt.Sprintf(`{"email":%q,"password":%q}`, mail, password))
					s = authapp.SessionOf(&reply, "two_factor")
				}
				app.session(t, way.rules, s, server.least)
			}
		})
	}
}

// session tries all tricks with a session.
func (a *betterAuth) session(t *testing.T, rules string, s authapp.Session, least int) {
	limits := "[{per: session, max: 1, in: 1h}, {per: session, max: 1000, in: 1h, count: requests}]"
	gate := authapp.StartGate(t, *binary, ruleset(t, rules, limits), betterAuthRoutes, a.addr)
	plain := secondFactor
	plain.Header += "\n" + s.Cookie()
	about := rules + ", " + s.Name + ": "
	if judged(t, gate, a.receiver, &plain, about+"plain") != 1 {
		t.Errorf("%sa plain request sends nothing", about)
	}
	alone, counted := 0, 0
	for _, trick := range s.Tricks(secondFactor) {
		name := about + trick.Name
		trick.Send(t, a.addr, authapp.HeaderRequest+": alone, "+name)
		if len(a.receiver.Of("alone, "+name)) > 0 {
			alone++
		}
		reply := gate.Ask(&trick.Request, name)
		if checkMessages(t, gate, a.receiver, &reply, name) != 0 {
			t.Errorf("%s: it is taken for another session", name)
		}
		if id := reply.ID(); id != "" && gate.Judged(id).Reason == "too_many" {
			counted++
		}
	}
	if alone < least || counted < 5 {
		t.Errorf("%s%d tricks make better-auth send, and the gate knows %d for the same session", about, alone, counted)
	}
	t.Logf("%s%d tricks make better-auth send; the gate takes %d for the same session and refuses the others", about, alone, counted)
}

// TestBetterAuthKeeps: a number that somebody says is theirs, to which codes for
// a second factor go later, is one that the gate has judged.
func TestBetterAuthKeeps(t *testing.T) {
	const byPassword = `"email":"` + nobody + `","password":"` + password + `","name":"a"`
	for _, way := range []struct {
		route authapp.Route
		least int // tricks by which the app alone keeps a number
	}{
		{authapp.Route{Path: "/api/auth/sign-up/email", Rest: byPassword, Form: "email=" + nobody + "&password=" + password + "&name=a"}, 80},
		{authapp.Route{Path: "/api/auth/sign-in/email-otp", Rest: `"email":"` + nobody + `","otp":"` + noCode + `","name":"a"`}, 80},
	} {
		t.Run(way.route.Path, func(t *testing.T) {
			t.Parallel()
			way.route.Key, way.route.Header = "phoneNumber", origin
			startBetterAuth(t, made, "").keeps(t, &way.route, way.least)
		})
	}
}

// In whose place others of the same length are put.
const nobody, noCode = "kept0000@example.com", "000000"

func (a *betterAuth) keeps(t *testing.T, route *authapp.Route, least int) {
	rules := strings.Replace(ruleset(t, "better-auth", "[]"), "countries: any", "countries: [US]", 1)
	gate := authapp.StartGate(t, *binary, rules, betterAuthRoutes, a.addr)
	emails := 0
	// of is r as somebody asks who has not asked before.
	of := func(r authapp.Request) authapp.Request {
		emails++
		email := fmt.Sprintf("kept%04d@example.com", emails)
		r.Body = strings.ReplaceAll(r.Body, nobody, email)
		if strings.Contains(r.Body, noCode) {
			a.ask(t, "/email-otp/send-verification-otp", fmt.Sprintf(`{"email":%q,"type":"sign-in"}`, email))
			r.Body = strings.ReplaceAll(r.Body, noCode, a.receiver.Last().Code)
		}
		return r
	}
	// sentTo returns to whom a code goes once an account was asked for so.
	sentTo := func(reply *authapp.Reply, name string) (numbers []string) {
		s := authapp.SessionOf(reply, "session_token")
		if s.Value == "" {
			return nil
		}
		secondFactor.Send(t, a.addr, s.Cookie(), authapp.HeaderRequest+": "+name)
		for _, m := range a.receiver.Of(name) {
			if m.To != "" {
				numbers = append(numbers, m.To)
			}
		}
		return numbers
	}
	without := of(authapp.Request{Line: "POST " + route.Path, Header: "Content-Type: application/json\n" + origin, Body: "{" + route.Rest + "}"})
	if reply := gate.Ask(&without, "no number"); reply.Status != 200 {
		t.Errorf("without a number it is answered %d %s", reply.Status, reply.Body)
	}
	mine := of(route.Plain(someone))
	reply := gate.Ask(&mine, "my number")
	if got := sentTo(&reply, "my number"); !slices.Equal(got, []string{someone}) {
		t.Errorf("a plain request is answered %d %s, and a code goes to %q", reply.Status, reply.Body, got)
	}
	const other = "+447700900123" // where nothing is sent to
	alone, through := 0, 0
	tricks := route.Tricks(someone, other)
	for _, trick := range tricks {
		r, name := of(trick.Request), "alone, "+trick.Name
		reply := r.Send(t, a.addr)
		if len(sentTo(&reply, name)) > 0 {
			alone++
		}
	}
	for i, trick := range append(tricks, route.Tricks(other, someone)...) {
		r, name := of(trick.Request), fmt.Sprint(i, ", ", trick.Name)
		reply := gate.Ask(&r, name)
		for _, to := range sentTo(&reply, name) {
			through++
			if judged := reply.Header.Get(authapp.HeaderJudged); judged != to || to != someone {
				t.Errorf("%s: the app keeps %q, and the gate judged %q", name, to, judged)
			}
		}
	}
	if alone < least {
		t.Errorf("only %d tricks make better-auth keep a number", alone)
	}
	t.Logf("of %d tricks %d make better-auth keep a number, and %d with a gate, which judged it", len(tricks), alone, through)
}

// kind is one of the things that people and bots do.
type kind struct {
	name string
	make func(number string) authapp.Request
	// untold: it sends nothing, and the answer does not tell that.
	untold bool
}

// most is a limit on everything, by which the ledger itself tells how much it
// has charged: it takes so much less until it is full.
const most = 1000

// TestBetterAuthCharges: of a thousand requests at once, each message is a
// charge that is kept. Where answers do not tell that nothing was sent, these
// are charges too, one each, and all others are messages.
func TestBetterAuthCharges(t *testing.T) {
	for _, run := range []struct {
		version, name string
		untold        bool
	}{
		{made, "all answers tell", false},
		{made, "some answers do not tell", true},
		{newest, "some answers do not tell", true},
	} {
		t.Run(run.version+" "+run.name, func(t *testing.T) {
			t.Parallel()
			startBetterAuth(t, run.version, "").charges(t, run.untold)
		})
	}
}

func (a *betterAuth) charges(t *testing.T, untold bool) {
	const verified, enrolled, factored = "+14155550103", "+14155550104", "+14155550105"
	for _, number := range []string{someone, somebody, enrolled} {
		a.signUp(t, number)
	}
	a.signUp(t, verified)
	if a.version == made {
		a.verify(t, verified)
	}
	session := a.signUp(t, factored)
	limits := fmt.Sprintf(`[{per: phone, max: 20, in: 1h}, {per: session, max: 30, in: 1h}, {max: %d, in: 24h}]`, most)
	gate := authapp.StartGate(t, *binary, ruleset(t, "better-auth", limits), betterAuthRoutes, a.addr)

	right := signIn
	right.Rest = fmt.Sprintf(`"password":%q`, password)
	to := func(route *authapp.Route, number string) func(string) authapp.Request {
		return func(string) authapp.Request { return route.Plain(number) }
	}
	var trick atomic.Int64
	kinds := []kind{
		{"a code", sendOTP.Plain, false},
		{"a code", sendOTP.Plain, false},
		{"a code, and the provider fails", to(&sendOTP, authapp.Broken), false},
		{"a code for the same number", to(&sendOTP, someone), false},
		{"a trick", func(number string) authapp.Request {
			all := sendOTP.Tricks(number, somebody)
			return all[trick.Add(1)*3%int64(len(all))].Request
		}, false},
		{"a new password", to(&reset, enrolled), false},
		{"a sign-in that sends", to(&signIn, somebody), false},
		{"a sign-in of nobody", signIn.Plain, false},
		{"a sign-in with a wrong password", to(&signIn, verified), false},
		{"a sign-in", to(&right, verified), false},
		{"a second factor", func(string) authapp.Request {
			r := secondFactor
			r.Header += "\n" + session.Cookie()
			return r
		}, false},
		{"a second factor of nobody", func(number string) authapp.Request {
			r := secondFactor
			r.Header += "\nCookie: better-auth.session_token=made-up-for-" + number[1:]
			return r
		}, false},
		{"an account", func(number string) authapp.Request {
			return authapp.Request{Line: "POST /api/auth/sign-up/email", Header: secondFactor.Header, Body: account(number[1:]+"@example.com", number)}
		}, false},
	}
	if untold {
		kinds = append(kinds, kind{"a new password of nobody", reset.Plain, true})
	}
	type asked struct {
		kind  *kind
		reply authapp.Reply
	}
	const asks, clients = 1000, 8
	done := make([]asked, asks)
	before := len(a.receiver.Messages())
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for i := client; i < asks; i += clients {
				k := &kinds[i%len(kinds)]
				r := k.make(fleet.US(1000 + i))
				done[i] = asked{k, gate.Ask(&r, fmt.Sprint("mixed ", i), fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", 1+i%200))}
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
	// All charges that are kept but for messages are of the kind whose answer
	// does not tell, and each of that kind is one.
	idle := make(map[string]bool)
	for i := range done {
		if id := done[i].reply.ID(); done[i].kind.untold && !done[i].reply.Problem() {
			idle[id] = true
		}
	}
	kept := gate.Kept()
	for _, j := range kept {
		if j.Shape != "sign-up" && sent[j.ID] == idle[j.ID] {
			t.Errorf("a charge is kept, and that there is a message is %t, that nobody can tell is %t: %+v", sent[j.ID], idle[j.ID], j)
		}
	}
	if untold != (len(idle) > asks/20) {
		t.Errorf("%d answers do not tell", len(idle))
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
	if charged := most - left; charged != len(messages)+len(idle) {
		t.Errorf("%d messages, %d answers that do not tell that nothing was sent, and %d charges in the ledger", len(messages), len(idle), charged)
	}
	t.Logf("%d requests: %d messages, %d charges; %d of them for answers that do not tell that nothing was sent", asks, len(messages), most-left, len(idle))
	count := make(map[string]int)
	for _, m := range messages {
		count[m.Kind]++
	}
	if len(messages) < asks/5 || count["otp"] == 0 || count["reset"] == 0 || count["two-factor"] == 0 {
		t.Errorf("messages by kind: %v", count)
	}
}
