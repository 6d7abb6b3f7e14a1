package strict

import (
	"strings"
	"testing"
)

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	for _, c := range []struct {
		name, line string
		column     int
		want       string
	}{
		{"plain", "abc: def", 6, "  1 | abc: def\n    |      ^\n"},
		{"tab", "a:\tx", 4, "  1 | a:\tx\n    |   \t^\n"},
		{"wide", "日本: x", 5, "  1 | 日本: x\n    |       ^\n"},
		{"combining", "e\u0301: x", 5, "  1 | e\u0301: x\n    |    ^\n"},
		{"behind the end", "abc", 4, "  1 | abc\n    |    ^\n"},
		{"far behind the end", "abc", 400, "  1 | abc\n    |    ^\n"},
		{"empty", "", 1, "  1 | \n    | ^\n"},
		{"trailing space", "abc:   ", 7, "  1 | abc:\n    |       ^\n"},
		{"long, at the start", long, 1, "  1 | " + long[:96] + "…\n    | ^\n"},
		{"long, in the middle", long, 150, "  1 | …" + long[101:197] + "…\n    | " + strings.Repeat(" ", 49) + "^\n"},
		{"long, at the end", long, 300, "  1 | …" + long[204:] + "\n    | " + strings.Repeat(" ", 96) + "^\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			excerpt(c.line, c.column).write(&b, 1, 1, "")
			if b.String() != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", b.String(), c.want)
			}
		})
	}
}
