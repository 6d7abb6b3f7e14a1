package trail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// matcherSets match if all of one set do, or if there is none.
type matcherSets []matcherSet

type matcherSet []matcher

// matcher is one matcher. It is known to match or not, as it looks at method,
// host and path alone; or it is anybody's guess.
type matcher struct {
	known caddyhttp.RequestMatcherWithError // nil: it is not
	path  bool                              // it looks at the path
	host  []string                          // the hosts that it names
	paths []string                          // the patterns of paths that it names
	not   []matcherSets                     // each of them must not match
	key   string                            // the same for the same matcher
	text  string                            // as a Caddyfile has it
}

// provisioned is a matcher that has to be made ready.
type provisioned interface {
	caddyhttp.RequestMatcherWithError
	Provision(caddy.Context) error
}

func (r *reader) sets(raw []map[string]json.RawMessage, place string) matcherSets {
	var sets matcherSets
	for _, modules := range raw {
		var set matcherSet
		for _, name := range slices.Sorted(maps.Keys(modules)) {
			set = append(set, r.matcher(name, modules[name], place))
		}
		// What is known comes first, so that nothing is guessed that does not matter.
		slices.SortStableFunc(set, func(a, b matcher) int { return a.guesses() - b.guesses() })
		sets = append(sets, set)
	}
	slices.SortStableFunc(sets, func(a, b matcherSet) int { return a.guesses() - b.guesses() })
	return sets
}

func (r *reader) matcher(name string, raw json.RawMessage, place string) matcher {
	m := matcher{key: name + " " + compact(raw), text: written(name, raw)}
	var known provisioned
	switch name {
	case "method":
		known = new(caddyhttp.MatchMethod)
	case "path":
		known, m.path = new(caddyhttp.MatchPath), true
		r.fail(place, json.Unmarshal(raw, &m.paths))
	case "path_regexp":
		known, m.path = new(caddyhttp.MatchPathRE), true
	case "host":
		known = new(caddyhttp.MatchHost)
		r.fail(place, json.Unmarshal(raw, &m.host))
		r.hosts(m.host)
	case "expression":
		if aboutWay(raw) {
			known, m.path = new(caddyhttp.MatchExpression), true
		}
	case "not":
		var sets []map[string]json.RawMessage
		r.fail(place, json.Unmarshal(raw, &sets))
		for _, set := range sets {
			m.not = append(m.not, r.sets([]map[string]json.RawMessage{set}, place))
		}
		return m
	}
	if known == nil {
		return m
	}
	if err := json.Unmarshal(raw, known); err != nil {
		r.fail(place, fmt.Errorf("%s: %w", name, err))
		return m
	}
	if err := known.Provision(r.ctx); err != nil {
		r.fail(place, fmt.Errorf("%s: %w", name, err))
		return m
	}
	m.known = known
	return m
}

// hosts notes the hosts that somebody could ask for.
func (r *reader) hosts(names []string) {
	for _, name := range names {
		name = caddy.NewReplacer().ReplaceKnown(name, "")
		if !strings.Contains(name, "{") {
			r.server.Hosts = append(r.server.Hosts, strings.ToLower(name))
		}
	}
}

func (m *matcher) guesses() int {
	n := 0
	for _, set := range m.not {
		for _, s := range set {
			n += s.guesses()
		}
	}
	if m.known == nil && m.not == nil {
		n++
	}
	return n
}

func (s matcherSet) guesses() int {
	n := 0
	for i := range s {
		n += s[i].guesses()
	}
	return n
}

func (s matcherSets) match(w *walk) bool {
	return len(s) == 0 || slices.ContainsFunc(s, func(set matcherSet) bool {
		return !slices.ContainsFunc(set, func(m matcher) bool { return !m.match(w) })
	})
}

func (m *matcher) match(w *walk) bool {
	switch {
	case m.not != nil:
		return !slices.ContainsFunc(m.not, func(s matcherSets) bool { return s.match(w) })
	case m.known == nil:
		return w.suppose(m.key, m.text)
	case m.path && w.lost:
		return w.suppose(m.key+" of another path", "")
	}
	matches, err := m.known.MatchWithError(w.request)
	return err == nil && matches
}

// patterns are those of the paths that s names.
func (s matcherSets) patterns() (paths []string) {
	for _, set := range s {
		for _, m := range set {
			paths = append(paths, m.paths...)
		}
	}
	return paths
}

// hostsOnly reports whether s could match at a host, for some request.
func (s matcherSets) hostsOnly(w *walk) bool {
	return len(s) == 0 || slices.ContainsFunc(s, func(set matcherSet) bool {
		return !slices.ContainsFunc(set, func(m matcher) bool { return m.host != nil && !m.match(w) })
	})
}

var (
	literals  = regexp.MustCompile("r?(\"[^\"]*\"|'[^']*'|`[^`]*`)")
	functions = regexp.MustCompile(`(\w+)\s*\(`)
	words     = regexp.MustCompile(`[A-Za-z_]\w*`)
)

// aboutWay reports whether an expression looks at method, host and path alone.
func aboutWay(raw json.RawMessage) bool {
	var object struct {
		Expr string `json:"expr"`
	}
	if json.Unmarshal(raw, &object.Expr) != nil && json.Unmarshal(raw, &object) != nil {
		return false
	}
	for _, p := range placeholder.FindAllString(object.Expr, -1) {
		switch p {
		case "{http.request.method}", "{http.request.uri.path}", "{http.request.host}", "{http.request.orig_uri.path}", "{http.request.orig_method}":
		default:
			return false
		}
	}
	rest := placeholder.ReplaceAllString(literals.ReplaceAllString(object.Expr, ""), "")
	if strings.ContainsAny(rest, "{}") {
		return false
	}
	for _, call := range functions.FindAllStringSubmatch(rest, -1) {
		if !slices.Contains([]string{"path", "path_regexp", "method", "host", "in", "startsWith", "endsWith", "contains", "matches"}, call[1]) {
			return false
		}
	}
	rest = functions.ReplaceAllString(rest, "")
	return !slices.ContainsFunc(words.FindAllString(rest, -1), func(word string) bool {
		return !slices.Contains([]string{"in", "true", "false"}, word)
	})
}

func compact(raw json.RawMessage) string {
	var out bytes.Buffer
	if json.Compact(&out, raw) != nil {
		return string(raw)
	}
	return out.String()
}

// written is a matcher about as a Caddyfile has it.
func written(name string, raw json.RawMessage) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return name
	}
	if name == "file" { // which has a list of names, and tells nothing that the caller chooses
		return ""
	}
	parts := []string{name}
	var add func(any)
	add = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				switch {
				case name == "expression" && key == "name":
					continue
				case v[key] == nil:
					parts = append(parts, "!"+key)
				case key != "ranges" && key != "expr":
					parts = append(parts, key)
				}
				add(v[key])
			}
		case []any:
			for _, e := range v {
				add(e)
			}
		case nil: // a header that must not be there
		default:
			parts = append(parts, fmt.Sprint(v))
		}
	}
	add(value)
	return strings.Join(parts, " ")
}
