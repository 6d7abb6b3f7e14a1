package caddymodule

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
	"github.com/otpgate/otpgate/ruleset/phone"
)

func lookupCommand() *cobra.Command {
	cmd := newCommand("lookup [--json] [--config <file> | [--ruleset <file>] [--country-db <path>] [--asn-db <path>] [--database <path>]] [--dir <path>] [--region <code>] <address|number>...",
		"Tells all that the gate knows of addresses and phone numbers", `
Tells all that the gate knows of addresses and phone numbers: in which lists
they are and how old these are, what each database says, and what the
rulesets' checks of networks, countries and numbers say. Nothing is asked over
the network, and nothing is counted.

Without --config, --ruleset and databases there are the shipped lists, as far
as they are on disk, and what numbers tell by themselves.

The numbers stand in the output in clear.`, runLookup)
	addSurveyFlags(cmd)
	addAllDatabaseFlags(cmd)
	cmd.Flags().String("ruleset", "", "Ruleset file")
	cmd.Flags().String("region", "", "Country of numbers written without one, if the ruleset does not say")
	cmd.Flags().Bool("json", false, "Print for machines")
	return cmd
}

func runLookup(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("want at least one address or phone number")
	}
	region, _ := cmd.Flags().GetString("region")
	if region = strings.ToUpper(region); region != "" && !phone.IsRegion(region) {
		return usagef("--region %q: want the code of a country, as in US", region)
	}
	s, err := newSurvey(cmd, feed.Config{})
	if err != nil {
		return err
	}
	l, err := s.lookup(region)
	if err != nil {
		return err
	}
	var found []findings
	ok := true
	for _, arg := range args {
		f := l.find(arg)
		ok = ok && f.good()
		found = append(found, f)
	}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		err = printJSON(cmd.OutOrStdout(), found)
	} else {
		err = printFindings(cmd.OutOrStdout(), found)
	}
	if err == nil && !ok {
		err = errReported
	}
	return err
}

// findings are what is known of what the operator has typed.
type findings interface {
	good() bool
	title() string
	rows() []row
}

// row is one line of a table: what it is about, what is known, and from where.
type row struct{ about, known, from string }

func printFindings(w io.Writer, all []findings) error {
	var text strings.Builder
	for i, f := range all {
		if i > 0 {
			text.WriteByte('\n')
		}
		fmt.Fprintln(&text, f.title())
		printRows(&text, f.rows())
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// printRows prints a table. What comes from nowhere in particular may be wider
// than its column.
func printRows(w io.Writer, rows []row) {
	var about, known int
	for _, r := range rows {
		about = max(about, len(r.about))
		if r.from != "" {
			known = max(known, len(r.known))
		}
	}
	var last string
	for _, r := range rows {
		first := r.about
		if first == last {
			first = ""
		}
		last = r.about
		line := fmt.Sprintf("  %-*s  %-*s  %s", about, first, known, r.known, r.from)
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// lookup is where things are looked up.
type lookup struct {
	*survey
	region string
	tables map[string]*network.Lists // of each feed that is on disk
}

func (s *survey) lookup(region string) (*lookup, error) {
	l := &lookup{survey: s, region: region, tables: make(map[string]*network.Lists)}
	for _, f := range s.feeds {
		result := s.keeper.Result(f.Name)
		if result == nil {
			continue
		}
		table, err := network.NewLists([]network.List{result.List(f.Name)})
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", f.Name, err)
		}
		l.tables[f.Name] = table
	}
	return l, nil
}

// find looks up what the operator has typed.
func (l *lookup) find(text string) findings {
	if a, err := network.ParseAddr(text); err == nil {
		return l.address(text, a)
	}
	return l.number(text)
}

// answers are what a gate says of an address or a number.
type answers struct {
	Gate   string         `json:"gate"`
	Lists  []string       `json:"lists"`
	Price  string         `json:"price,omitempty"`
	Checks []ruleset.Step `json:"checks"`
}

func (a *answers) rows() (rows []row) {
	about := "gate " + a.Gate
	if len(a.Lists) > 0 {
		rows = append(rows, row{about, "in " + strings.Join(a.Lists, ", "), ""})
	}
	if a.Price != "" {
		rows = append(rows, row{about, "price " + a.Price, ""})
	}
	for _, s := range a.Checks {
		known := fmt.Sprintf("%s: %s", s.Check, s.Answer)
		if s.Shadow {
			known += " (shadow)"
		}
		if s.Rule != "" {
			known += ", " + s.Rule
		}
		if s.Detail != "" {
			known += ", " + s.Detail
		}
		rows = append(rows, row{about, known, ""})
	}
	return rows
}
