package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
)

// supabase is a gate in front of the model of one.
type supabase struct {
	*testing.T
	*authapp.Gate
	receiver *authapp.Receiver
	addr     string // of the model, without a gate
	asked    int
}

// supabaseWith starts both, with these limits.
func supabaseWith(t *testing.T, limits string) *supabase {
	return supabaseBehind(t, limits, servers[0].match)
}

func supabaseBehind(t *testing.T, limits, match string) *supabase {
	receiver := authapp.StartReceiver(t)
	addr := servers[0].model(t, receiver)
	gate := authapp.StartGate(t, *binary, ruleset(t, "supabase", limits), match, addr)
	return &supabase{T: t, Gate: gate, receiver: receiver, addr: addr}
}

var owner = authapp.Bearer(authapp.Owner, true)

// ask asks the gate as a person's app does.
func (s *supabase) ask(line, header, body string) authapp.Reply {
	s.Helper()
	if body != "" {
		header += "\nContent-Type: application/json;charset=UTF-8"
	}
	r := authapp.Request{Line: line, Header: strings.TrimSpace(header), Body: body}
	s.asked++
	name := fmt.Sprintf("%d %s %.100s", s.asked, line, body)
	reply := s.Gate.Ask(&r, name)
	checkMessages(s.T, s.Gate, s.receiver, &reply, name)
	return reply
}

// enrol returns the id of a new factor.
func (s *supabase) enrol(session, body string) string {
	s.Helper()
	reply := s.ask("POST /auth/v1/factors", session, body)
	var factor struct{ ID string }
	if err := json.Unmarshal([]byte(reply.Body), &factor); err != nil || factor.ID == "" {
		s.Fatalf("enrolling is answered %d %s", reply.Status, reply.Body)
	}
	return factor.ID
}

func (s *supabase) challenge(session, id string) authapp.Reply {
	s.Helper()
	return s.ask("POST /auth/v1/factors/"+id+"/challenge", session, `{"channel":"sms"}`)
}

// factors are those of the owner of a session, as the server itself has them.
func (s *supabase) factors(session string) (ids []string) {
	r := authapp.Request{Line: "GET /auth/v1/user", Header: session}
	var user struct{ Factors []struct{ ID string } }
	z, err := gzip.NewReader(strings.NewReader(r.Send(s, s.addr).Body))
	if err == nil {
		err = json.NewDecoder(z).Decode(&user)
	}
	if err != nil {
		s.Fatal(err)
	}
	for _, f := range user.Factors {
		ids = append(ids, f.ID)
	}
	return ids
}

func (s *supabase) remove(session, id string) {
	r := authapp.Request{Line: "DELETE /auth/v1/factors/" + id, Header: session}
	if reply := s.Gate.Ask(&r, "delete"); reply.Problem() {
		s.Errorf("deleting is answered %d %s", reply.Status, reply.Body)
	}
}

// kept are the charges of one shape that stay.
func (s *supabase) kept(shape string) int {
	return len(slices.DeleteFunc(s.Kept(), func(j authapp.Judged) bool { return j.Shape != shape }))
}

// Enrolling, challenging and deleting, with a number of its own each time, runs
// into a limit: into one that was written, and into those by default.
func TestFactorsInALoop(t *testing.T) {
	for _, test := range []struct {
		limits string
		want   int // messages
	}{
		{"[{per: phone, max: 1, in: 1h}, {per: session, max: 3, in: 1h}]", 3},
		{"", 1},
	} {
		s := supabaseWith(t, test.limits)
		for i := range 8 {
			id := s.enrol(owner, fmt.Sprintf(`{"factor_type":"phone","friendly_name":"f%d","phone":"+1415555012%d"}`, i, i))
			s.challenge(owner, id)
			s.remove(owner, id)
		}
		if got := len(s.receiver.Messages()); got != test.want {
			t.Errorf("limits %s: %d messages, want %d", test.limits, got, test.want)
		}
	}
}

