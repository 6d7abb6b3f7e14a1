package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
)

// kratos is the second of the servers that do not run here.
func kratos() *server { return &servers[1] }

// defaults are the limits that are in force where none are written.
const defaults = "[{per: phone, max: 1, in: 60s}, {per: phone, max: 5, in: 24h}, {per: session, max: 1, in: 60s}, {per: session, max: 5, in: 24h}]"

// begun is the id of a flow of its own.
func begun() string {
	return strings.TrimPrefix(renewed(authapp.Request{Line: "e579a2d6-86c8-4733-91ce-" + authapp.Fresh}).Line, " ")
}

// asked is a request to the model. A body that begins with a brace is JSON.
func asked(line, body string, header ...string) *authapp.Request {
	r := &authapp.Request{Line: line, Body: body, Header: "Accept: application/json"}
	switch {
	case strings.HasPrefix(body, "{"):
		header = append(header, "Content-Type: application/json")
	case body != "":
		header = append(header, "Content-Type: application/x-www-form-urlencoded")
	}
	for _, line := range header {
		if name, _, _ := strings.Cut(line, ":"); name == "Accept" {
			r.Header = ""
		}
	}
	r.Header = strings.TrimPrefix(r.Header+"\n"+strings.Join(header, "\n"), "\n")
	return r
}

