package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The language of the tests: small, with one field of every kind.

type testFile struct {
	At
	Version Value[int]              `yaml:"version" doc:"Version of the language." required:"true" min:"1" max:"1" example:"1"`
	Name    Value[string]           `yaml:"name" doc:"Names this gate." default:"the name of the file" example:"signup"`
	Geo     *testGeo                `yaml:"geo" doc:"Where requests may come from."`
	Limits  Value[[]testLimit]      `yaml:"limits" doc:"How often."`
	Lists   Map[*testList]          `yaml:"lists" doc:"Lists by name."`
	Deny    []Value[testPrefix]     `yaml:"deny" doc:"Prefixes." default:"[]" example:"[\"+1900\"]"`
	Share   Value[float64]          `yaml:"share" doc:"A share." min:"0" max:"1" default:"0.5"`
	Body    Value[Size]             `yaml:"max_body" doc:"Largest body." default:"16KiB" max:"1MiB"`
	Ban     Value[testBan]          `yaml:"ban" doc:"How long, or in detail."`
	Regions Map[Value[testCountry]] `yaml:"regions" doc:"Another country each."`
	testMarks
}

type testMarks struct {
	Shadow Value[bool] `yaml:"shadow" doc:"Judge, but let pass." default:"false"`
}

type testGeo struct {
	At
	Countries AnyOr[testCountry] `yaml:"countries" doc:"Accepted countries." default:"any"`
	Match     Value[testMatch]   `yaml:"match" doc:"What a mismatch does." default:"off"`
}

type testLimit struct {
	At
	Per Many[testKey]   `yaml:"per" doc:"What is counted for." example:"[email, phone]"`
	Max Value[int]      `yaml:"max" doc:"How many." required:"true" min:"1" max:"1000" example:"5"`
	In  Value[Duration] `yaml:"in" doc:"The window." required:"true" min:"1s" max:"7d" example:"24h"`
}

type testList struct {
	At
	ASNs  []Value[testASN] `yaml:"asns" doc:"Systems."`
	Every Value[Duration]  `yaml:"every" doc:"How often it is fetched." default:"24h"`
}

type testMatch string

func (testMatch) Words() []string { return []string{"deny", "challenge", "flag", "off"} }

type testKey string

func (testKey) Words() []string { return []string{"phone", "email", "ip"} }

type testCountry string

func (c *testCountry) ParseText(s string) error {
	if len(s) != 2 || strings.ToUpper(s) != s {
		return fmt.Errorf("%q is not a country code; say US", s)
	}
	*c = testCountry(s)
	return nil
}
func (testCountry) Describe() string      { return "a country code such as US" }
func (testCountry) SchemaPattern() string { return "^[A-Z]{2}$" }

type testPrefix string

func (p *testPrefix) ParseText(s string) error {
	if !strings.HasPrefix(s, "+") {
		return errors.New(`a prefix begins with "+"`)
	}
	*p = testPrefix(s)
	return nil
}

type testASN int

func (a *testASN) ParseText(s string) error {
	_, err := fmt.Sscanf(s, "%d", (*int)(a))
	if err != nil {
		return errors.New("want the number of an autonomous system")
	}
	return nil
}
func (testASN) ReadsNumbers() {}

// testBan is a duration or a section.
type testBan struct {
	For  Duration
	Hard bool
}

type testBanSection struct {
	For  Value[Duration] `yaml:"for" doc:"How long." required:"true" example:"1h"`
	Hard Value[bool]     `yaml:"hard" doc:"Without mercy."`
}

func (b *testBan) UnmarshalNode(d *Decoder, n Node) {
	if n.Kind != Section {
		d.Decode(n, &b.For)
		return
	}
	var s testBanSection
	d.Decode(n, &s)
	b.For, b.Hard = s.For.V, s.Hard.V
	if b.Hard && b.For == 0 {
		d.Errorf(n.Pos, "a hard ban needs its length")
	}
}

func (testBan) Alternatives() []any { return []any{Duration(0), testBanSection{}} }

const good1 = `version: 1
name: "sign up"
geo: {countries: [US, NO], match: off}
limits:
  - {per: phone, max: 1, in: 60s}
  - per: [email, phone]
    max: 5
    in: 1h30m
lists:
  office: {asns: [64496, 64511], every: 2w}
  "2": {}
deny: ["+1900", '+44']
share: 0.25
max_body: 16KiB
ban: {for: 7d, hard: true}
regions: {NO: SE}
shadow: true
`

