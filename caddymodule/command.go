package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "otp-gate",
		Usage: "<command>",
		Short: "Checks, shows, explains and tests rulesets of otp_gate",
		Long: `
Works with ruleset files of the otp_gate handler, and checks Caddyfiles that
have it, without a running Caddy and without the network.

Exit codes: 0 if all is well, 1 if something is wrong with a file (or a test
failed), 2 if the command was not understood.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(checkCommand(), showCommand(), explainCommand(), testCommand(), schemaCommand(), listsCommand(), lookupCommand())
			cmd.RunE = command(func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return usagef("unknown command %q", args[0])
				}
				return cmd.Help()
			})
		},
	})
}

const (
	exitProblems = 1
	exitUsage    = 2
)

// errReported is returned when something is wrong and all has been said.
var errReported = errors.New("there are problems")

// usageError is a command that was not understood.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// command makes run a command that prints its own errors and exits as
// documented.
func command(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		return exit(cmd, run(cmd, args))
	}
}

// exit reports err and gives it the exit code that Caddy's main looks for.
func exit(cmd *cobra.Command, err error) error {
	code := exitProblems
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(usageError)):
		code = exitUsage
		fmt.Fprintf(cmd.ErrOrStderr(), "%v\nUsage: %s\n", err, cmd.UseLine())
	case !errors.Is(err, errReported):
		fmt.Fprintln(cmd.ErrOrStderr(), err)
	}
	exit := caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })
	if coded := exit(cmd, nil); coded != nil {
		return coded
	}
	return err // of which main makes 1
}

// newCommand returns a subcommand. Its Use line says what arguments it wants.
func newCommand(use, short, long string, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, RunE: command(run), DisableFlagsInUseLine: true}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		return exit(cmd, usageError{err})
	})
	return cmd
}

// addDatabaseFlags lets a command be told of databases.
func addDatabaseFlags(cmd *cobra.Command) {
	cmd.Flags().String("country-db", "", "Database that tells the country of an address (.mmdb)")
	cmd.Flags().String("asn-db", "", "Database that tells the ASN of an address (.mmdb)")
}

// addAllDatabaseFlags lets a command be told of all that a configuration has.
func addAllDatabaseFlags(cmd *cobra.Command) {
	addDatabaseFlags(cmd)
	cmd.Flags().StringArray("database", nil, "Further database; can be given several times, in the order of precedence (.mmdb)")
}

// wiringOf opens the databases that the flags name. What they do not name is
// taken for wired.
func wiringOf(cmd *cobra.Command) (w ruleset.Wiring, err error) {
	w.Unwired, w.MatchPath = true, matchPath
	w.Databases, err = flagged(cmd).readDatabases()
	return w, err
}

// loadFor loads one ruleset file for a command that needs a good one. Problems
// and warnings go to the error output.
func loadFor(cmd *cobra.Command, path string) (*ruleset.Ruleset, error) {
	wiring, err := wiringOf(cmd)
	if err != nil {
		return nil, err
	}
	rules, problems, err := ruleset.Load(path, wiring)
	if err != nil {
		return nil, err
	}
	io.WriteString(cmd.ErrOrStderr(), problems.Render())
	if problems.HasErrors() {
		return nil, errReported
	}
	return rules, nil
}

// printJSON writes v for machines.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
