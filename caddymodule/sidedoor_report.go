package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/caddymodule/internal/trail"
	"github.com/otpgate/otpgate/ruleset"
)

// sideDoors says where the configuration that was read from path leads to an app
// around the gates, and where the gates are in the way of what sends nothing.
func sideDoors(path string, config json.RawMessage, rulesets map[string]*ruleset.Ruleset) ([]string, error) {
	servers, err := trail.Servers(config, "otp_gate")
	if err != nil {
		return nil, fmt.Errorf("apps/http/servers: %w", err)
	}
	guards, all := guardsOf(servers, rulesets)
	var warnings []string
	for _, g := range guards {
		r := &report{guard: g, places: readPlaces(path)}
		warnings = append(warnings, r.warnings(servers)...)
	}
	if !all {
		warnings = append(warnings, "the routes depend on so many conditions that not all ways to an app could be followed: there may be some around a gate")
	}
	return warnings, nil
}

// report puts what was found into words.
type report struct {
	*guard
	places places
}

func (r *report) warnings(servers []*trail.Server) (warnings []string) {
	idles := r.idles()
	for _, i := range idles {
		warnings = append(warnings, r.idle(i))
	}
	around := r.around(r.holes(r.trips), "routes by which "+r.who()+" sends", "a route by which "+r.who()+" sends")
	if len(around) > 0 {
		around[len(around)-1] += "\n" + r.remedy()
	}
	warnings = append(warnings, around...)
	doors := r.around(r.guard.sideDoors(servers), "routes by which "+r.who()+" can be told to send, in words that nobody can read here,", "")
	if len(doors) > 0 {
		doors[len(doors)-1] += "\n" + r.denial()
	}
	warnings = append(warnings, doors...)
	for _, refused := range r.refused(servers) {
		if !slices.ContainsFunc(idles, func(i idleGate) bool { return i.gate == refused.gate }) {
			warnings = append(warnings, r.refusal(refused))
		}
	}
	if len(idles) == 0 {
		for _, route := range r.unreached() {
			warnings = append(warnings, fmt.Sprintf("%s has a shape for %s %s, and no request of that kind comes to %s: add the path to its matcher, or take the shape out",
				r.rules.Files()[0], route.Method, route.Path, r.gate(r.gates[0])))
		}
	}
	return warnings
}

// who is whose routes they are.
func (r *report) who() string {
	if preset := r.rules.Preset(); preset != "" {
		return preset
	}
	return "the app of " + r.rules.Name()
}

func (r *report) gate(gate *trail.Gate) string {
	var h Handler
	json.Unmarshal(gate.Raw, &h)
	return fmt.Sprintf("otp_gate %s (%s)", h.Ruleset, r.places.of("otp_gate", "", gate.Place, h.Ruleset))
}

func (r *report) app(h *hole) string {
	app := h.end.App
	directives := []string{app.Handler, "forward_auth", "php_fastcgi", "php_server"}
	for _, directive := range directives {
		if at := r.places.of(directive, h.host, "", app.Dial...); at != "" {
			return fmt.Sprintf("%s %s (%s)", directive, strings.Join(app.Dial, " "), at)
		}
	}
	return fmt.Sprintf("%s (%s)", app, app.Place)
}

func (r *report) idle(i idleGate) string {
	switch {
	case i.came != "" && r.rules.Preset() != "":
		return fmt.Sprintf("%s refuses every request: %s comes to it as %s, which the ruleset has no shape for. Write in the ruleset: preset: {name: %s, prefix: %q}",
			r.gate(i.gate), i.asked, i.came, r.rules.Preset(), i.base)
	case i.came != "":
		return fmt.Sprintf("%s refuses every request: %s comes to it as %s, which the ruleset has no shape for. Write the paths of its shapes as they come to the gate",
			r.gate(i.gate), i.asked, i.came)
	case i.before != nil:
		return fmt.Sprintf("no request by which %s sends comes to %s: %s %s goes to %s. Put the gate before it, with a matcher that takes the routes:\n%s",
			r.who(), r.gate(i.gate), i.before.route.Method, i.before.base+i.before.route.Within, r.app(i.before), r.remedy())
	}
	return fmt.Sprintf("no request by which %s sends comes to %s. Its matcher has to take the paths as they come to it:\n%s", r.who(), r.gate(i.gate), r.remedy())
}

