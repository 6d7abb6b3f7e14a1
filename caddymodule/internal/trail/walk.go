package trail

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Request is what is followed.
type Request struct {
	Method, Host, Path string // "": a host that no route knows
}

// End is a place that a request can come to.
type End struct {
	// App is where it is handed to; nil where the request only passed the last
	// of the gates.
	App *App
	// Method and Path are the request's as it comes there.
	Method, Path string
	// Passed are the gates that have let it through.
	Passed []Passage
	// If is what has to be so, besides the request.
	If []Condition
}

// Passage is what a gate has seen.
type Passage struct {
	Gate         *Gate
	Method, Path string
}

// Condition is what has to be so, or not so.
type Condition struct {
	Text string // empty where it says nothing that a reader would know
	Is   bool
}

const (
	// most is how many ways of one request are followed.
	most = 1 << 10
	// deepest is how many routes are called by their names on one way: those that
	// call themselves have no end.
	deepest = 1 << 8
)

// Follow tells all places that a request can come to. It is false if there are
// too many to tell them all.
func (s *Server) Follow(r Request) (ends []End, all bool) {
	var script []bool
	here := s.At(r.Host)
	for range most {
		w := s.walk(r, script)
		if len(here.errors) > 0 {
			w.caught = 1
		}
		failed := w.routes(here.routes, func() bool { return false })
		if failed && len(here.errors) > 0 {
			w.restore()
			w.routes(here.errors, func() bool { return false })
		}
		for _, passage := range w.passed {
			ends = append(ends, End{Passed: []Passage{passage}, If: w.conditions})
		}
		ends = append(ends, w.ends...)
		for len(w.script) > 0 && w.script[len(w.script)-1] {
			w.script = w.script[:len(w.script)-1]
		}
		if len(w.script) == 0 {
			return ends, true
		}
		script = w.script
		script[len(script)-1] = true
	}
	return ends, false
}

// walk is one way of a request. Where it forks, a script tells which way; where
// that has ended, no condition holds.
type walk struct {
	server   *Server
	request  *http.Request
	original http.Request
	lost     bool // nobody knows its path any more
	caught   int  // handlers around that do something about errors
	invoked  int  // how often a route was called by its name
	groups   map[string]bool
	passed   []Passage
	ends     []End

	script     []bool
	at         int
	supposed   map[string]bool
	conditions []Condition
}

func (s *Server) walk(r Request, script []bool) *walk {
	request := &http.Request{
		Method: r.Method, Host: hostOf(r.Host), URL: &url.URL{Path: r.Path}, RequestURI: r.Path,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header), Body: http.NoBody,
	}
	w := &walk{server: s, script: script, groups: make(map[string]bool), supposed: make(map[string]bool)}
	w.original = *request.Clone(context.Background())
	w.request = caddyhttp.PrepareRequest(request, caddy.NewReplacer(), nowhere{}, nil)
	return w
}

func hostOf(host string) string {
	if host == "" {
		return "unknown.invalid"
	}
	return strings.ReplaceAll(host, "*", "any")
}

// suppose takes both ways, one after the other. What is asked again is as it
// was.
func (w *walk) suppose(key, text string) bool {
	if is, ok := w.supposed[key]; ok {
		return is
	}
	if w.at == len(w.script) {
		w.script = append(w.script, false)
	}
	is := w.script[w.at]
	w.at++
	w.supposed[key] = is
	w.conditions = append(w.conditions, Condition{text, is})
	return is
}

// next is what follows. It reports whether that raised an error.
type next func() bool

func (w *walk) routes(list []route, then next) bool {
	if len(list) == 0 {
		return then()
	}
	r, rest := &list[0], func() bool { return w.routes(list[1:], then) }
	if r.group != "" && w.groups[r.group] || !r.match.match(w) {
		return rest()
	}
	if r.group != "" {
		w.groups[r.group] = true
	}
	if r.terminal {
		rest = func() bool { return false }
	}
	return w.handlers(r.handlers, rest)
}

func (w *walk) handlers(list []handler, then next) bool {
	if len(list) == 0 {
		return then()
	}
	return w.handle(&list[0], func() bool { return w.handlers(list[1:], then) })
}

func (w *walk) handle(h *handler, then next) bool {
	switch h.kind {
	case answers:
		return false
	case fails:
		return true
	case may:
		return w.fails(h) || then()
	case rewrites:
		w.rewrite(h.rewrite)
	case files:
		if h.passes && w.suppose(h.place+" passes", "there is no such file") {
			return then()
		}
		return w.fails(h)
	case subroute:
		return w.subroute(h, then)
	case invokes:
		if r, ok := w.server.named[h.named]; ok && w.invoked < deepest {
			w.invoked++
			return w.routes([]route{r}, then)
		}
	case intercepts:
		return w.intercept(h, then)
	case judges:
		w.passed = append(w.passed, Passage{h.gate, w.request.Method, w.request.URL.Path})
	case proxies:
		return w.proxy(h, then)
	}
	return then()
}

// fails reports whether a handler raises an error, where that matters.
func (w *walk) fails(h *handler) bool {
	return w.caught > 0 && w.suppose(h.place+" fails", h.name+" fails")
}

func (w *walk) subroute(h *handler, then next) bool {
	if !h.catches {
		return w.routes(h.routes, then)
	}
	w.caught++
	failed := w.routes(h.routes, then)
	w.caught--
	return failed && w.routes(h.errors, then)
}

// refusals are the statuses of a gate's own answers.
var refusals = []int{400, 403, 413, 415, 422, 425, 429, 503}

// intercept follows what is done about the answers of those behind, which can be
// a gate's.
func (w *walk) intercept(h *handler, then next) bool {
	before := len(w.passed)
	if then() {
		return true
	}
	for i := range h.responses {
		r := &h.responses[i]
		if !w.suppose(fmt.Sprint(h.place, " answers ", i), "intercept takes the answer") {
			continue
		}
		if slices.ContainsFunc(refusals, r.matches) {
			w.passed = w.passed[:before:before]
		}
		return w.routes(r.routes, func() bool { return false })
	}
	return false
}

// proxy hands the request to an app, and follows what is done about its answer.
func (w *walk) proxy(h *handler, then next) bool {
	w.reach(h)
	for i := range h.responses {
		if r := &h.responses[i]; w.suppose(fmt.Sprint(h.place, " answers ", i), h.app.String()+" answers so that it goes on") {
			return w.routes(r.routes, then)
		}
	}
	return w.fails(h)
}

func (w *walk) reach(h *handler) {
	there := walk{request: w.request}
	if h.rewrite != nil {
		there.request = w.request.Clone(w.request.Context())
		there.rewrite(h.rewrite)
	}
	w.ends = append(w.ends, End{h.app, there.request.Method, there.request.URL.Path, slices.Clone(w.passed), slices.Clone(w.conditions)})
}

func (w *walk) rewrite(r *rewriting) {
	if r.unknown {
		w.lost = true
		return
	}
	repl := w.request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	r.Rewrite.Rewrite(w.request, repl)
}

// restore makes the request what it was, as for the handling of errors.
func (w *walk) restore() {
	w.request.Method, w.request.RequestURI = w.original.Method, w.original.RequestURI
	u := *w.original.URL
	*w.request.URL, w.lost, w.caught = u, false, 0
}

// nowhere takes no answer.
type nowhere struct{}

func (nowhere) Header() http.Header         { return nil }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
