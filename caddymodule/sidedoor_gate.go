package caddymodule

import (
	"slices"
	"strings"

	"github.com/otpgate/otpgate/caddymodule/internal/trail"
	"github.com/otpgate/otpgate/ruleset"
)

// idleGate is a gate that lets nothing through by which is sent: requests come
// to it in another way than the ruleset has them, or others have them.
type idleGate struct {
	gate *trail.Gate
	came *stray
	// What has the requests that the ruleset knows, if anything has.
	before *hole
}

// stray is a request that comes to a gate with a path that it has no shape for.
type stray struct {
	method, asked string
	path          string // as it comes to the gate
	prefix        string // with which the ruleset would have a shape
}

// idles are the gates for which the wiring, or the ruleset, is wrong as a whole.
func (g *guard) idles() (all []idleGate) {
	for _, gate := range g.gates {
		if !g.fit(gate) {
			all = append(all, idleGate{gate, g.stray(gate), g.before(gate)})
		}
	}
	return all
}

// fit reports whether requests come to a gate as the ruleset has them. Those that
// do because the preset's prefix was asked for twice are not what anybody asks
// for.
func (g *guard) fit(gate *trail.Gate) bool {
	prefix := prefixOf(g.sending[0])
	_, once := g.fits[fitting{gate, prefix, false}]
	for f := range g.fits {
		if f.gate == gate && f.fits && !(once && prefix != "" && f.base != prefix && strings.HasSuffix(f.base, prefix)) {
			return true
		}
	}
	return false
}

// stray returns a request of those that come to a gate in another way: with the
// ruleset's own paths, or with those that the gate's matchers name.
func (g *guard) stray(gate *trail.Gate) *stray {
	for _, base := range append([]string{prefixOf(g.sending[0])}, dirs(gate)...) {
		came, ok := g.fits[fitting{gate, base, false}]
		if !ok {
			continue
		}
		for _, route := range g.sending {
			if prefix, ok := strings.CutSuffix(came, filled(route.Within)); ok {
				return &stray{route.Method, base + route.Within, came, prefix}
			}
		}
	}
	return nil
}

// before returns what gets the requests that a gate is there for.
func (g *guard) before(gate *trail.Gate) *hole {
	for i := range g.trips {
		t := &g.trips[i]
		if t.odd || t.asked != t.route.Path || !slices.Contains(t.server.At(t.host).Gates, gate) {
			continue
		}
		for _, end := range t.ends {
			if end.App != nil && len(end.Passed) == 0 {
				return &hole{t, end}
			}
		}
	}
	return nil
}

// unreached are the routes of the ruleset that no request can come to a gate by,
// though the ruleset was written for this place: it has no preset.
func (g *guard) unreached() []ruleset.Route {
	if g.rules.Preset() != "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(g.sending), func(route ruleset.Route) bool {
		return slices.ContainsFunc(g.trips, func(t trip) bool {
			return t.route == route && slices.ContainsFunc(t.ends, func(end trail.End) bool {
				return end.App != nil || slices.ContainsFunc(end.Passed, func(p trail.Passage) bool {
					return slices.Contains(g.gates, p.Gate) && g.rules.Takes(p.Method, p.Path)
				})
			})
		})
	})
}