func TestDecode(t *testing.T) {
	src := NewSource("good.yaml", []byte(good1))
	var f testFile
	if !src.Decode(&f) {
		t.Fatal(src.Problems().Render())
	}
	if len(src.Problems()) != 0 {
		t.Errorf("problems:\n%s", src.Problems().Render())
	}
	got := fmt.Sprintln(
		f.Pos, f.Version, f.Name, f.Geo.Pos, f.Geo.Countries.Values(), f.Geo.Countries.Pos, f.Geo.Match.V,
		f.Limits.V[0].Pos, f.Limits.V[1].Pos, f.Limits.V[0].Per.Values(), f.Limits.V[1].Per.Values(), f.Limits.V[1].In,
		f.Lists.Entries[0].Key, f.Lists.Entries[0].Value.ASNs, f.Lists.Entries[1].Key.V, f.Lists.Entries[0].Value.Every.V,
		f.Deny, f.Share.V, f.Body.V, f.Ban.V, f.Regions.Entries[0].Value.V, f.Shadow.V,
	)
	const want = "{1 1} {1 {1 10} true false} {sign up {2 7} true false} {3 1} [US NO] {3 18} off " +
		"{5 5} {6 5} [phone] [email phone] {1h30m {8 9} true false} " +
		"{office {10 3} true false} [{64496 {10 19} true false} {64511 {10 26} true false}] 2 14d " +
		"[{+1900 {12 8} true false} {+44 {12 17} true false}] 0.25 16KiB {7d true} SE true\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if list, ok := f.Lists.Get("office"); !ok || list.Pos != (Pos{10, 3}) {
		t.Errorf("office: %v %v", list, ok)
	}
}

func TestAny(t *testing.T) {
	for _, c := range []struct {
		text string
		any  bool
		want string
	}{
		{"any", true, "[]"},
		{"US", false, "[US]"},
		{"[US, CA]", false, "[US CA]"},
		{"[]", false, "[]"},
	} {
		var f testFile
		src := NewSource("any.yaml", []byte("version: 1\ngeo: {countries: "+c.text+"}\n"))
		if !src.Decode(&f) {
			t.Fatal(src.Problems().Render())
		}
		got := f.Geo.Countries
		if !got.Set || got.Any != c.any || fmt.Sprint(got.Values()) != c.want {
			t.Errorf("%s: %+v", c.text, got)
		}
	}
}

// TestRefused shows that what could not be read is told apart from what was
// not written, so that later passes neither judge nor replace it.
func TestRefused(t *testing.T) {
	src := NewSource("bad.yaml", []byte("version: one\ngeo: {countries: [US, xx], match: *x}\nname: ~\n"))
	var f testFile
	if src.Decode(&f) {
		t.Fatal("accepted")
	}
	switch {
	case !f.Version.Set, !f.Version.Bad, f.Version.Good(), f.Version.Or(7) != 7:
		t.Errorf("version: %+v", f.Version)
	case !f.Geo.Countries.Bad, fmt.Sprint(f.Geo.Countries.Values()) != "[US]":
		t.Errorf("countries: %+v", f.Geo.Countries)
	case !f.Geo.Match.Set, !f.Geo.Match.Bad:
		t.Errorf("match: %+v", f.Geo.Match)
	case !f.Name.Set, !f.Name.Bad:
		t.Errorf("name: %+v", f.Name)
	case f.Share.Set, f.Share.Bad:
		t.Errorf("share: %+v", f.Share)
	}
}

