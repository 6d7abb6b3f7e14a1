package strict

import (
	"fmt"
	"strings"
	"unicode"
)

// excerptWidth is how many cells of a long line are shown around its problem.
const excerptWidth = 96

// Excerpt is a line of a source as shown below a problem: cut if it is long,
// and safe to print.
type Excerpt struct {
	Text   string
	Column int // of the caret, from 1, counted in characters of Text
}

// excerpt cuts what surrounds column (from 1) out of line.
func excerpt(line string, column int) Excerpt {
	// A line may be as long as the file, so look at a bounded part of it only.
	first, before, at := 0, column-1, 0
	for i := range line {
		if at == before-excerptWidth {
			first = i
		}
		if at > before+excerptWidth {
			line = line[:i]
			break
		}
		at++
	}
	if first > 0 {
		line, before = line[first:], excerptWidth
	}
	runes := []rune(printable(line))
	before = min(before, len(runes))

	from, to, cells := before, before, 0
	for (from > 0 || to < len(runes)) && cells < excerptWidth {
		if from > 0 && (before-from < excerptWidth/2 || to == len(runes)) {
			from--
			cells += cellsOf(runes[from])
		}
		if to < len(runes) {
			cells += cellsOf(runes[to])
			to++
		}
	}
	e := Excerpt{Text: string(runes[from:to]), Column: before - from + 1}
	if from > 0 || first > 0 {
		e.Text, e.Column = "…"+e.Text, e.Column+1
	}
	if to < len(runes) {
		e.Text += "…"
	}
	e.Text = strings.TrimRight(e.Text, " \t")
	return e
}

// write shows e with its line number and a caret; note goes behind the caret.
func (e Excerpt) write(b *strings.Builder, gutter, line int, note string) {
	if line == 0 || e.Column == 0 {
		return
	}
	fmt.Fprintf(b, "  %*d | %s\n", gutter, line, e.Text)
	e.caret(b, gutter, note)
}

func (e Excerpt) caret(b *strings.Builder, gutter int, note string) {
	fmt.Fprintf(b, "  %*s | ", gutter, "")
	column := 1
	for _, r := range e.Text {
		if column >= e.Column {
			break
		}
		if r == '\t' {
			b.WriteByte('\t') // as wide as the one above, whatever that is
		} else {
			b.WriteString(strings.Repeat(" ", cellsOf(r)))
		}
		column++
	}
	if column < e.Column { // behind the end of a line that was trimmed
		b.WriteString(strings.Repeat(" ", e.Column-column))
	}
	b.WriteByte('^')
	if note != "" {
		b.WriteString(" " + note)
	}
	b.WriteByte('\n')
}

// printable replaces what could act on a terminal, or turn the text around.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unprintable(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// unprintable reports whether r is a control character or one of those that
// change the direction of the text around them without being seen.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || reorders(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

func reorders(r rune) bool {
	return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// cellsOf returns how many cells of a terminal r takes: 0, 1 or 2.
func cellsOf(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// wide are the blocks whose characters fill two cells (Unicode's East Asian
// Width W and F, by block).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul Jamo
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // CJK radicals and punctuation
		{Lo: 0x3041, Hi: 0x33ff, Stride: 1}, // Kana to CJK compatibility
		{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, // CJK extension A
		{Lo: 0x4e00, Hi: 0xa4cf, Stride: 1}, // CJK, Yi
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, // Hangul Jamo extended
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul syllables
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // CJK compatibility
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // CJK compatibility forms
		{Lo: 0xff01, Hi: 0xff60, Stride: 1}, // full-width forms
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictographs
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // CJK extensions B and on
	},
}
