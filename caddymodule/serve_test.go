package caddymodule

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/human/turnstiletest"
)

const oneAMinute = noProof + `
limits: [{per: phone, max: 1, in: 60s}]
`

const alice, bob = "+14155550101", "+14155550102"

func TestAllowedAndRefused(t *testing.T) {
	behind := answering(202)
	p := open(t, oneAMinute, behind, func(p *place) { p.gate = "phone_header X-Otp-Gate-Phone" })

	first := p.ask("(415) 555-0101", "X-Otp-Gate-Phone", "+14155550199", "X-HTTP-Method-Override", "DELETE")
	want(t, first, "202")
	if got := first.Header.Get("RateLimit-Policy"); got != `"cooldown";q=1;w=60` {
		t.Errorf("RateLimit-Policy: %s", got)
	}
	r, body := behind.last()
	if body != `{"phone":"(415) 555-0101"}` || r.ContentLength != int64(len(body)) {
		t.Errorf("the app got %d bytes: %s", r.ContentLength, body)
	}
	if got := r.Header["X-Otp-Gate-Phone"]; len(got) != 1 || got[0] != alice {
		t.Errorf("the app got the number as %q", got)
	}
	if r.Header.Get("X-Http-Method-Override") != "" {
		t.Error("the app got a method override")
	}

	second := p.ask(alice)
	want(t, second, "429 too_soon")
	for header, value := range map[string]string{
		"Content-Type":           "application/problem+json",
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"RateLimit-Policy":       `"cooldown";q=1;w=60`,
	} {
		if got := second.Header.Get(header); got != value {
			t.Errorf("%s: %q, want %q", header, got, value)
		}
	}
	if wait, err := strconv.Atoi(second.Header.Get("Retry-After")); err != nil || wait < 58 || wait > 61 {
		t.Errorf("Retry-After: %q", second.Header.Get("Retry-After"))
	} else if got := second.Header.Get("RateLimit"); got != fmt.Sprintf(`"cooldown";r=0;t=%d`, wait) {
		t.Errorf("RateLimit: %s", got)
	}
	want(t, p.ask(bob), "202")

	lines := p.logged("judged")
	if len(lines) != 3 {
		t.Fatalf("%d log lines, want 3", len(lines))
	}
	id := lines[1]["id"].(string)
	if !strings.Contains(second.text, `"id":"`+id+`"`) {
		t.Errorf("the answer has another id than the log (%s): %s", id, second.text)
	}
	for field, value := range map[string]any{
		"gate": "test", "action": "deny", "code": "too_soon", "reason": "too_soon", "check": "limit",
		"ip_network": "127.0.0.0/24", "phone_country": "US", "method": "POST", "level": "info", "logger": "http.handlers.otp_gate",
	} {
		if lines[1][field] != value {
			t.Errorf("log: %s is %v, want %v", field, lines[1][field], value)
		}
	}
	if lines[0]["status"] != 202.0 || lines[0]["outcome"] != "sent" {
		t.Errorf("log of the first: %v", lines[0])
	}
	for name, value := range map[string]string{
		`otpgate_decisions_total{action="allow",check="",gate="test",reason=""}`:             "2",
		`otpgate_decisions_total{action="deny",check="limit",gate="test",reason="too_soon"}`: "1",
		`otpgate_outcomes_total{gate="test",outcome="sent"}`:                                 "2",
		`otpgate_decision_duration_seconds_count{gate="test"}`:                               "3",
	} {
		if got := p.metric(name); got != value {
			t.Errorf("%s: %s, want %s", name, got, value)
		}
	}
}

// One place left, a hundred who want it.
func TestOnePlace(t *testing.T) {
	behind := answering(202)
	p := open(t, oneAMinute, behind)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			resp, err := client.Post(p.url+"/send", "application/json", strings.NewReader(`{"phone":"`+alice+`"}`))
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		})
	}
	wg.Wait()
	if n := behind.sent.Load(); n != 1 {
		t.Errorf("%d requests reached the app, want 1", n)
	}
}

