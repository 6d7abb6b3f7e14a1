package caddymodule

import (
	"path"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/caddymodule/internal/trail"
	"github.com/otpgate/otpgate/ruleset"
)

// trip is a request for a route, and where it can come to.
type trip struct {
	home
	route  ruleset.Route
	asked  string // the path, with the stars of the route's
	within string // the end of the path, without stars
	odd    bool   // the path is spelled in another way
	other  bool   // the path is another one, which may be rewritten
	ends   []trail.End
}

// home is a site, and how paths begin there.
type home struct {
	server *trail.Server
	host   string
	shift  shift
}

// shift is the difference between the beginning of the paths of a ruleset and
// that of the paths at some place.
type shift struct {
	added string
	taken bool // the preset's prefix is not there
}

func shiftOf(route ruleset.Route, base string) shift {
	added, ok := strings.CutSuffix(base, prefixOf(route))
	return shift{added, !ok}
}

// prefixOf is what stands before the paths of the preset.
func prefixOf(route ruleset.Route) string { return strings.TrimSuffix(route.Path, route.Within) }

// tripsFor follows requests for routes through all servers: at each of their
// hosts, and with whatever may stand before the paths; and, if they are asked
// for, with other spellings. It is false if there are too many ways to tell them
// all.
func (g *guard) tripsFor(servers []*trail.Server, routes []ruleset.Route, spellings bool) (trips []trip, all bool) {
	all = true
	for _, server := range servers {
		for _, host := range append([]string{""}, server.Hosts...) {
			here := server.At(host)
			for _, route := range routes {
				add := func(t trip, p string) {
					t.route, t.within = route, filled(route.Within)
					ends, complete := server.Follow(trail.Request{Method: route.Method, Host: host, Path: p})
					t.ends, all = ends, all && complete
					trips = append(trips, t)
				}
				for _, base := range g.bases(here, route) {
					t := trip{home: home{server, host, shiftOf(route, base)}, asked: base + route.Within}
					add(t, filled(t.asked))
					if spellings {
						t.odd = true
						p := filled(t.asked)
						last := strings.LastIndexByte(strings.TrimSuffix(p, "/"), '/')
						add(t, p[:last]+"/."+p[last:])
					}
				}
				for _, pattern := range here.Paths {
					if here.Rewrites && strings.HasPrefix(pattern, "/") {
						add(trip{home: home{server: server, host: host}, asked: pattern, other: true}, filled(pattern))
					}
				}
			}
		}
	}
	return trips, all
}

// bases are what can stand before the path of a route when a request comes to a
// site, the ruleset's own first.
func (g *guard) bases(here *trail.Map, route ruleset.Route) []string {
	own := prefixOf(route)
	bases := []string{own, ""}
	for _, prefix := range here.Prefixes {
		bases = append(bases, prefix, prefix+own)
		if len(here.Prefixes) <= 8 { // one within another
			for _, inner := range here.Prefixes {
				bases = append(bases, prefix+inner)
			}
		}
	}
	for _, gate := range here.Gates {
		if slices.Contains(g.gates, gate) {
			bases = append(bases, dirs(gate)...)
		}
	}
	var each []string
	for _, base := range bases {
		if !slices.Contains(each, base) {
			each = append(each, base)
		}
	}
	return each
}

// dirs are how the paths begin that a gate's matchers name.
func dirs(gate *trail.Gate) (dirs []string) {
	for _, pattern := range gate.Paths {
		if dir := path.Dir(pattern); strings.HasPrefix(dir, "/") && !strings.Contains(dir, "*") {
			dirs = append(dirs, strings.TrimSuffix(dir, "/"))
		}
	}
	return dirs
}

// filled is a path that a pattern matches.
func filled(pattern string) string { return strings.ReplaceAll(pattern, "*", "any") }

// cleaned is a path without what servers take out of it. A slash at the end
// stays.
func cleaned(p string) string {
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}