// What the ledger keeps for factors that are enrolled and deleted in a loop is
// bounded, by default and beside limits that count for no session.
func TestFactorsAreBounded(t *testing.T) {
	for _, limits := range []string{"", "[{per: phone, max: 1, in: 1h}]"} {
		s := supabaseWith(t, limits)
		enrolled := 0
		for range 35 {
			reply := s.ask("POST /auth/v1/factors", owner, `{"factor_type":"phone","friendly_name":"f","phone":"+14155550101"}`)
			if reply.Problem() {
				continue
			}
			enrolled++
			for _, id := range s.factors(owner) {
				r := authapp.Request{Line: "DELETE /auth/v1/factors/" + id, Header: owner}
				r.Send(t, s.addr)
			}
		}
		if enrolled != 30 {
			t.Errorf("limits %q: %d factors are enrolled in a loop, want 30", limits, enrolled)
		}
	}
}

// Whatever is tried when a number is enrolled, a challenge sends to a number
// that the gate has judged, or not at all.
func TestFactorTricks(t *testing.T) {
	s := supabaseWith(t, "[]")
	route := authapp.Route{Path: "/auth/v1/factors", Key: "phone", Rest: `"factor_type":"phone"`, Form: "factor_type=phone", Header: owner}
	tricks, through := route.Tricks(someone, somebody), 0
	tricks = append(tricks, authapp.Trick{Name: "plain", Request: route.Plain(someone)})
	for _, odd := range []string{
		`{"factor_type":"totp","FACTOR_TYPE":"phone","phone":"+14155550101"}`,
		`{"factor_type":"phone","phone":"+14155550101","factor_type":null}`,
		`{"factor_type":"totp","factor_type":"phone","phone":"+14155550101"}`,
		`{"factor_type":"totp","phone":"+14155550101"}`,
		`{"factor_type":"totp","phone":"+14155550101","Phone":""}`,
		`{"Factor_Type":"phone","PHONE":"+14155550101"}`,
		`{"factor_type":"pho\u006ee","ph\u006fne":"+14155550101"}`,
		`{"factor_type":["phone"],"phone":"+14155550101"}`,
		`{"factor_type":"phone","phone":"+14155550101","id":"f","friendly_name":"\",\"id\":\"f"}`,
		`{"factor_type":"phone","phone":"+14155550101","friendly_name":"` + strings.Repeat("<", 430) + `"}`,
		`{"factor_type":"phone","phone":"+14155550101","friendly_name":"` + strings.Repeat("\u2028", 130) + `"}`,
	} {
		tricks = append(tricks, authapp.Trick{Name: odd[:min(len(odd), 100)], Request: authapp.Request{Line: "POST /auth/v1/factors", Header: "Content-Type: application/json\n" + owner, Body: odd}})
	}
	for _, trick := range tricks {
		s.Gate.Ask(&trick.Request, "enrol, "+trick.Name)
		for _, id := range s.factors(owner) {
			r := authapp.Request{Line: "POST /auth/v1/factors/" + id + "/challenge", Header: "Content-Type: application/json\n" + owner, Body: "{}"}
			through += judged(t, s.Gate, s.receiver, &r, "challenge after "+trick.Name)
			s.remove(owner, id)
		}
	}
	t.Logf("of %d tricks %d enrol a number, which was judged", len(tricks), through)
	if through < 10 {
		t.Error("too few do")
	}
}

