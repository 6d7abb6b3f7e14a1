package ruleset

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
)

var update = flag.Bool("update", false, "write what the code makes into the files that hold it")

// The schema that editors use is the one that the code makes.
func TestSchemaFileIsCurrent(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("schema.json is not what the code makes: run go test ./ruleset -run Schema -update")
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(got, &schema); err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Resolve(nil); err != nil {
		t.Fatalf("it is not a schema: %v", err)
	}
}

var wholeRuleset = regexp.MustCompile("(?ms)^version: 1\n.*?(?:^```|^--|\\z)")

// What the gate takes, the schema that editors use takes: every ruleset of the
// pages and of the stories.
func TestSchemaTakesRulesets(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, pattern := range []string{"README.md", "../README.md", "preset/*.md", "../testdata/scenarios/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			page, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, rules := range wholeRuleset.FindAll(page, -1) {
				rules = bytes.TrimRight(rules, "`-")
				if good, _ := Compile(file, rules, exampleFile, Wiring{Unwired: true}); good == nil {
					continue
				}
				var v any
				if err := yaml.Unmarshal(rules, &v); err != nil {
					t.Errorf("%s: %v", file, err)
				}
				if err := resolved.Validate(v); err != nil {
					t.Errorf("%s: %v\n%s", file, err, rules)
				}
				taken++
			}
		}
	}
	if taken < 200 {
		t.Errorf("only %d rulesets were found", taken)
	}
}
