package ruleset_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/preset"
	"github.com/otpgate/otpgate/ruleset/scenario"
)

// Each preset can be read, says nothing that is never reached, and is written
// out as a ruleset that means the same.
func TestPresets(t *testing.T) {
	for _, name := range preset.Names() {
		t.Run(name, func(t *testing.T) {
			text := "version: 1\npreset: " + name + "\nnumber: {countries: [US]}\n"
			rules, problems := ruleset.Compile("test.yaml", []byte(text), nil, ruleset.Wiring{Unwired: true, MatchPath: scenario.MatchStars})
			for _, p := range problems {
				if !p.Warning || rules == nil {
					t.Error(p)
				} else {
					t.Log(p)
				}
			}
			if rules == nil {
				return
			}
			var first, second bytes.Buffer
			if err := rules.Show(&first); err != nil {
				t.Fatal(err)
			}
			again, problems := ruleset.Compile("test.yaml", first.Bytes(), nil, ruleset.Wiring{Unwired: true, MatchPath: scenario.MatchStars})
			if again == nil {
				t.Fatalf("%v\n%s", problems, &first)
			}
			if err := again.Show(&second); err != nil {
				t.Fatal(err)
			}
			if first.String() != second.String() {
				t.Errorf("written out and loaded again it is another\n--- first\n%s\n--- second\n%s", &first, &second)
			}
		})
	}
}

// Every ruleset in the presets' pages is one.
func TestDocumentedPresets(t *testing.T) {
	pages, err := filepath.Glob("preset/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	fence := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(block[1], "version: 1\n") {
				continue // a part of one
			}
			rules, problems := ruleset.Compile(page, []byte(block[1]), nil, ruleset.Wiring{Unwired: true, MatchPath: scenario.MatchStars})
			if rules == nil {
				t.Errorf("%s\nin\n%s", problems, block[1])
			}
		}
	}
}