// A factor is one factor in all spellings of its id, and only its owner's.
func TestFactorSpellings(t *testing.T) {
	s := supabaseWith(t, "[{per: phone, max: 1, in: 1h}, {per: session, max: 99, in: 1h}]")
	id := s.enrol(owner, `{"factor_type":"phone","friendly_name":"f","phone":"+14155550101"}`)
	bare := strings.ReplaceAll(id, "-", "")
	for _, spelling := range []string{
		strings.ToUpper(id), id, bare, strings.ToUpper(bare), "{" + id + "}", "%7B" + id + "%7D", "%7b" + bare + "%7d", "{" + strings.ToUpper(id) + "}",
		"urn:uuid:" + id, "URN:UUID:" + id, "urn%3Auuid%3A" + id, "urn:uuid:" + bare, "urn:uuid:{" + id + "}", id + "/", "/" + id, "./" + id, id + "%20", "%37" + id[1:],
		bare[:8] + "-" + bare[8:], id + ";a=b", id + "%00", id + "?x=1#", "+" + id,
	} {
		s.challenge(owner, spelling)
	}
	if got := len(s.receiver.Messages()); got != 1 {
		t.Errorf("%d messages, want 1", got)
	}
	// Somebody else's factor is not found, and that is not counted.
	s = supabaseWith(t, "[{per: session, max: 1, in: 1h}]")
	id = s.enrol(owner, `{"factor_type":"phone","friendly_name":"f","phone":"+14155550101"}`)
	other := authapp.Bearer("0b0e5b1c-7b3a-4a52-9f7e-2a5b8f3c1d11", true)
	for range 3 {
		if reply := s.challenge(other, id); reply.Status != 404 || reply.Problem() {
			t.Errorf("somebody else's challenge is answered %d %s", reply.Status, reply.Body)
		}
	}
	if got, kept := len(s.receiver.Messages()), s.kept("challenge"); got != 0 || kept != 0 {
		t.Errorf("%d messages, and %d charges that stay", got, kept)
	}
}

// A factor that the gate has not seen enrolled is counted for the session that
// challenges it, by default, too.
func TestFactorUnseen(t *testing.T) {
	s := supabaseWith(t, "")
	before := authapp.Request{Line: "POST /auth/v1/factors", Header: owner, Body: `{"factor_type":"phone","phone":"+14155550101"}`}
	before.Send(t, s.addr)
	for range 5 {
		r := authapp.Request{Line: "POST /auth/v1/factors/" + s.factors(owner)[0] + "/challenge", Header: owner, Body: "{}"}
		s.Gate.Ask(&r, "unseen")
	}
	if got, kept := len(s.receiver.Of("unseen")), s.kept("challenge"); got != 1 || kept != 1 {
		t.Errorf("%d messages and %d charges, want one", got, kept)
	}
}

// Sessions that are made up send nothing and cost nobody anything; and one
// session is one, however its token is brought.
func TestSessions(t *testing.T) {
	s := supabaseWith(t, "[{per: session, max: 2, in: 1h}]")
	for i := range 5 {
		sub := fmt.Sprintf("%08x-7b3a-4a52-9f7e-2a5b8f3c1d11", i)
		for _, ask := range []func(session string) authapp.Reply{
			func(session string) authapp.Reply { return s.ask("GET /auth/v1/reauthenticate", session, "") },
			func(session string) authapp.Reply { return s.challenge(session, sub) },
			func(session string) authapp.Reply {
				return s.ask("PUT /auth/v1/user", session, fmt.Sprintf(`{"phone":"+1415555013%d"}`, i))
			},
		} {
			if reply := ask(authapp.Bearer(sub, false)); reply.Problem() || reply.Status != 403 {
				t.Errorf("a forged token is answered %d %s", reply.Status, reply.Body)
			}
			ask(authapp.Bearer(authapp.Owner, false))
		}
	}
	if got, kept := len(s.receiver.Messages()), len(s.Kept())-s.kept("user-read"); got != 0 || kept != 0 {
		t.Errorf("forged tokens: %d messages, %d charges that stay", got, kept)
	}
	token := strings.TrimPrefix(owner, "Authorization: Bearer ")
	for _, header := range []string{
		owner, "authorization: bearer " + token, "AUTHORIZATION: BEARER " + token, "Authorization: Bearer " + token + "=", "Authorization: Bearer  " + token, "Authorization: Bearer\t" + token,
		owner + "\n" + authapp.Bearer("0b0e5b1c-7b3a-4a52-9f7e-2a5b8f3c1d11", true), authapp.Bearer("0b0e5b1c-7b3a-4a52-9f7e-2a5b8f3c1d11", true) + "\n" + owner,
		owner + ", Bearer x", owner + " x", "Authorization:\n Bearer " + token, owner + "\nCookie: sb-access-token=x", owner + "\napikey: x", owner + "\nConnection: Authorization",
		"Authorization: bEARER " + token, owner, owner,
	} {
		s.ask("GET /auth/v1/reauthenticate", header, "")
	}
	if got := len(s.receiver.Messages()); got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
}

