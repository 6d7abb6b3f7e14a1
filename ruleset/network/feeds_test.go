package network

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestRealLists reads every plain list there is among the real material: no
// line may be a problem, and none may be lost.
func TestRealLists(t *testing.T) {
	folder := dataFolder(t, "feeds")
	if folder == "" {
		return
	}
	var given []List
	total := 0
	for _, pattern := range []string{"ranges-cc0/*/ipv?.txt", "x4b/output/*/ipv?.txt"} {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no lists in %s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := 0
			for line := range bytes.Lines(data) {
				if len(bytes.TrimSpace(line)) > 0 && line[0] != '#' {
					lines++
				}
			}
			prefixes, problems := ParseList(path, bytes.NewReader(data))
			if len(problems) > 0 {
				t.Errorf("%v and %d more problems", problems[0], len(problems)-1)
			}
			if len(prefixes) != lines {
				t.Errorf("%s: %d networks in %d lines", path, len(prefixes), lines)
			}
			given = append(given, List{Name: path, Prefixes: prefixes})
			total += lines
		}
	}
	l := lists(t, given...)
	t.Logf("%d networks in %d lists, of which the table keeps %d", total, len(given), l.Len())
	for i, list := range given {
		for _, p := range list.Prefixes {
			if !l.Of(p.Addr(), 0).Has(i) || !l.Of(lastOf(p), 0).Has(i) {
				t.Fatalf("%s of %s is not found in it", p, list.Name)
			}
		}
	}
}
