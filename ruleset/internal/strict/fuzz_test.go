package strict

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecode holds for every input: no panic, an answer that agrees with the
// problems, and places that exist.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/problems/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(good1))
	f.Add([]byte("{\"version\": 1, \"name\": \"\\u00e9\\n\", deny: ['a''b', >-\n x\n]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		src := NewSource("fuzz.yaml", text)
		ok := src.Decode(new(testFile))
		problems := src.Problems()
		if ok == problems.HasErrors() {
			t.Fatalf("Decode = %v with problems:\n%s", ok, problems.Render())
		}
		lines := strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n")
		for _, p := range problems {
			if p.Pos.IsZero() {
				continue
			}
			if p.Pos.Line < 1 || p.Pos.Line > len(lines) {
				t.Fatalf("no line %d: %s", p.Pos.Line, p)
			}
			if n := utf8.RuneCountInString(lines[p.Pos.Line-1]); p.Pos.Column < 1 || p.Pos.Column > n+1 {
				t.Fatalf("no column %d in a line of %d: %s", p.Pos.Column, n, p)
			}
		}
		for _, r := range problems.Render() {
			if r != '\n' && r != '\t' && unprintable(r) {
				t.Fatalf("report has %q", r)
			}
		}
		if _, err := json.Marshal(problems); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzPlaces holds that a plain or quoted word is where the decoder says.
func FuzzPlaces(f *testing.F) {
	f.Add("a", "b c", "日本", uint8(0))
	f.Add("x\u0301", "tab", "\"", uint8(1))
	f.Add("é", "k: v", "#", uint8(2))
	f.Fuzz(func(t *testing.T, a, b, c string, form uint8) {
		for _, s := range []string{a, b, c} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unprintable) {
				return // not a text
			}
		}
		quoted := func(s string) string {
			if form&1 == 0 {
				return "'" + strings.ReplaceAll(s, "'", "''") + "'"
			}
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		}
		parts := []string{quoted(a), quoted(b), quoted(c)}
		text := "names: [" + strings.Join(parts, ", ") + "]"
		if form&2 != 0 {
			text = "names:\n- " + strings.Join(parts, "\n- ") + "\n"
		}
		src := NewSource("f", []byte(text))
		root, ok := src.tree()
		if !ok {
			t.Fatalf("%s\n%s", text, src.Problems().Render())
		}
		lines := strings.Split(text, "\n")
		for i, item := range root.Entries[0].Value.Items {
			rest := string([]rune(lines[item.Pos.Line-1])[item.Pos.Column-1:])
			if !strings.HasPrefix(rest, parts[i]) {
				t.Errorf("%q at %v, where %q stands in\n%s", parts[i], item.Pos, rest, text)
			}
			if want := []string{a, b, c}[i]; item.Text != want {
				t.Errorf("%q read as %q", want, item.Text)
			}
		}
	})
}
