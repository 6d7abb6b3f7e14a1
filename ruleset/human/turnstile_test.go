package human

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/human/turnstiletest"
)

// quick is for calls that are meant to run out of time.
const quick = 150 * time.Millisecond

func emulator(t testing.TB) *turnstiletest.Server {
	t.Helper()
	s := turnstiletest.New()
	t.Cleanup(s.Close)
	return s
}

// asking returns a verifier that asks s.
func asking(t testing.TB, s *turnstiletest.Server, cfg TurnstileConfig) *Turnstile {
	t.Helper()
	if cfg.Secret == "" {
		cfg.Secret = s.Secret
	}
	cfg.URL = s.URL
	v, err := NewTurnstile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.CloseIdleConnections)
	return v
}

func newProof(token string) Proof {
	p := Proof{Token: token, RemoteIP: netip.MustParseAddr("192.0.2.7"), At: time.Now()}
	rand.Read(p.ID[:])
	return p
}

// check compares what can be compared in r; codes are given as one string.
func check(t *testing.T, r Result, status Status, codes string, attempts int) {
	t.Helper()
	if r.Status != status || strings.Join(r.Codes, " ") != codes || r.Attempts != attempts {
		t.Errorf("got %v, codes %q, %d attempts; want %v, %q, %d (detail %q, err %v)",
			r.Status, strings.Join(r.Codes, " "), r.Attempts, status, codes, attempts, r.Detail, r.Err)
	}
	if wantErr := status == Unavailable || status == Misconfigured; (r.Err != nil) != wantErr {
		t.Errorf("status %v with error %v", r.Status, r.Err)
	}
	if (r.Detail == "") != (status == Passed && attempts > 0) {
		t.Errorf("status %v with detail %q", r.Status, r.Detail)
	}
}

func TestQuestion(t *testing.T) {
	tests := []struct {
		name string
		ip   netip.Addr
		want string
	}{
		{"IPv4", netip.MustParseAddr("192.0.2.7"), "192.0.2.7"},
		{"IPv6", netip.MustParseAddr("2001:db8::7"), "2001:db8::7"},
		{"IPv4 in IPv6", netip.MustParseAddr("::ffff:192.0.2.7"), "192.0.2.7"},
		{"with a zone", netip.MustParseAddr("fe80::7%eth0"), "fe80::7"},
		{"none", netip.Addr{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := emulator(t)
			v := asking(t, s, TurnstileConfig{Hostnames: []string{"login.example.com"}, Action: "send-otp"})
			p := newProof(s.Issue(turnstiletest.Token{Hostname: "login.example.com", Action: "send-otp"}))
			p.RemoteIP = tt.ip
			r := v.Verify(t.Context(), p)
			check(t, r, Passed, "", 1)
			if r.Hostname != "login.example.com" || r.Action != "send-otp" || r.Took <= 0 || r.Age < 0 || r.Age > time.Minute {
				t.Errorf("got %+v", r)
			}
			c := s.Calls()[0]
			if c.Method != "POST" || c.ContentType != "application/x-www-form-urlencoded" || c.Secret != s.Secret ||
				c.Response != p.Token || c.RemoteIP != tt.want || c.IdempotencyKey != v.idempotencyKey(p) {
				t.Errorf("asked %+v", c)
			}
			if got := c.Header.Get("Idempotency-Key"); got != "" {
				t.Errorf("header Idempotency-Key %q would let net/http repeat the question unasked", got)
			}
		})
	}
}

