package caddymodule

import (
	"errors"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App is what all gates of a configuration share: the secret, the ledger and
// the databases. It can be left out; every field has a default.
type App struct {
	// The secret that keys the hashes under which phone numbers, addresses and
	// devices are counted: at least 32 bytes, taken as they are written. All
	// gates that share a ledger need the same. A changed secret forgets all
	// that has been counted, unless the old one is named in `also_secret`.
	// Placeholders are replaced once, at load.
	//
	// Default: 32 random bytes, made once and kept in Caddy's storage. With the
	// store `redis` that will do only if the storage is not in files.
	Secret string `json:"secret,omitempty"`

	// Another secret: what has been counted under it counts too, and nothing
	// is written under it. To exchange a secret, load every gate with the new
	// one here; then load every gate with the new one as `secret` and the old
	// one here; and take the old one out when the longest window has passed.
	// Placeholders are replaced once, at load.
	//
	// Default: none.
	AlsoSecret string `json:"also_secret,omitempty"`

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

	// The paths of further MaxMind DB files, in the order of precedence: of those
	// that know something of an address the first one tells it, country_db and
	// asn_db before them. What a file tells is found out by looking at it.
	// Placeholders are replaced once, at load. Files are watched: a good one takes
	// over within seconds, and one that is damaged is reported and kept out.
	//
	// Default: none.
	Databases []string `json:"databases,omitempty"`

	// How the lists are kept that rulesets have fetched.
	//
	// Default: copies are kept in a directory beside the ledger's.
	Lists *Lists `json:"lists,omitempty"`

	// Where charges are kept.
	//
	// Default: the embedded ledger, on disk.
	Store *Store `json:"store,omitempty"`

	ctx     caddy.Context
	logger  *zap.Logger
	secret  string // resolved; "" until one is made or read
	also    string // resolved
	metrics *metrics
	keysOf  func() (*ruleset.Keys, error)
	listsOf func() error

	lease     lease                   // of the ledger
	databases *pooled[*openDatabases] // nil if there are none
	keeper    *pooled[*keeper]        // of lists

	mu    sync.Mutex
	gates []*Handler
	rules map[*Handler]*ruleset.Ruleset // that they judge by
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
	a.listsOf = sync.OnceValue(a.openLists)
	a.rules = make(map[*Handler]*ruleset.Ruleset)
	if a.metrics, err = newMetrics(ctx.GetMetricsRegistry()); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	if err := a.resolve(ctx.Storage()); err != nil {
		return err
	}
	if err := a.openDatabases(); err != nil {
		return err
	}
	lists, err := a.Lists.resolve(ctx.Storage())
	if err != nil {
		return err
	}
	if a.keeper, err = acquire(keepers, lists.key(), func() (*keeper, error) { return newKeeper(lists), nil }); err != nil {
		return err
	}
	for _, c := range []prometheus.Collector{&ledgerCollector{lease: &a.lease}, &listCollector{app: a}, &databaseCollector{app: a}} {
		if err := ctx.GetMetricsRegistry().Register(c); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

// resolve replaces the placeholders of what gates count with, and fills in what
// is left out. It makes nothing and asks nobody.
func (a *App) resolve(storage certmagic.Storage) (err error) {
	if a.lease.place, err = a.Store.resolve(storage); err != nil {
		return err
	}
	if a.secret, err = resolveSecret("secret", a.Secret); err != nil {
		return err
	}
	if a.also, err = resolveSecret("also_secret", a.AlsoSecret); err != nil {
		return err
	}
	switch {
	case a.secret == "" && a.lease.place.engine == engineRedis && isLocal(storage):
		return errNoSharedSecret
	case a.secret != "" && a.secret == a.also:
		return errors.New("also_secret is the same as secret: it is for the one before, or the one to come")
	}
	return nil
}

func resolveSecret(field, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	value, err := replaced(field, value)
	if err != nil {
		return "", err
	}
	if value, err = checkSecret(value); err != nil {
		return "", fmt.Errorf("%s: %w", field, err)
	}
	return value, nil
}

// errNoSharedSecret is what would otherwise go unseen: each gate would count
// every number under a name of its own, and let through the whole limit.
var errNoSharedSecret = errors.New("store redis needs a secret: gates count together only under the same one, and one that is made and kept on this machine is no other gate's; " +
	"make one with `openssl rand -hex 32` and give it to every gate, as in: secret {env.OTP_GATE_SECRET}")

// Start makes the secret if there is none, opens the ledger, and starts the
// gates. It waits for no server.
func (a *App) Start() error {
	if _, err := a.keysOf(); err != nil {
		return err
	}
	opened, err := a.lease.open()
	if err != nil {
		return err
	}
	a.warn(opened)
	if err := a.listsOf(); err != nil {
		return err
	}
	if a.databases != nil {
		a.databases.value.follow()
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

// warn logs what is doubtful about the ledger.
func (a *App) warn(opened *openLedger) {
	p := &a.lease.place
	for _, doubt := range p.doubts() {
		a.logger.Warn(doubt)
	}
	if p.maxKeys != opened.maxKeys {
		a.logger.Warn("max_keys has changed: the new value is in force after a restart",
			zap.Int("max_keys", p.maxKeys), zap.Int("in_force", opened.maxKeys))
	}
}

// Stop does nothing: gates stop when their handlers are cleaned up.
func (a *App) Stop() error { return nil }

// Cleanup lets go of what other generations of the configuration may share.
func (a *App) Cleanup() error {
	a.lease.clean()
	var errs []error
	if a.databases != nil {
		errs = append(errs, a.databases.release())
	}
	if a.keeper != nil {
		a.keeper.value.leave(a.gates)
		errs = append(errs, a.keeper.release())
	}
	return errors.Join(errs...)
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
	return ruleset.NewKeys([]byte(secret), []byte(a.also)), nil
}

// wiring is what the configuration gives to the rulesets of its gates.
func (a *App) wiring() ruleset.Wiring {
	w := ruleset.Wiring{Feeds: a.keeper.value.result, MatchPath: matchPath}
	if a.databases != nil {
		w.Databases = a.databases.value.Databases
	}
	return w
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
