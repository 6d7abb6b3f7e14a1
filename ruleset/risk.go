package ruleset

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/risk"
)

// risk reads what happens by the score of an address.
func (c *compiler) risk(s *settings) {
	r := c.doc.Network.Risk
	if r == nil {
		return
	}
	s.network.risk = &riskSettings{away: r.Away.Or("deny"), shadow: r.Shadow.V}
	c.checkChallenge(string(s.network.risk.away), r.Away.Pos, "network.risk.away")
	var stricter string
	var least *float64
	for _, t := range []struct {
		then string
		from strict.Value[float64]
		to   **float64
	}{{"deny", r.Deny, &s.network.risk.deny}, {"challenge", r.Challenge, &s.network.risk.challenge}, {"flag", r.Flag, &s.network.risk.flag}} {
		if !t.from.Good() {
			continue
		}
		c.checkChallenge(t.then, t.from.Pos, "network.risk")
		if least != nil && t.from.V >= *least {
			c.src.Errorf(t.from.Pos, "network.risk: %s is never reached: from %s on it is %s; use a lower score", t.then, formatScore(*least), stricter)
		}
		*t.to = &t.from.V
		stricter, least = t.then, *t.to
	}
	if least != nil {
		c.needRisk(r.Pos, "network.risk")
	}
}

// idleRisk makes up what is said of scores for rules that ask for them, and warns
// where nothing does.
func (c *compiler) idleRisk(s *settings) {
	switch r := s.network.risk; {
	case r == nil && c.scored:
		s.network.risk = &riskSettings{away: "deny"}
	case r != nil && !c.scored && len(r.thresholds()) == 0:
		pos := c.doc.Network.Risk.Pos
		if r := c.doc.Network.Risk; r.Deny.Bad || r.Challenge.Bad || r.Flag.Bad {
			return
		}
		c.src.Warnf(pos, "risk has no effect: say from which score on to deny, challenge or flag, or ask for risk.score in a rule")
		s.network.risk = nil
	}
}

func formatScore(score float64) string { return strconv.FormatFloat(score, 'f', -1, 64) }

// threshold is what happens from a score on.
type threshold struct {
	then thenWord
	from *float64
}

// thresholds are those that there are, the strictest first.
func (r *riskSettings) thresholds() (all []threshold) {
	for _, t := range []threshold{{"deny", r.deny}, {"challenge", r.challenge}, {"flag", r.flag}} {
		if t.from != nil {
			all = append(all, t)
		}
	}
	return all
}

// riskPolicy is what is done about scores.
type riskPolicy struct {
	source     risk.Source
	thresholds []threshold
	away       unknownWord
	shadow     bool
}

func newRiskPolicy(s *settings, source risk.Source) *riskPolicy {
	r := s.network.risk
	if r == nil {
		return nil
	}
	if source == nil {
		source = noService{}
	}
	return &riskPolicy{source, r.thresholds(), r.away, r.shadow || s.network.shadow || s.shadow}
}

// noService is the source where none is wired, which only a command does without.
type noService struct{}

var errNoService = errors.New("no risk service is wired")

func (noService) Known(netip.Addr, time.Time) (risk.Answer, bool) {
	return risk.Answer{Err: errNoService}, true
}

func (noService) Ask(context.Context, netip.Addr, time.Time) risk.Answer {
	return risk.Answer{Err: errNoService}
}

// of returns what f's score is about: the address, or the IPv4 address that it carries.
// It is false of addresses that are settled without: those in a list of trust, and those that nobody has on
// the internet, of which no service knows, and which are no service's business.
func (p *riskPolicy) of(f *Facts, trust network.Set) (netip.Addr, bool) {
	kind := kindOf(&f.IP)
	switch {
	case !f.IP.Addr.IsValid(), isPrivate(kind), !f.IP.Lists.And(trust).IsEmpty():
		return netip.Addr{}, false
	case f.IP.Inner.IsValid() && !isPrivate(network.KindOf(f.IP.Inner)):
		return f.IP.Inner, true
	default:
		return f.IP.Addr, true // a tunnel that carries nonsense is judged as what it is
	}
}

// find says what a score means.
func (p *riskPolicy) find(a risk.Answer) finding {
	for _, t := range p.thresholds {
		if a.Score >= *t.from {
			return finding{then: t.then, rule: "risk", reason: NetworkRefused, detail: "a score of " + formatScore(a.Score)}
		}
	}
	return finding{}
}

// findAway says what it means that there is none.
func (p *riskPolicy) findAway(a risk.Answer) finding {
	rule, reason := "risk away", Unavailable
	if errors.Is(a.Err, risk.ErrUnknown) {
		rule, reason = "risk unknown", NetworkRefused
	}
	found := findingOf(string(p.away), rule, reason)
	if found.then != "" && reason == NetworkRefused {
		found.detail = a.Err.Error()
	}
	return found
}

