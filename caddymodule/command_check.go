package caddymodule

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

func checkCommand() *cobra.Command {
	cmd := newCommand("check [--json] [--country-db <path>] [--asn-db <path>] [--database <path>] <file>...",
		"Reports all that is wrong or doubtful in ruleset files and Caddyfiles", `
Reports all that is wrong with ruleset files, each thing with file, line,
column and what would be right; and what is doubtful, as warnings, which do
not fail the command.

A ruleset file is checked by itself: what the Caddyfile has to give it
(databases, the secret of Turnstile) is listed. Databases that are given are
opened.

A Caddyfile, or a configuration in JSON, is checked as far as it is about the
gate: where it counts, its secret, and its rulesets with what it gives them.
Nothing is opened that others may use, and no server is asked.

Where a ruleset knows by which routes is sent, by a preset or by the paths in
its requests, such requests are followed through all sites of the
configuration, and every way is reported on which one comes to an app without
passing a gate.`, runCheck)
	addAllDatabaseFlags(cmd)
	cmd.Flags().Bool("json", false, "Print for machines")
	return cmd
}

// checked is what there is to say of one ruleset file.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Gate     string           `json:"gate,omitempty"`
	Needs    []string         `json:"needs,omitempty"`
	Match    []string         `json:"match,omitempty"` // paths that the gate has to have
	Ledger   string           `json:"ledger,omitempty"`
	Problems ruleset.Problems `json:"problems"`

	rules *ruleset.Ruleset
	feeds []feed.Feed // that it has fetched
}

func runCheck(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("want at least one ruleset file")
	}
	wiring, err := wiringOf(cmd)
	if err != nil {
		return err
	}
	var all []checkable
	ok := true
	for _, path := range args {
		c, err := checkFile(path, wiring)
		if err != nil {
			return err
		}
		ok = ok && c.passed()
		all = append(all, c)
	}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		err = printJSON(cmd.OutOrStdout(), all)
	} else {
		for _, c := range all {
			c.print(cmd.OutOrStdout())
		}
	}
	if err == nil && !ok {
		err = errReported
	}
	return err
}

// checkable is what there is to say of a file of either kind.
type checkable interface {
	passed() bool
	print(io.Writer)
}

func checkFile(path string, wiring ruleset.Wiring) (checkable, error) {
	config, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	if config != nil {
		return checkConfig(path, config), nil
	}
	return check(path, wiring)
}

func check(path string, wiring ruleset.Wiring) (checked, error) {
	rules, problems, err := ruleset.Load(path, wiring)
	if err != nil {
		return checked{}, err
	}
	c := checked{File: path, Problems: problems, OK: rules != nil && !problems.HasErrors()}
	if !c.OK {
		return c, nil
	}
	c.Gate, c.Needs, c.feeds, c.rules = rules.Name(), rules.Needs(), rules.Feeds(), rules
	c.Match = gatedPaths(rules)
	plan, err := ledger.NewEmbedded().Prepare(rules.Tallies())
	if err != nil {
		return checked{}, fmt.Errorf("%s: preparing the ledger: %w", path, err)
	}
	c.Ledger = plan.String()
	return c, nil
}

func (c checked) passed() bool { return c.OK }

// same reports whether the same is to be said of the same file.
func (c checked) same(d checked) bool {
	return c.File == d.File && c.OK == d.OK && c.Problems.Render() == d.Problems.Render()
}

func (c checked) print(w io.Writer) {
	io.WriteString(w, c.Problems.Render())
	problems, warnings := len(c.Problems.Errors()), len(c.Problems.Warnings())
	switch {
	case !c.OK:
		fmt.Fprintf(w, "%s: %s\n", c.File, plural(problems, "problem"))
		return
	case warnings > 0:
		fmt.Fprintf(w, "%s: good, with %s\n", c.File, plural(warnings, "warning"))
	default:
		fmt.Fprintf(w, "%s: good\n", c.File)
	}
	fmt.Fprintf(w, "  gate    %s\n", c.Gate)
	if len(c.Needs) > 0 {
		fmt.Fprintf(w, "  needs   %s\n", strings.Join(c.Needs, ", "))
	}
	if len(c.Match) > 0 {
		fmt.Fprintf(w, "  match   path %s\n", strings.Join(c.Match, " "))
	}
	fmt.Fprintf(w, "  ledger  %s\n", c.Ledger)
}

func plural(n int, word string) string { return count(int64(n), word) }