// TestPeopleAtKratos: who gets a code may enter it, wrong ones as well, and
// whatever else a front end does there passes; with the limits that are in force
// by default.
func TestPeopleAtKratos(t *testing.T) {
	s, receiver := kratos(), authapp.StartReceiver(t)
	gate := authapp.StartGate(t, *binary, ruleset(t, s.name, defaults), s.match, s.model(t, receiver))
	const html = "Accept: text/html"
	type step struct {
		line, body string
		status     int
		messages   int
		header     string
	}
	flow := func(steps ...step) {
		t.Helper()
		id := begun()
		for i, step := range steps {
			name := fmt.Sprintf("%s, step %d of %s", step.line, i+1, id)
			r := asked(strings.ReplaceAll(step.line, "FLOW", id), step.body)
			if step.header != "" {
				r = asked(strings.ReplaceAll(step.line, "FLOW", id), step.body, step.header)
			}
			reply := gate.Ask(r, name)
			if got := checkMessages(t, gate, receiver, &reply, name); reply.Status != step.status || got != step.messages {
				t.Errorf("%s %s: status %d and %d messages, want %d and %d: %s", name, step.body, reply.Status, got, step.status, step.messages, reply.Body)
			}
		}
	}
	const login, register, verify, recover = "POST /self-service/login?flow=FLOW", "POST /self-service/registration?flow=FLOW", "POST /self-service/verification?flow=FLOW", "POST /self-service/recovery?flow=FLOW"
	// A code by SMS, three wrong ones, and the right one; one more is asked for too soon.
	flow(
		step{login, `{"method":"code","identifier":"+14155550160"}`, 400, 1, ""},
		step{login, `{"method":"code","identifier":"+14155550160","code":"000000"}`, 400, 0, ""},
		step{login, `{"method":"code","identifier":"+14155550160","code":"000001"}`, 400, 0, ""},
		step{login, `method=code&method=code&code=000002&identifier=%2B14155550160&csrf_token=x`, 400, 0, ""},
		step{login, `{"method":"code","identifier":"+14155550160","resend":"code"}`, 429, 0, ""},
		step{login, `method=code&code=&identifier=%2B14155550160&resend=code`, 429, 0, ""},
		step{login, `{"method":"code","identifier":"+14155550160","code":"` + authapp.Right + `"}`, 200, 0, ""},
	)
	flow(
		step{register, `method=profile&traits.phone=%2B14155550161&traits.email=a%40example.com&screen=credential-selection`, 400, 0, ""},
		step{register, `{"method":"code","traits":{"phone":"+14155550161","email":"a@example.com"}}`, 400, 1, ""},
		step{register, `{"method":"code","traits":{"phone":"+14155550161","email":"a@example.com"},"code":"1"}`, 400, 0, ""},
		step{register, `{"method":"code","traits":{"phone":"+14155550161","email":"a@example.com"},"code":"` + authapp.Right + `"}`, 200, 0, ""},
	)
	// A browser is redirected, which tells nothing, until it looks at the flow.
	flow(
		step{login, `method=code&identifier=%2B14155550162&csrf_token=x`, 303, 1, html},
		step{login, `method=code&code=000000&identifier=%2B14155550162`, 429, 0, html},
		step{"GET /self-service/login/flows?id=FLOW", "", 200, 0, ""},
		step{login, `method=code&method=code&code=000000&identifier=%2B14155550162`, 303, 0, html},
		step{login, `method=code&code=000001&identifier=%2B14155550162`, 303, 0, html},
		step{login, `method=code&code=` + authapp.Right + `&identifier=%2B14155550162`, 303, 0, html},
	)
	// The code of a second factor, with and without whom it was sent to.
	session := "X-Session-Token: ory_st_1234567890abcdefghij"
	reply := gate.Ask(asked("GET /self-service/login/api?aal=aal2&via=phone", "", session), "second factor")
	_, second, _ := strings.Cut(reply.Body, `"id":"`)
	second, _, _ = strings.Cut(second, `"`)
	flow(
		step{"POST /self-service/login?flow=" + second, `{"method":"code","code":"000000"}`, 400, 0, session},
		step{"POST /self-service/login?flow=" + second, `method=code&code=000001&identifier=%2B14155550163`, 400, 0, session},
		step{"POST /self-service/login?flow=" + second, `{"method":"code","code":"` + authapp.Right + `"}`, 200, 0, session},
	)
	// Mail, and what has nothing to do with codes.
	for range 3 {
		flow(step{login, `{"method":"code","identifier":"a@example.com"}`, 400, 0, ""})
		flow(step{login, `{"method":"password","identifier":"+14155550160","password":"x"}`, 200, 0, ""})
		flow(step{login, `method=password&identifier=%2B14155550160&password=x&address=`, 200, 0, ""})
		flow(step{login, `csrf_token=x&identifier=&provider=google`, 400, 0, ""})
		flow(step{login, `{"method":"oidc","provider":"google"}`, 400, 0, ""})
		flow(step{login, `{"method":"totp","totp_code":"123456"}`, 400, 0, ""})
		flow(step{login, `{"method":"lookup_secret","lookup_secret":"x"}`, 400, 0, ""})
		flow(step{login, `method=passkey&passkey_login=%7B%22x%22%3A1%7D&identifier=`, 400, 0, ""})
		flow(step{login, `method=webauthn&webauthn_login=%7B%22x%22%3A1%7D&identifier=%2B14155550160`, 400, 0, ""})
		flow(step{login, `{"method":"code","address":"a@example.com"}`, 400, 0, ""})
		flow(step{register, `{"method":"password","password":"x","traits":{"email":"a+b@example.com","name":{"first":"C++","last":"1970-01-01"}}}`, 400, 0, ""})
		flow(step{register, `{"method":"oidc","provider":"google"}`, 400, 0, ""})
		flow(step{"POST /self-service/settings?flow=FLOW", `{"method":"password","password":"x"}`, 400, 0, session})
		flow(step{"POST /self-service/settings?flow=FLOW", `method=profile&traits.email=a%40example.com&traits.phone=`, 400, 0, session})
		flow(step{verify, `{"method":"code","email":"a@example.com"}`, 400, 0, ""}, step{verify, `{"method":"code","code":"123456"}`, 400, 0, ""})
		flow(step{recover, `method=code&email=a%40example.com`, 400, 0, ""}, step{recover, `method=code&method=code&code=123456`, 400, 0, ""})
		flow(step{recover, `{"recovery_address":"a@example.com","recovery_select_address":"x"}`, 400, 0, ""})
		for _, line := range []string{
			"GET /self-service/login/api", "GET /self-service/login/browser?aal=aal1&refresh=true&return_to=https://www.example.com/", "GET /self-service/login/browser?aal=",
			"GET /self-service/registration/api", "GET /self-service/verification/api", "GET /self-service/recovery/api", "GET /self-service/settings/api", "GET /self-service/registration/flows?id=FLOW",
		} {
			flow(step{line, "", 200, 0, ""})
		}
		flow(step{"GET /self-service/verification?flow=FLOW&code=123456", "", 400, 0, ""})
	}
	// A code is sent to the second of two addresses, of which the first is mail.
	flow(step{recover, `{"recovery_address":"a@example.com","recovery_confirm_address":"+14155550164"}`, 400, 1, ""})
	flow(step{recover, `{"recovery_address":"+14155550165","recovery_confirm_address":"+14155550165"}`, 400, 1, ""})
	if gate.Read("log"); len(receiver.Messages()) != 6 {
		t.Errorf("%d messages, want 6", len(receiver.Messages()))
	}
}