// What the app answers decides whether the place is given back.
func TestSettle(t *testing.T) {
	const back, stays = "202", "429 too_soon"
	hijack := func(w http.ResponseWriter, text string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			io.WriteString(conn, text)
			conn.Close()
		}
	}
	for _, test := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		rules  string // more of them
		odd    string // what the first request meets in place of the app
		first  string // what the first request gets, "" for nothing
		second string
	}{
		{name: "422", answer: status(422), first: "422", second: back},
		{name: "400", answer: status(400), first: "400", second: back},
		{name: "404", answer: status(404), first: "404", second: back},
		{name: "200", answer: status(200), first: "200", second: stays},
		{name: "302", answer: status(302), first: "302", second: stays},
		{name: "500", answer: status(500), first: "500", second: stays},
		{name: "103, then 422", answer: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(422)
		}, first: "422", second: back},
		{name: "499 by the app", answer: status(499), first: "499", second: stays},
		{name: "hangs up", answer: func(w http.ResponseWriter, r *http.Request) { hijack(w, "") }, first: "502", second: stays},
		{name: "hangs up, which the ruleset takes for not sent", rules: "answer: {not_sent: [400-499, no_answer]}",
			answer: func(w http.ResponseWriter, r *http.Request) { hijack(w, "") }, first: "502", second: back},
		{name: "500, which the ruleset takes for not sent", rules: "answer: {not_sent: [400-499, 500]}", answer: status(500), first: "500", second: back},
		{name: "409, which the ruleset takes for sent", rules: "answer: {sent: [200-299, 409], not_sent: [400-408]}", answer: status(409), first: "409", second: stays},
		{name: "200 that breaks off", answer: func(w http.ResponseWriter, r *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		}, second: stays},
		{name: "200 that breaks off, whatever the ruleset says", rules: "answer: {not_sent: [400-499, no_answer]}",
			answer: func(w http.ResponseWriter, r *http.Request) {
				hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
			}, second: stays},
		{name: "422 that breaks off", answer: func(w http.ResponseWriter, r *http.Request) {
			hijack(w, "HTTP/1.1 422 Unprocessable\r\nContent-Length: 100\r\n\r\nhalf")
		}, second: stays},
		{name: "another status in place of the app's", answer: status(500),
			odd: "reverse_proxy APP {\n @bad status 5xx\n handle_response @bad {\n respond 404\n }\n}", first: "404", second: stays},
		{name: "abort", answer: status(200), odd: "abort", second: stays},
		{name: "an error before the app", answer: status(200), odd: "error 403", first: "403", second: stays},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := open(t, oneAMinute+test.rules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-First") == "" {
					test.answer = status(202)
				}
				test.answer(w, r)
			}), func(p *place) { p.odd = test.odd })
			header := []string{"X-First", "1"}
			if test.odd != "" {
				header = append(header, "X-Odd", "1")
			}
			if got := p.try(alice, header...); got != test.first {
				t.Errorf("first: got %q, want %q", got, test.first)
			}
			if got := p.try(alice); got != test.second {
				t.Errorf("second: got %q, want %q", got, test.second)
			}
		})
	}
}

// No connection is not sent, with and without retries, whatever the method.
func TestNoConnection(t *testing.T) {
	for _, more := range []string{"", "lb_retries 3", "lb_try_duration 300ms", "request_buffers 4KiB"} {
		t.Run(more, func(t *testing.T) {
			p := open(t, oneAMinute, answering(202), func(p *place) { p.odd = "reverse_proxy 127.0.0.1:1 {\n" + more + "\n}" })
			want(t, p.ask(alice, "X-Odd", "1"), "502")
			want(t, p.ask(alice, "X-Odd", "1"), "502")
			want(t, p.ask(alice), "202")
			if got := p.metric(`otpgate_outcomes_total{gate="test",outcome="not_sent"}`); got != "2" {
				t.Errorf("not sent: %s", got)
			}
		})
	}
}

