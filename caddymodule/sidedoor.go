package caddymodule

import (
	"cmp"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/caddymodule/internal/trail"
	"github.com/otpgate/otpgate/ruleset"
)

// A side door is a way to an app by which it sends, and that does not lead past
// the gate. What can be sent by which route is known of rulesets with a preset,
// and of those with paths in their requests.

// guard is a ruleset, the gates that judge by it, and all ways that requests for
// its routes can take.
type guard struct {
	rules   *ruleset.Ruleset
	gates   []*trail.Gate
	sending []ruleset.Route
	trips   []trip
	apps    []appBase     // that stand behind the gates
	homes   map[home]bool // where requests come to the gates
	fits    map[fitting]string
}

// trip is a request for a route, and where it can come to.
type trip struct {
	home
	route  ruleset.Route
	within string // the path less the base
	odd    bool   // the path is spelled in another way
	ends   []trail.End
}

// home is a site, and what stands there before the paths of an app.
type home struct {
	server *trail.Server
	host   string
	base   string
}

// appBase is an app, and what stands before its paths when they come to it.
type appBase struct {
	app  *trail.App
	base string
}

// fitting is a gate, and the base of the paths of requests that come to it.
type fitting struct {
	gate *trail.Gate
	base string
	fits bool
}

// guardsOf finds the rulesets that know by which routes is sent, and follows
// requests for them through all servers. Rulesets that have problems are not
// looked at. The second result is false if not all ways could be followed.
func guardsOf(servers []*trail.Server, rulesets map[string]*ruleset.Ruleset) (guards []*guard, all bool) {
	of := make(map[*ruleset.Ruleset]*guard)
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
			if of[rules] == nil {
				of[rules] = &guard{rules: rules, sending: rules.Sending(), homes: make(map[home]bool), fits: make(map[fitting]string)}
				guards = append(guards, of[rules])
			}
			of[rules].gates = append(of[rules].gates, gate)
		}
	}
	for _, g := range guards {
		for _, server := range servers {
			all = g.follow(server) && all
		}
		for i := range g.trips {
			g.learn(&g.trips[i])
		}
	}
	return guards, all
}

// follow follows requests for the routes through a server: at each of its hosts,
// and with each prefix that it takes off or tells apart.
func (g *guard) follow(server *trail.Server) bool {
	all := true
	for _, route := range g.sending {
		for _, host := range append([]string{""}, server.Hosts...) {
			for _, base := range basesOf(server, route) {
				t := trip{home: home{server, host, base}, route: route, within: filled(route.Within)}
				all = t.follow(t.base+t.within) && all
				g.trips = append(g.trips, t)
				t.odd = true
				dir, last := path.Split(t.base + t.within)
				all = t.follow(dir+"./"+last) && all
				g.trips = append(g.trips, t)
			}
		}
	}
	return all
}

func (t *trip) follow(path string) (all bool) {
	t.ends, all = t.server.Follow(trail.Request{Method: t.route.Method, Host: t.host, Path: path})
	return all
}

// basesOf are what can stand before the path of a route when a request comes to
// a server, the ruleset's own first.
func basesOf(server *trail.Server, route ruleset.Route) []string {
	own := strings.TrimSuffix(route.Path, route.Within)
	bases := []string{own, ""}
	for _, prefix := range server.Prefixes {
		bases = append(bases, prefix, prefix+own)
	}
	var each []string
	for _, base := range bases {
		if !slices.Contains(each, base) {
			each = append(each, base)
		}
	}
	return each
}

// filled is a path that a pattern matches.
func filled(pattern string) string { return strings.ReplaceAll(pattern, "*", "any") }

// learn notes what the trip says of gates, and of apps behind them.
func (g *guard) learn(t *trip) {
	for _, end := range t.ends {
		for _, passage := range end.Passed {
			if !slices.Contains(g.gates, passage.Gate) || t.odd {
				continue
			}
			f := fitting{passage.Gate, t.base, g.rules.Takes(passage.Method, passage.Path)}
			if _, ok := g.fits[f]; !ok {
				g.fits[f] = passage.Path
			}
			if !f.fits {
				continue
			}
			g.homes[t.home] = true
			if base, ok := strings.CutSuffix(path.Clean(end.Path), t.within); ok && end.App != nil {
				if app := (appBase{end.App, base}); !slices.Contains(g.apps, app) {
					g.apps = append(g.apps, app)
				}
			}
		}
	}
}

// around returns the ends of a trip at which an app gets the request for a route
// and no gate has seen it.
func (g *guard) around(t *trip) (ends []trail.End) {
	if !t.server.Public() && !slices.ContainsFunc(g.gates, func(gate *trail.Gate) bool { return gate.Server == t.server }) {
		return nil
	}
	for _, end := range t.ends {
		if end.App == nil || len(end.Passed) > 0 || end.Method != t.route.Method {
			continue
		}
		base, ok := strings.CutSuffix(path.Clean(end.Path), t.within)
		if ok && (g.homes[t.home] || slices.ContainsFunc(g.apps, func(a appBase) bool { return a.base == base && a.app.Is(end.App) })) {
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
		route ruleset.Route
		site  string
		place string
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

// sideDoors follows requests for what the preset denies.
func (g *guard) sideDoors(servers []*trail.Server) []hole {
	return g.holes(g.tripsFor(servers, g.rules.Denied()))
}

// tripsFor follows requests for other routes to where the gates are, and to where
// their apps are.
func (g *guard) tripsFor(servers []*trail.Server, routes []ruleset.Route) (trips []trip) {
	for _, server := range servers {
		for _, route := range routes {
			for _, host := range append([]string{""}, server.Hosts...) {
				for _, base := range basesOf(server, route) {
					t := trip{home: home{server, host, base}, route: route, within: filled(route.Within)}
					t.follow(t.base + t.within)
					trips = append(trips, t)
				}
			}
		}
	}
	return trips
}

// refused is a route that is none of those that send, and that a gate gets and
// refuses.
type refused struct {
	gate   *trail.Gate
	method string
	path   string
	enters bool // it is there to enter codes
}

// refused are the routes that the gates refuse though nothing is sent by them:
// those by which codes are entered, or whatever else the app has. There is one
// at most for each gate.
func (g *guard) refused(servers []*trail.Server) (all []refused) {
	seen := make(map[*trail.Gate]bool)
	look := func(routes []ruleset.Route, enters bool) {
		for _, t := range g.tripsFor(servers, routes) {
			if !g.homes[t.home] || slices.ContainsFunc(t.ends, func(end trail.End) bool { return end.App != nil && len(end.Passed) == 0 }) {
				continue
			}
			for _, end := range t.ends {
				for _, p := range end.Passed {
					if slices.Contains(g.gates, p.Gate) && !seen[p.Gate] && !g.rules.Takes(p.Method, p.Path) {
						seen[p.Gate] = true
						all = append(all, refused{p.Gate, p.Method, t.base + t.route.Within, enters})
					}
				}
			}
		}
	}
	look(g.rules.Verifying(), true)
	for _, route := range g.sending {
		own := strings.TrimSuffix(route.Path, route.Within)
		look([]ruleset.Route{{Method: http.MethodGet, Path: own + elsewhere, Within: elsewhere}}, false)
	}
	return all
}

// elsewhere is a path that no app has.
const elsewhere = "/any-other"
