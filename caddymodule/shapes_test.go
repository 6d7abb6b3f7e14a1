package caddymodule

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

const severalShapes = `
version: 1
name: test
requests:
  - {name: otp, method: POST, path: /send, phone: json /phone, fold: true, types: any}
  - {name: otp-email, method: POST, path: /send, about: email, phone: json /phone, email: json /email, fold: true, types: any}
  - {name: challenge, method: POST, path: /send/*/challenge, about: account, handle: path *, session: header Authorization}
  - {name: again, method: GET, path: /send/again, about: account, session: cookie sid}
number: {countries: [US]}
human: {require: never}
limits: [{per: phone, max: 1, in: 60s}, {per: session, max: 1, in: 60s}]
`

// Shapes are told apart by Caddy's own path matcher, and nothing passes that
// has none.
func TestSeveralShapes(t *testing.T) {
	behind := answering(200)
	p := open(t, severalShapes, behind, func(p *place) {
		p.site = "@all path /send /send/*\n\totp_gate @all " + filepath.Join(p.folder, "otp.rules.yaml")
		p.route = "reverse_proxy " + p.app
	})
	send := func(method, path, body string, header ...string) *reply {
		t.Helper()
		r, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return p.do(r)
	}
	for _, row := range []struct{ method, path, body, want string }{
		{"POST", "/send/f1/challenge", "{}", "200"},
		{"POST", "/send/f2/challenge", "{}", "429 too_many"},
		{"POST", "/send//challenge", "{}", "400 bad_request"},
		{"POST", "/send/x/../f1/challenge", "{}", "400 bad_request"},
		{"POST", "/send/%66/challenge", "{}", "400 bad_request"},
		{"GET", "/send/again", "", "400 bad_request"},
		{"GET", "/send/f1/challenge", "", "400 bad_request"},
		{"HEAD", "/send/again", "", "400"},
		{"DELETE", "/send/f1", "", "400 bad_request"},
	} {
		want(t, send(row.method, row.path, row.body, "Authorization", "Bearer 0123456789abcdefgh", "Content-Type", "application/json"), row.want)
	}
	want(t, send("GET", "/send/again", "", "Cookie", "sid=one"), "200")
	want(t, send("GET", "/send/again", "", "Cookie", "sid=one"), "429 too_many")
}

// Where requests have several shapes, the log says which one a request had.
func TestShapeIsLogged(t *testing.T) {
	behind := answering(200)
	p := open(t, severalShapes, behind)
	want(t, p.post(`{"PHONE":"`+alice+`"}`, "Content-Type", "text/plain"), "200")
	want(t, p.post(`{"phone":"`+alice+`","phone":null}`), "429 too_soon")
	want(t, p.post(`{"email":"a@example.com"}`), "200")
	want(t, p.post(`{"email":"a@example.com","Phone":"`+alice+`"}`), "429 too_soon")
	want(t, p.post(`{}`), "422 phone_missing")
	var shapes []string
	for _, line := range p.logged("judged") {
		shape, _ := line["shape"].(string)
		shapes = append(shapes, shape)
	}
	if got := strings.Join(shapes, " "); got != "otp otp otp-email otp " {
		t.Errorf("shapes: %q", got)
	}
}

func TestExplainSeveralShapes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.yaml")
	writeFile(t, file, severalShapes)
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"--shape", "otp", "--phone", alice}, "ALLOW\n"},
		{[]string{"--shape", "otp-email", "--email", "a@example.com"}, "ALLOW\n"},
		{[]string{"--shape", "challenge", "--handle", "f1", "--session", "Bearer abc"}, "ALLOW\n"},
		{[]string{"--shape", "again"}, "DENY 400 bad_request"},
		{[]string{"--shape", "again", "--session", "one"}, "ALLOW\n"},
	} {
		out, errs, _ := run(t, append([]string{"explain", file, "--ip", "192.0.2.7"}, row.args...)...)
		if !strings.Contains(out, row.want) {
			t.Errorf("%s:\n%s%s", row.args, out, errs)
		}
	}
	if _, errs, code := run(t, "explain", file, "--ip", "192.0.2.7", "--shape", "none"); code != exitUsage || !strings.Contains(errs, `"none" is not a shape of requests; accepted: `) {
		t.Errorf("exit %d: %s", code, errs)
	}
}
