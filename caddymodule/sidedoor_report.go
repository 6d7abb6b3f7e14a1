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
	places := readPlaces(path)
	var warnings []string
	for _, g := range guards {
		warnings = append(warnings, (&report{g, places}).warnings(servers)...)
	}
	if !all {
		warnings = append(warnings, "the routes depend on so many conditions that not all ways to an app could be followed: there may be some around a gate")
	}
	return warnings, nil
}

// report puts what was found of a guard into words.
type report struct {
	*guard
	places places
}

func (r *report) warnings(servers []*trail.Server) (warnings []string) {
	idles := r.idles()
	for _, i := range idles {
		warnings = append(warnings, r.idle(i))
	}
	warnings = append(warnings, r.around(r.holes(r.trips), "routes by which "+r.who()+" sends go to",
		"  Close that way, or put the gate before it with a matcher that has all paths, and nothing else:\n"+r.remedy())...)
	warnings = append(warnings, r.around(r.guard.denied(servers), "routes by which "+r.who()+" can be told to send, in words that are not read here, go to",
		"  Refuse them, or let the gate take them, which does:\n"+r.denial())...)
	for _, refused := range r.refusals(servers) {
		if !slices.ContainsFunc(idles, func(i idleGate) bool { return i.gate == refused.gate }) {
			warnings = append(warnings, r.refusal(refused))
		}
	}
	if len(idles) == 0 {
		for _, route := range r.unreached() {
			warnings = append(warnings, fmt.Sprintf("%s has a shape for %s %s, and no such request comes to %s: add the path to its matcher, or take the shape out",
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
	json.Unmarshal(gate.Raw, &h) // has been read before
	return fmt.Sprintf("otp_gate %s (%s)", h.Ruleset, r.places.of("otp_gate", "", gate.Place, h.Ruleset))
}

func (r *report) app(h *hole) string {
	app := h.end.App
	dial := strings.Join(app.Dial, " ")
	for _, directive := range []string{app.Handler, "forward_auth", "php_fastcgi", "php_server"} {
		if at := r.places.of(directive, h.server.Site(h.host), "", app.Dial...); at != "" {
			return fmt.Sprintf("%s %s (%s)", directive, dial, at)
		}
	}
	return fmt.Sprintf("%s %s (%s)", app.Handler, dial, app.Place)
}

func (r *report) idle(i idleGate) string {
	text := fmt.Sprintf("no request by which %s sends comes to %s", r.who(), r.gate(i.gate))
	if i.came != nil {
		text = fmt.Sprintf("%s refuses all that comes to it: %s %s comes as %s, and no shape has that path", r.gate(i.gate), i.came.method, i.came.asked, i.came.path)
	}
	if i.before != nil {
		text += fmt.Sprintf("; %s %s goes to %s%s", i.before.route.Method, i.before.asked, r.app(i.before), conditions(i.before))
	}
	switch {
	case i.came == nil:
		return text + ".\n  Put the gate before it, with a matcher that has all paths, and nothing else:\n" + r.remedy()
	case r.rules.Preset() == "":
		return text + ".\n  Write the paths of the shapes as they come to the gate"
	}
	text += fmt.Sprintf(".\n  Write in the ruleset how the paths begin when they come to the gate:\n    preset: {name: %s, prefix: %q}", r.rules.Preset(), i.came.prefix)
	if i.before != nil {
		text += "\n  or let the gate have the paths of the ruleset:\n" + r.remedy()
	}
	return text
}

// around says what gets the requests that go around the gates: once for each
// handler and condition, and for all sites where it is the same. The last one
// says what would be right.
func (r *report) around(holes []hole, what, remedy string) (texts []string) {
	type group struct {
		to, when string
		sites    []string
		routes   string
	}
	var groups []group
	for i := range holes {
		h := &holes[i]
		to, when, site := r.app(h), conditions(h), h.server.Site(h.host)
		route := "\n    " + h.route.Method + " " + h.asked
		j := slices.IndexFunc(groups, func(g group) bool { return g.to == to && g.when == when && g.sites[0] == site })
		if j < 0 {
			j = len(groups)
			groups = append(groups, group{to, when, []string{site}, ""})
		}
		if listed := groups[j].routes + "\n"; !strings.Contains(listed, route+"\n") && !strings.Contains(listed, strings.TrimSuffix(route, "/")+"\n") {
			groups[j].routes += route
		}
	}
	for i, g := range groups {
		if g.sites == nil {
			continue
		}
		for j := range groups[i+1:] {
			if same := &groups[i+1+j]; same.to == g.to && same.when == g.when && same.routes == g.routes {
				g.sites, same.sites = append(g.sites, same.sites...), nil
			}
		}
		texts = append(texts, fmt.Sprintf("%s %s without passing the gate, in %s%s:%s", what, g.to, strings.Join(g.sites, ", "), g.when, g.routes))
	}
	if len(texts) > 0 {
		texts[len(texts)-1] += "\n" + remedy
	}
	return texts
}

// conditions says when a hole is open.
func conditions(h *hole) string {
	var is, isNot []string
	for _, c := range h.end.If {
		switch {
		case c.Text == "":
		case c.Is:
			is = append(is, c.Text)
		default:
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
		text += ", unless " + strings.Join(isNot, " or ")
	}
	return text
}

func (r *report) refusal(f refused) string {
	text := fmt.Sprintf("%s refuses %s %s, as it does with all that fits no shape: its matcher has more than what sends", r.gate(f.gate), f.method, f.asked)
	if f.enters {
		text = fmt.Sprintf("%s refuses %s %s, so that no code can be entered: its matcher has more than what sends", r.gate(f.gate), f.method, f.asked)
	}
	return text + ".\n  Write it so that it has this, and nothing else:\n" + r.remedy()
}

// remedy is what to write so that all routes are gated.
func (r *report) remedy() string {
	name := "@" + strings.ReplaceAll(r.rules.Name(), " ", "-")
	return fmt.Sprintf("    %s path %s\n    otp_gate %s %s", name, strings.Join(gatedPaths(r.rules), " "), name, r.rules.Files()[0])
}

// gatedPaths are the patterns of all paths by which is sent, or which the preset
// denies. A preset knows what its server takes for the same path; of other apps
// it is not known whether a slash at the end makes another.
func gatedPaths(rules *ruleset.Ruleset) (patterns []string) {
	add := func(p string) {
		if !slices.Contains(patterns, p) {
			patterns = append(patterns, p)
		}
	}
	for _, route := range append(rules.Sending(), rules.Denied()...) {
		add(route.Path)
		if rules.Preset() == "" && !strings.HasSuffix(route.Path, "*") && !strings.HasSuffix(route.Path, "/") {
			add(route.Path + "/")
		}
	}
	return patterns
}

func (r *report) denial() string {
	var paths []string
	for _, route := range r.rules.Denied() {
		if !slices.Contains(paths, route.Path) {
			paths = append(paths, route.Path)
		}
	}
	return "    @denied path " + strings.Join(paths, " ") + "\n    respond @denied 403"
}
