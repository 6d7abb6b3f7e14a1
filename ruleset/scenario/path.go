package scenario

import (
	"net/http"
	"path"
	"strings"
)

// MatchStars matches paths as Caddy does where nothing is odd about them, and
// the gate lets no odd ones through: without case, a star at the end stands for
// anything, and any other for what is within one step.
func MatchStars(pattern string) (func(*http.Request) bool, error) {
	pattern = strings.ToLower(pattern)
	prefix, tail := strings.CutSuffix(pattern, "*")
	return func(r *http.Request) bool {
		p := strings.ToLower(r.URL.Path)
		if tail && !strings.Contains(prefix, "*") {
			return strings.HasPrefix(p, prefix)
		}
		matches, err := path.Match(pattern, p)
		return err == nil && matches
	}, nil
}
