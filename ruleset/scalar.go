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
	case first == '|':
		return insideBlock(lines, pos.Line+line, column, pos)
	case first == '>':
		return insideFolded(lines, pos.Line+1, column, pos)
	case line > 1:
		return pos
	case first == '"' || first == '\'':
		return strict.Pos{Line: pos.Line, Column: pos.Column + 1 + column}
	default:
		return strict.Pos{Line: pos.Line, Column: pos.Column + column}
	}
}

func insideBlock(lines [][]byte, line, column int, otherwise strict.Pos) strict.Pos {
	if line > len(lines) {
		return otherwise
	}
	return strict.Pos{Line: line, Column: indent(lines[line-1]) + column + 1}
}

// insideFolded follows a line that was folded out of several, each of which
// was followed by a space.
func insideFolded(lines [][]byte, line, column int, otherwise strict.Pos) strict.Pos {
	for ; line <= len(lines); line++ {
		length := utf8.RuneCount(bytes.TrimSpace(lines[line-1]))
		if column < length {
			return insideBlock(lines, line, column, otherwise)
		}
		column -= length + 1
		if column < 0 {
			break
		}
	}
	return otherwise
}

func indent(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

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