func TestCodes(t *testing.T) {
	tests := []struct {
		name     string
		codes    []string
		want     Status
		kept     string
		attempts int
	}{
		{"token missing", []string{"missing-input-response"}, Failed, "missing-input-response", 1},
		{"token wrong", []string{"invalid-input-response"}, Failed, "invalid-input-response", 1},
		{"token spent", []string{"timeout-or-duplicate"}, Failed, "timeout-or-duplicate", 1},
		{"secret missing", []string{"missing-input-secret"}, Misconfigured, "missing-input-secret", 1},
		{"secret wrong", []string{"invalid-input-secret"}, Misconfigured, "invalid-input-secret", 1},
		{"our form wrong", []string{"bad-request"}, Misconfigured, "bad-request", 1},
		{"issuer's fault", []string{"internal-error"}, Unavailable, "internal-error", 2},
		{"issuer's fault twice said", []string{"internal-error", "internal-error"}, Unavailable, "internal-error", 2},
		{"no code", nil, Failed, "", 1},
		{"unknown code", []string{"sitekey-retired"}, Failed, "sitekey-retired", 1},
		{"operator before visitor", []string{"invalid-input-response", "invalid-input-secret"}, Misconfigured, "invalid-input-response invalid-input-secret", 1},
		{"visitor before issuer", []string{"internal-error", "timeout-or-duplicate"}, Failed, "internal-error timeout-or-duplicate", 1},
		{"unknown before issuer", []string{"internal-error", "sitekey-retired"}, Failed, "internal-error sitekey-retired", 1},
		{"our own word", []string{"timed-out"}, Failed, "timed-out", 1},
		{"not a word", []string{"Ünwell \x1b[31m"}, Failed, "unknown-code", 1},
		{"long", []string{strings.Repeat("a", 41)}, Failed, "unknown-code", 1},
		{"many", strings.Fields("--a --b --c --d --e --f --g --h --i"), Failed, "--a --b --c --d --e --f --g --h", 1},
		{"operator's fault after many", strings.Fields("--a --b --c --d --e --f --g --h bad-request"), Misconfigured, "--a --b --c --d --e --f --g --h", 1},
		{"not a word, twice", []string{"%", "&", "internal-error"}, Failed, "unknown-code internal-error", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := emulator(t)
			s.Always(turnstiletest.Codes(tt.codes...))
			r := asking(t, s, TurnstileConfig{}).Verify(t.Context(), newProof("TOKEN"))
			check(t, r, tt.want, tt.kept, tt.attempts)
			if s.Count() != tt.attempts {
				t.Errorf("%d calls, want %d", s.Count(), tt.attempts)
			}
		})
	}
}

func TestWrongSecret(t *testing.T) {
	s := emulator(t)
	v := asking(t, s, TurnstileConfig{Secret: "0x4AAAAAAAOfAnotherWidget"})
	check(t, v.Verify(t.Context(), newProof(s.Issue(turnstiletest.Token{}))), Misconfigured, "invalid-input-secret", 1)
}

func TestRetry(t *testing.T) {
	type faults = []*turnstiletest.Fault
	tests := []struct {
		name     string
		faults   faults
		want     Status
		codes    string
		attempts int
	}{
		{"none needed", nil, Passed, "", 1},
		{"after internal-error", faults{turnstiletest.Codes(CodeInternal)}, Passed, "", 2},
		{"after a reset", faults{turnstiletest.Reset}, Passed, "", 2},
		{"after a lost answer", faults{turnstiletest.LoseAnswer}, Passed, "", 2},
		{"after half an answer", faults{turnstiletest.Truncated}, Passed, "", 2},
		{"after no answer", faults{turnstiletest.Hang}, Passed, "", 2},
		{"after a 502 page", faults{turnstiletest.Page(502)}, Passed, "", 2},
		{"after a 500 page", faults{turnstiletest.Page(500)}, Passed, "", 2},
		{"after a 503 with other JSON", faults{turnstiletest.Body(503, "application/json", `{"error":1}`)}, Passed, "", 2},
		{"after a late answer", faults{turnstiletest.Delay(time.Minute)}, Passed, "", 2},
		{"once only", faults{turnstiletest.Reset, turnstiletest.Reset, nil}, Unavailable, CodeTransport, 2},
		{"once only, mixed", faults{turnstiletest.Reset, turnstiletest.Codes(CodeInternal), nil}, Unavailable, CodeInternal, 2},
		{"once only, mixed the other way", faults{turnstiletest.Codes(CodeInternal), turnstiletest.Page(500), nil}, Unavailable, CodeTransport, 2},
		{"a refusal ends it", faults{turnstiletest.Reset, turnstiletest.Codes(CodeSpent), nil}, Failed, CodeSpent, 2},
		{"not after a refusal", faults{turnstiletest.Codes(CodeInvalidResponse), nil}, Failed, CodeInvalidResponse, 1},
		{"not after a refusal with 500", faults{turnstiletest.Body(500, "application/json", `{"success":false,"error-codes":["bad-request"]}`)}, Misconfigured, CodeBadRequest, 1},
		{"not after a 403 page", faults{turnstiletest.Page(403), nil}, Unavailable, CodeUnreadable, 1},
		{"not after a 429 page", faults{turnstiletest.Page(429), nil}, Unavailable, CodeUnreadable, 1},
		{"not after what is not JSON", faults{turnstiletest.HalfJSON, nil}, Unavailable, CodeUnreadable, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := emulator(t)
			v := asking(t, s, TurnstileConfig{Timeout: 2 * time.Second})
			s.Next(tt.faults...)
			p := newProof(s.Issue(turnstiletest.Token{}))
			check(t, v.Verify(t.Context(), p), tt.want, tt.codes, tt.attempts)
			calls := s.Calls()
			if len(calls) != tt.attempts {
				t.Fatalf("%d calls, want %d", len(calls), tt.attempts)
			}
			if last := calls[len(calls)-1]; last.IdempotencyKey != calls[0].IdempotencyKey || last.Response != p.Token || last.IdempotencyKey == "" {
				t.Errorf("second question differs: %+v, %+v", calls[0], last)
			}
		})
	}
}

