package phone

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunsWithoutTheLibrary: only tests and the generator may use it, so that
// programs carry neither its size nor its start-up.
func TestRunsWithoutTheLibrary(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range tree.Imports {
			if strings.Contains(imported.Path.Value, ".") {
				t.Errorf("%s imports %s", file, imported.Path.Value)
			}
		}
	}
}
