package human

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/remote"
)

// SiteverifyURL is where Cloudflare judges Turnstile's tokens.
const SiteverifyURL = "https://challenges.cloudflare.com/turnstile/v0/siteverify"

const (
	defaultTimeout = 3 * time.Second
	maxTimeout     = 30 * time.Second
	tokenLife      = 300 * time.Second // as documented
	maxSecretLen   = 256
	maxActionLen   = 32 // as documented
)

// TurnstileConfig is what the operator says of a Turnstile widget. Only Secret
// is needed.
type TurnstileConfig struct {
	// Secret is the widget's secret key.
	Secret string `json:"-"`

	// URL of siteverify; SiteverifyURL if empty. It must be https, since the
	// secret is sent to it; http will do for a loopback address.
	URL string

	// Timeout is for the whole of Verify, retry included: 3s if zero, at most
	// 30s. The first attempt may take two thirds of it.
	Timeout time.Duration

	// Hostnames of the pages that may make a token, without regard to case:
	// "login.example.com", or "*.example.com" for exactly one label more. If
	// there are none, all hosts that the widget allows will do.
	Hostnames []string

	// Action that the page must name, letter for letter; any if empty.
	Action string

	// MaxAge a token may have: 300s if zero, which is also the most, since
	// Cloudflare takes none that is older. Clocks may be 30s apart.
	MaxAge time.Duration

	// Transport to ask through; if nil, one with bounds of its own, which
	// takes a proxy from the environment (HTTPS_PROXY) as usual. TLS goes
	// through such a proxy end to end, so it learns no secret.
	Transport http.RoundTripper `json:"-"`
}

// String says what c is, without the secret.
func (c TurnstileConfig) String() string { return "turnstile config [secret hidden]" }

// GoString is String, so that %#v hides the secret too.
func (c TurnstileConfig) GoString() string { return c.String() }

// check returns c with its defaults, or all that is wrong with it.
func (c TurnstileConfig) check() (TurnstileConfig, hostnames, error) {
	var problems []error
	field := func(name string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}

	field("secret", checkSecret(c.Secret))
	if c.URL == "" {
		c.URL = SiteverifyURL
	}
	field("url", checkURL(c.URL))
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		field("timeout", fmt.Errorf("want more than 0s and at most %v, not %v", maxTimeout, c.Timeout))
	}
	hosts, err := newHostnames(c.Hostnames)
	field("hostnames", err)
	if !isAction(c.Action) {
		field("action", fmt.Errorf("want at most %d letters, digits, hyphens and underscores", maxActionLen))
	}
	if c.MaxAge == 0 {
		c.MaxAge = tokenLife
	}
	if c.MaxAge < 0 || c.MaxAge > tokenLife {
		field("max_age", fmt.Errorf("want more than 0s and at most %v, which is all that Cloudflare lets a token live, not %v", tokenLife, c.MaxAge))
	}
	return c, hosts, errors.Join(problems...)
}

// checkSecret finds what cannot be a secret, with the usual slips in mind. Its
// errors describe the secret and never quote it.
func checkSecret(s string) error {
	switch {
	case s == "":
		return errors.New("is missing")
	case s != strings.TrimSpace(s):
		return errors.New("has white space around it")
	case strings.ContainsAny(s, "{}$"):
		return errors.New("has a placeholder in it that nothing replaced")
	case len(s) > maxSecretLen:
		return fmt.Errorf("is longer than %d characters", maxSecretLen)
	case testSitekeys[s]:
		return errors.New("is one of Cloudflare's test sitekeys; the test secret has 35 characters")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return errors.New("has characters that no secret has")
		}
	}
	return nil
}

// checkURL takes plain URLs only. Its errors do not quote the URL: somebody
// may have put a password into it.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return errors.New("want an absolute url like " + SiteverifyURL)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("must have no user, query or fragment")
	case u.Scheme == "https", u.Scheme == "http" && remote.IsLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("must be https, since the secret is sent to it; http is for loopback addresses")
	}
	return errors.New("must be https")
}

// isAction takes what Cloudflare's widget takes as an action, and "".
func isAction(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) <= maxActionLen
}
