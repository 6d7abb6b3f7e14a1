package ruleset

import (
	"time"

	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
	"github.com/otpgate/otpgate/ruleset/request"
)

// settings is what a ruleset means: every default filled in, every value
// checked. The policies are made of it, and [Ruleset.Show] prints it.
type settings struct {
	name         string
	mode         Mode
	preset       *presetSettings // nil if there is none
	shape        request.Shape   // where all requests have one
	shapes       []shapeSettings
	region       string
	answers      answerSettings
	network      networkSettings
	geo          geoSettings
	number       numberSettings
	human        humanSettings
	limits       []limit
	budget       *budgetSettings // nil if there is none
	rules        []rule
	regions      []regionSettings
	hideCooldown bool
	shadow       bool
}

type networkSettings struct {
	trust   []string
	deny    []denied
	private allowWord // empty if it is not said
	tunnels allowWord
	lists   []listSettings
	risk    *riskSettings // nil if nothing asks for scores
	shadow  bool
}

// riskSettings say what happens by a score. What is nil does not happen.
type riskSettings struct {
	deny, challenge, flag *float64
	away                  unknownWord
	shadow                bool
}

// denied is one word of deny: a list, what databases tell, or both.
type denied struct {
	word   string
	listed bool           // there is a list of that name
	traits network.Traits // which a database tells
	asns   bool           // the list holds autonomous systems
}

type listSettings struct {
	name     string
	cidrs    []string
	file     string
	feed     feed.Feed // where it is fetched from; it has no name if it is not
	required bool
	shipped  bool // all that is not said here is that of the shipped list
	asns     []uint32
}

// anyOf is a set of words, or all of them.
type anyOf struct {
	any   bool
	words []string
}

type geoSettings struct {
	countries anyOf
	match     matchWord
	unknown   unknownWord
	shadow    bool
}

type numberSettings struct {
	countries anyOf
	types     anyOf
	deny      []forbidden
	lists     []numberListSettings
	unknown   unknownWord
	shadow    bool
}

type numberListSettings struct {
	name     string
	entries  []string
	file     string
	column   string
	prefixes bool
}

type humanSettings struct {
	require   requireWord
	hostnames []string
	action    string
	maxAge    time.Duration
	fallback  fallbackWord
	shadow    bool
}

// regionSettings is what differs for numbers of one region. What is nil does
// not differ.
type regionSettings struct {
	region    string
	countries *anyOf
	match     *matchWord
	unknown   *unknownWord
	types     *anyOf
	require   *requireWord
	limits    []limit
	hasLimits bool
}

// in returns the settings for numbers of region r.
func (s *settings) in(r *regionSettings) *settings {
	t := *s
	if r.countries != nil {
		t.geo.countries = *r.countries
	}
	if r.match != nil {
		t.geo.match = *r.match
	}
	switch {
	case r.unknown != nil:
		t.geo.unknown = *r.unknown
	case r.countries != nil || r.match != nil:
		t.geo.unknown = stricter(s.geo.unknown, defaultUnknown(t.geo))
	}
	if r.types != nil {
		t.number.types = *r.types
	}
	if r.require != nil {
		t.human.require = *r.require
	}
	if r.hasLimits {
		t.limits = override(s.limits, r.limits)
	}
	return &t
}

// defaultUnknown is what is done about an address of no known country where
// the ruleset does not say: no more than a wrong country would get away with.
func defaultUnknown(g geoSettings) unknownWord {
	if !g.countries.any {
		return "deny"
	}
	switch g.match {
	case "deny", "challenge", "flag":
		return unknownWord(g.match)
	default:
		return "allow"
	}
}

func stricter(a, b unknownWord) unknownWord {
	for _, w := range unknownWord("").Words() { // the strictest first
		if string(a) == w || string(b) == w {
			return unknownWord(w)
		}
	}
	return "deny"
}
