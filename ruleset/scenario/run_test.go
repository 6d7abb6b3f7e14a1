package scenario_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset"
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
				t.Error(reportOf(t, result))
			}
			if result.Steps == 0 || result.Promise == "" {
				t.Errorf("%d steps, promise %q: a story has both", result.Steps, result.Promise)
			}
		})
	}
}

func reportOf(t *testing.T, r *scenario.Result) string {
	t.Helper()
	var b strings.Builder
	if err := r.Report(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// write makes a file in a folder of the test's own.
func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

const rules = `version: 1
request: {phone: json /phone, region: US}
human: {require: never}
limits: [{per: phone, max: 1, in: 60s}]
`

const wrongStory = `A number gets one code
a minute.

Further words.

-- rules.yaml --
` + rules + `-- story --
0s    ask a phone=+14155550123  => allow cooldown=60s
1s    app a 200                 =>
# The cooldown is not over.
2s    ask phone="+1 415 555 0123"   =>   allow   cooldown=60s
3s    rules broken.yaml
-- broken.yaml --
version: 1
request: {phone: json /phone, region: US}
humans: {require: never}
`

func TestFailure(t *testing.T) {
	path := write(t, t.TempDir(), "wrong.txtar", wrongStory)
	result, err := scenario.Run(path, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `FAIL  PATH: A number gets one code a minute.
PATH:13: 1s app a 200
  - (the step does not say)
  + sent
PATH:15: 2s ask phone="+1 415 555 0123"
  - allow   cooldown=60s
  + deny too_soon limit="phone: 1 sends in 60s" wait=58s
PATH:16: 3s rules broken.yaml
  - (the step does not say)
  + refused, 1 problem
    broken.yaml:3:1: unknown word "humans"; did you mean "human"? accepted: `
	if got := strings.ReplaceAll(reportOf(t, result), path, "PATH"); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant it to begin with\n%s", got, want)
	}
	if result.Passed || result.Steps != 4 || len(result.Failures) != 3 {
		t.Errorf("got %+v", result)
	}
	text, err := json.Marshal(result)
	if err != nil || !strings.Contains(string(text), `"passed":false,"failures":[{"line":13,"step":"1s app a 200","want":"(the step does not say)","got":"sent"}`) {
		t.Errorf("as JSON: %s, %v", text, err)
	}
}

func TestUpdate(t *testing.T) {
	for name, end := range map[string]string{"lf": "\n", "crlf": "\r\n"} {
		t.Run(name, func(t *testing.T) {
			ends := func(s string) string { return strings.ReplaceAll(s, "\n", end) }
			path := write(t, t.TempDir(), "wrong.txtar", ends(wrongStory))
			result, err := scenario.Run(path, scenario.Options{Update: true})
			if err != nil || !result.Passed || !result.Updated {
				t.Fatalf("got %+v, %v", result, err)
			}
			want := strings.NewReplacer(
				"app a 200                 =>", "app a 200                 => sent",
				"=>   allow   cooldown=60s", `=> deny too_soon limit="phone: 1 sends in 60s" wait=58s`,
				"3s    rules broken.yaml", "3s    rules broken.yaml => refused, 1 problem",
			).Replace(wrongStory)
			text, err := os.ReadFile(path)
			if err != nil || string(text) != ends(want) {
				t.Errorf("got\n%q\nwant\n%q\n%v", text, ends(want), err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("the mode of the file has changed: %v, %v", info.Mode(), err)
			}
			result, err = scenario.Run(path, scenario.Options{Update: true})
			if err != nil || !result.Passed || result.Updated {
				t.Errorf("once more: got %+v, %v", result, err)
			}
		})
	}
}

func TestRulesetBesideStory(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "otp.rules.yaml", rules+"network: {deny: [bad], lists: {bad: {file: bad.txt}}}\n")
	write(t, folder, "bad.txt", "203.0.113.7\n")
	if err := os.Mkdir(filepath.Join(folder, "stories"), 0o750); err != nil {
		t.Fatal(err)
	}
	path := write(t, folder, "stories/a.txtar", `The ruleset that is in use.
-- story --
0s  gate ../otp.rules.yaml                              => ok
1s  ask phone=+14155550123                              => allow cooldown=60s
2s  ask phone=+14155550123 gate=otp                     => deny too_soon limit="phone: 1 sends in 60s" wait=59s
3s  ask phone=+14155550124 gate=otp ip=203.0.113.7      => deny network_refused network=bad
`)
	result, err := scenario.Run(path, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := reportOf(t, result), "ok    "+path+": The ruleset that is in use.\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestUnplayable holds what is told of files that cannot be played.
func TestUnplayable(t *testing.T) {
	const story = "-- story --\n0s ask phone=+14155550123 => allow\n"
	for _, test := range []struct {
		name, text, want string
	}{
		{"ruleset", "-- rules.yaml --\n" + strings.Replace(rules, "require", "requires", 1) + story,
			`PATH:4:9: unknown word "requires" in human; did you mean "require"? accepted: require, turnstile, fallback, shadow`},
		{"story", "-- rules.yaml --\n" + rules + "-- story --\n0s axe\n",
			`PATH:7:4: unknown verb "axe"; accepted: ask, send, app, verified, wrong, rules, gate, feed, risk, secret, ledger, count`},
		{"no gate of that name", "-- rules.yaml --\n" + rules + "-- story --\n0s ask gate=x\n",
			`PATH:7:1: there is no gate called "x"`},
		{"no such file", "-- rules.yaml --\n" + rules + "-- story --\n0s rules x.yaml\n",
			`PATH:7:1: reading ruleset: open FOLDER/x.yaml: no such file or directory`},
		{"no place", "-- rules.yaml --\n" + rules + "-- story --\n0s ask device=d\n",
			`PATH:7:1: such a request has no place for the device`},
		{"same name", "-- rules.yaml --\nname: a\n" + rules + "-- b.yaml --\nname: a\n" + rules + "-- story --\n0s gate b.yaml\n",
			`PATH:14:1: a gate is called "a" already: give the ruleset another name`},
		{"database", "-- rules.yaml --\n" + rules + "-- geo --\ncountry x.mmdb\n" + story,
			`PATH: opening the database of countries: `},
		{"section geo", "-- rules.yaml --\n" + rules + "-- geo --\ncity x.mmdb\n" + story,
			`PATH: section geo: unknown word "city"; accepted: country FILE, asn FILE, database FILE`},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			path := write(t, folder, "a.txtar", test.text)
			result, err := scenario.Run(path, scenario.Options{})
			if err == nil {
				t.Fatalf("got %+v", result)
			}
			got, _, _ := strings.Cut(err.Error(), "\n")
			got = strings.ReplaceAll(strings.ReplaceAll(got, path, "PATH"), folder, "FOLDER")
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			var problems ruleset.Problems
			if places := strings.HasPrefix(test.want, "PATH:") && !strings.HasPrefix(test.want, "PATH: "); errors.As(err, &problems) != places {
				t.Errorf("the error has places: %t", !places)
			}
		})
	}
	if _, err := scenario.Run(filepath.Join(t.TempDir(), "none.txtar"), scenario.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestDatabases holds which databases a story is played with.
func TestDatabases(t *testing.T) {
	const text = "-- rules.yaml --\n" + rules + "geo: {countries: [CA]}\n%-- story --\n0s ask phone=+14155550123 ip=198.51.100.7 => allow cooldown=60s\n"
	country, err := filepath.Abs("../../testdata/geo/country.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, t.TempDir(), "a.txtar", strings.Replace(text, "%", "", 1))
	if _, err := scenario.Run(path, scenario.Options{}); err == nil || !strings.Contains(err.Error(), "geo.countries needs a database of countries") {
		t.Errorf("without a database: %v", err)
	}
	if result, err := scenario.Run(path, scenario.Options{CountryDB: country}); err != nil || !result.Passed {
		t.Errorf("with one of the options: %+v, %v", result, err)
	}
	path = write(t, t.TempDir(), "a.txtar", strings.Replace(text, "%", "-- geo --\ncountry "+country+"\n", 1))
	if result, err := scenario.Run(path, scenario.Options{}); err != nil || !result.Passed {
		t.Errorf("with one of the story: %+v, %v", result, err)
	}
}
