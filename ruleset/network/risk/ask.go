package risk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/remote"
)

const who = "the risk service"

// fault is a failure of the service, and not about the address asked about.
type fault struct {
	text  string
	cause error
	pause time.Duration // how long it wants to be left alone; 0 if it does not say
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.cause }

func faultf(format string, args ...any) error {
	return &fault{text: fmt.Sprintf(who+" "+format, args...)}
}

// ask puts one question. The error is a *fault if it is the service's.
func (s *Service) ask(a netip.Addr) (float64, error) {
	ctx, cancel := context.WithTimeout(s.ending, s.config.Timeout)
	defer cancel()
	req, err := s.request(ctx, a)
	if err != nil {
		return 0, faultf("cannot be asked: the question could not be made")
	}
	resp, err := s.config.Transport.RoundTrip(req)
	if err != nil {
		return 0, explained(ctx, err)
	}
	defer resp.Body.Close()
	if err := s.status(resp); err != nil {
		return 0, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, explained(ctx, err)
	case len(body) > maxAnswer:
		return 0, faultf("answered more than %d KiB", maxAnswer>>10)
	}
	score, err := read(body, s.pointer)
	switch {
	case err == nil:
		return score, nil
	case errors.Is(err, errNoScore):
		return 0, fmt.Errorf("%w: %w", ErrUnknown, err)
	default:
		return 0, faultf("cannot be understood: %v", err)
	}
}

func explained(ctx context.Context, err error) error {
	f := remote.Explain(ctx, err, who)
	return &fault{text: f.Text, cause: f.Cause}
}

func (s *Service) request(ctx context.Context, a netip.Addr) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if s.config.Body != "" {
		method, body = http.MethodPost, strings.NewReader(strings.ReplaceAll(s.config.Body, Place, a.String()))
	}
	req, err := http.NewRequestWithContext(ctx, method, expandURL(s.config.URL, a), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", remote.UserAgent)
	for name, values := range s.config.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if s.config.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// status looks at the status of an answer.
func (s *Service) status(resp *http.Response) error {
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusBadRequest, code == http.StatusNotFound, code == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: it answered %d", ErrUnknown, code)
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return faultf("does not let us ask: it answered %d; look at the key that is sent to it", code)
	case code == http.StatusTooManyRequests:
		return &fault{text: who + " has been asked too often: it answered 429", pause: retryAfter(resp.Header.Get("Retry-After"))}
	case code >= 300 && code < 400:
		return faultf("answered %d; redirects are not followed", code)
	default:
		return faultf("answered %d", code)
	}
}

// retryAfter reads a number of seconds: a second if it is none, and more than the
// breaker believes if it is large.
func retryAfter(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return time.Second
	}
	return time.Duration(n) * time.Second
}
