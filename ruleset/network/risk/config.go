package risk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/remote"
)

// Place is where the address goes, in a URL or a body.
const Place = "{ip}"

const (
	defaultTimeout = 500 * time.Millisecond
	maxTimeout     = 10 * time.Second
	defaultTTL     = time.Hour
	maxTTL         = 30 * 24 * time.Hour
	defaultEntries = 65536
	maxEntries     = 1 << 24
	maxBody        = 16 << 10
)

// Config is what the operator says of a service. URL is needed.
type Config struct {
	// URL of the question, with {ip} for the address in its path or query:
	// "https://risk.example.com/v1/{ip}". It must be https, since it holds the
	// addresses of people, and often a secret; http will do for a loopback address.
	URL string `json:"-"`

	// Body makes the question a POST. It is JSON, with {ip} for the address within a
	// string: `{"address": "{ip}"}`. One of URL and Body has the place.
	Body string `json:"-"`

	// Header is sent along, and may hold secrets.
	Header http.Header `json:"-"`

	// Score is the JSON Pointer to the score: "/data/score". Empty: the answer
	// is the score.
	Score string

	// Timeout is for one question: 500ms if zero, at most 10s.
	Timeout time.Duration

	// TTL is how long a score is kept: 1h if zero, at most 30 days.
	TTL time.Duration

	// Entries is how many scores are kept: 65536 if zero, which is about 6 MB when
	// they are all there; at most 16777216.
	Entries int

	// Transport to ask through; if nil, one with bounds of its own.
	Transport http.RoundTripper `json:"-"`

	// Notify is told when the breaker opens and closes, if it is not nil. It must not
	// block.
	Notify func(Event) `json:"-"`
}

// String says what c is, without the secrets.
func (c Config) String() string { return "risk config [secrets hidden]" }

// GoString is String, so that %#v hides the secrets too.
func (c Config) GoString() string { return c.String() }

// Check returns all that is wrong with c, as New does.
func (c Config) Check() error {
	_, _, err := c.check()
	return err
}

// Event says that the breaker has opened, for a reason, or closed.
type Event struct {
	Open bool
	Err  error // why it opened
}

// check returns c with its defaults, or all that is wrong with it.
func (c Config) check() (Config, pointer, error) {
	var problems []error
	field := func(name string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	field("url", checkURL(c.URL))
	if c.Body != "" {
		field("body", checkBody(c.Body))
	}
	if c.URL != "" && !strings.Contains(c.URL, Place) && !strings.Contains(c.Body, Place) {
		field("url", errors.New("has no place for the address: write "+Place+" where it goes, as in https://risk.example.com/v1/"+Place))
	}
	for name, values := range c.Header {
		for _, value := range values {
			field("header", checkHeader(name, value))
		}
	}
	p, err := parsePointer(c.Score)
	field("score", err)
	span := func(name string, v *time.Duration, normal, most time.Duration) {
		if *v == 0 {
			*v = normal
		}
		if *v < time.Millisecond || *v > most {
			field(name, fmt.Errorf("want 1ms to %v, not %v", most, *v))
		}
	}
	span("timeout", &c.Timeout, defaultTimeout, maxTimeout)
	span("cache", &c.TTL, defaultTTL, maxTTL)
	if c.Entries == 0 {
		c.Entries = defaultEntries
	}
	if c.Entries < 1 || c.Entries > maxEntries {
		field("cache", fmt.Errorf("want room for 1 to %d scores, not %d", maxEntries, c.Entries))
	}
	return c, p, errors.Join(problems...)
}

// example is an address that all forms of escaping change.
var example = netip.MustParseAddr("2001:db8::7")

// checkURL takes URLs in which the address can stand. Its errors do not quote the
// URL: many services want their key in it.
func checkURL(s string) error {
	if s == "" {
		return errors.New("is missing: as in https://risk.example.com/v1/" + Place)
	}
	scheme, rest, absolute := strings.Cut(s, "://")
	host := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = rest[:i]
	}
	if absolute && strings.Contains(scheme+host, Place) {
		return errors.New(Place + " may stand in the path and the query only")
	}
	u, err := url.Parse(expandURL(s, example))
	switch {
	case strings.ContainsAny(strings.ReplaceAll(s, Place, ""), "{}"):
		return errors.New("has a placeholder in it that nothing replaced; the one for the address is " + Place)
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return errors.New("want an absolute url like https://risk.example.com/v1/" + Place)
	case u.User != nil || strings.Contains(s, "#"):
		return errors.New("must have no user and no fragment")
	case u.Scheme == "https", u.Scheme == "http" && remote.IsLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("must be https, since it tells the addresses of people; http is for loopback addresses")
	}
	return errors.New("must be https")
}

// checkBody takes JSON in which the address can stand.
func checkBody(s string) error {
	switch {
	case len(s) > maxBody:
		return fmt.Errorf("is longer than %d KiB", maxBody>>10)
	case !json.Valid([]byte(s)):
		return fmt.Errorf("is not JSON: the place for the address is within quotes, as in {\"address\": \"%s\"}", Place)
	}
	return nil
}

// ours are headers that are not the operator's to set.
var ours = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Length": true, "Content-Type": true, "Expect": true, "Host": true, "Keep-Alive": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// checkHeader never quotes the value.
func checkHeader(name, value string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"
	switch canonical := http.CanonicalHeaderKey(name); {
	case name == "" || strings.Trim(name, letters) != "":
		return fmt.Errorf("%q is no name of a header", remote.Printable(name, 64))
	case ours[canonical]:
		return fmt.Errorf("%s is set by the gate", canonical)
	case strings.TrimSpace(value) == "":
		return fmt.Errorf("%s has no value", canonical)
	}
	for i := range len(value) {
		if value[i] < ' ' && value[i] != '\t' || value[i] == 0x7f {
			return fmt.Errorf("the value of %s has characters that no header has", http.CanonicalHeaderKey(name))
		}
	}
	return nil
}

// expandURL writes a into a URL.
func expandURL(s string, a netip.Addr) string {
	path, query, asked := strings.Cut(s, "?")
	out := strings.ReplaceAll(path, Place, url.PathEscape(a.String()))
	if asked {
		out += "?" + strings.ReplaceAll(query, Place, url.QueryEscape(a.String()))
	}
	return out
}