// A token passes once, however often and from wherever it is sent.
func TestSingleUse(t *testing.T) {
	s := emulator(t)
	v := asking(t, s, TurnstileConfig{})
	token := s.Issue(turnstiletest.Token{})
	results := make(chan Result)
	for range 20 {
		p := newProof(token)
		go func() { results <- v.Verify(t.Context(), p) }()
	}
	passed := 0
	for range 20 {
		switch r := <-results; r.Status {
		case Passed:
			passed++
		default:
			check(t, r, Failed, CodeSpent, 1)
		}
	}
	if passed != 1 {
		t.Errorf("%d of 20 passed, want 1", passed)
	}
}

func TestUnusableAnswers(t *testing.T) {
	const stamp = `"challenge_ts":"2026-01-02T03:04:05.678Z"`
	json := func(body string) *turnstiletest.Fault { return turnstiletest.Body(200, "application/json", body) }
	tests := []struct {
		name   string
		fault  *turnstiletest.Fault
		detail string
	}{
		{"empty", json(""), "siteverify answered 200: not a JSON object"},
		{"HTML", turnstiletest.Page(200), "siteverify answered 200: not of type application/json"},
		{"the wrong type", turnstiletest.WrongType, "siteverify answered 200: not of type application/json"},
		{"half JSON", turnstiletest.HalfJSON, "siteverify answered 200: not JSON"},
		{"huge", turnstiletest.Huge(1 << 20), "siteverify answered 200: longer than 64 KiB"},
		{"an array", json(`[{"success":true}]`), "siteverify answered 200: not a JSON object"},
		{"a string", json(`"success"`), "siteverify answered 200: not a JSON object"},
		{"null", json(`null`), "siteverify answered 200: not a JSON object"},
		{"two objects", json(`{"success":true,` + stamp + `}{}`), "siteverify answered 200: something follows the JSON object"},
		{"success missing", json(`{` + stamp + `}`), "siteverify answered 200: success is missing"},
		{"success as string", json(`{"success":"true",` + stamp + `}`), "siteverify answered 200: success has the wrong type"},
		{"success as number", json(`{"success":1,` + stamp + `}`), "siteverify answered 200: success has the wrong type"},
		{"success as null", json(`{"success":null,` + stamp + `}`), "siteverify answered 200: success has the wrong type"},
		{"success twice", json(`{"success":false,"success":true,` + stamp + `}`), "siteverify answered 200: success comes twice"},
		{"Success", json(`{"Success":true,` + stamp + `}`), "siteverify answered 200: success is missing"},
		{"success inside", json(`{"metadata":{"success":true},` + stamp + `}`), "siteverify answered 200: success is missing"},
		{"codes as string", json(`{"success":true,"error-codes":"",` + stamp + `}`), "siteverify answered 200: error-codes has the wrong type"},
		{"success and codes", json(`{"success":true,"error-codes":["internal-error"],` + stamp + `}`), "siteverify says success with error codes"},
		{"no challenge_ts", json(`{"success":true}`), "siteverify says success without a readable challenge_ts"},
		{"challenge_ts as words", json(`{"success":true,"challenge_ts":"yesterday"}`), "siteverify says success without a readable challenge_ts"},
		{"not UTF-8", json("{\"success\":true,\"hostname\":\"\xff\"," + stamp + "}"), "siteverify answered 200: not UTF-8"},
		{"success with 201", turnstiletest.Status(201), "siteverify says success with status 201"},
		{"success with 403", turnstiletest.Status(403), "siteverify says success with status 403"},
		{"success with 500", turnstiletest.Status(500), "siteverify says success with status 500"},
		{"redirect", turnstiletest.Redirect(307, "/elsewhere"), "siteverify answered 307; redirects are not followed"},
		{"redirect with GET", turnstiletest.Redirect(302, "/elsewhere"), "siteverify answered 302; redirects are not followed"},
		{"403", turnstiletest.Page(403), "siteverify answered 403: not of type application/json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := emulator(t)
			s.Always(tt.fault)
			r := asking(t, s, TurnstileConfig{}).Verify(t.Context(), newProof(s.Issue(turnstiletest.Token{})))
			check(t, r, Unavailable, CodeUnreadable, 1)
			if r.Detail != tt.detail || s.Count() != 1 {
				t.Errorf("got detail %q, %d calls; want %q, 1", r.Detail, s.Count(), tt.detail)
			}
		})
	}
}

