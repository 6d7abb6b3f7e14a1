package ruleset

import (
	"bytes"
	"unicode/utf8"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
)

// insideScalar returns the place in the file of a line (from 1) and column
// (from 0) within the scalar that stands at pos: in plain text, in quotes, or
// in a block. Where the text was folded or escaped it is the nearest that can
// be said.
func insideScalar(text []byte, pos strict.Pos, line, column int) strict.Pos {
	lines := bytes.Split(text, []byte("\n"))
	if pos.Line < 1 || pos.Line > len(lines) || line < 1 {
		return pos
	}
	switch first := runeAt(lines[pos.Line-1], pos.Column); {
	case first == '|' || first == '>':
		at := pos.Line + line // the block begins below
		if at > len(lines) {
			return pos
		}
		indent := len(lines[at-1]) - len(bytes.TrimLeft(lines[at-1], " "))
		return strict.Pos{Line: at, Column: indent + column + 1}
	case line > 1:
		return pos
	case first == '"' || first == '\'':
		return strict.Pos{Line: pos.Line, Column: pos.Column + 1 + column}
	default:
		return strict.Pos{Line: pos.Line, Column: pos.Column + column}
	}
}

// runeAt returns the character in a column, counted from 1.
func runeAt(line []byte, column int) rune {
	for i := 1; len(line) > 0; i++ {
		r, size := utf8.DecodeRune(line)
		if i == column {
			return r
		}
		line = line[size:]
	}
	return 0
}
