package caddymodule

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset/network/risk"
)

// Risk is a service that tells scores of addresses: any that answers with JSON over
// HTTP. What a score means is the ruleset's to say.
type Risk struct {
	// The URL of the question, with `{ip}` for the address in its path or query:
	// `https://risk.example.com/v1/{ip}`. https, or http to this machine. Other
	// placeholders are replaced once, at load. Required.
	URL string `json:"url,omitempty"`

	// A body of JSON, with `{ip}` for the address: `{"address": "{ip}"}`. It makes the
	// question a POST. Other placeholders are replaced once, at load, as they are:
	// values with quotes or backslashes spoil the JSON, which is refused then.
	//
	// Default: none; the question is a GET.
	Body string `json:"body,omitempty"`

	// Request headers, by name. Placeholders are replaced once, at load.
	//
	// Default: none.
	Headers map[string][]string `json:"headers,omitempty"`

	// Where in the answer the score stands, as a JSON Pointer: `/data/score`. It is a
	// number, a number in a string, or true or false, which are 1 and 0.
	//
	// Default: the whole answer is the score.
	Score string `json:"score,omitempty"`

	// How long to wait for an answer, at most 10s.
	//
	// Default: `500ms`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How long a score is kept, at most 720h. Those of IPv6 are kept for a /64.
	//
	// Default: `1h`.
	Cache caddy.Duration `json:"cache,omitempty"`

	// How many scores are kept, of some 100 bytes each.
	//
	// Default: 65536.
	CacheSize int `json:"cache_size,omitempty"`
}

// unmarshal sets up r from Caddyfile tokens.
func (r *Risk) unmarshal(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&r.URL) {
		return d.Err("risk: want the URL of a service, with {ip} for the address, as in: risk https://risk.example.com/v1/{ip}")
	}
	once := onlyOnce(d)
	for d.NextBlock(1) {
		word := d.Val()
		if word == "header" {
			var name, value string
			if !d.AllArgs(&name, &value) {
				return d.ArgErr()
			}
			if r.Headers == nil {
				r.Headers = make(map[string][]string)
			}
			name = http.CanonicalHeaderKey(name)
			r.Headers[name] = append(r.Headers[name], value)
			continue
		}
		if err := once(); err != nil {
			return err
		}
		args := d.RemainingArgs()
		if len(args) == 0 || len(args) > 1 && (word != "cache" || len(args) > 2) {
			return d.ArgErr()
		}
		var err error
		switch word {
		case "body":
			r.Body = args[0]
		case "score":
			r.Score = args[0]
		case "timeout":
			err = parseDuration(args[0], &r.Timeout)
		case "cache":
			if err = parseDuration(args[0], &r.Cache); err == nil && len(args) == 2 {
				r.CacheSize, err = strconv.Atoi(args[1])
			}
		default:
			return d.Errf("unrecognized risk subdirective '%s': want header, body, score, timeout or cache", word)
		}
		if err != nil {
			return d.Errf("parsing %s: %v", word, err)
		}
	}
	return nil
}

func parseDuration(text string, to *caddy.Duration) error {
	d, err := caddy.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("want more than 0")
	}
	*to = caddy.Duration(d)
	return err
}

// resolve replaces placeholders, and looks whether the service could be asked. The
// zero Config is of no service. Errors quote no value.
func (r *Risk) resolve() (c risk.Config, err error) {
	if r == nil {
		return c, nil
	}
	c = risk.Config{Score: r.Score, Timeout: time.Duration(r.Timeout), TTL: time.Duration(r.Cache), Entries: r.CacheSize, Header: make(http.Header)}
	repl := caddy.NewReplacer()
	repl.Map(func(key string) (any, bool) { return risk.Place, "{"+key+"}" == risk.Place })
	if c.URL, err = repl.ReplaceOrErr(r.URL, true, true); err != nil {
		return c, fmt.Errorf("risk url: %w", err)
	}
	// Braces are braces in JSON: what is no placeholder stays.
	if c.Body, err = repl.ReplaceOrErr(r.Body, true, false); err != nil {
		return c, fmt.Errorf("risk body: %w", err)
	}
	for name, values := range r.Headers {
		for _, value := range values {
			if value, err = replaced("risk header "+name, value); err != nil {
				return c, err
			}
			c.Header.Add(name, value)
		}
	}
	if err := c.Check(); err != nil {
		return c, fmt.Errorf("risk: %w", err)
	}
	return c, nil
}

// riskKey names a service by all that is said of it. What it names is only
// found again, and cannot be read out of it.
func riskKey(c risk.Config) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %v %v %d", c.URL, c.Body, c.Score, c.Timeout, c.TTL, c.Entries)
	var names []string
	for name := range c.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(h, " %q %q", name, c.Header[name])
	}
	return fmt.Sprintf("risk %x", h.Sum(nil))
}

// openService is a service with its scores, as all configurations of this process
// share it that say the same of it.
type openService struct{ *risk.Service }

// Destruct ends what is under way.
func (s openService) Destruct() error { return s.Close() }

// openRisk makes ready to ask the service. It does no network I/O.
func (a *App) openRisk() (err error) {
	if a.Risk == nil {
		return nil
	}
	c := a.riskConfig
	c.Notify = func(e risk.Event) {
		if e.Open {
			logger().Warn("the risk service does not answer, and is left alone for a while; until it does, the rulesets' network.risk.away is done where a score is wanted", zap.Error(e.Err))
		} else {
			logger().Info("the risk service answers again")
		}
	}
	a.service, err = acquire(services, riskKey(c), func() (openService, error) {
		s, err := risk.New(c)
		return openService{s}, err
	})
	if err != nil {
		return fmt.Errorf("risk: %w", err)
	}
	return nil
}