// TestHolesOfKratos: what somebody tries who has read the preset. Each message
// is judged, and its charge kept.
func TestHolesOfKratos(t *testing.T) {
	s, receiver := kratos(), authapp.StartReceiver(t)
	addr, alone, all := s.model(t, receiver), 0, 0
	gate := authapp.StartGate(t, *binary, ruleset(t, s.name, "[]"), s.match, addr)
	const login, register, settings, verify, recover = "POST /self-service/login?flow=FLOW", "POST /self-service/registration?flow=FLOW", "POST /self-service/settings?flow=FLOW", "POST /self-service/verification?flow=FLOW", "POST /self-service/recovery?flow=FLOW"
	for _, hole := range []struct{ line, body string }{
		// The number in a trait of another name, or two of them.
		{register, `{"method":"code","traits":{"email":"a@example.com","mobile":"+14155550102"}}`},
		{register, `{"method":"code","traits":{"phone":"+14155550101","mobile":"+14155550102"}}`},
		{register, `{"method":"password","traits":{"email":"a@example.com","contact":{"mobile":["+14155550102"]}}}`},
		{register, `{"method":"code","traits":{"email":"a@example.com"},"traits.mobile":"+14155550102"}`},
		{register, `{"method":"code","traits":"{\"phone\":\"+14155550102\"}"}`},
		{register, `{"method":"code","traits":{"email":"a@example.com","contact":"{\"mobile\":\"\\u002b14155550102\"}"}}`},
		{register, `method=code&traits.email=a%40example.com&traits.mobile=%2B14155550102`},
		{register, `method=code&traits.phone=%2B14155550101&traits.mobile=%2B14155550102`},
		{register, `method=code&traits=%7B%22phone%22%3A%22%5Cu002b14155550102%22%7D`},
		{register, `method=code&traits.phone=%2B14155550101&traits.contact=%7B%22mobile%22%3A%22%5Cu002b14155550102%22%7D`},
		{register, `method=code&traits.email=a%40example.com&traits.mobile=%EF%BC%8B14155550102`},
		{register, `{"method":"code","traits":{"email":"a@example.com","mobile":"+x1-415x555x0102"}}`},
		{register, `{"method":"code","traits":{"email":"a@example.com","mobile":"tel:4155550102;phone-context=+1"}}`},
		{settings, `{"method":"profile","traits":{"email":"a@example.com","mobile":"+14155550102"}}`},
		{settings, `{"method":"password","password":"x","traits":{"mobile":"+14155550102"}}`},
		{settings, `{"method":"profile","traits":{"mobile":"a@example.com +14155550102"}}`},
		{settings, `{"method":"profile","traits":{"mobile":"call: +14155550102"}}`},
		{settings, `{"method":"profile","traits":{"mobile":"4155550102;phone-context=+1"}}`},
		{settings, `{"method":"profile","traits":{"email":"a@example.com"},"tra\u0069ts.mobile":"+14155550102"}`},
		// Settings take a GET for one that was filled in.
		{"GET /self-service/settings?flow=FLOW&method=profile&traits.phone=%2B14155550102", ""},
		{"GET /self-service/settings?flow=FLOW&method=profile&traits=%7B%22mobile%22%3A%22%5Cu002b14155550102%22%7D", ""},
		// A method that sends nothing, and something that does.
		{register, `{"method":"profile","traits":{"phone":"+14155550102"},"webauthn_register":"{}"}`},
		{register, `method=profile&traits.phone=%2B14155550102&passkey_register=%7B%7D`},
		{login, `{"method":"password","identifier":"a@example.com","password":"x","address":"+14155550102"}`},
		{login, `{"method":"oidc","provider":"google","address":"+14155550102"}`},
		{login, `{"address":"+14155550102"}`},
		{login, `{"method":"code","identifier":"a@example.com","address":"+14155550102"}`},
		{login, `{"method":"code","identifier":"+14155550101","address":"+14155550102"}`},
		{login, `{"method":"identifier_first","identifier":"+14155550102"}`},
		{login, `{"method":"password","method":"code","identifier":"+14155550102"}`},
		{login, `method=password&method=code&identifier=%2B14155550102`},
		{login, `{"method":"code","identifier":"a@example.com+14155550102"}`},
		{login, `{"method":"code","identifier":"a@example.com","Identifier":"+14155550102"}`},
		// The query is read by some flows, and by GETs.
		{verify + "&email=%2B14155550102", `{"method":"code","email":"a@example.com"}`},
		{verify + "&email=%2B14155550102", `{"method":"code"}`},
		{verify + "&email=%2B14155550102", `method=code`},
		{recover + "&recovery_address=%2B14155550102", `{"method":"code"}`},
		{recover + "&recovery_confirm_address=%2B14155550102", `method=code&email=a%40example.com`},
		{"GET /self-service/verification?flow=FLOW&method=code&email=%2B14155550102", ""},
		{"GET /self-service/verification?flow=FLOW&method=code&code=&email=%2B14155550102", ""},
		{"GET /self-service/verification?flow=FLOW&method=code&Email=x&email=%2B14155550102", ""},
		{"HEAD /self-service/verification?flow=FLOW&method=code&email=%2B14155550102", ""},
		{recover, `{"recovery_address":"+14155550101","recovery_confirm_address":"+14155550102"}`},
		{recover, `{"email":"a@example.com","recovery_confirm_address":"+14155550102"}`},
		{recover, `{"method":"code","code":"1","email":"+14155550102"}`},
		{verify, `{"method":"code","code":"","email":"+14155550102"}`},
	} {
		line := strings.ReplaceAll(hole.line, "FLOW", begun())
		all++
		asked(line, hole.body).Send(t, addr, authapp.HeaderRequest+": alone, "+line)
		alone += min(1, len(receiver.Of("alone, "+line)))
		line = strings.ReplaceAll(hole.line, "FLOW", begun())
		judged(t, gate, receiver, asked(line, hole.body), hole.line+" "+hole.body)
		judged(t, gate, receiver, asked(line, hole.body, "Accept: text/html"), hole.line+" "+hole.body+", as a browser")
	}
	if alone < all*3/4 {
		t.Errorf("only %d of %d make the server send", alone, all)
	}
}

