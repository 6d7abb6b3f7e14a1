package scenario

import (
	"strings"
)

// arrowAt returns where the arrow of a step stands in its line, or -1.
func arrowAt(line string) int {
	for i := 0; i < len(line); {
		switch {
		case line[i] == ' ' || line[i] == '\t':
			i++
		case isArrow(line[i:]):
			return i
		default:
			_, n, err := cutWord(line[i:])
			if err != "" {
				return -1
			}
			i += n
		}
	}
	return -1
}

func isArrow(s string) bool {
	rest, found := strings.CutPrefix(s, arrow)
	return found && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// rewrite puts the answers, by line, behind the arrows of a file's text.
func rewrite(text string, answers map[int]string) string {
	lines := strings.SplitAfter(text, "\n")
	for number, got := range answers {
		line := lines[number-1]
		body := strings.TrimRight(line, "\r\n")
		end := line[len(body):]
		if i := arrowAt(body); i >= 0 {
			body = body[:i]
		} else {
			body = strings.TrimRight(body, " \t") + " "
		}
		lines[number-1] = body + arrow + " " + got + end
	}
	return strings.Join(lines, "")
}
