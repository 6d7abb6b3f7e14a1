package human

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/remote"
)

const (
	maxTokenLen = 2048 // as documented
	clockSkew   = 30 * time.Second
	maxAttempts = 2
)

// Turnstile verifies tokens of Cloudflare Turnstile with siteverify.
//
// A token that cannot be one is refused without asking. Siteverify is asked a
// second time only after internal-error and after transport errors: the
// connection could not be made or broke off, no answer came in two thirds of
// the time, or the answer was a 5xx that siteverify did not write. Both
// questions bear the same idempotency key, so a token that was redeemed while
// the first answer got lost is answered with that answer again; a
// timeout-or-duplicate on the second question means somebody else redeemed it.
type Turnstile struct {
	// Behind a pointer, so that printing a struct which holds a Turnstile
	// shows an address at most.
	secret *string

	url       *url.URL
	timeout   time.Duration
	hostnames hostnames
	action    string
	maxAge    time.Duration
	transport http.RoundTripper
	test      *testSecret // nil for a real secret
}

// NewTurnstile returns a verifier for one widget. It does no network I/O. Its
// error has one line for each thing wrong, led by the field's name as in
// "secret: is missing", and never quotes the secret.
func NewTurnstile(cfg TurnstileConfig) (*Turnstile, error) {
	cfg, hosts, err := cfg.check()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("url: cannot be read") // checked before
	}
	if cfg.Transport == nil {
		cfg.Transport = remote.NewTransport()
	}
	return &Turnstile{
		secret:    &cfg.Secret,
		url:       u,
		timeout:   cfg.Timeout,
		hostnames: hosts,
		action:    cfg.Action,
		maxAge:    cfg.MaxAge,
		transport: cfg.Transport,
		test:      findTestSecret(cfg.Secret),
	}, nil
}

// TestSecret says what the secret does if it is one of Cloudflare's test
// secrets: "always passes", "always fails" or "already spent"; "" for a real
// one. A gate with a test secret keeps nobody out: say so loudly at load.
func (t *Turnstile) TestSecret() string {
	if t.test == nil {
		return ""
	}
	return t.test.does
}

// String names t by where it asks. Its receiver is a value, so that printing
// *t does not print the fields.
func (t Turnstile) String() string { return "turnstile at " + t.url.String() }

// GoString is String.
func (t Turnstile) GoString() string { return t.String() }

// CloseIdleConnections gives back what t keeps open between questions. t can
// still be used.
func (t *Turnstile) CloseIdleConnections() {
	if c, ok := t.transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Verify asks siteverify about p, and compares hostname, action and age with
// what is configured. It returns within the timeout.
func (t *Turnstile) Verify(ctx context.Context, p Proof) Result {
	began := time.Now()
	r := t.verify(ctx, p)
	r.Took = time.Since(began)
	return r
}

func (t *Turnstile) verify(ctx context.Context, p Proof) Result {
	switch {
	case p.ID == [16]byte{}:
		return unavailable(&fault{code: CodeIncomplete, text: "the proof has no request id"})
	case p.At.IsZero():
		return unavailable(&fault{code: CodeIncomplete, text: "the proof has no time"})
	case p.Token == "":
		return failed(CodeMissingResponse, "no token")
	case len(p.Token) > maxTokenLen:
		return failed(CodeInvalidResponse, fmt.Sprintf("a token longer than %d characters; not asked", maxTokenLen))
	case !isToken68(p.Token):
		return failed(CodeInvalidResponse, "a token with characters that no token has; not asked")
	case t.test != nil:
		return t.test.verify(p.Token)
	case p.Token == DummyToken:
		return failed(CodeInvalidResponse, "Cloudflare's dummy token, which no real secret accepts; not asked")
	}

	form := t.form(p)
	all, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		r, again := t.attempt(all, form, p, attempt)
		r.Attempts = attempt
		if ctx.Err() != nil && r.Status == Unavailable {
			// Gone is not away: this says nothing about siteverify.
			r = unavailable(&fault{code: CodeGone, text: "the caller went away before the answer", cause: ctx.Err()})
			r.Attempts = attempt
			return r
		}
		if !again || attempt == maxAttempts || all.Err() != nil {
			return r
		}
	}
}

