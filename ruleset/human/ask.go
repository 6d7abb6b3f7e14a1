package human

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/otpgate/otpgate/ruleset/internal/remote"
)

const maxAnswer = 64 << 10 // bytes; siteverify's answers have a few hundred

// fault is why there is no usable answer. Its text is made of our own words,
// since errors of net/http quote what the other side sent, and that may echo a
// secret; its cause is one of package context's errors, or nil.
type fault struct {
	code      string
	text      string
	cause     error
	transport bool // worth asking again
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.cause }

func unreadable(format string, args ...any) *fault {
	return &fault{code: CodeUnreadable, text: "siteverify " + fmt.Sprintf(format, args...)}
}

// ask puts the question once and returns the HTTP status and a readable
// answer, or the fault. It goes to the transport itself: nothing follows
// redirects or keeps cookies.
func (t *Turnstile) ask(ctx context.Context, form string) (int, answer, *fault) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url.String(), strings.NewReader(form))
	if err != nil {
		return 0, answer{}, &fault{code: CodeTransport, text: "the question could not be made"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", remote.UserAgent)

	resp, err := t.transport.RoundTrip(req)
	if err != nil {
		return 0, answer{}, transportFault(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return 0, answer{}, transportFault(ctx, err)
	}
	a, f := readAnswer(resp, body)
	return resp.StatusCode, a, f
}

// readAnswer reads what siteverify wrote, whatever the status. What something
// before it wrote in its place is a transport error if it is a 5xx; any other
// status would be the same a moment later.
func readAnswer(resp *http.Response, body []byte) (answer, *fault) {
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return answer{}, unreadable("answered %d; redirects are not followed", resp.StatusCode)
	}
	a, err := parseAnswer(resp.Header.Get("Content-Type"), body)
	if err == nil {
		return a, nil
	}
	f := unreadable("answered %d: %v", resp.StatusCode, err)
	if resp.StatusCode >= 500 {
		f.code, f.transport = CodeTransport, true
	}
	return answer{}, f
}

func parseAnswer(contentType string, body []byte) (answer, error) {
	if len(body) > maxAnswer {
		return answer{}, fmt.Errorf("longer than %d KiB", maxAnswer>>10)
	}
	if mediaType, _, err := mime.ParseMediaType(contentType); err != nil || mediaType != "application/json" {
		return answer{}, errors.New("not of type application/json")
	}
	return decodeAnswer(body)
}

// transportFault says in our own words what went wrong on the way.
func transportFault(ctx context.Context, err error) *fault {
	f := remote.Explain(ctx, err, "siteverify")
	code := CodeTransport
	if f.TimedOut {
		code = CodeTimedOut
	}
	return &fault{code: code, text: f.Text, cause: f.Cause, transport: true}
}