// scoring is where a decision stands with the score.
type scoring struct {
	state   scoreState
	address netip.Addr // to ask about
	waiting bool       // somebody wants a score that has to be asked for
	rule    int        // the first rule that waits; as many as there are if none does
}

type scoreState uint8

const (
	settled scoreState = iota // there is a score, or none is needed
	unasked                   // the service has to be asked
	absent                    // it has been, and there is no score
)

func (s *scoring) isMissing() bool { return s.state != settled }

func (s *scoring) wait(rule int) { s.waiting, s.rule = true, rule }

// recall takes up the score that is known without asking anybody.
func (d *decision) recall() {
	p := d.rules.risk
	if p == nil {
		return
	}
	a, ok := p.of(&d.Facts, d.rules.sources.Trust)
	if !ok {
		return
	}
	d.scoring.address, d.scoring.state = a, unasked
	if answer, known := p.source.Known(a, d.Facts.At); known {
		d.score(answer)
	}
}

// score takes up an answer.
func (d *decision) score(a risk.Answer) {
	d.Facts.Risk = a
	if d.scoring.state = settled; !a.Known {
		d.scoring.state = absent
	}
}

// weigh asks the service, if somebody waits for the score, and then goes on where
// that was left. Who has to bring a proof and has none is refused without it.
func (d *decision) weigh(ctx context.Context) bool {
	if !d.scoring.waiting || d.needsProof() && d.Facts.Proof == "" && !d.policy.humanShadow {
		return true
	}
	d.score(d.rules.risk.source.Ask(ctx, d.scoring.address, d.Facts.At))
	return d.askRules(d.scoring.rule) && d.askScore()
}

// askScore is the last of the checks: what the score itself means.
func (d *decision) askScore() bool {
	p := d.rules.risk
	switch {
	case p == nil || len(p.thresholds) == 0 || !d.scoring.address.IsValid():
		return true
	case d.scoring.state == unasked:
		if !d.scoring.waiting {
			d.scoring.wait(len(d.rules.rules))
		}
		return true
	case d.scoring.state == absent:
		return d.heedAway()
	case !d.Facts.Risk.Known:
		return true // that has been heeded
	default:
		return d.heed(CheckNetwork, p.shadow, p.find(d.Facts.Risk))
	}
}

// heedAway does what is to be done where there is no score, once.
func (d *decision) heedAway() bool {
	d.scoring.state = settled
	p, a := d.rules.risk, d.Facts.Risk
	if !errors.Is(a.Err, risk.ErrUnknown) {
		d.Verdict.Err = errors.Join(d.Verdict.Err, a.Err)
	}
	return d.heed(CheckNetwork, p.shadow, p.findAway(a))
}

// scorelessly asks a rule, and reports whether it cannot be worked out without a
// score that is not there.
func (r *rule) scorelessly(c *condition) (met bool, err error, wants bool) {
	c.wanted = false
	met, err = r.ask(c)
	return met, err, err != nil && c.wanted
}

// refusedAnyway returns the rule that refuses whatever comes of those from one on
// that want a score, and why it could not be worked out, if so; nil if it depends on
// them.
func (d *decision) refusedAnyway(from int, facts *condition) (*rule, error) {
	for i := from; i < len(d.rules.rules); i++ {
		r := &d.rules.rules[i]
		switch met, err, wants := r.scorelessly(facts); {
		case !wants && !met, !d.ends(r):
		case r.then == "deny" && !wants:
			return r, err
		case r.then == "deny": // refuses, or goes on
		default:
			return nil, nil // may let it off the rules below
		}
	}
	return nil, nil
}

// risk asks for the score and says what it means.
func (e *Explanation) risk(ctx context.Context, d *decision) {
	p := d.rules.risk
	if p == nil {
		return
	}
	e.step(d, CheckNetwork, func(s *Step) {
		s.Rule = "risk"
		a, ok := p.of(&d.Facts, d.rules.sources.Trust)
		if !ok {
			s.Answer, s.Detail = "skipped", "the address is settled without a score"
			return
		}
		d.Facts.Risk = p.source.Ask(ctx, a, d.Facts.At)
		if found := p.findAway(d.Facts.Risk); !d.Facts.Risk.Known {
			s.Detail = d.Facts.Risk.Err.Error()
			s.found(d, found, p.shadow)
			return
		}
		s.Detail = "a score of " + formatScore(d.Facts.Risk.Score)
		s.found(d, p.find(d.Facts.Risk), p.shadow)
	})
}