// What may have been sent is not given back, whatever the server answers.
func TestHooksThatFail(t *testing.T) {
	s := supabaseWith(t, "[]")
	for i, number := range []string{authapp.Broken, authapp.Late, authapp.Refused} {
		for _, ask := range []struct{ line, header, body string }{
			{"POST /auth/v1/otp", "", `{"phone":"%s"}`},
			{"POST /auth/v1/otp", "X-Supabase-Api-Version: 2024-01-01", `{"phone":"%s","channel":"sms"}`},
			{"POST /auth/v1/signup", "", `{"phone":"%s","password":"Password123!"}`},
			{"POST /auth/v1/resend", "", `{"type":"sms","phone":"%s"}`},
			{"PUT /auth/v1/user", owner, `{"phone":"%s"}`},
		} {
			s.ask(ask.line, ask.header, fmt.Sprintf(ask.body, number))
		}
		id := s.enrol(owner, fmt.Sprintf(`{"factor_type":"phone","friendly_name":"%d","phone":"%s"}`, i, number))
		s.challenge(owner, id)
	}
	if got, kept := len(s.receiver.Messages()), len(s.Kept())-s.kept("factor"); got != 18 || kept != 18 {
		t.Errorf("%d messages and %d charges, want 18 of each", got, kept)
	}
}

// A message of a change goes to the new number, and is counted for it.
func TestPhoneChange(t *testing.T) {
	s := supabaseWith(t, "[{per: phone, max: 2, in: 1h}, {per: session, max: 9, in: 1h}]")
	resend := func(phone string) authapp.Reply {
		return s.ask("POST /auth/v1/resend", "", fmt.Sprintf(`{"type":"phone_change","phone":%q}`, phone))
	}
	if reply := resend(authapp.Account); reply.Status != 400 || !reply.Problem() {
		t.Errorf("a change that nobody has begun is answered %d %s", reply.Status, reply.Body)
	}
	s.ask("PUT /auth/v1/user", owner, `{"phone":"+14155550101"}`)
	s.ask("PUT /auth/v1/user", owner, fmt.Sprintf(`{"phone":%q}`, authapp.Account)) // sends nothing, and changes nothing
	resend("1415 5550160")
	resend(authapp.Account)
	s.ask("PUT /auth/v1/user", owner, `{"phone":"+14155550102","code_challenge":null,"code_challenge_method":null}`)
	resend("+" + strings.TrimPrefix(authapp.Account, "+"))
	resend(authapp.Account)
	resend("+14155550102") // no account has it yet
	sent := make(map[string]int)
	for _, m := range s.receiver.Messages() {
		sent[m.To]++
	}
	if want := map[string]int{"14155550101": 2, "14155550102": 2}; fmt.Sprint(sent) != fmt.Sprint(want) {
		t.Errorf("messages %v, want %v", sent, want)
	}
	for _, body := range []string{
		`{"type":"phone_change","email":"a@example.com"}`,
		`{"type":"phone_change","email":"a@example.com","phone":""}`,
		`{"type":"phone_change","email":"a@example.com","phone":"+14155550160","PHONE":""}`,
		`{"type":"phone_change"}`,
		`{"type":"email_change","TYPE":"phone_change","email":"a@example.com"}`,
	} {
		if reply := s.ask("POST /auth/v1/resend", "", body); !reply.Problem() {
			t.Errorf("%s is answered %d", body, reply.Status)
		}
	}
	route := authapp.Route{Path: "/auth/v1/resend", Key: "phone", Rest: `"type":"phone_change"`, Form: "type=phone_change"}
	s = supabaseWith(t, "[]")
	s.ask("PUT /auth/v1/user", owner, `{"phone":"+14155550101"}`)
	tryWith(t, s.Gate, s.receiver, s.addr, &route, authapp.Account)
}