func TestComparisons(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	cfg := TurnstileConfig{Hostnames: []string{"Login.example.com", "*.app.example.com"}, Action: "send-otp", MaxAge: time.Minute}
	good := turnstiletest.Token{Hostname: "login.example.com", Action: "send-otp"}
	with := func(change func(*turnstiletest.Token)) turnstiletest.Token {
		token := good
		change(&token)
		return token
	}
	tests := []struct {
		name   string
		token  turnstiletest.Token
		age    time.Duration
		codes  string // "" passes
		detail string
	}{
		{"good", good, time.Second, "", ""},
		{"hostname in capitals", with(func(k *turnstiletest.Token) { k.Hostname = "LOGIN.example.COM" }), 0, "", ""},
		{"hostname by wildcard", with(func(k *turnstiletest.Token) { k.Hostname = "eu.app.example.com" }), 0, "", ""},
		{"other hostname", with(func(k *turnstiletest.Token) { k.Hostname = "evil.example.net" }), 0, CodeHostname, `the token was made on "evil.example.net"`},
		{"hostname not fit for a log", with(func(k *turnstiletest.Token) { k.Hostname = "evil\n\x1b[0m" }), 0, CodeHostname, `the token was made on "evil??[0m"`},
		{"other action", with(func(k *turnstiletest.Token) { k.Action = "Send-OTP" }), 0, CodeAction, `the token was not made for action "send-otp"`},
		{"no action", with(func(k *turnstiletest.Token) { k.Action = "" }), 0, CodeAction, `the token was not made for action "send-otp"`},
		{"as old as may be", good, 90 * time.Second, "", ""},
		{"too old", good, 91 * time.Second, CodeTooOld, "the token is 1m31s old"},
		{"as new as may be", good, -30 * time.Second, "", ""},
		{"too new", good, -31 * time.Second, CodeTooNew, "the token was made 31s after now; a clock is wrong"},
		{"all wrong", turnstiletest.Token{Hostname: "evil.example.net"}, 2 * time.Minute, "hostname-mismatch action-mismatch token-too-old",
			`the token was made on "evil.example.net"; the token was not made for action "send-otp"; the token is 2m0s old`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := emulator(t)
			s.SetClock(func() time.Time { return now })
			tt.token.At = now.Add(-tt.age)
			p := newProof(s.Issue(tt.token))
			p.At = now
			r := asking(t, s, cfg).Verify(t.Context(), p)
			want := Passed
			if tt.codes != "" {
				want = Failed
			}
			check(t, r, want, tt.codes, 1)
			if r.Detail != tt.detail || r.Age != tt.age {
				t.Errorf("got detail %q, age %v; want %q, %v", r.Detail, r.Age, tt.detail, tt.age)
			}
		})
	}
}