// TestEnteringSendsNothing: whatever is done with a flow for which a code was
// sent, a message is counted.
func TestEnteringSendsNothing(t *testing.T) {
	s, receiver := kratos(), authapp.StartReceiver(t)
	gate := authapp.StartGate(t, *binary, ruleset(t, s.name, "[]"), s.match, s.model(t, receiver))
	bare := func(id string) string { return strings.ReplaceAll(id, "-", "") }
	for name, spell := range map[string]func(string) string{
		"as it is": func(id string) string { return id }, "capitals": strings.ToUpper, "bare": bare,
		"braces": func(id string) string { return url.QueryEscape("{" + id + "}") }, "URN": func(id string) string { return "urn:uuid:" + id },
	} {
		for _, anew := range []struct{ line, body string }{
			{"POST /self-service/registration?flow=", `{"method":"profile","traits":{"phone":"+14155550101"}}`},
			{"POST /self-service/registration?flow=", `{"method":"code","screen":"previous","traits":{"phone":"+14155550101"}}`},
			{"POST /self-service/registration?flow=", `method=code&screen=credential-selection&traits.phone=%2B14155550101`},
			{"POST /self-service/registration?flow=", `{"method":"code","resend":"code","traits":{"phone":"+14155550101"}}`},
			{"POST /self-service/registration?flow=", `{"method":"profile","screen":"previous"}`},
			{"POST /self-service/login?flow=", `{"method":"code","resend":"code","identifier":"+14155550102"}`},
			{"POST /self-service/login?flow=", `{"method":"code","resend":"CODE","identifier":"a@example.com"}`},
		} {
			id, name := begun(), name+", "+anew.body
			line, body := "POST /self-service/registration?flow=", `{"method":"code","traits":{"phone":"+14155550101"}}`
			other := `{"method":"code","code":"1","traits":{"phone":"+14155550102"}}`
			if strings.Contains(anew.line, "login") {
				line, body, other = anew.line, `{"method":"code","identifier":"+14155550101"}`, `{"method":"code","code":"1","identifier":"+14155550102"}`
			}
			before, kept := len(receiver.Messages()), len(gate.Kept())
			judged(t, gate, receiver, asked(line+id, body), name+", sent")
			for i, r := range []*authapp.Request{asked(anew.line+spell(id), anew.body), asked(line+id, other), asked(line+id, other), asked(line+spell(id), other)} {
				judged(t, gate, receiver, r, fmt.Sprint(name, ", ", i))
			}
			if sent, charged := len(receiver.Messages())-before, len(gate.Kept())-kept; sent > charged {
				t.Errorf("%s: %d messages and %d charges", name, sent, charged)
			}
		}
	}
}

