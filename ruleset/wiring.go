package ruleset

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// Wiring is what the place that a ruleset runs in gives it. A ruleset that
// needs what is not there is refused.
type Wiring struct {
	// Databases tell countries, autonomous systems and what else there is to know
	// of addresses; nil if there are none.
	Databases *network.Databases
	// Feeds returns what a feed holds that [Ruleset.Feeds] has named, or nil if it
	// has never been loaded. A nil Feeds has loaded nothing.
	Feeds     func(name string) *feed.Result
	Turnstile bool // whether a secret for Turnstile is there
	// MatchPath returns what matches a pattern of paths: the server's own way to
	// do it. Rulesets with paths are refused without it.
	MatchPath func(pattern string) (func(*http.Request) bool, error)
	// Unwired takes everything for wired, to look at a file alone.
	Unwired bool
}

// need notes that something has to be wired, and objects once if it is not.
func (c *compiler) need(pos strict.Pos, what string, wired bool, objection string) {
	if !slices.Contains(c.needs, what) {
		c.needs = append(c.needs, what)
	}
	if !wired && !c.wiring.Unwired && !c.missing[what] {
		c.missing[what] = true
		c.src.Errorf(pos, "%s", objection)
	}
}

func (c *compiler) needCountry(pos strict.Pos, who string) {
	c.need(pos, "country_db", c.wiring.Databases.Tells(network.CountryField),
		who+" needs a database of countries: add country_db FILE to the global otp_gate options of the Caddyfile, or take this out of the ruleset")
}

func (c *compiler) needASN(pos strict.Pos, who string) {
	c.need(pos, "asn_db", c.wiring.Databases.Tells(network.ASNField),
		who+" needs a database of autonomous systems: add asn_db FILE to the global otp_gate options of the Caddyfile, or take this out of the ruleset")
}

// needField asks for a database that tells a field.
func (c *compiler) needField(pos strict.Pos, f network.Field, who string) {
	switch f {
	case network.CountryField:
		c.needCountry(pos, who)
	case network.ASNField, network.OrgField: // one database tells both
		c.needASN(pos, who)
	default:
		c.need(pos, "a database that tells "+string(f), c.wiring.Databases.Tells(f), who+fmt.Sprintf(needsDatabase, f)+", or take this out of the ruleset")
	}
}

// needTraits asks for a database that tells one of the traits at least. The other
// way out is what else can be done.
func (c *compiler) needTraits(pos strict.Pos, t network.Traits, word, who, otherway string) {
	c.need(pos, "a database that tells "+word, c.wiring.Databases.TellsTrait(t), who+fmt.Sprintf(needsDatabase, word)+", "+otherway)
}

const needsDatabase = " needs a database that tells %s: add database FILE to the global otp_gate options of the Caddyfile"
