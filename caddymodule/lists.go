package caddymodule

import (
	"cmp"
	"fmt"
	"path/filepath"
	"reflect"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// Lists says how the lists are kept that rulesets have fetched.
type Lists struct {
	// The directory of the last good copies; it is made if need be, and can be
	// shared by several Caddys. Placeholders are replaced once, at load.
	//
	// Default: `otp_gate/lists` where Caddy's storage has its files, or in
	// Caddy's data directory if the storage is none of files.
	Dir string `json:"dir,omitempty"`

	// Whether to fetch nothing, and take up what `caddy otp-gate lists update`
	// has put into the directory.
	//
	// Default: false.
	Offline bool `json:"offline,omitempty"`

	// The most that fetching one file may take, from 1s to 1h.
	//
	// Default: 2m.
	Timeout caddy.Duration `json:"timeout,omitempty"`
}

// listsPlace is where lists are kept, with all that Lists leaves out filled in.
type listsPlace struct {
	dir     string // an absolute path
	offline bool
	timeout time.Duration
}

// resolve fills in what l leaves out. It looks at no file.
func (l *Lists) resolve(storage certmagic.Storage) (p listsPlace, err error) {
	if l == nil {
		l = new(Lists)
	}
	p.offline = l.Offline
	if p.timeout = cmp.Or(time.Duration(l.Timeout), 2*time.Minute); p.timeout < time.Second || p.timeout > time.Hour {
		return p, fmt.Errorf("lists timeout %s: want a duration from 1s to 1h", p.timeout)
	}
	if l.Dir == "" {
		p.dir = filepath.Join(dataDir(storage), "otp_gate", "lists")
	} else if p.dir, err = replaced("lists dir", l.Dir); err != nil {
		return p, err
	}
	if p.dir, err = filepath.Abs(p.dir); err != nil {
		return p, fmt.Errorf("lists dir: %w", err)
	}
	return p, nil
}

// key names the keeper at p among those of this process.
func (p listsPlace) key() string { return fmt.Sprintf("lists %+v", p) }

// join makes h one of the gates that Start starts.
func (a *App) join(h *Handler) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.agree(h, h.first.rules); err != nil {
		return err
	}
	a.gates = append(a.gates, h)
	a.rules[h] = h.first.rules
	return nil
}

// follow notes that the gate of h is going to judge by rules, and gives them
// the lists that they have fetched.
func (a *App) follow(h *Handler, rules *ruleset.Ruleset) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.agree(h, rules); err != nil {
		return err
	}
	if err := a.keeper.value.use(h, rules); err != nil {
		return err
	}
	a.rules[h] = rules
	return nil
}

// openLists is run once, at Start or at the first request: all gates are
// there by then.
func (a *App) openLists() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.gates {
		if err := a.keeper.value.use(h, a.rules[h]); err != nil {
			return err
		}
	}
	return nil
}

// agree reports what rules want to have fetched in another way than the
// rulesets of other gates.
func (a *App) agree(h *Handler, rules *ruleset.Ruleset) error {
	for _, f := range rules.Feeds() {
		for _, other := range a.gates {
			if other == h {
				continue
			}
			for _, g := range a.rules[other].Feeds() {
				if !sameFeed(f, g) {
					return fmt.Errorf("the list %s is not the same in %s and in %s: it is fetched once for all gates, so give it the same settings, or another name in one of them", f.Name, other.path, h.path)
				}
			}
		}
	}
	return nil
}

// sameFeed is false of two feeds that have one name and are not the same.
// Whether they are required is for each ruleset to say.
func sameFeed(f, g feed.Feed) bool {
	f.Required = g.Required
	return f.Name != g.Name || reflect.DeepEqual(f, g)
}

// feedNames are the names of all that the gates have fetched.
func (a *App) feedNames() map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := make(map[string]bool)
	for _, rules := range a.rules {
		for _, f := range rules.Feeds() {
			names[f.Name] = true
		}
	}
	return names
}

// warnMissing logs which lists are not there yet.
func (h *Handler) warnMissing(rules *ruleset.Ruleset) {
	if missing := rules.Missing(); len(missing) > 0 {
		h.logger.Warn("lists that have never been loaded: until they are, those that are required refuse everybody, and the others nobody",
			zap.String("gate", rules.Name()), zap.Strings("lists", missing))
	}
}
