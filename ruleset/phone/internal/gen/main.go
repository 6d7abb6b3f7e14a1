// Command gen compiles libphonenumber's metadata, as packed into
// github.com/nyaruka/phonenumbers, into the tables package phone reads:
//
//   - table.bin: one minimal acyclic automaton over digits for all numbering
//     plans together. Walking it over a national number ends in the region and
//     the type of that number, or nowhere.
//   - table.go: regions, calling codes, and the prefixes that may precede a
//     national number, as small programs.
//
// Package phone then needs neither the library nor a regular expression while
// it runs. Run it with go generate after every change of the library; a test
// beside it fails until that is done.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(dir); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run writes the tables into dir.
func run(dir string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("writing tables: %w", err)
		}
	}
	return nil
}