// A hostname that siteverify leaves out is not one of those configured.
func TestNoHostname(t *testing.T) {
	s := emulator(t)
	s.Always(turnstiletest.Change(func(a *turnstiletest.Answer) { a.Hostname, a.Action = "", nil }))
	v := asking(t, s, TurnstileConfig{Hostnames: []string{"example.com"}, Action: "a"})
	check(t, v.Verify(t.Context(), newProof(s.Issue(turnstiletest.Token{Action: "a"}))), Failed, "hostname-mismatch action-mismatch", 1)
	v = asking(t, s, TurnstileConfig{})
	check(t, v.Verify(t.Context(), newProof(s.Issue(turnstiletest.Token{}))), Passed, "", 1)
}

func TestNotAsked(t *testing.T) {
	s := emulator(t)
	v := asking(t, s, TurnstileConfig{})
	tests := []struct {
		name   string
		token  string
		code   string
		detail string
	}{
		{"empty", "", CodeMissingResponse, "no token"},
		{"too long", strings.Repeat("a", 2049), CodeInvalidResponse, "a token longer than 2048 characters; not asked"},
		{"space", "a b", CodeInvalidResponse, "a token with characters that no token has; not asked"},
		{"line break", "a\r\nb", CodeInvalidResponse, "a token with characters that no token has; not asked"},
		{"NUL", "a\x00", CodeInvalidResponse, "a token with characters that no token has; not asked"},
		{"not ASCII", "ａ", CodeInvalidResponse, "a token with characters that no token has; not asked"},
		{"form syntax", "a&secret=b", CodeInvalidResponse, "a token with characters that no token has; not asked"},
		{"dummy token", DummyToken, CodeInvalidResponse, "Cloudflare's dummy token, which no real secret accepts; not asked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := v.Verify(t.Context(), newProof(tt.token))
			check(t, r, Failed, tt.code, 0)
			if r.Detail != tt.detail {
				t.Errorf("detail %q, want %q", r.Detail, tt.detail)
			}
		})
	}
	for _, secret := range []string{s.Secret, SecretAlwaysPasses} {
		v := asking(t, s, TurnstileConfig{Secret: secret})
		p := newProof(DummyToken)
		p.ID = [16]byte{}
		check(t, v.Verify(t.Context(), p), Unavailable, CodeIncomplete, 0)
		p = newProof(DummyToken)
		p.At = time.Time{}
		check(t, v.Verify(t.Context(), p), Unavailable, CodeIncomplete, 0)
	}
	if s.Count() != 0 {
		t.Errorf("%d calls, want none", s.Count())
	}
	longest := strings.Repeat("a", 2048)
	check(t, v.Verify(t.Context(), newProof(longest)), Failed, CodeInvalidResponse, 1)
}

