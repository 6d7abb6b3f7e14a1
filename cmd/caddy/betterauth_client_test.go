package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
	"github.com/otpgate/otpgate/ruleset/human/turnstiletest"
)

// What a front end comes to: what it is refused, and nothing if it is not.
var frontEnd = []struct{ step, refused string }{
	{"sign up", ""},
	{"no proof", "403 human_required"},
	{"send", ""},
	{"verify", ""},
	{"update", ""},
	{"session", ""},
	{"sign out", ""},
	{"forget", ""},
	{"reset", ""},
	{"old password", "401 INVALID_PHONE_NUMBER_OR_PASSWORD"},
	{"sign in", ""},
	{"enable", ""},
	{"factor, no proof", "403 human_required"},
	{"factor", ""},
	{"factor, verify", ""},
	{"sign out again", ""},
	{"half a sign-in", ""},
	{"second factor", ""},
	{"second factor, verify", ""},
	{"signed in", ""},
	{"sign out at last", ""},
	{"sign up, unverified", ""},
	{"sign in, unverified", "401 PHONE_NUMBER_NOT_VERIFIED"},
	{"verify, unverified", ""},
	{"spelled with spaces", "422 phone_invalid"},
	{"sign up, no number", ""},
}

// TestBetterAuthClient: better-auth's own client goes all its ways through the
// gate, which sees a proof wherever a code is sent.
func TestBetterAuthClient(t *testing.T) {
	const rules = `
number: {countries: [US], unknown: allow}
limits: [{per: phone, max: 3, in: 1h}, {per: session, max: 1, in: 1h}, {max: 5, in: 1h}]
`
	for _, app := range []struct {
		name, options, preset, path string
	}{
		// As an app has it that is served with TLS, whose session a cookie keeps.
		{"by default", `{"auth":{"advanced":{"useSecureCookies":true},"session":{"cookieCache":{"enabled":true}}}}`, "preset: better-auth", "/api/auth"},
		{"all names differ", `{"auth":{"basePath":"/id/v1","advanced":{"cookiePrefix":"example","useSecureCookies":false}}}`, `
preset: {name: better-auth, prefix: /id/v1}
requests:
  - {name: two-factor-session, where: [cookie example.two_factor absent, header Authorization absent, header x-api-key absent], session: cookie example.session_token}
  - {name: two-factor, where: [cookie example.session_token absent, header Authorization absent, header x-api-key absent], session: cookie example.two_factor}`, "/id/v1"},
	} {
		t.Run(app.name, func(t *testing.T) {
			t.Parallel()
			server := startBetterAuth(t, made, app.options)
			siteverify := turnstiletest.New()
			defer siteverify.Close()
			gate := authapp.StartGate(t, *binary, "version: 1\n"+app.preset+rules, strings.ReplaceAll(betterAuthRoutes, "/api/auth", app.path), server.addr,
				"turnstile {", "secret "+siteverify.Secret, "url "+siteverify.URL, "}")
			tokens := 0
			steps := authapp.RunClient(t, "../../testdata/apps/better-auth", gate.URL, app.path, func() string {
				tokens++
				return siteverify.Issue(turnstiletest.Token{})
			}, server.receiver)
			for i, want := range frontEnd {
				if i >= len(steps) {
					t.Fatalf("the client ends before %q", want.step)
				}
				got := ""
				if e := steps[i].Error; e != nil {
					got = fmt.Sprint(e.Status, " ", e.Code)
				}
				if steps[i].Step != want.step || got != want.refused {
					t.Errorf("%s: %q %s, want %q", steps[i].Step, got, steps[i].Data, want.refused)
				}
			}
			kinds := make([]string, 0, 5)
			for _, m := range server.receiver.Messages() {
				asJudged(t, gate, &m, m.Kind)
				kinds = append(kinds, m.Kind)
			}
			if want := []string{"otp", "reset", "two-factor", "two-factor", "otp"}; !slices.Equal(kinds, want) {
				t.Errorf("messages %q, want %q", kinds, want)
			}
			var session struct {
				User struct{ TwoFactorEnabled bool }
			}
			if i := slices.IndexFunc(steps, func(s authapp.Step) bool { return s.Step == "signed in" }); i < 0 || json.Unmarshal(steps[i].Data, &session) != nil || !session.User.TwoFactorEnabled {
				t.Error("nobody is signed in with a second factor")
			}
		})
	}
}
