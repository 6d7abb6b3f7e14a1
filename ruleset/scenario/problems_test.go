package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/scenario"
)

const problems = "../../testdata/problems"

// unwired begins rulesets that are looked at where nothing is wired. All others
// are looked at as if everything were.
const unwired = "# nothing is wired\n"

// TestProblems holds the whole report on wrong rulesets, as an operator reads
// it.
func TestProblems(t *testing.T) {
	t.Chdir(problems) // so that reports begin with the bare name of the file
	paths, err := filepath.Glob("*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no rulesets in %s: %v", problems, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(path, ".yaml")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			wiring := ruleset.Wiring{Unwired: !strings.HasPrefix(string(text), unwired)}
			if wiring.Unwired {
				wiring.MatchPath = scenario.MatchStars
			}
			rules, problems, err := ruleset.Load(path, wiring)
			if err != nil {
				t.Fatal(err)
			}
			if (rules == nil) != problems.HasErrors() {
				t.Errorf("got a ruleset: %t, but errors: %t", rules != nil, problems.HasErrors())
			}
			golden := name + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(problems.Render()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := problems.Render(); got != string(want) {
				t.Errorf("report differs from %s:\n--- want\n%s--- got\n%s", golden, want, got)
			}
		})
	}
}

// TestTenMistakes holds that one look at a file finds all that is wrong with
// it, each in its own place.
func TestTenMistakes(t *testing.T) {
	_, found, err := ruleset.Load(filepath.Join(problems, "ten-different-mistakes.yaml"), ruleset.Wiring{Unwired: true})
	if err != nil {
		t.Fatal(err)
	}
	places := make(map[any]bool)
	for _, p := range found.Errors() {
		if p.Pos.IsZero() {
			t.Errorf("%q has no place", p.Message)
		}
		places[p.Pos] = true
	}
	if len(found.Errors()) != 10 || len(places) != 10 {
		t.Errorf("%d mistakes in %d places, want 10 in 10:\n%s", len(found.Errors()), len(places), found.Render())
	}
}
