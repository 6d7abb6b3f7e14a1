package scenario_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset/scenario"
)

var update = flag.Bool("update", false, "rewrite what stories and problems expect")

const scenarios = "../../testdata/scenarios"

func TestStories(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(scenarios, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories in %s: %v", scenarios, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			result, err := scenario.Run(path, scenario.Options{Update: *update})
			if err != nil {
				t.Fatal(err)
			}
			if !result.Passed {
				var report strings.Builder
				result.Report(&report)
				t.Error(report.String())
			}
		})
	}
}
