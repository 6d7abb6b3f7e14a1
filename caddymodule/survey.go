package caddymodule

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// survey is what a command has to look at: the databases and rulesets of a
// configuration, or those that are named, and the lists on disk.
type survey struct {
	config    bool // there is a configuration
	place     listsPlace
	app       *App                // as far as it names databases
	databases []*network.Database // in the order of precedence
	rulesets  []*ruleset.Ruleset
	feeds     []feed.Feed // of the rulesets and the catalogue, each once
	keeper    *feed.Keeper
}

// addSurveyFlags lets a command be told where to look.
func addSurveyFlags(cmd *cobra.Command) {
	cmd.Flags().String("config", "", "Caddyfile or JSON configuration, which names rulesets, databases and where lists are kept")
	cmd.Flags().String("dir", "", "Directory of the lists, if it is not that of the configuration, or the default one")
}

// newSurvey reads what the flags name. It touches no network.
func newSurvey(cmd *cobra.Command, lists feed.Config) (*survey, error) {
	flag := func(name string) string { value, _ := cmd.Flags().GetString(name); return value }
	s := &survey{app: flagged(cmd)}
	var storage certmagic.Storage = caddy.DefaultStorage
	var rulesets []string
	switch config, file := flag("config"), flag("ruleset"); {
	case config != "" && (file != "" || s.app.hasDatabases()):
		return nil, usagef("--config names rulesets and databases: leave the other flags out")
	case config != "":
		s.config = true
		adapted, err := readConfig(config)
		if err != nil {
			return nil, err
		}
		if adapted == nil {
			return nil, usagef("--config %s: want a Caddyfile, or a configuration in a file called .json", config)
		}
		if s.app, storage, err = appOf(adapted); err != nil {
			return nil, err
		}
		for _, gate := range gatesOf(adapted) {
			path, err := replaced("ruleset", gate.Ruleset)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(rulesets, path) {
				rulesets = append(rulesets, path)
			}
		}
	case file != "":
		rulesets = []string{file}
	}
	if dir := flag("dir"); dir != "" {
		var lists Lists
		if s.app.Lists != nil {
			lists = *s.app.Lists
		}
		lists.Dir = dir
		s.app.Lists = &lists
	}
	var err error
	if s.place, err = s.app.Lists.resolve(storage); err != nil {
		return nil, err
	}
	files, err := s.app.databaseFiles()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		d, err := network.OpenDatabase(f.Path, f.Wanted...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.field, err)
		}
		s.databases = append(s.databases, d)
	}
	if err := s.load(cmd.ErrOrStderr(), rulesets); err != nil {
		return nil, err
	}
	lists.Dir, lists.Total = s.place.dir, s.place.timeout
	if s.keeper, err = feed.New(lists, s.feeds); err != nil {
		return nil, err
	}
	for _, rules := range s.rulesets {
		if err := rules.Refresh(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// load loads rulesets, and finds out which feeds there are. What rulesets need
// and do not get is no problem here.
func (s *survey) load(report io.Writer, paths []string) error {
	result := func(name string) *feed.Result {
		if s.keeper == nil {
			return nil
		}
		return s.keeper.Result(name)
	}
	add := func(f feed.Feed) {
		if !slices.ContainsFunc(s.feeds, func(g feed.Feed) bool { return g.Name == f.Name }) {
			s.feeds = append(s.feeds, f)
		}
	}
	for _, path := range paths {
		rules, problems, err := ruleset.Load(path, ruleset.Wiring{Databases: network.DatabasesOf(s.databases...), Feeds: result, MatchPath: matchPath, Unwired: true})
		if err != nil {
			return err
		}
		if problems.HasErrors() {
			io.WriteString(report, problems.Errors().Render())
			return errReported
		}
		s.rulesets = append(s.rulesets, rules)
		for _, f := range rules.Feeds() {
			add(f)
		}
	}
	for _, e := range feed.Catalogue() {
		for _, f := range e.Feeds() {
			add(f)
		}
	}
	return nil
}

// flagged is an app with the databases that flags name.
func flagged(cmd *cobra.Command) *App {
	app := new(App)
	app.CountryDB, _ = cmd.Flags().GetString("country-db")
	app.ASNDB, _ = cmd.Flags().GetString("asn-db")
	app.Databases, _ = cmd.Flags().GetStringArray("database")
	return app
}

func (a *App) hasDatabases() bool { return a.CountryDB != "" || a.ASNDB != "" || len(a.Databases) > 0 }

// state returns how a feed fares.
func (s *survey) state(name string) feed.State {
	for _, state := range s.keeper.States() {
		if state.Name == name {
			return state
		}
	}
	return feed.State{Name: name}
}

// users are the gates that have a feed fetched.
func (s *survey) users(name string) []string {
	var gates []string
	for _, rules := range s.rulesets {
		if slices.ContainsFunc(rules.Feeds(), func(f feed.Feed) bool { return f.Name == name }) && !slices.Contains(gates, rules.Name()) {
			gates = append(gates, rules.Name())
		}
	}
	return gates
}

// list is a list of the catalogue, or one that rulesets have fetched.
type list struct {
	feed.Entry
	own   bool // of a ruleset
	feeds []feed.Feed
}

// lists are all lists: the catalogue's, and then those of rulesets.
func (s *survey) lists() []list {
	var all []list
	shipped := make(map[string]bool)
	for _, e := range feed.Catalogue() {
		l := list{Entry: e}
		for _, f := range e.Feeds() {
			shipped[f.Name] = true
			l.feeds = append(l.feeds, f)
		}
		all = append(all, l)
	}
	for _, f := range s.feeds {
		if !shipped[f.Name] {
			all = append(all, list{Entry: feed.Entry{Name: f.Name, Every: f.Every}, own: true, feeds: []feed.Feed{f}})
		}
	}
	return all
}

// ago says how old something is, to one unit.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour")
	default:
		return plural(int(d/(24*time.Hour)), "day")
	}
}

// shortPath is a path as people would write it from here.
func shortPath(path string) string {
	if here, err := filepath.Abs("."); err == nil {
		if rel, err := filepath.Rel(here, path); err == nil && len(rel) < len(path) {
			return rel
		}
	}
	return path
}
