package strict

import (
	"strings"
	"testing"
)

// TestPlaces has what could shift the count of lines or columns. Each document
// has an X at the place of the last value that is reported.
func TestPlaces(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"plain", "version: X\n"},
		{"after a comment", "# a\n\n# b\nversion: X # c\n"},
		{"after a tab", "version:\tX\n"},
		{"after tabs in a list", "lists: {a: {every:\t\tX}}\n"},
		{"after CRLF", "name: a\r\n# b\r\nversion: X\r\n"},
		{"after text in quotes over lines", "lists: {\"a\n  b\": {}, c: {every: X}}\n"},
		{"after single quotes over lines", "name: 'a\n\n  b'\nversion: X\n"},
		{"after double quotes over lines", "name: \"a\n\n  b \\\n  c\"\nversion: X\n"},
		{"after plain text over lines", "name: a\n  b\n\n  c\nversion: X\n"},
		{"after a block", "name: |\n  a\n\n   b\n\n\nversion: X\n"},
		{"after a folded block", "name: >-\n  a\n\n  b\nversion: X\n"},
		{"after a block with a mark", "name: |2+\n   a\n\nversion: X\n"},
		{"after CRLF in a block", "name: |\r\n  a\r\n\r\n  b\r\nversion: X\r\n"},
		{"after CRLF in quotes", "name: \"a\r\n  b\"\r\nversion: X\r\n"},
		{"after escapes", `{name: "\u00e9\n\"\x41\\", version: X}`},
		{"after an escaped quote", `{name: 'it''s', version: X}`},
		{"after wide characters", `{name: "日本 🎉 e` + "\u0301" + `", version: X}`},
		{"after a key in quotes", `{"name" : a, "version" : X}`},
		{"on a line of its own", "version:\n  X\n"},
		{"after a list over lines", "deny: [\n  '+1', # one\n  '+2'\n]\nversion: X\n"},
		{"last, without a line feed", "name: a\nversion: X"},
		{"after document start", "---\nversion: X\n"},
		{"after document start with a comment", "--- # a\nversion: X\n...\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := NewSource("f", []byte(c.text))
			src.Decode(new(testFile))
			problems := src.Problems()
			if len(problems) == 0 {
				t.Fatal("no problems")
			}
			got := problems[len(problems)-1]
			before, _, _ := strings.Cut(c.text, "X")
			line := before[strings.LastIndex(before, "\n")+1:]
			want := Pos{1 + strings.Count(before, "\n"), 1 + len([]rune(line))}
			if got.Pos != want {
				t.Errorf("at %v, want %v:\n%s", got.Pos, want, problems.Render())
			}
		})
	}
}