// What clients of supabase send gets through, with a gate in front of what may
// send, and with one in front of all.
func TestClientsOfSupabase(t *testing.T) {
	const factor = "/auth/v1/factors/7e0051ba-14b8-4d81-bebb-1cc06e6de876"
	client := "apikey: anon\nX-Client-Info: supabase-js-web/2.98.0\nX-Supabase-Api-Version: 2024-01-01"
	for _, match := range []string{servers[0].match, "path /auth/v1/*"} {
		s := supabaseBehind(t, "[]", match)
		for _, r := range []struct{ line, body string }{
			// supabase-js
			{"POST /auth/v1/otp", `{"phone":"+14155550101","data":{},"create_user":true,"gotrue_meta_security":{},"channel":"sms"}`},
			{"POST /auth/v1/otp", `{"phone":"14155550101","data":{"name":"A","phone":"x","email":"y"},"create_user":false,"gotrue_meta_security":{"captcha_token":"t"},"channel":"whatsapp"}`},
			{"POST /auth/v1/otp?redirect_to=https%3A%2F%2Fexample.com%2Fin", `{"email":"a@example.com","data":{},"create_user":true,"gotrue_meta_security":{},"code_challenge":null,"code_challenge_method":null}`},
			{"POST /auth/v1/signup", `{"phone":"+14155550101","password":"p","data":{},"channel":"sms","gotrue_meta_security":{"captcha_token":"t"}}`},
			{"POST /auth/v1/signup?redirect_to=https%3A%2F%2Fexample.com", `{"email":"a@example.com","password":"p","data":{},"gotrue_meta_security":{},"code_challenge":"c","code_challenge_method":"s256"}`},
			{"POST /auth/v1/signup", `{"data":{},"gotrue_meta_security":{}}`},
			{"POST /auth/v1/signup", `{"data":{"theme":"dark"},"gotrue_meta_security":{"captcha_token":"t"}}`},
			{"POST /auth/v1/resend", `{"phone":"+14155550101","type":"sms","gotrue_meta_security":{}}`},
			{"POST /auth/v1/resend", `{"email":"a@example.com","type":"signup","gotrue_meta_security":{}}`},
			{"POST /auth/v1/resend", `{"email":"a@example.com","type":"email_change","gotrue_meta_security":{"captcha_token":"t"}}`},
			{"PUT /auth/v1/user", `{"phone":"+14155550101","code_challenge":null,"code_challenge_method":null}`},
			{"POST /auth/v1/resend", `{"phone":"` + authapp.Account + `","type":"phone_change","gotrue_meta_security":{}}`},
			{"PUT /auth/v1/user", `{"email":"b@example.com","code_challenge":"c","code_challenge_method":"s256"}`},
			{"PUT /auth/v1/user", `{"email":"b@example.com","phone":"+14155550102","code_challenge":null,"code_challenge_method":null}`},
			{"PUT /auth/v1/user", `{"password":"new","code_challenge":null,"code_challenge_method":null}`},
			{"PUT /auth/v1/user", `{"password":"new","nonce":"123456"}`},
			{"PUT /auth/v1/user", `{"password":"new","current_password":"old"}`},
			{"PUT /auth/v1/user", `{"email":"b@example.com","password":"new"}`},
			{"PUT /auth/v1/user", `{"data":{"bio":"` + strings.Repeat("x", 40<<10) + `"}}`},
			{"PUT /auth/v1/user", `{"data":{"phone":"+1 415 555 01 01","phones":["a"],"address":{"phone":null}}}`},
			{"GET /auth/v1/user", ""},
			{"GET /auth/v1/reauthenticate", ""},
			{"POST /auth/v1/factors", `{"friendly_name":"a","factor_type":"phone","phone":"+14155550101"}`},
			{"POST /auth/v1/factors", `{"friendly_name":"a","factor_type":"totp","issuer":"example.com"}`},
			{"POST /auth/v1/factors", `{"factor_type":"webauthn","friendly_name":"key"}`},
			{"POST " + factor + "/challenge", `{"channel":"sms"}`},
			{"POST " + factor + "/challenge", `{}`},
			{"POST " + factor + "/challenge", ""},
			{"POST " + factor + "/challenge", `{"webauthn":{"rpId":"example.com","rpOrigins":["https://example.com"]}}`},
			{"POST " + factor + "/verify", `{"code":"123456","challenge_id":"3e47a465-3d0e-42ae-a3ab-953af528d4e6"}`},
			{"POST " + factor + "/verify", `{"challenge_id":"3e47a465-3d0e-42ae-a3ab-953af528d4e6","webauthn":{"type":"create","credential_response":{"id":"x","rawId":"x","response":{}}}}`},
			{"DELETE " + factor, ""},
			{"DELETE " + factor, `{}`},
			{"POST /auth/v1/token?grant_type=password", `{"phone":"+14155550101","password":"p","gotrue_meta_security":{}}`},
			{"POST /auth/v1/token?grant_type=refresh_token", `{"refresh_token":"r"}`},
			{"POST /auth/v1/token?grant_type=pkce", `{"auth_code":"a","code_verifier":"v"}`},
			{"POST /auth/v1/token?grant_type=id_token", `{"provider":"google","id_token":"i","access_token":null,"nonce":null,"gotrue_meta_security":{}}`},
			{"POST /auth/v1/verify", `{"phone":"+14155550101","token":"123456","type":"sms","gotrue_meta_security":{}}`},
			{"POST /auth/v1/verify", `{"token_hash":"h","type":"email"}`},
			{"GET /auth/v1/verify?token=t&type=signup&redirect_to=https%3A%2F%2Fexample.com", ""},
			{"POST /auth/v1/logout?scope=global", ""},
			{"POST /auth/v1/logout?scope=local", `{}`},
			{"POST /auth/v1/recover?redirect_to=https%3A%2F%2Fexample.com", `{"email":"a@example.com","code_challenge":null,"code_challenge_method":null,"gotrue_meta_security":{}}`},
			{"GET /auth/v1/authorize?provider=github&code_challenge=c&code_challenge_method=s256", ""},
			{"GET /auth/v1/callback?code=c&state=s", ""},
			{"GET /auth/v1/settings", ""},
			{"GET /auth/v1/health", ""},
			{"GET /auth/v1/.well-known/jwks.json", ""},
			{"POST /auth/v1/sso", `{"domain":"example.com","skip_http_redirect":true,"gotrue_meta_security":{},"code_challenge":null}`},
			{"GET /auth/v1/user/identities/authorize?provider=github", ""},
			{"DELETE /auth/v1/user/identities/7e0051ba-14b8-4d81-bebb-1cc06e6de876", ""},
			{"GET /auth/v1/admin/users?page=1&per_page=50", ""},
			{"PUT /auth/v1/admin/users/7e0051ba-14b8-4d81-bebb-1cc06e6de876", `{"phone":"+14155550101","phone_confirm":true}`},
			{"POST /auth/v1/admin/generate_link", `{"type":"magiclink","email":"a@example.com"}`},
			// others
			{"POST /auth/v1/otp", `{"phone":"+14155550101","data":null,"create_user":true,"gotrue_meta_security":{"captcha_token":null},"channel":"sms"}`},
			{"POST /auth/v1/otp", `{"phone":"+14155550101","email":null,"create_user":true}`},
			{"POST /auth/v1/otp", `{"email":"a@example.com","phone":null,"data":null,"create_user":true,"gotrue_meta_security":{"captcha_token":null},"code_challenge":null,"code_challenge_method":null}`},
			{"POST /auth/v1/signup", `{"email":"a@example.com","phone":null,"password":"p","data":null,"gotrue_meta_security":{"captcha_token":null}}`},
			{"POST /auth/v1/otp", `{"email":"a@example.com","phone":""}`},
			{"PUT /auth/v1/user", `{"email":"","phone":"","password":"new","data":{}}`},
			{"PUT /auth/v1/user", `{"email":null,"phone":null,"password":"new","data":null,"nonce":null}`},
		} {
			if reply := s.ask(r.line, client+"\n"+owner, r.body); reply.Problem() {
				t.Errorf("%s: %s %.100s is answered %d %s", match, r.line, r.body, reply.Status, s.Judged(reply.ID()).Detail)
			}
		}
		for _, method := range []string{"POST", "PUT", "GET", "DELETE"} {
			for _, path := range []string{"otp", "signup", "resend", "user", "factors", "factors/7e0051ba-14b8-4d81-bebb-1cc06e6de876/challenge", "reauthenticate", "token?grant_type=password"} {
				r := authapp.Request{Line: "OPTIONS /auth/v1/" + path, Header: "Origin: https://example.com\nAccess-Control-Request-Method: " + method + "\nAccess-Control-Request-Headers: apikey,authorization,content-type,x-client-info,x-supabase-api-version"}
				if reply := s.Gate.Ask(&r, r.Line+" "+method); reply.Problem() {
					t.Errorf("%s: a preflight of %s %s is answered %d %s", match, method, path, reply.Status, reply.Body)
				}
			}
		}
		form := authapp.Request{Line: "POST /auth/v1/callback", Header: "Content-Type: application/x-www-form-urlencoded", Body: "state=s&code=c&user=%7B%22name%22%3A%22A%22%7D"}
		if reply := s.Gate.Ask(&form, "callback"); reply.Problem() {
			t.Errorf("a form to /callback is answered %d %s", reply.Status, reply.Body)
		}
	}
}

