package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// maxSpread bounds how many requests one step can make.
const maxSpread = 100_000

// spread is a value that may differ from one request of a step to the next:
// "+141555501{00..19}" is twenty numbers.
type spread struct {
	before, after string
	words         []string // what stands between; nil for a value that stays
}

// parseSpread reads a value as written. One without braces stays the same.
func parseSpread(s string) (spread, error) {
	before, rest, open := strings.Cut(s, "{")
	if !open {
		return spread{before: s}, nil
	}
	inside, after, closed := strings.Cut(rest, "}")
	if !closed || strings.ContainsAny(inside+after, "{}") {
		return spread{}, fmt.Errorf("%q has braces that do not pair, or more than one pair; quote the value to have it taken as it is", s)
	}
	words := strings.Split(inside, ",")
	if from, to, isRange := strings.Cut(inside, ".."); isRange {
		var err error
		if words, err = numbers(from, to); err != nil {
			return spread{}, err
		}
	}
	if len(words) < 2 {
		return spread{}, fmt.Errorf("{%s} is only one value: write {00..19} or {a,b,c}", inside)
	}
	return spread{before: before, after: after, words: words}, nil
}

// numbers returns all from one number to another, as wide as they are written.
func numbers(from, to string) ([]string, error) {
	a, err1 := strconv.ParseUint(from, 10, 62)
	b, err2 := strconv.ParseUint(to, 10, 62)
	if err1 != nil || err2 != nil || b < a {
		return nil, fmt.Errorf("{%s..%s} is not a range: write {00..19}, the smaller number first", from, to)
	}
	if b-a >= maxSpread {
		return nil, fmt.Errorf("{%s..%s} is more than %d values", from, to, maxSpread)
	}
	width := 0
	if len(from) == len(to) {
		width = len(from)
	}
	words := make([]string, 0, b-a+1)
	for n := a; n <= b; n++ {
		words = append(words, fmt.Sprintf("%0*d", width, n))
	}
	return words, nil
}

// at returns the value for the i-th request.
func (s spread) at(i int) string {
	if s.words == nil {
		return s.before
	}
	return s.before + s.words[i] + s.after
}
