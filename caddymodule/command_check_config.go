package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/certmagic"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/risk"
)

// checkedConfig is what there is to say of one configuration of Caddy.
type checkedConfig struct {
	File     string    `json:"file"`
	OK       bool      `json:"ok"`
	Store    string    `json:"store,omitempty"`
	Lists    string    `json:"lists,omitempty"` // where they are kept, if any are fetched
	Problems []string  `json:"problems"`
	Warnings []string  `json:"warnings"`
	Rulesets []checked `json:"rulesets"`
}

// readConfig returns the configuration of Caddy in the file at path, as JSON.
// It is nil if the file is none by its name, and by what is in it.
func readConfig(path string) (json.RawMessage, error) {
	if !isCaddyfile(path) && strings.ToLower(filepath.Ext(path)) != ".json" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	if isCaddyfile(path) {
		config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": path})
		return config, err
	}
	var config struct {
		Apps json.RawMessage `json:"apps"`
	}
	if json.Unmarshal(text, &config) != nil || config.Apps == nil {
		return nil, nil // a ruleset can be written in JSON as well
	}
	return text, nil
}

// isCaddyfile reports whether a file is a Caddyfile by its name.
func isCaddyfile(path string) bool {
	base := strings.ToLower(filepath.Base(path))
	return strings.HasSuffix(base, ".caddyfile") || strings.HasPrefix(base, "caddyfile")
}

// checkConfig checks the parts of a configuration that are the gate's, and its
// rulesets with all that it wires them to.
func checkConfig(path string, config json.RawMessage) checkedConfig {
	c := checkedConfig{File: path, Problems: []string{}, Warnings: []string{}, Rulesets: []checked{}}
	problem := func(err error) {
		if err != nil {
			c.Problems = append(c.Problems, err.Error())
		}
	}
	app, storage, err := appOf(config)
	problem(err)
	loaded := make(map[string]*ruleset.Ruleset)
	if err == nil {
		if err := app.resolve(storage); err != nil {
			problem(err)
		} else {
			c.Store = app.lease.place.String()
			c.Warnings = append(c.Warnings, app.lease.place.doubts()...)
		}
		lists, err := app.Lists.resolve(storage)
		problem(err)
		databases, err := app.readDatabases()
		problem(err)
		unread := err != nil
		for _, gate := range gatesOf(config) {
			rules, err := checkGate(app, gate, databases, unread)
			problem(err)
			if err != nil {
				continue
			}
			if len(rules.feeds) > 0 {
				c.Lists = lists.dir
			}
			for _, other := range c.Rulesets {
				problem(agree(other.File, other.feeds, rules.File, rules.feeds))
			}
			if !slices.ContainsFunc(c.Rulesets, rules.same) {
				c.Rulesets = append(c.Rulesets, rules)
			}
			loaded[gate.Ruleset] = rules.rules
		}
	}
	if len(loaded) > 0 {
		warnings, err := sideDoors(path, config, loaded)
		problem(err)
		c.Warnings = append(c.Warnings, warnings...)
	}
	c.OK = len(c.Problems) == 0
	for _, rules := range c.Rulesets {
		c.OK = c.OK && rules.OK
	}
	return c
}

// appOf reads the app and the storage that a configuration has. What is not
// kept in files is nil.
func appOf(config json.RawMessage) (*App, certmagic.Storage, error) {
	var all struct {
		Storage struct {
			Module string `json:"module"`
			Root   string `json:"root"`
		} `json:"storage"`
		Apps struct {
			Gate json.RawMessage `json:"otp_gate"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, nil, err
	}
	app := new(App)
	if all.Apps.Gate != nil {
		if err := caddy.StrictUnmarshalJSON(all.Apps.Gate, app); err != nil {
			return nil, nil, fmt.Errorf("otp_gate: %w", err)
		}
	}
	switch all.Storage.Module {
	case "":
		return app, caddy.DefaultStorage, nil
	case "file_system":
		if all.Storage.Root == "" {
			return app, caddy.DefaultStorage, nil
		}
		return app, &certmagic.FileStorage{Path: all.Storage.Root}, nil
	default:
		return app, nil, nil
	}
}

// gatesOf finds the gates in a configuration, wherever they stand.
func gatesOf(config json.RawMessage) (gates []*Handler) {
	var object map[string]json.RawMessage
	if json.Unmarshal(config, &object) == nil {
		if string(object["handler"]) == `"otp_gate"` {
			gate := new(Handler)
			if json.Unmarshal(config, gate) == nil {
				return []*Handler{gate}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			gates = append(gates, gatesOf(object[name])...)
		}
		return gates
	}
	var list []json.RawMessage
	if json.Unmarshal(config, &list) == nil {
		for _, element := range list {
			gates = append(gates, gatesOf(element)...)
		}
	}
	return gates
}

// checkGate checks the ruleset of one gate. Where databases could not be read,
// that has been said, and the ruleset is taken to have all that it needs.
func checkGate(app *App, gate *Handler, databases *network.Databases, unread bool) (checked, error) {
	if gate.Ruleset == "" {
		return checked{}, errors.New("otp_gate: ruleset is required: the path of a ruleset file")
	}
	path, err := replaced("ruleset", gate.Ruleset)
	if err != nil {
		return checked{}, err
	}
	wiring := ruleset.Wiring{Turnstile: gate.Turnstile != nil, MatchPath: matchPath, Databases: databases, Unwired: unread}
	if app.Risk != nil {
		service, err := risk.New(app.riskConfig)
		if err != nil {
			return checked{}, fmt.Errorf("risk: %w", err)
		}
		defer service.Close()
		wiring.Risk = service
	}
	return check(path, wiring)
}

func (c checkedConfig) passed() bool { return c.OK }

func (c checkedConfig) print(w io.Writer) {
	for _, text := range c.Problems {
		fmt.Fprintf(w, "%s: %s\n", c.File, text)
	}
	for _, text := range c.Warnings {
		fmt.Fprintf(w, "%s: warning: %s\n", c.File, text)
	}
	switch {
	case len(c.Problems) > 0:
		fmt.Fprintf(w, "%s: %s\n", c.File, plural(len(c.Problems), "problem"))
	case len(c.Warnings) > 0:
		fmt.Fprintf(w, "%s: good, with %s\n", c.File, plural(len(c.Warnings), "warning"))
	default:
		fmt.Fprintf(w, "%s: good\n", c.File)
	}
	if c.Store != "" {
		fmt.Fprintf(w, "  store   %s\n", c.Store)
	}
	if c.Lists != "" {
		fmt.Fprintf(w, "  lists   in %s\n", c.Lists)
	}
	for _, rules := range c.Rulesets {
		rules.print(w)
	}
}
