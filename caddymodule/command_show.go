package caddymodule

import (
	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
)

func showCommand() *cobra.Command {
	cmd := newCommand("show [--country-db <path>] [--asn-db <path>] [--database <path>] <file>",
		"Prints a ruleset with all its defaults written out", `
Prints a ruleset file with all that it does not say written out: what the gate
will really do. The output is a ruleset file that means the same.`, func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want one ruleset file")
			}
			rules, err := loadFor(cmd, args[0])
			if err != nil {
				return err
			}
			return rules.Show(cmd.OutOrStdout())
		})
	addAllDatabaseFlags(cmd)
	return cmd
}

func schemaCommand() *cobra.Command {
	return newCommand("schema", "Prints the JSON Schema of ruleset files, for editors", `
Prints the JSON Schema of ruleset files. Editors with a YAML language server
complete and check a file that begins with

	# yaml-language-server: $schema=otp-gate.schema.json`, func(cmd *cobra.Command, args []string) error {
		if len(args) != 0 {
			return usagef("want no argument")
		}
		schema, err := ruleset.Schema()
		if err != nil {
			return err
		}
		_, err = cmd.OutOrStdout().Write(append(schema, '\n'))
		return err
	})
}
