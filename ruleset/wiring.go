package ruleset

import (
	"slices"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network"
)

// Wiring is what the place that a ruleset runs in gives it. A ruleset that
// needs what is not there is refused.
type Wiring struct {
	Country   *network.Database // nil if there is none
	ASN       *network.Database // nil if there is none
	Turnstile bool              // whether a secret for Turnstile is there
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
	c.need(pos, "country_db", c.wiring.Country != nil,
		who+" needs a database of countries: add country_db FILE to the global otp_gate options of the Caddyfile, or take this out of the ruleset")
}

func (c *compiler) needASN(pos strict.Pos, who string) {
	c.need(pos, "asn_db", c.wiring.ASN != nil,
		who+" needs a database of autonomous systems: add asn_db FILE to the global otp_gate options of the Caddyfile, or take this out of the ruleset")
}