// A caller that goes away must not gain by it, even where the ruleset takes
// silence for not sent.
func TestCallerGoesAway(t *testing.T) {
	arrived, release := make(chan bool), make(chan bool)
	p := open(t, oneAMinute+"answer: {not_sent: [400-499, no_answer]}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		arrived <- true
		<-release
	}))
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() {
		defer close(done)
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/send", strings.NewReader(`{"phone":"`+alice+`"}`))
		r.Header.Set("Content-Type", "application/json")
		if resp, err := client.Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	<-arrived
	want(t, p.ask(alice), "429 too_soon") // while the first is on its way
	cancel()
	<-done
	until(t, "the first is settled", func() bool { return len(p.logged("judged")) == 2 })
	line := p.logged("judged")[1]
	if line["status"] != 499.0 || line["outcome"] != "unknown" {
		t.Errorf("log: %v", line)
	}
	want(t, p.ask(alice), "429 too_soon")
}

func TestPreflightAndMethods(t *testing.T) {
	behind := answering(204)
	p := open(t, oneAMinute, behind)
	preflight, _ := http.NewRequest(http.MethodOptions, p.url+"/send", nil)
	preflight.Header.Set("Origin", "https://login.example.com")
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	preflight.Header.Set("X-Otp-Gate-Phone", alice)
	want(t, p.do(preflight), "204")
	if r, _ := behind.last(); r.Header.Get("X-Otp-Gate-Phone") != "" {
		t.Error("a preflight brought a header of the gate's to the app")
	}
	for _, method := range []string{"GET", "OPTIONS", "PUT", "DELETE", "PROPFIND", "HEAD"} {
		r, _ := http.NewRequest(method, p.url+"/send", nil)
		if got := p.do(r); got.StatusCode < 400 {
			t.Errorf("%s without a phone: %d", method, got.StatusCode)
		}
	}
	if n := behind.sent.Load(); n != 1 {
		t.Errorf("%d requests reached the app, want the preflight only", n)
	}
}

func TestEarlyData(t *testing.T) {
	behind := answering(202)
	p := open(t, oneAMinute, behind)
	want(t, p.ask(alice, "Early-Data", "1"), "425 early_data")
	if behind.sent.Load() != 0 {
		t.Error("early data reached the app")
	}
	want(t, p.ask(alice), "202")
}

// Only what trusted proxies say of the client's address counts.
func TestClientAddress(t *testing.T) {
	rules := noProof + "limits: [{per: ip, max: 1, in: 1h}]"
	t.Run("untrusted", func(t *testing.T) {
		p := open(t, rules, answering(202))
		want(t, p.ask(alice, "X-Forwarded-For", "192.0.2.1"), "202")
		want(t, p.ask(bob, "X-Forwarded-For", "192.0.2.2"), "429 too_many")
	})
	t.Run("trusted", func(t *testing.T) {
		p := open(t, rules, answering(202), func(p *place) { p.server = "trusted_proxies static 127.0.0.1/32\ntrusted_proxies_strict" })
		want(t, p.ask(alice, "X-Forwarded-For", "192.0.2.1"), "202")
		want(t, p.ask(bob, "X-Forwarded-For", "192.0.2.2"), "202")
		want(t, p.ask(bob, "X-Forwarded-For", "192.0.2.9, 192.0.2.2"), "429 too_many")
		want(t, p.ask(bob, "X-Forwarded-For", "::ffff:192.0.2.1"), "429 too_many")
	})
}