// around says what gets the requests that go around the gates: once for each
// handler and condition.
func (r *report) around(holes []hole, several, one string) (texts []string) {
	type group struct {
		to, when string
		sites    []string
		routes   []string
	}
	var groups []*group
	for i := range holes {
		h := &holes[i]
		to, when := r.app(h), conditions(h)
		j := slices.IndexFunc(groups, func(g *group) bool { return g.to == to && g.when == when })
		if j < 0 {
			j = len(groups)
			groups = append(groups, &group{to: to, when: when})
		}
		g := groups[j]
		if site := h.server.Site(h.host); !slices.Contains(g.sites, site) {
			g.sites = append(g.sites, site)
		}
		if route := h.route.Method + " " + h.base + h.route.Within; !slices.Contains(g.routes, route) {
			g.routes = append(g.routes, route)
		}
	}
	for _, g := range groups {
		texts = append(texts, fmt.Sprintf("%s go to %s without passing the gate, in %s%s:\n    %s", several, g.to, strings.Join(g.sites, ", "), g.when, strings.Join(g.routes, "\n    ")))
	}
	return texts
}

// conditions says when a hole is open.
func conditions(h *hole) string {
	var is, isNot []string
	for _, c := range h.end.If {
		if c.Is {
			is = append(is, c.Text)
		} else {
			isNot = append(isNot, c.Text)
		}
	}
	var text string
	if h.odd {
		text += ", spelled with /./ in the path"
	}
	if len(is) > 0 {
		text += ", where " + strings.Join(is, " and ")
	}
	if len(isNot) > 0 {
		text += ", where not " + strings.Join(isNot, " or ")
	}
	return text
}

func (r *report) refusal(f refused) string {
	if f.enters {
		return fmt.Sprintf("%s refuses %s %s, by which codes are entered: it fits no shape. Let its matcher take what sends, and nothing else:\n%s", r.gate(f.gate), f.method, f.path, r.remedy())
	}
	return fmt.Sprintf("%s refuses whatever fits no shape, as %s %s, and its matcher takes more than what sends. If the app serves more there, let it take this and nothing else:\n%s",
		r.gate(f.gate), f.method, f.path, r.remedy())
}

// remedy is what to write so that all routes are gated.
func (r *report) remedy() string {
	name := "@" + strings.ReplaceAll(r.rules.Name(), " ", "-")
	return fmt.Sprintf("    %s path %s\n    otp_gate %s %s", name, strings.Join(r.matcher(), " "), name, r.rules.Files()[0])
}

// matcher has the patterns of all paths by which is sent, with the spellings that
// routers may take for the same, as far as nothing else begins in that way.
func (r *report) matcher() (patterns []string) {
	for _, route := range append(r.rules.Sending(), r.rules.Denied()...) {
		p := strings.TrimSuffix(route.Path, "*")
		switch other := r.beginning(p); {
		case p != route.Path, strings.HasSuffix(p, "/"):
			p = route.Path
		case other:
			if !slices.Contains(patterns, p) {
				patterns = append(patterns, p)
			}
			p += "/"
		default:
			p += "*"
		}
		if !slices.Contains(patterns, p) {
			patterns = append(patterns, p)
		}
	}
	return patterns
}

// beginning reports whether another route begins with the path of one.
func (r *report) beginning(path string) bool {
	return slices.ContainsFunc(slices.Concat(r.rules.Verifying(), r.rules.Sending()), func(other ruleset.Route) bool {
		return other.Path != path && strings.HasPrefix(other.Path, path)
	})
}

func (r *report) denial() string {
	var paths []string
	for _, route := range r.rules.Denied() {
		if !slices.Contains(paths, route.Path) {
			paths = append(paths, route.Path)
		}
	}
	return "  Refuse them, or let the gate take them, which does:\n    @denied path " + strings.Join(paths, " ") + "\n    respond @denied 403"
}
