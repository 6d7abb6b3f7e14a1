package caddymodule

import (
	"slices"
	"strings"

	"github.com/otpgate/otpgate/caddymodule/internal/trail"
	"github.com/otpgate/otpgate/ruleset"
)

// idleGate is a gate that lets nothing through, or that nothing comes to.
type idleGate struct {
	gate *trail.Gate
	// Where requests come to it, and none has a path that it knows: one as it
	// was asked for, and as it came.
	asked, came string
	base        string // what would have to stand before the paths of the ruleset
	// Where none comes to it: what has it instead, if anything has.
	before *hole
}

// idles are the gates for which the wiring, or the ruleset, is wrong as a whole.
func (g *guard) idles() (all []idleGate) {
	for _, gate := range g.gates {
		if asked, came, base, ok := g.misfit(gate); ok {
			all = append(all, idleGate{gate: gate, asked: asked, came: came, base: base})
		} else if !g.reached(gate) {
			all = append(all, idleGate{gate: gate, before: g.before(gate)})
		}
	}
	return all
}

func (g *guard) reached(gate *trail.Gate) bool {
	for f := range g.fits {
		if f.gate == gate && f.fits {
			return true
		}
	}
	return false
}

// misfit reports that all paths come to a gate in another way than the ruleset
// has them: too much has been taken off before, or the prefix is wrong. Those
// that fit because the prefix was asked for twice are not what anybody asks for.
func (g *guard) misfit(gate *trail.Gate) (asked, came, base string, ok bool) {
	own := strings.TrimSuffix(g.sending[0].Path, g.sending[0].Within)
	_, straight := g.fits[fitting{gate, own, false}]
	var unfit []string
	for f := range g.fits {
		twice := straight && own != "" && f.base != own && strings.HasSuffix(f.base, own)
		switch {
		case f.gate != gate || f.fits && twice:
		case f.fits:
			return "", "", "", false
		default:
			unfit = append(unfit, f.base)
		}
	}
	if len(unfit) == 0 {
		return "", "", "", false
	}
	slices.Sort(unfit)
	base = unfit[0]
	for _, b := range unfit {
		if b == own || base == "" && base != own {
			base = b
		}
	}
	came = g.fits[fitting{gate, base, false}]
	for i := range g.trips {
		t := &g.trips[i]
		if before, ok := strings.CutSuffix(came, t.within); ok && t.base == base && !t.odd {
			return t.route.Method + " " + t.base + t.route.Within, came, before, true
		}
	}
	return "", "", "", false
}

// before returns what gets the requests that a gate is there for.
func (g *guard) before(gate *trail.Gate) *hole {
	for i := range g.trips {
		t := &g.trips[i]
		if t.odd || t.server != gate.Server || t.base+t.route.Within != t.route.Path || !gate.Stands(t.host) {
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
