package caddymodule

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset/network/feed"
)

func listsCommand() *cobra.Command {
	cmd := newCommand("lists [--json] [--config <file>] [--dir <path>]",
		"Shows the lists that there are, and how they fare", `
Shows the lists that a ruleset can name without more ado, and with --config
those that its rulesets have fetched: where they come from, on what terms, and
what there is of them on disk. Nothing is fetched.

It looks where a Caddy of the same user keeps its lists, or where the
configuration says.`, func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q: want update or accept", args[0])
			}
			s, err := newSurvey(cmd, feed.Config{})
			if err != nil {
				return err
			}
			if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
				return printJSON(cmd.OutOrStdout(), s.listsForMachines())
			}
			s.printLists(cmd.OutOrStdout())
			return nil
		})
	addSurveyFlags(cmd)
	cmd.Flags().Bool("json", false, "Print for machines")
	cmd.AddCommand(updateCommand(), acceptCommand())
	return cmd
}

func (s *survey) printLists(w io.Writer) {
	fmt.Fprintf(w, "copies in %s\n", s.place.dir)
	for _, l := range s.lists() {
		fmt.Fprintf(w, "\n%s", l.Name)
		if l.Kind != "" {
			fmt.Fprintf(w, " (%s): %s", l.Kind, l.Description)
		}
		fmt.Fprintln(w)
		for _, f := range l.feeds {
			state := s.state(f.Name)
			from := fmt.Sprintf("%s%s, every %s", of(f.Name, l.Name), state.Source, every(f.Every))
			if f.Format != "" {
				from += ", " + string(f.Format)
			}
			fmt.Fprintf(w, "  %s\n    %s\n", fares(state), from)
			if gates := s.users(f.Name); len(gates) > 0 {
				fmt.Fprintf(w, "    used by %s\n", strings.Join(gates, ", "))
			}
		}
		if len(l.Includes) > 0 {
			fmt.Fprintf(w, "  is %s\n", strings.Join(l.Includes, ", "))
		}
		if len(l.ASNs) > 0 {
			fmt.Fprintf(w, "  with an ASN database also %s\n", systems(l.ASNs))
		}
		if l.Licence != "" {
			fmt.Fprintf(w, "  %s\n", l.Licence)
		}
	}
}

// of names a part of a list.
func of(name, list string) string {
	if name == list {
		return ""
	}
	return name + " from "
}

func every(d time.Duration) string {
	if d == 0 {
		d = 24 * time.Hour
	}
	text := d.String()
	text = strings.TrimSuffix(text, "0s")
	return strings.TrimSuffix(text, "0m")
}

func systems(asns []uint32) string {
	var words []string
	for _, n := range asns {
		words = append(words, fmt.Sprintf("AS%d", n))
	}
	return strings.Join(words, ", ")
}

// fares says how a list fares.
func fares(s feed.State) string {
	if !s.Loaded {
		text := "never loaded"
		if s.LastError != "" {
			text += ": " + s.LastError
		}
		return text
	}
	text := fmt.Sprintf("%s, checked %s ago, changed %s ago", entries(s.Entries), ago(s.Age), ago(time.Since(s.Changed)))
	if s.Stale {
		text += ", too old"
	}
	return text
}

func (s *survey) listsForMachines() any {
	type part struct {
		Name       string      `json:"name"`
		Source     string      `json:"source"`
		Format     feed.Format `json:"format,omitempty"`
		Every      string      `json:"every"`
		UsedBy     []string    `json:"used_by,omitempty"`
		Loaded     bool        `json:"loaded"`
		Entries    int         `json:"entries"`
		Reserved   int         `json:"reserved"`   // left out because they are private
		Unreadable int         `json:"unreadable"` // left out because they are no entries
		Age        float64     `json:"age_seconds,omitempty"`
		Changed    time.Time   `json:"changed,omitzero"`
		Stale      bool        `json:"stale"`
		Error      string      `json:"error,omitempty"`
	}
	type object struct {
		Name        string    `json:"name"`
		Own         bool      `json:"own,omitempty"`
		Kind        feed.Kind `json:"kind,omitempty"`
		Description string    `json:"description,omitempty"`
		Licence     string    `json:"licence,omitempty"`
		ASNs        []uint32  `json:"asns,omitempty"`
		Includes    []string  `json:"includes,omitempty"`
		Feeds       []part    `json:"feeds"`
	}
	var all []object
	for _, l := range s.lists() {
		o := object{l.Name, l.own, l.Kind, l.Description, l.Licence, l.ASNs, l.Includes, []part{}}
		for _, f := range l.feeds {
			state := s.state(f.Name)
			o.Feeds = append(o.Feeds, part{f.Name, state.Source, cmp.Or(state.Format, f.Format), every(f.Every), s.users(f.Name),
				state.Loaded, state.Entries, state.Reserved, state.Unreadable, state.Age.Seconds(), state.Changed, state.Stale, state.LastError})
		}
		all = append(all, o)
	}
	return map[string]any{"dir": s.place.dir, "lists": all}
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
