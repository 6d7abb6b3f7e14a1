package caddymodule

import (
	"errors"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App is what all gates of a configuration share: the secret, the ledger and
// the databases. It can be left out; every field has a default.
type App struct {
	// The secret that keys the hashes under which phone numbers, addresses and
	// devices are counted: at least 32 bytes, taken as they are written. A
	// changed secret forgets all that has been counted. Placeholders are
	// replaced once, at load.
	//
	// Default: 32 random bytes, made once and kept in Caddy's storage.
	Secret string `json:"secret,omitempty"`

	// The path of a MaxMind DB file that tells the country of an address.
	// Placeholders are replaced once, at load. A ruleset that asks for the
	// country of an address does not load without it.
	//
	// Default: none.
	CountryDB string `json:"country_db,omitempty"`

	// The path of a MaxMind DB file that tells the autonomous system of an
	// address. Placeholders are replaced once, at load. A ruleset that asks for
	// ASNs does not load without it.
	//
	// Default: none.
	ASNDB string `json:"asn_db,omitempty"`

	// Where charges are kept.
	//
	// Default: the embedded ledger.
	Store *Store `json:"store,omitempty"`

	ctx     caddy.Context
	logger  *zap.Logger
	secret  string // resolved; "" until one is made or read
	country *network.Database
	asn     *network.Database
	metrics *metrics
	keysOf  func() (*ruleset.Keys, error)

	ledger *pooled[*ledger.Embedded]
	pooled []interface{ release() error }

	mu    sync.Mutex
	gates []*Handler
}

// Store says where charges are kept.
type Store struct {
	// The kind of ledger. "embedded", in the memory of this process, is the
	// only one that this version has. It lives through reloads of Caddy.
	//
	// Default: embedded.
	Engine string `json:"engine,omitempty"`

	// The most lines of 64 bytes that the embedded ledger may hold for keys and
	// for sends that may still be settled; it takes at most 110 bytes for each.
	// When it is full, new numbers and addresses are refused rather than old
	// ones forgotten. A changed value makes a new, empty ledger.
	//
	// Default: 1048576, which takes at most 110 MiB.
	MaxKeys int `json:"max_keys,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "otp_gate",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision sets up what the gates share. It does no network I/O and writes no
// file.
func (a *App) Provision(ctx caddy.Context) (err error) {
	a.ctx = ctx
	a.logger = ctx.Logger()
	a.keysOf = sync.OnceValues(a.makeKeys)
	if a.metrics, err = newMetrics(ctx.GetMetricsRegistry()); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	if err := a.Store.check(); err != nil {
		return err
	}
	if a.Secret != "" {
		secret, err := replaced("secret", a.Secret)
		if err != nil {
			return err
		}
		if a.secret, err = checkSecret(secret); err != nil {
			return err
		}
	}
	if a.country, err = openDatabase(a, "country_db", a.CountryDB, network.CountryField); err != nil {
		return err
	}
	if a.asn, err = openDatabase(a, "asn_db", a.ASNDB, network.ASNField); err != nil {
		return err
	}
	if a.ledger, err = acquire(ledgers, a.Store.key(), a.Store.open); err != nil {
		return fmt.Errorf("opening the ledger: %w", err)
	}
	a.pooled = append(a.pooled, a.ledger)
	if err := ctx.GetMetricsRegistry().Register(ledgerCollector{a.ledger.value}); err != nil {
		return fmt.Errorf("registering metrics of the ledger: %w", err)
	}
	return nil
}

func (s *Store) check() error {
	switch {
	case s == nil:
		return nil
	case s.MaxKeys < 0 || s.MaxKeys > mostKeys:
		return fmt.Errorf("max_keys: want a number from 1 to %d", mostKeys)
	case s.Engine == "", s.Engine == "embedded":
		return nil
	case s.Engine == "redis":
		return errors.New("store redis is not in this version: leave store out, and the embedded ledger is used")
	default:
		return fmt.Errorf("unknown store %q: want embedded", s.Engine)
	}
}

// mostKeys is the most that the embedded ledger can hold.
const mostKeys = 1 << 29

// key names the ledger that s asks for among those of this process.
func (s *Store) key() string {
	if s == nil || s.MaxKeys == 0 {
		return "embedded"
	}
	return fmt.Sprintf("embedded %d", s.MaxKeys)
}

func (s *Store) open() (*ledger.Embedded, error) {
	if s == nil || s.MaxKeys == 0 {
		return ledger.NewEmbedded(), nil
	}
	return ledger.NewEmbedded(ledger.MaxKeys(s.MaxKeys)), nil
}

// openDatabase opens the database at path, or shares it with those who opened
// it before and whose file is still the same.
func openDatabase(a *App, field, path string, tells network.Field) (*network.Database, error) {
	if path == "" {
		return nil, nil
	}
	path, err := replaced(field, path)
	if err != nil {
		return nil, err
	}
	key, err := fileKey(field, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	db, err := acquire(databases, key, func() (*network.Database, error) { return network.OpenDatabase(path, tells) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	a.pooled = append(a.pooled, db)
	return db.value, nil
}

// Start makes the secret if there is none, and starts the gates.
func (a *App) Start() error {
	if _, err := a.keysOf(); err != nil {
		return err
	}
	a.mu.Lock()
	gates := a.gates
	a.mu.Unlock()
	for _, h := range gates {
		if _, err := h.open(); err != nil {
			return err
		}
		go h.watch(a.ctx)
	}
	return nil
}

// Stop does nothing: gates stop when their handlers are cleaned up.
func (a *App) Stop() error { return nil }

// Cleanup lets go of what other generations of the configuration may share.
func (a *App) Cleanup() error {
	var errs []error
	for _, p := range a.pooled {
		errs = append(errs, p.release())
	}
	a.pooled = nil
	return errors.Join(errs...)
}

// join makes h one of the gates that Start starts.
func (a *App) join(h *Handler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gates = append(a.gates, h)
}

// makeKeys is run once, at Start or at the first request: Caddy starts its
// apps in no particular order.
func (a *App) makeKeys() (*ruleset.Keys, error) {
	secret := a.secret
	if secret == "" {
		var err error
		if secret, err = keptSecret(a.ctx, a.ctx.Storage()); err != nil {
			return nil, err
		}
	}
	return ruleset.NewKeys([]byte(secret)), nil
}

// wiring is what the configuration gives to the rulesets of its gates.
func (a *App) wiring() ruleset.Wiring {
	return ruleset.Wiring{Country: a.country, ASN: a.asn}
}

// replaced returns value with its placeholders replaced. The error names the
// field and not the value, which may be a secret.
func replaced(field, value string) (string, error) {
	out, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", field, err)
	}
	return out, nil
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
