package caddymodule

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/preset"
)

func showCommand() *cobra.Command {
	cmd := newCommand("show [--country-db <path>] [--asn-db <path>] [--database <path>] <file> | preset <name>",
		"Prints a ruleset with all its defaults written out, or a preset", `
Prints a ruleset file with all that it does not say written out: what the gate
will really do. The output is a ruleset file that means the same.

With the word preset and a name it prints what stands for "preset: NAME" in a
ruleset file: the fragment of a ruleset as it was written, with its comments.
Its paths lack the prefix.`, func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 && args[0] == "preset" {
				text, ok := preset.Text(args[1])
				if !ok {
					return usagef("there is no preset %q: want %s", args[1], strings.Join(preset.Names(), ", "))
				}
				_, err := cmd.OutOrStdout().Write(text)
				return err
			}
			if len(args) != 1 || args[0] == "preset" {
				return usagef("want one ruleset file, or the word preset and one of %s", strings.Join(preset.Names(), ", "))
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
