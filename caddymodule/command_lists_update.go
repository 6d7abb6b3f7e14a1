package caddymodule

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset/network/feed"
)

func updateCommand() *cobra.Command {
	cmd := newCommand("update [--config <file>] [--dir <path>] [<name>...]",
		"Fetches lists now", `
Fetches the named lists now; without a name all that the rulesets of the
configuration have fetched, or the whole catalogue if there is no --config. What
has changed too much to be believed at once is held back; see accept.

A running Caddy that keeps its lists in the same directory takes them up
within seconds. Run it as the user that Caddy runs as: the files are its own.`, func(cmd *cobra.Command, args []string) error {
			return fetchLists(cmd, args, false)
		})
	addSurveyFlags(cmd)
	return cmd
}

func acceptCommand() *cobra.Command {
	cmd := newCommand("accept [--config <file>] [--dir <path>] <name>...",
		"Fetches lists and believes them, however much they have changed", `
Fetches the named lists now, and believes them also if they have changed too
much to be believed at once. Look at what their source has to say before.

A running Caddy that keeps its lists in the same directory takes them up
within seconds. Run it as the user that Caddy runs as: the files are its own.`, func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("want the name of a list")
			}
			return fetchLists(cmd, args, true)
		})
	addSurveyFlags(cmd)
	return cmd
}

func fetchLists(cmd *cobra.Command, names []string, accept bool) error {
	show := newProgress(cmd.OutOrStdout())
	s, err := newSurvey(cmd, feed.Config{Progress: show.read})
	if err != nil {
		return err
	}
	wanted, err := s.wanted(names)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	advice := "caddy otp-gate lists accept"
	for _, flag := range []string{"config", "dir"} {
		if value, _ := cmd.Flags().GetString(flag); value != "" {
			advice += " --" + flag + " " + value
		}
	}
	show.begin(wanted)
	failed := make([]bool, len(wanted))
	var all sync.WaitGroup
	for i, name := range wanted {
		all.Go(func() {
			text, err := s.fetch(ctx, name, accept, advice)
			failed[i] = err != nil
			show.done(name, text)
		})
	}
	all.Wait()
	show.end()
	if slices.Contains(failed, true) {
		return errReported
	}
	return nil
}

// fetch fetches one list, and says what came of it. The advice is how to accept
// a list, less its name.
func (s *survey) fetch(ctx context.Context, name string, accept bool, advice string) (string, error) {
	before := s.state(name)
	err := s.keeper.Update(ctx, name)
	after := s.state(name)
	switch {
	case ctx.Err() != nil:
		return "not fetched", ctx.Err()
	case after.Held > 0 && accept:
		if err := s.keeper.Accept(name); err != nil {
			return err.Error(), err
		}
		return fmt.Sprintf("accepted: %s, before %d", entries(after.Held), before.Entries), nil
	case after.Held > 0:
		return fmt.Sprintf("%s; to believe it: %s %s", after.LastError, advice, name), err
	case err != nil:
		return "failed: " + after.LastError, err
	case after.Changed.Equal(before.Changed) && before.Loaded:
		return fmt.Sprintf("%s, unchanged", entries(after.Entries)), nil
	case before.Loaded:
		return fmt.Sprintf("%s, before %d", entries(after.Entries), before.Entries), nil
	default:
		return entries(after.Entries), nil
	}
}

// wanted are the names of what has to be fetched for lists: a list can consist of
// several parts, and include others.
func (s *survey) wanted(names []string) (feeds []string, err error) {
	add := func(name string) {
		if !slices.Contains(feeds, name) {
			feeds = append(feeds, name)
		}
	}
	for _, name := range names {
		if slices.ContainsFunc(s.feeds, func(f feed.Feed) bool { return f.Name == name }) {
			add(name)
			continue
		}
		entry, ok := feed.Lookup(name)
		if !ok {
			return nil, usagef("there is no list %q: want %s", name, strings.Join(s.names(), ", "))
		}
		found := false
		for _, e := range entry.All() {
			for _, f := range e.Feeds() {
				add(f.Name)
				found = true
			}
		}
		if !found {
			return nil, usagef("there is nothing to fetch for %s: it consists of autonomous systems, which an ASN database tells", name)
		}
	}
	if len(names) > 0 {
		return feeds, nil
	}
	for _, f := range s.feeds {
		if s.config && len(s.users(f.Name)) == 0 {
			continue // of the catalogue, and nobody uses it
		}
		add(f.Name)
	}
	return feeds, nil
}

// names are the names of lists that can be fetched.
func (s *survey) names() []string {
	var names []string
	for _, l := range s.lists() {
		if len(l.feeds) > 0 || len(l.Includes) > 0 {
			names = append(names, l.Name)
		}
	}
	return names
}
