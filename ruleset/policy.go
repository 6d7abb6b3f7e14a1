package ruleset

import (
	"cmp"
	"slices"
	"time"

	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/phone"
)

// policy is what is asked of a request: one for all numbers, and one for each
// region that differs.
type policy struct {
	checks       []check
	require      requireWord
	humanShadow  bool
	counters     []counter // those of requests first
	pers         []per     // what the counters' keys are made of
	cooldown     time.Duration
	hideCooldown bool
}

// check is one question that needs no I/O.
type check struct {
	name   Check
	shadow bool
	ask    func(*Facts) finding
}

// finding is the answer to a check. The zero finding has nothing to object.
type finding struct {
	then   thenWord // deny, challenge or flag; empty for no objection
	rule   string
	reason Code
}

func newPolicy(s *settings, lists *network.Lists) *policy {
	p := &policy{require: s.human.require, humanShadow: s.human.shadow || s.shadow, hideCooldown: s.hideCooldown}
	add := func(name Check, shadow bool, ask func(*Facts) finding) {
		if ask != nil {
			p.checks = append(p.checks, check{name, shadow || s.shadow, ask})
		}
	}
	add(CheckNetwork, s.network.shadow, askNetwork(&s.network, lists))
	add(CheckGeo, s.geo.shadow, askCountry(&s.geo))
	add(CheckNumber, s.number.shadow, askRegion(&s.number))
	add(CheckNumber, s.number.shadow, askType(&s.number))
	add(CheckNumber, s.number.shadow, askPrefix(&s.number))
	if s.budget != nil {
		add(CheckBudget, s.budget.shadow, askPrice)
	}
	add(CheckGeo, s.geo.shadow, askMatch(&s.geo))
	limits := slices.Clone(s.limits)
	for i := range limits {
		limits[i].shadow = limits[i].shadow || s.shadow
	}
	p.count(s.name, limits)
	if s.budget != nil {
		p.spend(s.name, s.budget, s.shadow)
	}
	slices.SortStableFunc(p.counters, func(a, b counter) int {
		return cmp.Or(cmp.Compare(a.order(), b.order()), cmp.Compare(a.shared(), b.shared()))
	})
	return p
}

// askNetwork refuses addresses in the lists of deny, unless they are in one of
// trust.
func askNetwork(n *networkSettings, lists *network.Lists) func(*Facts) finding {
	set := func(names []string) (s network.Set) {
		for _, name := range names {
			i, _ := lists.Index(name)
			s = s.With(i)
		}
		return s
	}
	trust, deny := set(n.trust), set(n.deny)
	if deny.IsEmpty() {
		return nil
	}
	byASN := slices.ContainsFunc(n.lists, func(l listSettings) bool { return len(l.asns) > 0 && slices.Contains(n.deny, l.name) })
	return func(f *Facts) finding {
		switch {
		case !f.IP.Lists.And(trust).IsEmpty():
			return finding{}
		case !f.IP.Lists.And(deny).IsEmpty():
			return finding{"deny", lists.Names(f.IP.Lists.And(deny))[0], NetworkRefused}
		case byASN && f.IP.Err != nil && f.IP.ASN == 0:
			return finding{"deny", "asn unknown", NetworkRefused} // it might be a denied one
		default:
			return finding{}
		}
	}
}

// askCountry refuses addresses of other countries.
func askCountry(g *geoSettings) func(*Facts) finding {
	if g.countries.any {
		return nil
	}
	served := setOf(g.countries.words)
	unknown := findingOf(string(g.unknown), "unknown", CountryRefused)
	return func(f *Facts) finding {
		switch {
		case f.IP.Country == "":
			return unknown
		case served[f.IP.Country]:
			return finding{}
		default:
			return finding{"deny", "countries", CountryRefused}
		}
	}
}

// askMatch compares the number's country with the address's.
func askMatch(g *geoSettings) func(*Facts) finding {
	if g.match == "off" {
		return nil
	}
	differs := findingOf(string(g.match), "match", CountryRefused)
	unknown := findingOf(string(g.unknown), "unknown", CountryRefused)
	known := g.countries.any // otherwise askCountry has asked already
	return func(f *Facts) finding {
		switch {
		case f.Phone.IsZero():
			return finding{}
		case f.IP.Country == "":
			if known {
				return unknown
			}
			return finding{}
		case f.IP.Country != f.Phone.Region():
			return differs
		default:
			return finding{}
		}
	}
}

func askRegion(n *numberSettings) func(*Facts) finding {
	if n.countries.any {
		return nil
	}
	served := setOf(n.countries.words)
	return func(f *Facts) finding {
		if f.Phone.IsZero() || served[f.Phone.Region()] {
			return finding{}
		}
		return finding{"deny", "countries", NumberRefused}
	}
}

func askType(n *numberSettings) func(*Facts) finding {
	if n.types.any {
		return nil
	}
	var served [256]bool
	for _, word := range n.types.words {
		t, _ := phone.ParseType(word)
		served[t] = true
	}
	return func(f *Facts) finding {
		if f.Phone.IsZero() || served[f.Phone.Type()] {
			return finding{}
		}
		return finding{"deny", "types", NumberRefused}
	}
}

func askPrefix(n *numberSettings) func(*Facts) finding {
	if len(n.deny) == 0 {
		return nil
	}
	return func(f *Facts) finding {
		if f.Phone.IsZero() {
			return finding{}
		}
		for _, prefix := range n.deny {
			if f.Phone.HasPrefix(prefix) {
				return finding{"deny", prefix, NumberRefused}
			}
		}
		return finding{}
	}
}

// findingOf returns the finding that a word of the ruleset stands for.
func findingOf(word, rule string, reason Code) finding {
	if word == "allow" || word == "off" {
		return finding{}
	}
	return finding{thenWord(word), rule, reason}
}

func setOf(words []string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}
