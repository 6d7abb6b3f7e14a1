package scenario

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
)

// word is one word of a step: "ask", or "phone=+14155550123".
type word struct {
	key    string // before the equals sign; empty if there is none
	text   string // behind it, or the whole word
	quoted bool
	column int // from 1, in characters
	value  int // column of text
}

const arrow = "=>"

// words splits a line into its words and what stands behind the arrow. It is
// false, and has objected, if it cannot.
func (p *parser) words(number int, line string) (words []word, want string, ok bool) {
	column := 1
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i, column = i+1, column+1
			continue
		}
		if isArrow(line[i:]) {
			return words, strings.TrimSpace(line[i+len(arrow):]), true
		}
		w, n, err := cutWord(line[i:])
		w.column, w.value = column, w.value+column
		column += utf8.RuneCountInString(line[i : i+n])
		if err != "" {
			p.src.Errorf(strict.Pos{Line: number, Column: w.value}, "%s", err)
			return nil, "", false
		}
		words = append(words, w)
		i += n
	}
	return words, "", true
}

// cutWord takes one word off s, and says how long it is as written.
func cutWord(s string) (w word, n int, err string) {
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		end = len(s)
	}
	if equals := strings.IndexByte(s[:end], '='); equals > 0 && isKey(s[:equals]) {
		w.key, n, w.value = s[:equals], equals+1, equals+1
	}
	if n == len(s) || s[n] != '"' && s[n] != '`' {
		w.text = s[n:end]
		return w, end, ""
	}
	quoted, problem := strconv.QuotedPrefix(s[n:])
	if problem != nil {
		return w, 0, "a quoted value that does not end, or has an escape that is none of Go's"
	}
	w.quoted = true
	w.text, _ = strconv.Unquote(quoted) // QuotedPrefix has checked it
	if n += len(quoted); n < len(s) && s[n] != ' ' && s[n] != '\t' {
		return w, 0, "something follows the closing quote"
	}
	return w, n, ""
}

func isKey(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}
