package trail

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

type rawRoute struct {
	Group    string                       `json:"group"`
	Match    []map[string]json.RawMessage `json:"match"`
	Handle   []json.RawMessage            `json:"handle"`
	Terminal bool                         `json:"terminal"`
}

// route is one of a list of routes.
type route struct {
	group    string
	match    matcherSets
	handlers []handler
	terminal bool
}

// handler is one handler of a route, with what of it leads requests anywhere.
type handler struct {
	kind      kind
	name      string
	place     string
	routes    []route // of a subroute
	errors    []route
	catches   bool // it has such
	rewrite   *rewriting
	app       *App
	responses []handled
	named     string
	passes    bool // a file that is not there is for the next handler
	gate      *Gate
}

// handled is what is done about some answers of the handlers behind.
type handled struct {
	match  *caddyhttp.ResponseMatcher // nil for all
	routes []route
}

// kind is what a handler does with a request.
type kind int

const (
	passes   kind = iota // looks at it, and passes it on
	answers              // answers it by itself
	fails                // raises an error
	may                  // passes it on, or raises an error
	rewrites             // passes on another
	files                // answers with a file
	subroute
	invokes
	proxies
	intercepts
	judges
)

var kinds = map[string]kind{
	"acme_server": answers, "metrics": answers, "static_response": answers, "copy_response": answers,
	"error": fails, "authentication": may, "rewrite": rewrites, "file_server": files,
	"subroute": subroute, "invoke": invokes, "intercept": intercepts,
	"reverse_proxy": proxies, "php": proxies, "cgi": proxies,
}

// rewriting is what a handler makes of a request.
type rewriting struct {
	rewrite.Rewrite
	unknown bool // where it leads to, nobody can say beforehand
}

// reader reads the routes of one server.
type reader struct {
	ctx    caddy.Context
	gate   string
	server *Server
	around []matcherSets
	err    error // the first
}

func (r *reader) fail(place string, err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("%s: %w", place, err)
	}
}

// mark is a landmark where the reader is.
func (r *reader) mark(name string) landmark { return landmark{name, slices.Clone(r.around)} }

func (r *reader) routes(raw []rawRoute, place string) []route {
	var list []route
	for i := range raw {
		if route := r.route(raw[i], fmt.Sprintf("%s/%d", place, i)); !route.idle() {
			list = append(list, route)
		}
	}
	return list
}

func (r *reader) route(raw rawRoute, place string) route {
	list := route{group: raw.Group, terminal: raw.Terminal, match: r.sets(raw.Match, place)}
	r.around = append(r.around, list.match)
	for _, pattern := range list.match.patterns() {
		r.server.paths = append(r.server.paths, r.mark(pattern))
	}
	for i, text := range raw.Handle {
		list.handlers = append(list.handlers, r.handler(text, fmt.Sprintf("%s/handle/%d", place, i)))
	}
	r.around = r.around[:len(r.around)-1]
	return list
}

// idle reports whether it makes no difference to the way of a request whether
// the route matches.
func (r *route) idle() bool {
	return r.group == "" && !r.terminal && !slices.ContainsFunc(r.handlers, func(h handler) bool { return h.kind != passes })
}

func (r *reader) handler(raw json.RawMessage, place string) handler {
	var fields struct {
		Name   string     `json:"handler"`
		Routes []rawRoute `json:"routes"`
		Errors *struct {
			Routes []rawRoute `json:"routes"`
		} `json:"errors"`
		Rewrite   json.RawMessage `json:"rewrite"`
		Responses []struct {
			Match  *caddyhttp.ResponseMatcher `json:"match"`
			Status caddyhttp.WeakString       `json:"status_code"`
			Routes []rawRoute                 `json:"routes"`
		} `json:"handle_response"`
		PassThru bool `json:"pass_thru"`
	}
	var name struct {
		Name    string `json:"handler"`
		Invoked string `json:"name"`
	}
	r.fail(place, json.Unmarshal(raw, &name))
	h := handler{name: name.Name, place: place, kind: kinds[name.Name]}
	if name.Name == r.gate {
		h.kind = judges
		h.gate = &Gate{Raw: raw, Server: r.server, Place: place, landmark: r.mark(place)}
		for _, sets := range r.around {
			h.gate.Paths = append(h.gate.Paths, sets.patterns()...)
		}
		r.server.Gates = append(r.server.Gates, h.gate)
		return h
	}
	switch h.kind {
	case passes, answers, fails, may:
		return h
	case invokes:
		h.named = name.Invoked
		return h
	case rewrites:
		h.rewrite = r.rewriting(raw, place)
		return h
	}
	if h.kind == proxies {
		h.app = appOf(name.Name, raw, place)
		if name.Name != "reverse_proxy" {
			return h
		}
	}
	r.fail(place, json.Unmarshal(raw, &fields))
	h.routes, h.passes = r.routes(fields.Routes, place+"/routes"), fields.PassThru
	if fields.Errors != nil {
		h.catches, h.errors = true, r.routes(fields.Errors.Routes, place+"/errors/routes")
	}
	for i, response := range fields.Responses {
		if response.Status == "" && len(response.Routes) > 0 {
			h.responses = append(h.responses, handled{response.Match, r.routes(response.Routes, fmt.Sprintf("%s/handle_response/%d/routes", place, i))})
		}
	}
	if h.kind == proxies && len(fields.Rewrite) > 0 {
		h.rewrite = r.rewriting(fields.Rewrite, place+"/rewrite")
	}
	return h
}

// matches reports whether an answer of that status can be meant.
func (r *handled) matches(status int) bool {
	if r.match == nil {
		return true
	}
	return (&caddyhttp.ResponseMatcher{StatusCode: r.match.StatusCode}).Match(status, nil)
}

func (r *reader) rewriting(raw json.RawMessage, place string) *rewriting {
	w := new(rewriting)
	r.server.rewrites = append(r.server.rewrites, r.mark(place))
	r.fail(place, json.Unmarshal(raw, &w.Rewrite))
	r.fail(place, w.Provision(r.ctx))
	if prefix := w.StripPathPrefix; prefix != "" && !strings.Contains(prefix, "{") {
		r.server.prefixes = append(r.server.prefixes, r.mark("/"+strings.Trim(prefix, "/")))
	}
	text := w.URI + w.StripPathPrefix + w.StripPathSuffix + w.Method
	for _, replacing := range w.URISubstring {
		text += replacing.Find + replacing.Replace
	}
	for _, replacing := range w.PathRegexp {
		text += replacing.Replace
	}
	w.unknown = unknownPlaceholders(text)
	return w
}

var placeholder = regexp.MustCompile(`\{[\w$.>-]+\}`)

// unknownPlaceholders reports whether text has placeholders whose value does not
// follow from method, host and path.
func unknownPlaceholders(text string) bool {
	return slices.ContainsFunc(placeholder.FindAllString(text, -1), func(p string) bool {
		return !slices.ContainsFunc([]string{"http.request.uri", "http.request.orig_uri", "http.request.method", "http.request.orig_method", "http.request.host", "http.regexp.", "env."}, func(known string) bool {
			return strings.HasPrefix(p[1:], known)
		})
	})
}
