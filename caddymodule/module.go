package caddymodule

import (
	"errors"
	"fmt"
	"net/textproto"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/human"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler is a gate in front of a route that makes an app send one-time codes.
// It judges each request by a ruleset, passes on those that the ruleset
// allows, and refuses the others with a problem document (RFC 9457) or, for
// browsers, a small page.
//
// What the app answers settles what was charged: a code that was not sent is
// given back. Place the gate so that nothing behind it answers in the app's
// stead. A reverse_proxy that is told to retry a POST can make the app send
// twice for one charge.
//
// These placeholders are set for the handlers that follow, and for logs:
//
// Placeholder | Description
// ------------|-------------
// `{http.otp_gate.gate}` | The gate's name, from the ruleset
// `{http.otp_gate.id}` | The id of the request, as in the answer and in the log
// `{http.otp_gate.shape}` | The name of the request's shape, where there are several
// `{http.otp_gate.action}` | allow, challenge or deny
// `{http.otp_gate.check}`, `{http.otp_gate.rule}` | Who decided
// `{http.otp_gate.code}` | What the caller is told, empty if allowed
// `{http.otp_gate.reason}` | The true reason, empty if allowed
// `{http.otp_gate.proof}` | How the proof fared
// `{http.otp_gate.phone}` | The number, masked
// `{http.otp_gate.phone.country}`, `{http.otp_gate.phone.type}` | What the number tells
// `{http.otp_gate.ip.country}`, `{http.otp_gate.ip.asn}` | What the address tells
// `{http.otp_gate.risk}` | The score that the risk service told of the address, empty if it was not wanted
// `{http.otp_gate.flags}`, `{http.otp_gate.shadow}` | The marks, separated by commas
type Handler struct {
	// The path of the ruleset file, relative to the working directory.
	// Placeholders are replaced once, at load. The file, and the list files it
	// names, are watched: a good change takes over within a second, and one
	// with problems is reported and kept out. Required.
	Ruleset string `json:"ruleset,omitempty"`

	// How to ask Cloudflare Turnstile about proofs. A ruleset that asks for
	// proof does not load without it.
	//
	// Default: none.
	Turnstile *Turnstile `json:"turnstile,omitempty"`

	// The name of a request header in which the app gets the number that was
	// judged, in E.164 form ("+14155550123"), so that it need not parse it
	// again. What clients send under this name is removed. Placeholders are
	// replaced once, at load. Caddy's own logs show request headers: its access
	// log, and reverse_proxy where an answer breaks off. Delete the field there
	// with a filter, or the number is in them in clear.
	//
	// Default: none; the number is not handed on.
	PhoneHeader string `json:"phone_header,omitempty"`

	app         *App
	logger      *zap.Logger
	path        string   // of the ruleset
	phoneHeader string   // resolved and canonical
	strip       []string // headers of ours, besides those that package request knows
	turnstile   *human.TurnstileConfig
	first       *loaded // what Provision loaded
	open        func() (*ruleset.Gate, error)
	metrics     atomic.Pointer[gateMetrics]
}

// Turnstile is how to ask Cloudflare Turnstile about proofs. What proofs have
// to be like is the ruleset's to say.
type Turnstile struct {
	// The secret key of the widget. Cloudflare's documented test secrets are
	// answered locally and reported at every load. Placeholders are replaced
	// once, at load. Required.
	Secret string `json:"secret,omitempty"`

	// Where proofs are verified. Placeholders are replaced once, at load.
	//
	// Default: `https://challenges.cloudflare.com/turnstile/v0/siteverify`.
	URL string `json:"url,omitempty"`

	// How long to wait for the answer, with one retry within that time.
	//
	// Default: `3s`.
	Timeout caddy.Duration `json:"timeout,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.otp_gate",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision loads the ruleset. It does no network I/O.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	app, err := ctx.App("otp_gate")
	if err != nil {
		return err
	}
	h.app = app.(*App)
	if err := h.replacePlaceholders(); err != nil {
		return err
	}
	first, problems, err := h.load()
	if err != nil {
		return err
	}
	h.warn(problems, first)
	h.first = first
	h.open = sync.OnceValues(h.openGate)
	return h.app.join(h)
}

func (h *Handler) replacePlaceholders() (err error) {
	if h.Ruleset == "" {
		return errors.New("ruleset is required: the path of a ruleset file")
	}
	if h.path, err = replaced("ruleset", h.Ruleset); err != nil {
		return err
	}
	if h.path, err = filepath.Abs(h.path); err != nil {
		return fmt.Errorf("ruleset: %w", err)
	}
	if h.PhoneHeader != "" {
		name, err := replaced("phone_header", h.PhoneHeader)
		if err != nil {
			return err
		}
		if err := checkPhoneHeader(name); err != nil {
			return err
		}
		h.phoneHeader = textproto.CanonicalMIMEHeaderKey(name)
		h.strip = []string{h.phoneHeader}
	}
	if h.Turnstile != nil {
		h.turnstile = &human.TurnstileConfig{Timeout: time.Duration(h.Turnstile.Timeout)}
		if h.turnstile.Secret, err = replaced("turnstile secret", h.Turnstile.Secret); err != nil {
			return err
		}
		h.turnstile.Secret = strings.TrimSpace(h.turnstile.Secret) // as files and pipes leave it
		if h.Turnstile.URL != "" {
			if h.turnstile.URL, err = replaced("turnstile url", h.Turnstile.URL); err != nil {
				return err
			}
		}
	}
	return nil
}

// meaningful are headers that servers act on. Stripping or replacing one would
// change the request that was judged.
var meaningful = map[string]bool{
	"Accept": true, "Authorization": true, "Connection": true, "Content-Encoding": true, "Content-Length": true,
	"Content-Type": true, "Cookie": true, "Expect": true, "Forwarded": true, "Host": true, "Keep-Alive": true,
	"Origin": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Range": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "User-Agent": true, "Via": true, "X-Forwarded-For": true,
	"X-Forwarded-Host": true, "X-Forwarded-Proto": true, "X-Real-Ip": true,
}

// headerLetters leave out the underscore: many servers take it for a hyphen,
// and Caddy drops headers that have one.
const headerLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

func checkPhoneHeader(name string) error {
	if strings.Trim(name, headerLetters) != "" || name == "" {
		return fmt.Errorf("phone_header: %q: want the name of a header, of letters, digits and hyphens", name)
	}
	if meaningful[textproto.CanonicalMIMEHeaderKey(name)] {
		return fmt.Errorf("phone_header: %s has a meaning of its own; want a name such as X-Otp-Gate-Phone", name)
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
