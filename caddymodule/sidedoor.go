package caddymodule

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/caddymodule/internal/trail"
	"github.com/otpgate/otpgate/ruleset"
)

// A side door is a way to an app by which it sends, and that does not lead past
// the gate. What can be sent by which route is known of rulesets with a preset,
// and of those with paths in their requests.

// guard is a ruleset, the gates that judge by it or by another one with the same
// routes, and all ways that requests for these can take.
type guard struct {
	rules   *ruleset.Ruleset
	gates   []*trail.Gate
	sending []ruleset.Route
	trips   []trip
	apps    []appBehind   // that get what the gates let through
	homes   map[home]bool // where requests come to the gates
	fits    map[fitting]string
}

// appBehind is an app, and how paths begin when they come to it.
type appBehind struct {
	app   *trail.App
	shift shift
}

// fitting is a gate, how the paths begin of requests that come to it, and
// whether they come as the ruleset has them.
type fitting struct {
	gate *trail.Gate
	base string
	fits bool
}

// guardsOf finds the rulesets that know by which routes is sent, and follows
// requests for them through all servers. Rulesets that have problems are not
// looked at. The second result is false if not all ways could be followed.
func guardsOf(servers []*trail.Server, rulesets map[string]*ruleset.Ruleset) (guards []*guard, all bool) {
	all = true
	for _, server := range servers {
		for _, gate := range server.Gates {
			var handler Handler
			if json.Unmarshal(gate.Raw, &handler) != nil {
				continue
			}
			rules := rulesets[handler.Ruleset]
			if rules == nil || len(rules.Sending()) == 0 {
				continue
			}
			i := slices.IndexFunc(guards, func(g *guard) bool {
				return g.rules.Preset() == rules.Preset() && slices.Equal(g.sending, rules.Sending())
			})
			if i < 0 {
				i = len(guards)
				guards = append(guards, &guard{rules: rules, sending: rules.Sending(), homes: make(map[home]bool), fits: make(map[fitting]string)})
			}
			guards[i].gates = append(guards[i].gates, gate)
		}
	}
	for _, g := range guards {
		trips, complete := g.tripsFor(servers, g.sending, true)
		g.trips, all = trips, all && complete
		for i := range g.trips {
			g.learn(&g.trips[i])
		}
	}
	return guards, all
}

// learn notes what the trip says of gates, and of apps behind them.
func (g *guard) learn(t *trip) {
	if t.odd || t.other {
		return
	}
	for _, end := range t.ends {
		for _, passage := range end.Passed {
			base, ok := strings.CutSuffix(filled(t.asked), t.within)
			if !slices.Contains(g.gates, passage.Gate) || !ok {
				continue
			}
			f := fitting{passage.Gate, base, passage.Method == t.route.Method && passage.Path == filled(t.route.Path)}
			if _, ok := g.fits[f]; !ok {
				g.fits[f] = passage.Path
			}
			if !f.fits {
				continue
			}
			g.homes[t.home] = true
			if base, ok := strings.CutSuffix(cleaned(end.Path), t.within); ok && end.App != nil {
				shift := shiftOf(t.route, base)
				if !slices.ContainsFunc(g.apps, func(a appBehind) bool { return a.shift == shift && a.app.Same(end.App) }) {
					g.apps = append(g.apps, appBehind{end.App, shift})
				}
			}
		}
	}
}

// around returns the ends of a trip at which an app gets the request for a route
// and no gate has seen it, those with the fewest conditions first.
func (g *guard) around(t *trip) (ends []trail.End) {
	if !t.server.Public() && !slices.ContainsFunc(g.gates, func(gate *trail.Gate) bool { return gate.Server == t.server }) {
		return nil
	}
	for _, end := range t.ends {
		if end.App == nil || len(end.Passed) > 0 || end.Method != t.route.Method {
			continue
		}
		base, ok := strings.CutSuffix(cleaned(end.Path), t.within)
		if ok && (!t.other && g.homes[t.home] || slices.ContainsFunc(g.apps, func(a appBehind) bool {
			return a.app.Is(end.App) && a.shift == shiftOf(t.route, base) || t.server.Is(a.app) && a.shift == t.shift && !t.other
		})) {
			ends = append(ends, end)
		}
	}
	slices.SortStableFunc(ends, func(a, b trail.End) int { return cmp.Compare(len(a.If), len(b.If)) })
	return ends
}

// hole is a way around the gates, for one route.
type hole struct {
	*trip
	end trail.End
}

// holes are the ways around the gates, the one with the fewest conditions for
// each route, site and app.
func (g *guard) holes(trips []trip) (holes []hole) {
	type key struct {
		route       ruleset.Route
		site, place string
	}
	seen := make(map[key]bool)
	for i := range trips {
		t := &trips[i]
		for _, end := range g.around(t) {
			k := key{t.route, t.server.Name + " " + t.host, end.App.Place}
			if !seen[k] {
				seen[k] = true
				holes = append(holes, hole{t, end})
			}
		}
	}
	return holes
}

// denied are the ways around the gates for what the preset denies.
func (g *guard) denied(servers []*trail.Server) []hole {
	trips, _ := g.tripsFor(servers, g.rules.Denied(), false)
	return g.holes(trips)
}

// refused is a request by which nothing is sent, and that a gate gets and
// refuses.
type refused struct {
	gate          *trail.Gate
	method, asked string
	enters        bool // a code is entered by it
}

// refusals are what the gates refuse though nothing is sent by it: requests by
// which codes are entered, or whatever else the app has. There is one at most
// for each gate.
func (g *guard) refusals(servers []*trail.Server) (all []refused) {
	seen := make(map[*trail.Gate]bool)
	look := func(routes []ruleset.Route, enters bool, where func(shift) bool) {
		trips, _ := g.tripsFor(servers, routes, false)
		for _, t := range trips {
			if t.other || !g.homes[t.home] || !where(t.shift) || slices.ContainsFunc(t.ends, func(end trail.End) bool { return end.App != nil && len(end.Passed) == 0 }) {
				continue
			}
			for _, end := range t.ends {
				for _, p := range end.Passed {
					if slices.Contains(g.gates, p.Gate) && !seen[p.Gate] && !g.rules.Takes(p.Method, p.Path) {
						seen[p.Gate] = true
						all = append(all, refused{p.Gate, p.Method, t.asked, enters})
					}
				}
			}
		}
	}
	look(g.rules.Verifying(), true, func(shift) bool { return true })
	// A preset may know all that there is behind its prefix. What there is besides
	// it does not.
	look([]ruleset.Route{{Method: http.MethodGet, Path: elsewhere, Within: elsewhere}}, false, func(s shift) bool { return s == shift{} })
	return all
}

// elsewhere is a path that no app has.
const elsewhere = "/any-other"
