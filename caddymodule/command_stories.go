package caddymodule

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/scenario"
)

func testCommand() *cobra.Command {
	cmd := newCommand("test [--json] [--update] [--country-db <path>] [--asn-db <path>] <file>...",
		"Plays stories about a gate and compares its answers", `
Plays stories: text files that tell what happens to a gate, second by second,
and what it is to answer. Time is simulated, and the app and the issuer of
proofs are played; the ruleset and the ledger are the real ones.

With --update, the answers in the files are rewritten to what really came; look
at the difference before you keep it.`, runStories)
	cmd.Flags().Bool("json", false, "Print for machines")
	cmd.Flags().Bool("update", false, "Rewrite the expected answers in the files")
	addDatabaseFlags(cmd)
	return cmd
}

func runStories(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("want at least one story")
	}
	opts := scenario.Options{MatchPath: matchPath}
	opts.CountryDB, _ = cmd.Flags().GetString("country-db")
	opts.ASNDB, _ = cmd.Flags().GetString("asn-db")
	opts.Update, _ = cmd.Flags().GetBool("update")
	asJSON, _ := cmd.Flags().GetBool("json")
	results := []*scenario.Result{}
	failed := false
	for _, path := range args {
		result, err := scenario.Run(path, opts)
		if err != nil {
			failed = true
			var problems ruleset.Problems
			if errors.As(err, &problems) {
				err = errors.New(problems.Render())
			}
			fmt.Fprintln(cmd.ErrOrStderr(), err)
			continue
		}
		failed = failed || !result.Passed
		results = append(results, result)
		if !asJSON {
			if err := result.Report(cmd.OutOrStdout()); err != nil {
				return err
			}
		}
	}
	if asJSON {
		if err := printJSON(cmd.OutOrStdout(), results); err != nil {
			return err
		}
	}
	if failed {
		return errReported
	}
	return nil
}
