package caddymodule

import (
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("otp_gate", parseApp)
	httpcaddyfile.RegisterHandlerDirective("otp_gate", parseHandler)
	// The gate comes after all that changes the request (request_body, method,
	// rewrite, uri, request_header) and all that wraps the answer (encode,
	// intercept, templates): it judges what the app gets, and settles by what
	// the app answered. It comes before all that dispatches or answers.
	httpcaddyfile.RegisterDirectiveOrder("otp_gate", httpcaddyfile.Before, "invoke")
}

// parseHandler sets up the handler from Caddyfile tokens. Syntax:
//
//	otp_gate [<matcher>] <ruleset> {
//	    turnstile {
//	        secret  <secret>
//	        url     <url>
//	        timeout <duration>
//	    }
//	    phone_header <name>
//	}
func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return handler, nil
}

// UnmarshalCaddyfile sets up h from Caddyfile tokens.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	if !d.AllArgs(&h.Ruleset) {
		return d.Err("want one ruleset file, as in: otp_gate @send otp.rules.yaml; a first argument that begins with / is a matcher, so that an absolute path needs one before it: otp_gate * /etc/otp.rules.yaml")
	}
	once := onlyOnce(d)
	for d.NextBlock(0) {
		if err := once(); err != nil {
			return err
		}
		switch d.Val() {
		case "turnstile":
			if d.NextArg() {
				return d.ArgErr()
			}
			h.Turnstile = new(Turnstile)
			if err := h.Turnstile.unmarshalBlock(d); err != nil {
				return err
			}
		case "phone_header":
			if !d.AllArgs(&h.PhoneHeader) {
				return d.ArgErr()
			}
		default:
			return d.Errf("unrecognized otp_gate subdirective '%s': want turnstile or phone_header", d.Val())
		}
	}
	return nil
}

func (t *Turnstile) unmarshalBlock(d *caddyfile.Dispenser) error {
	once := onlyOnce(d)
	for d.NextBlock(1) {
		if err := once(); err != nil {
			return err
		}
		switch d.Val() {
		case "secret":
			if !d.AllArgs(&t.Secret) {
				return d.ArgErr()
			}
		case "url":
			if !d.AllArgs(&t.URL) {
				return d.ArgErr()
			}
		case "timeout":
			if err := durationArg(d, &t.Timeout); err != nil {
				return err
			}
		default:
			return d.Errf("unrecognized turnstile subdirective '%s': want secret, url or timeout", d.Val())
		}
	}
	return nil
}

// parseApp sets up the app from the global option. Syntax:
//
//	otp_gate {
//	    secret      <secret>
//	    also_secret <secret>
//	    country_db  <path>
//	    asn_db      <path>
//	    database    <path>...
//	    lists {
//	        dir     <path>
//	        offline
//	        timeout <duration>
//	    }
//	    store       embedded {
//	        dir      <path>
//	        max_keys <number>
//	    }
//	}
//
// In place of that, the store can be one of
//
//	store memory {
//	    max_keys <number>
//	}
//	store redis <url> {
//	    name         <name>
//	    gates        <number>
//	    fallback     embedded|memory
//	    fallback_dir <path>
//	    max_keys     <number>
//	}
func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next() // consume option name
		return nil, d.Err("the global option otp_gate is already given: put everything into one block")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "otp_gate", Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile sets up a from Caddyfile tokens.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume option name
	if d.NextArg() {
		return d.ArgErr()
	}
	once := onlyOnce(d)
	for d.NextBlock(0) {
		if err := once(); err != nil {
			return err
		}
		field := map[string]*string{
			"secret":      &a.Secret,
			"also_secret": &a.AlsoSecret,
			"country_db":  &a.CountryDB,
			"asn_db":      &a.ASNDB,
		}[d.Val()]
		switch {
		case field != nil:
			if !d.AllArgs(field) {
				return d.ArgErr()
			}
		case d.Val() == "database":
			if a.Databases = d.RemainingArgs(); len(a.Databases) == 0 {
				return d.ArgErr()
			}
		case d.Val() == "lists":
			a.Lists = new(Lists)
			if err := a.Lists.unmarshalBlock(d); err != nil {
				return err
			}
		case d.Val() == "store":
			a.Store = new(Store)
			if err := a.Store.unmarshalBlock(d); err != nil {
				return err
			}
		default:
			return d.Errf("unrecognized otp_gate option '%s': want secret, also_secret, country_db, asn_db, database, lists or store", d.Val())
		}
	}
	return nil
}

func (l *Lists) unmarshalBlock(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	once := onlyOnce(d)
	for d.NextBlock(1) {
		if err := once(); err != nil {
			return err
		}
		switch d.Val() {
		case "dir":
			if !d.AllArgs(&l.Dir) {
				return d.ArgErr()
			}
		case "offline":
			if d.NextArg() {
				return d.ArgErr()
			}
			l.Offline = true
		case "timeout":
			if err := durationArg(d, &l.Timeout); err != nil {
				return err
			}
		default:
			return d.Errf("unrecognized lists subdirective '%s': want dir, offline or timeout", d.Val())
		}
	}
	return nil
}

func (s *Store) unmarshalBlock(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	s.Engine = d.Val()
	words, known := storeWords[s.Engine]
	if s.Engine == engineRedis && d.NextArg() {
		s.URL = d.Val()
	}
	if err := s.check(); err != nil {
		return d.WrapErr(err)
	}
	if d.NextArg() { // not to be quoted: it may be a part of an address
		return d.Errf("too many arguments for store %s: settings go into a block, one a line", s.Engine)
	}
	once := onlyOnce(d)
	for d.NextBlock(1) {
		if err := once(); err != nil {
			return err
		}
		word := d.Val()
		if !known || !slices.Contains(words, word) {
			return d.Errf("unrecognized store %s subdirective '%s': want %s", s.Engine, word, listed(words))
		}
		var value string
		if !d.AllArgs(&value) {
			return d.ArgErr()
		}
		var err error
		switch word {
		case "dir":
			s.Dir = value
		case "name":
			s.Name = value
		case "fallback":
			s.Fallback = value
		case "fallback_dir":
			s.FallbackDir = value
		case "max_keys":
			s.MaxKeys, err = parseNumber(d, value, mostKeys)
		case "gates":
			s.Gates, err = parseNumber(d, value, mostGates)
		}
		if err != nil {
			return err
		}
		if err := s.check(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}

// parseNumber reads the value of the subdirective at hand: 1 to most.
func parseNumber(d *caddyfile.Dispenser, value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		d.Prev() // back to its name
		return 0, d.Errf("%s: want a number from 1 to %d, not '%s'", d.Val(), most, value)
	}
	return n, nil
}

// durationArg reads the only argument of the subdirective at hand.
func durationArg(d *caddyfile.Dispenser, into *caddy.Duration) error {
	var value string
	field := d.Val()
	if !d.AllArgs(&value) {
		return d.ArgErr()
	}
	duration, err := caddy.ParseDuration(value)
	if err != nil {
		return d.Errf("parsing %s: %v: want a duration such as 30s", field, err)
	}
	*into = caddy.Duration(duration)
	return nil
}

// onlyOnce returns a function that refuses the subdirective at hand if the
// same block has had it before.
func onlyOnce(d *caddyfile.Dispenser) func() error {
	seen := make(map[string]bool)
	return func() error {
		if seen[d.Val()] {
			return d.Errf("duplicate subdirective '%s'", d.Val())
		}
		seen[d.Val()] = true
		return nil
	}
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*Handler)(nil)
	_ caddyfile.Unmarshaler = (*App)(nil)
)
