package risk

import (
	"errors"
	"fmt"
	"strings"
)

// pointer is a JSON Pointer (RFC 6901), as its names: "/data/score" is data, score.
type pointer []string

// maxPointer is how many names a pointer may have.
const maxPointer = 32

// parsePointer reads a pointer. The empty one is the whole answer.
func parsePointer(s string) (pointer, error) {
	if s == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(s, "/")
	if !ok {
		return nil, fmt.Errorf("%q is no JSON Pointer: want / before each name, as in /data/score", s)
	}
	names := strings.Split(rest, "/")
	if len(names) > maxPointer {
		return nil, fmt.Errorf("a JSON Pointer of %d names is too deep: at most %d", len(names), maxPointer)
	}
	for i, name := range names {
		plain, err := unescape(name)
		if err != nil {
			return nil, fmt.Errorf("%q is no JSON Pointer: %w", s, err)
		}
		names[i] = plain
	}
	return names, nil
}

func unescape(name string) (string, error) {
	for i := range len(name) {
		if name[i] == '~' && (i+1 == len(name) || name[i+1] != '0' && name[i+1] != '1') {
			return "", errors.New("a tilde is written ~0, and a slash within a name ~1")
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~"), nil
}

// index reads a name as the place in a list, as RFC 6901 has it: no sign, no zero in
// front.
func index(name string) (n int, ok bool) {
	if name == "" || len(name) > 6 || len(name) > 1 && name[0] == '0' {
		return 0, false
	}
	for i := range len(name) {
		if name[i] < '0' || name[i] > '9' {
			return 0, false
		}
		n = 10*n + int(name[i]-'0')
	}
	return n, true
}
