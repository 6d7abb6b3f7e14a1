package strict

import (
	"reflect"
	"strings"
)

// nearest returns the word that was probably meant by word, or "".
func nearest(word string, accepted []string) string {
	if len(word) > 64 {
		return ""
	}
	word = folded(word)
	best, bestDistance := "", 64
	for _, candidate := range accepted {
		most := (max(len(word), len(candidate)) + 1) / 3
		if d := distance(word, folded(candidate)); d <= most && d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best != "" {
		return best
	}
	// country_match was meant to be match.
	for _, candidate := range accepted {
		c := folded(candidate)
		if len(c) > 2 && (strings.HasPrefix(word, c+"_") || strings.HasSuffix(word, "_"+c)) ||
			len(word) > 2 && (strings.HasPrefix(c, word+"_") || strings.HasSuffix(c, "_"+word)) {
			return candidate
		}
	}
	return ""
}

// folded drops what people mix up: case, and the sign between parts.
func folded(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "-", "_")
}

// distance is how many letters have to be added, dropped, changed or swapped
// with their neighbour to make b of a.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// sectionsWith returns the sections of the language that have the word.
func sectionsWith(root reflect.Type, word string) []string {
	var found []string
	for _, w := range referenceOf(root) {
		section, name := "", w.Path
		if i := strings.LastIndex(w.Path, "."); i >= 0 {
			section, name = w.Path[:i], w.Path[i+1:]
		}
		if name == word && len(found) < 3 {
			if section == "" {
				section = "the top level"
			}
			found = append(found, strings.ReplaceAll(section, "[]", ""))
		}
	}
	return found
}

// Nearest returns the word among those accepted that was probably meant by
// word, or "" if none is near.
func Nearest(word string, accepted []string) string { return nearest(word, accepted) }