// What sends to a phone, or may, and fits no shape is refused.
func TestUnfitForSupabase(t *testing.T) {
	s := supabaseBehind(t, "[]", "path /auth/v1/*")
	for _, r := range []struct{ line, body string }{
		{"POST /auth/v1/signup", `{}`},
		{"POST /auth/v1/signup", `{"data":{},"password":"p"}`},
		{"POST /auth/v1/signup", `{"data":null}`},
		{"POST /auth/v1/otp", `{"data":{}}`},
		{"PUT /auth/v1/user", `{}`},
		{"PUT /auth/v1/user", `{"data":{},"phone":"","Phone":"x"}`},
		{"POST /auth/v1/factors", `{"factor_type":"sms","phone":"+14155550101"}`},
		{"POST /auth/v1/factors", `{"factor_type":"phone"}`},
		{"POST /auth/v1/factors", `{"factor_type":"totp","phone":"+14155550101"}`},
		{"POST /auth/v1/whatever", `{"phone":"+14155550101"}`},
		{"GET /auth/v1/otp?phone=%2B14155550101", ""},
		{"POST /auth/v1/otp?phone=%2B14155550101", `{"email":"a@example.com"}`},
		{"POST /auth/v1/otp", "phone=%2B14155550101"},
		{"POST /auth/v1/reauthenticate", `{}`},
		{"GET /auth/v1/factors/7e0051ba-14b8-4d81-bebb-1cc06e6de876/challenge", ""},
		{"POST /auth/v1//otp", `{"phone":"+14155550101"}`},
		{"POST /auth/v1/%6ftp", `{"phone":"+14155550101"}`},
	} {
		if reply := s.ask(r.line, owner, r.body); !reply.Problem() {
			t.Errorf("%s %s is answered %d", r.line, r.body, reply.Status)
		}
	}
}

// The recordings agree with a gate that stands in front of all, too.
func TestRecordedBehindOneGate(t *testing.T) {
	s := servers[0]
	s.match = "path /auth/v1/*"
	if pairs := authapp.Pairs(t, "../..", s.name); len(pairs) > 0 {
		s.replay(t, pairs, false)
	}
}