// attempt asks once and reports whether asking again is allowed. The first
// attempt leaves a third of the time to the second.
func (t *Turnstile) attempt(ctx context.Context, form string, p Proof, n int) (Result, bool) {
	patience := t.timeout
	if n < maxAttempts {
		patience = patience * 2 / 3
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	status, a, err := t.ask(ctx, form)
	if err != nil {
		return unavailable(err), err.transport
	}
	r := t.judge(status, a, p)
	return r, r.Status == Unavailable && len(r.Codes) == 1 && r.Codes[0] == CodeInternal
}

// judge makes a result of a readable answer that came with an HTTP status.
func (t *Turnstile) judge(status int, a answer, p Proof) Result {
	codes := cleanCodes(a.codes, p.Token, *t.secret)
	if !a.success {
		r := Result{Status: classify(a.codes), Codes: codes}
		r.Detail = "siteverify refuses: " + strings.Join(codes, ", ")
		switch {
		case len(codes) == 0:
			r.Detail = "siteverify refuses without saying why"
		case r.Status == Misconfigured:
			r.Err = fmt.Errorf("siteverify does not accept our secret or question: %s", strings.Join(codes, ", "))
		case r.Status == Unavailable:
			r.Err = fmt.Errorf("siteverify has a fault of its own: %s", strings.Join(codes, ", "))
		}
		return r
	}

	// A yes must be beyond doubt.
	at, err := time.Parse(time.RFC3339, a.challengeTS)
	switch {
	case status != http.StatusOK:
		return unavailable(unreadable("says success with status %d", status))
	case len(codes) > 0:
		return unavailable(unreadable("says success with error codes"))
	case err != nil:
		return unavailable(unreadable("says success without a readable challenge_ts"))
	}

	r := Result{
		Status:   Passed,
		Hostname: remote.Printable(a.hostname, maxHostname),
		Action:   remote.Printable(a.action, maxActionLen),
		Age:      p.At.Sub(at),
	}
	var why []string
	refuse := func(code, format string, args ...any) {
		r.Status, r.Codes = Failed, append(r.Codes, code)
		why = append(why, fmt.Sprintf(format, args...))
	}
	if !t.hostnames.accept(a.hostname) {
		refuse(CodeHostname, "the token was made on %q", r.Hostname)
	}
	if t.action != "" && a.action != t.action {
		refuse(CodeAction, "the token was not made for action %q", t.action)
	}
	if r.Age > t.maxAge+clockSkew {
		refuse(CodeTooOld, "the token is %v old", r.Age.Round(time.Second))
	}
	if r.Age < -clockSkew {
		refuse(CodeTooNew, "the token was made %v after now; a clock is wrong", -r.Age.Round(time.Second))
	}
	r.Detail = strings.Join(why, "; ")
	return r
}

// form is the question, the same for both attempts.
func (t *Turnstile) form(p Proof) string {
	fields := url.Values{
		"secret":          {*t.secret},
		"response":        {p.Token},
		"idempotency_key": {t.idempotencyKey(p)},
	}
	if p.RemoteIP.IsValid() {
		fields.Set("remoteip", p.RemoteIP.Unmap().WithZone("").String())
	}
	return fields.Encode()
}

// idempotencyKey is a UUID that follows from the request's id. The id may be
// seen in answers and logs, so it is keyed; and the token is mixed in, so that
// no two tokens can ever share a key.
func (t *Turnstile) idempotencyKey(p Proof) string {
	mac := hmac.New(sha256.New, []byte(*t.secret))
	mac.Write([]byte("otpgate siteverify\x00"))
	mac.Write(p.ID[:])
	mac.Write([]byte(p.Token))
	id := mac.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x40 // version 4: opaque bits
	id[8] = id[8]&0x3f | 0x80
	s := hex.EncodeToString(id)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// isToken68 takes the alphabet of RFC 9110's token68. Cloudflare documents
// only the length; the tokens it makes are groups of base64url joined by dots.
func isToken68(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~+/=", c) >= 0:
		default:
			return false
		}
	}
	return true
}

func failed(code, detail string) Result {
	return Result{Status: Failed, Codes: []string{code}, Detail: detail}
}

func unavailable(f *fault) Result {
	return Result{Codes: []string{f.code}, Detail: f.text, Err: fmt.Errorf("verifying a proof: %w", f)}
}
