package caddymodule

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// The example runs as it is, but for its ports, and answers as the README says.
func TestExample(t *testing.T) {
	t.Chdir("..")
	text, err := os.ReadFile("Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	gate, behind := freePort(t), freePort(t)
	file := strings.NewReplacer(
		":8080", fmt.Sprintf(":%d", gate), ":8081", fmt.Sprintf(":%d", behind),
		"admin localhost:2019", fmt.Sprintf("admin off\n\tstorage file_system %s\n\tlog {\n\t\toutput file %s\n\t}", t.TempDir(), logFile),
	).Replace(string(text))
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(file), map[string]any{"filename": "Caddyfile.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	defer caddy.Stop()
	defer client.CloseIdleConnections()

	p := &place{t: t, url: fmt.Sprintf("http://localhost:%d/auth/otp", gate)}
	const good = "XXXX.DUMMY.TOKEN.XXXX"
	for _, ask := range []struct{ from, phone, token, want string }{
		{"192.0.2.7", "+1 415 555 0123", good, "202"},
		{"192.0.2.7", "(415) 555-0123", good, "429 too_soon"},
		{"203.0.113.7", "+1 415 555 0124", good, "403 country_refused"},
		{"192.0.2.130", "+1 415 555 0125", good, "403 network_refused"},
		{"192.0.2.200", "+1 415 555 0125", good, "202"}, // a relay in the data center
		{"192.0.2.8", "+1 415 555 0126", "bad", "403 human_failed"},
		{"192.0.2.8", `+1 415 555 0127","phone":"+1 415 555 0128`, good, "400 bad_request"},
		{"192.0.2.8", "+1 900 555 0127", good, "403 number_refused"},
	} {
		body := fmt.Sprintf(`{"phone":"%s","cf-turnstile-response":"%s"}`, ask.phone, ask.token)
		got := p.post(body, "X-Forwarded-For", ask.from)
		if got.String() != ask.want || got.code == "" && got.text != `{"status":"code sent"}` {
			t.Errorf("%s from %s: got %s, want %s: %s", ask.phone, ask.from, got, ask.want, got.text)
		}
	}
}
