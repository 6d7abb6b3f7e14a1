// Package preset holds what is known of the auth servers that many people run:
// which of their routes send, where the number stands, and what their answers
// mean. Each is a fragment of a ruleset, to be read by people as well.
package preset

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.yaml
var files embed.FS

const ending = ".yaml"

// Names are the names of all presets, in order.
func Names() []string {
	entries, _ := files.ReadDir(".") // it is there, as it was built in
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ending))
	}
	slices.Sort(names)
	return names
}

// Text is the fragment of that name, as it was written.
func Text(name string) ([]byte, bool) {
	if !slices.Contains(Names(), name) {
		return nil, false
	}
	text, err := files.ReadFile(name + ending)
	return text, err == nil
}