// A body in chunks is judged, and arrives whole.
func TestChunked(t *testing.T) {
	behind := answering(202)
	p := open(t, oneAMinute, behind)
	body := `{"pad":"` + strings.Repeat("x", 9000) + `","phone":"` + alice + `"}`
	r, _ := http.NewRequest(http.MethodPost, p.url+"/send", io.MultiReader(strings.NewReader(body))) // of unknown length
	r.Header.Set("Content-Type", "application/json")
	want(t, p.do(r), "202")
	if _, got := behind.last(); got != body {
		t.Errorf("the app got %d bytes, want %d", len(got), len(body))
	}
	want(t, p.ask(alice), "429 too_soon")
	big, _ := http.NewRequest(http.MethodPost, p.url+"/send", io.MultiReader(strings.NewReader(`{"pad":"`+strings.Repeat("x", 20<<10)))) // small enough to be written before the answer
	big.Header.Set("Content-Type", "application/json")
	want(t, p.do(big), "413 bad_request")
	if n := behind.sent.Load(); n != 1 {
		t.Errorf("%d requests reached the app, want 1", n)
	}
}

// The proof is asked for last, and spent once.
func TestProof(t *testing.T) {
	siteverify := turnstiletest.New()
	defer siteverify.Close()
	behind := answering(202)
	p := open(t, `
version: 1
name: test
request: {phone: json /phone, region: US}
human: {turnstile: {action: send-otp}}
number: {countries: [US]}
limits: [{per: phone, max: 1, in: 60s}]
`, behind, func(p *place) {
		p.gate = "turnstile {\nsecret " + siteverify.Secret + "\nurl " + siteverify.URL + "\n}"
	})
	with := func(phone, token string) *reply {
		return p.post(`{"phone":"` + phone + `","cf-turnstile-response":"` + token + `"}`)
	}
	good := func() string { return siteverify.Issue(turnstiletest.Token{Action: "send-otp"}) }

	want(t, p.ask(alice), "403 human_required")
	want(t, with(alice, siteverify.Issue(turnstiletest.Token{Action: "other"})), "403 human_failed")
	want(t, with("+442079460000", good()), "403 number_refused")
	if n := siteverify.Count(); n != 1 {
		t.Errorf("siteverify was asked %d times, want 1", n)
	}
	token := good()
	want(t, with(alice, token), "202")
	want(t, with(bob, token), "403 human_failed") // spent
	spare := good()
	want(t, with(alice, spare), "429 too_soon") // refused before the proof is spent
	want(t, with(bob, spare), "202")
	siteverify.Close()
	want(t, with("+14155550103", good()), "503 human_unavailable")
	if n := behind.sent.Load(); n != 2 {
		t.Errorf("%d requests reached the app, want 2", n)
	}
	if got := p.metric(`otpgate_proofs_total{gate="test",result="passed"}`) + p.metric(`otpgate_proofs_total{gate="test",result="pass"}`); got != "2" {
		t.Errorf("proofs passed: %s", got)
	}
}

// Over a Unix socket nobody has an address.
func TestNoAddress(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	p := open(t, oneAMinute, answering(202), func(p *place) { p.site = "bind 127.0.0.1 unix/" + socket })
	over := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer over.CloseIdleConnections()
	resp, err := over.Post(p.url+"/send", "application/json", strings.NewReader(`{"phone":"`+alice+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 400 || code(t, text) != "bad_request" {
		t.Errorf("%d: %s", resp.StatusCode, text)
	}
}

func TestShadow(t *testing.T) {
	behind := answering(202)
	p := open(t, oneAMinute+"shadow: true", behind)
	want(t, p.ask(alice), "202")
	want(t, p.ask(alice), "202")
	want(t, p.ask(alice, "Early-Data", "1"), "202")
	want(t, p.post(`{"phone":"x"`), "202")
	if n := behind.sent.Load(); n != 4 {
		t.Errorf("%d requests reached the app, want 4", n)
	}
	if len(p.logged("the ruleset is in shadow: everything is let through")) != 1 {
		t.Error("shadow is not reported at load")
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(code)
	}
}

// try asks and returns what came of it, "" if no whole answer came.
func (p *place) try(phone string, header ...string) string {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodPost, p.url+"/send", strings.NewReader(`{"phone":"`+phone+`"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	fresh := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := fresh.Do(r)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	out := &reply{Response: resp}
	if resp.Header.Get("Content-Type") == "application/problem+json" {
		out.code = code(p.t, text)
	}
	return out.String()
}