// TestSessionsOfKratos: a session is counted as the one that the server takes.
func TestSessionsOfKratos(t *testing.T) {
	s, receiver := kratos(), authapp.StartReceiver(t)
	gate := authapp.StartGate(t, *binary, ruleset(t, s.name, "[{per: session, max: 2, in: 1h}]"), s.match, s.model(t, receiver))
	const token, cookie = "ory_st_eYXE0P42PWqLHlwy9UYy2s2E8c4B6iFm", "MTczMjIyfEZha2VTZXNzaW9uQ29va2llVmFsdWU="
	try := func(n int, line string, header ...string) {
		for i := range header {
			header[i] = strings.ReplaceAll(header[i], "#", fmt.Sprint(n))
		}
		judged(t, gate, receiver, asked(line, "", header...), fmt.Sprint(n, line, header))
	}
	for _, line := range []string{
		"GET /self-service/login/api?aal=aal2", "GET /self-service/login/browser?aal=aal2", "GET /self-service/login/api?aal=AAL2", "GET /self-service/login/api?aal=aal1&aal=aal2",
		"GET /self-service/login/api?aal=aal2&aal=aal1", "GET /self-service/login/api?AAL=aal2", "GET /self-service/login/api?aal=aal2&refresh=true", "GET /self-service/login/api?aal=%61al2&via=",
		"HEAD /self-service/login/api?aal=aal2", "GET /self-service/login/api/?aal=aal2", "GET /self-service//login/api?aal=aal2", "GET /self-service/login/API?aal=aal2", "GET /self-service/login/api?aal%00=aal2&aal=aal2",
		"GET /self-service/login/api?aal;aal=aal2",
	} {
		for n := range 4 {
			try(n, line, "X-Session-Token: "+token)
			try(n, line, "X-Session-Token: "+token, "Cookie: ory_kratos_session=junk#")
			try(n, line, "X-Session-Token: "+token, "X-Session-Cookie: junk#")
			try(n, line, "X-Session-Token: junk#", "Cookie: ory_kratos_session="+cookie)
			try(n, line, "Authorization: Bearer "+token, "Cookie: ory_kratos_session=junk#")
			try(n, line, "Authorization: Bearer "+token, "X-Session-Cookie: junk#")
			try(n, line, "Authorization: bearer  "+token)
			try(n, line, "Cookie: ory_kratos_session="+cookie, "X-Session-Cookie: "+cookie)
			try(n, line, "Cookie: ory_kratos_session="+cookie, "Authorization: Basic #")
			try(n, line, "Cookie: ory_kratos_session="+cookie+"; x=#")
			try(n, line, "Cookie: x=#; ory_kratos_session="+cookie)
			try(n, line, "Cookie: ory_kratos_session="+cookie+"; ory_kratos_session=junk#")
			try(n, line, "Cookie: ory_kratos_session="+cookie, "Cookie: ory_kratos_session=junk#")
		}
	}
	if got := len(receiver.Messages()); got != 4 {
		t.Errorf("%d messages for a token and a cookie, of two each", got)
	}
}

// TestSettingsInALoop: a session that changes its number each time runs into a
// limit of its own.
func TestSettingsInALoop(t *testing.T) {
	s, receiver, messages := kratos(), authapp.StartReceiver(t), 0
	gate := authapp.StartGate(t, *binary, ruleset(t, s.name, "[{per: phone, max: 1, in: 1h}, {per: session, max: 3, in: 1h}]"), s.match, s.model(t, receiver))
	for i := range 8 {
		body := fmt.Sprintf(`{"method":"profile","traits":{"phone":"+1415555012%d"}}`, i)
		for _, header := range []string{"X-Request-Id: x", fmt.Sprint("Authorization: Bearer junk", i), fmt.Sprint("X-Session-Cookie: junk", i)} {
			messages += judged(t, gate, receiver, asked("POST /self-service/settings?flow="+begun(), body, "Cookie: ory_kratos_session=MTczMjIyfEZha2VTZXNzaW9uQ29va2llVmFsdWU=", header), body+header)
		}
	}
	if messages != 3 {
		t.Errorf("%d messages, want 3", messages)
	}
}
