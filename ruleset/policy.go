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
	detail string // what more there is to say to the operator
}

// refusal is a finding that refuses.
func refusal(rule string, reason Code) finding {
	return finding{then: "deny", rule: rule, reason: reason}
}

// known is what the checks ask.
type known struct {
	lists     *lists
	databases *network.Databases
	numbers   *phone.Lists
}

func newPolicy(s *settings, from known) *policy {
	p := &policy{require: s.human.require, humanShadow: s.human.shadow || s.shadow, hideCooldown: s.hideCooldown}
	add := func(name Check, shadow bool, ask func(*Facts) finding) {
		if ask != nil {
			p.checks = append(p.checks, check{name, shadow || s.shadow, ask})
		}
	}
	add(CheckNetwork, s.network.shadow, askNetwork(&s.network, from.lists, from.databases))
	add(CheckGeo, s.geo.shadow, askCountry(s))
	add(CheckNumber, s.number.shadow, askRegion(&s.number))
	add(CheckNumber, s.number.shadow, askType(&s.number))
	add(CheckNumber, s.number.shadow, askPrefix(&s.number))
	add(CheckNumber, s.number.shadow, askNumberLists(&s.number, from.numbers))
	add(CheckNumber, s.number.shadow, askUnknown(&s.number))
	if s.budget != nil {
		add(CheckBudget, s.budget.shadow, askPrice)
	}
	add(CheckGeo, s.geo.shadow, askMatch(s))
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

func askRegion(n *numberSettings) func(*Facts) finding {
	if n.countries.any {
		return nil
	}
	served := setOf(n.countries.words)
	return func(f *Facts) finding {
		if f.Phone.IsZero() || served[f.Phone.LikelyRegion()] || slices.ContainsFunc(n.countries.words, func(r string) bool { return mayBeOf(f.Phone, r) }) {
			return finding{}
		}
		return refusal("countries", NumberRefused)
	}
}

// mayBeOf reports whether n, of which nobody can tell yet where it belongs, may be
// of a region: one of those that share its calling code.
func mayBeOf(n phone.Number, region string) bool {
	return n.LikelyRegion() == "" && phone.CallingCode(region) == n.CallingCode()
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
		if !f.Phone.Valid() || served[f.Phone.Type()] { // of others it is not known
			return finding{}
		}
		return refusal("types", NumberRefused)
	}
}

func askPrefix(n *numberSettings) func(*Facts) finding {
	var prefixes []string
	for _, d := range n.deny {
		if d.prefix != "" {
			prefixes = append(prefixes, d.prefix)
		}
	}
	if len(prefixes) == 0 {
		return nil
	}
	return func(f *Facts) finding {
		if f.Phone.IsZero() {
			return finding{}
		}
		for _, prefix := range prefixes {
			if f.Phone.HasPrefix(prefix) {
				return refusal(prefix, NumberRefused)
			}
		}
		return finding{}
	}
}

// askNumberLists refuses numbers in the lists of deny.
func askNumberLists(n *numberSettings, numbers *phone.Lists) func(*Facts) finding {
	var denied phone.Set
	for _, d := range n.deny {
		if i, ok := numbers.Index(d.list); ok {
			denied |= 1 << i
		}
	}
	if denied == 0 {
		return nil
	}
	return func(f *Facts) finding {
		if in := f.PhoneLists & denied; in != 0 {
			return refusal(numbers.Names(in)[0], NumberRefused)
		}
		return finding{}
	}
}

// askUnknown is about numbers that are possible, but not known to be in use. Where
// they are refused that has been done before.
func askUnknown(n *numberSettings) func(*Facts) finding {
	unknown := findingOf(string(n.unknown), "unknown", NumberRefused)
	if n.unknown == "deny" || unknown.then == "" {
		return nil
	}
	return func(f *Facts) finding {
		if f.Phone.IsZero() || f.Phone.Valid() {
			return finding{}
		}
		return unknown
	}
}

// findingOf returns the finding that a word of the ruleset stands for.
func findingOf(word, rule string, reason Code) finding {
	if word == "allow" || word == "off" {
		return finding{}
	}
	return finding{then: thenWord(word), rule: rule, reason: reason}
}

func setOf(words []string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}