func TestTestSecrets(t *testing.T) {
	s := emulator(t)
	tests := []struct {
		secret, token string
		does          string
		want          Status
		code          string
	}{
		{SecretAlwaysPasses, DummyToken, "always passes", Passed, ""},
		{SecretAlwaysFails, DummyToken, "always fails", Failed, "invalid-input-response"},
		{SecretAlreadySpent, DummyToken, "already spent", Failed, "timeout-or-duplicate"},
		{SecretAlwaysPasses, s.Issue(turnstiletest.Token{}), "always passes", Failed, "invalid-input-secret"},
		{SecretAlwaysFails, "anything", "always fails", Failed, "invalid-input-secret"},
		{SecretAlreadySpent, "anything", "already spent", Failed, "invalid-input-secret"},
		{SecretAlwaysPasses, strings.ToLower(DummyToken), "always passes", Failed, "invalid-input-secret"},
		{SecretAlwaysPasses, "", "always passes", Failed, "missing-input-response"},
		{SecretAlwaysPasses, DummyToken + " ", "always passes", Failed, "invalid-input-response"},
	}
	for _, tt := range tests {
		t.Run(tt.does+" "+tt.token, func(t *testing.T) {
			v := asking(t, s, TurnstileConfig{Secret: tt.secret, Hostnames: []string{"login.example.com"}, Action: "send-otp"})
			if v.TestSecret() != tt.does {
				t.Errorf("TestSecret %q, want %q", v.TestSecret(), tt.does)
			}
			// Twice: the dummy token is never spent.
			for range 2 {
				check(t, v.Verify(t.Context(), newProof(tt.token)), tt.want, tt.code, 0)
			}
		})
	}
	if s.Count() != 0 {
		t.Errorf("%d calls, want none", s.Count())
	}
	if does := asking(t, s, TurnstileConfig{}).TestSecret(); does != "" {
		t.Errorf("a real secret is said to be a test secret that %s", does)
	}
	r := asking(t, s, TurnstileConfig{Secret: SecretAlwaysPasses}).Verify(t.Context(), newProof(DummyToken))
	if want := "answered without asking: a test secret (always passes); hostname, action and age are not compared"; r.Detail != want || r.Hostname != "example.com" {
		t.Errorf("got %+v", r)
	}
}

func TestIdempotencyKey(t *testing.T) {
	s := emulator(t)
	v := asking(t, s, TurnstileConfig{})
	p := newProof("a")
	key := v.idempotencyKey(p)
	if len(key) != 36 || key[14] != '4' || !strings.ContainsRune("89ab", rune(key[19])) {
		t.Errorf("not a UUID of version 4: %s", key)
	}
	later := p
	later.At, later.RemoteIP = p.At.Add(time.Hour), netip.Addr{}
	if asking(t, s, TurnstileConfig{}).idempotencyKey(later) != key {
		t.Error("one id has two keys")
	}
	otherID, otherToken := p, p
	otherID.ID[15]++
	otherToken.Token = "b"
	keys := []string{key, v.idempotencyKey(otherID), v.idempotencyKey(otherToken),
		asking(t, s, TurnstileConfig{Secret: "another"}).idempotencyKey(p)}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != 4 {
		t.Errorf("keys collide: %v", keys)
	}
}

func TestTimeouts(t *testing.T) {
	for name, fault := range map[string]*turnstiletest.Fault{
		"hung":     turnstiletest.Hang,
		"late":     turnstiletest.Delay(time.Minute),
		"dripping": turnstiletest.Drip(50 * time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := emulator(t)
			s.Always(fault)
			v := asking(t, s, TurnstileConfig{Timeout: quick})
			began := time.Now()
			r := v.Verify(t.Context(), newProof(s.Issue(turnstiletest.Token{})))
			check(t, r, Unavailable, CodeTimedOut, 2)
			if !errors.Is(r.Err, context.DeadlineExceeded) || errors.Is(r.Err, context.Canceled) {
				t.Errorf("err %v", r.Err)
			}
			if took := time.Since(began); took < quick || took > 20*quick || r.Took < quick {
				t.Errorf("took %v, says %v; want about %v", took, r.Took, quick)
			}
		})
	}
}

// The caller going away says nothing about siteverify.
func TestCallerGone(t *testing.T) {
	s := emulator(t)
	s.Always(turnstiletest.Hang)
	v := asking(t, s, TurnstileConfig{})

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for s.Count() == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
	}()
	r := v.Verify(ctx, newProof("TOKEN"))
	check(t, r, Unavailable, CodeGone, 1)
	if !errors.Is(r.Err, context.Canceled) || r.Detail != "the caller went away before the answer" {
		t.Errorf("got %q, %v", r.Detail, r.Err)
	}

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r = v.Verify(ctx, newProof("TOKEN"))
	check(t, r, Unavailable, CodeGone, 1)
	if !errors.Is(r.Err, context.DeadlineExceeded) {
		t.Errorf("err %v", r.Err)
	}
	if s.Count() > 2 {
		t.Errorf("%d calls, want no more than one for each request", s.Count())
	}
}