// TestProblems compares whole reports. Each file under testdata/problems is a
// document; what is reported of it stands beside it.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src := NewSource("rules.yaml", text)
			ok := src.Decode(new(testFile))
			problems := src.Problems()
			if ok == problems.HasErrors() {
				t.Errorf("Decode = %v, HasErrors = %v", ok, problems.HasErrors())
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", []byte(problems.Render()))
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

// TestUnreadable has the inputs that do not survive in a text file.
func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
	}{
		{"empty", "", "f: the file is empty\n"},
		{"only a comment", "# nothing\n", "f: the file is empty\n"},
		{"only null", "~\n", "f: the file is empty\n"},
		{"only dashes", "---\n", "f: the file is empty\n"},
		{"only spaces", " \n \n", "f: the file is empty\n"},
		{"too large", "#" + strings.Repeat("x", maxBytes), "f: the file is larger than 1 MiB\n"},
		{"not UTF-8", "version: 1\nname: caf\xe9\n", "f:2:10: not UTF-8; save the file in that encoding\n  2 | name: caf\ufffd\n    |          ^\n"},
		{"UTF-16", "\xff\xfev\x00", "f:1:1: not UTF-8; save the file in that encoding\n  1 | \ufffd\ufffdv\ufffd\n    | ^\n"},
		{"NUL", "name: a\x00b\n", "f:1:8: character U+0000 is not allowed\n  1 | name: a\ufffdb\n    |        ^\n"},
		{"escape sequence", "name: \x1b[2J\n", "f:1:7: character U+001B is not allowed\n  1 | name: \ufffd[2J\n    |       ^\n"},
		{"hidden direction", "# \u202eevil\n", "f:1:3: invisible character U+202E: the text would read differently from what it says\n  1 | # \ufffdevil\n    |   ^\n"},
		{"old Mac", "version: 1\rname: x\r", "f:1:11: a carriage return without a line feed; end lines with a line feed\n  1 | version: 1\ufffdname: x\n    |           ^\n"},
		{"two byte order marks", "\ufeff\ufeffversion: 1", "f:1:1: character U+FEFF is not allowed\n  1 | \ufffdversion: 1\n    | ^\n"},
		{"one byte order mark", "\ufeffversion: 1\n", ""},
		{"Windows", "version: 1\r\nname: x\r\n", ""},
		{"escaped NUL", `{"version": 1, "name": "a\0b"}`, "f:1:24: the text contains the character U+0000, which is not allowed\n  1 | {\"version\": 1, \"name\": \"a\\0b\"}\n    |                        ^\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := NewSource("f", []byte(c.text))
			src.Decode(new(testFile))
			if got := src.Problems().Render(); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// TestDeep shows that nesting is refused before anything recurses over it.
func TestDeep(t *testing.T) {
	for _, part := range []string{"[", "{", "- ", "? ", "a: ", "{a: ", "[a: ", "&a ", "!a ", "[? ", "- - ? ", "*a ", "'", ": ", "a:\n", "- a: ", "[a,", "\"a\": "} {
		text := strings.Repeat(part, maxBytes/8/len(part))
		src := NewSource("deep", []byte(text))
		if src.Decode(new(testFile)) {
			t.Errorf("%q repeated was accepted", part)
		}
	}
}

func TestProblemsJSON(t *testing.T) {
	src := NewSource("rules.yaml", []byte("version: 1\nshadow: true\nshadow: false\ngeo: {countries: [US, US]}\n"))
	src.Decode(new(testFile))
	src.Error(Pos{}, "country_db is missing", "name it")
	got, err := json.MarshalIndent(src.Problems(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/problems.json", append(got, '\n'))
	if none, _ := json.Marshal(Problems(nil)); string(none) != "[]" {
		t.Errorf("no problems: %s", none)
	}
}

func TestReport(t *testing.T) {
	src := NewSource("f", []byte("a: 1\nb: 2\n"))
	src.Warn(Pos{2, 1}, "odd", "leave it out")
	if src.HasErrors() || src.Problems().Err() != nil {
		t.Error("a warning is an error")
	}
	src.Errorf(Pos{1, 4}, "line\nbreak %d", 1)
	src.Errorf(Pos{1, 4}, "line\nbreak %d", 1)
	err := src.Problems().Err()
	if want := "f:1:4: line break 1\n  1 | a: 1\n    |    ^"; err == nil || err.Error() != want {
		t.Errorf("Err() = %v, want %s", err, want)
	}
	if w := src.Problems().Warnings(); len(w) != 1 || w[0].Text() != "odd; leave it out" {
		t.Errorf("warnings: %v", w)
	}
	for i := range 3 * maxProblems {
		src.Errorf(Pos{2, 1}, "problem %d", i)
	}
	all := src.Problems()
	if last := all[len(all)-1].Message; len(all) != maxProblems+1 || last != "402 more problems are not shown" {
		t.Errorf("%d problems, the last: %s", len(all), last)
	}
}
