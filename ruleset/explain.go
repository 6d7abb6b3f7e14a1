package ruleset

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Explanation is one request with the answer of every check, whether or not
// an earlier one refused.
type Explanation struct {
	*Judgement
	Steps []Step `json:"steps"`
}

// Step is the answer of one check.
type Step struct {
	Check  Check  `json:"check"`
	Rule   string `json:"rule,omitempty"`   // the limit, rule or part of the check
	Answer string `json:"answer"`           // pass, deny, challenge, flag, skipped, or what is counted
	Code   Code   `json:"code,omitempty"`   // the reason of a refusal
	Detail string `json:"detail,omitempty"` // more, for people
	Shadow bool   `json:"shadow,omitempty"` // would not refuse
	// Cost is how long the check took.
	Cost time.Duration `json:"cost_ns"`
}

// Explain judges r as [Gate.Judge] does, and asks every check besides. It
// charges what Judge charges: use a gate with a ledger of its own.
func (g *Gate) Explain(r *http.Request, client netip.Addr, at time.Time) *Explanation {
	e := &Explanation{}
	d := g.begin(at)
	defer d.end()

	readable := true
	e.step(d, CheckRequest, func(s *Step) {
		readable = d.read(r, client)
		if d.Facts.IP.Err != nil {
			s.Detail = d.Facts.IP.Err.Error()
		}
		if !readable {
			s.Check, s.Answer, s.Code, s.Detail = d.Verdict.Check, "deny", d.Verdict.Code, d.Verdict.Detail
		}
	})
	if readable {
		e.checks(d)
		e.rules(d)
		e.limits(d)
	}
	start := time.Now()
	e.Judgement = g.Judge(r, client, at)
	if v := e.Verdict; v.Proof != "" {
		s := Step{Check: CheckHuman, Answer: "pass", Detail: "proof: " + v.Proof, Cost: time.Since(start)}
		if v.Check == CheckHuman {
			s.Answer, s.Rule, s.Code = v.Action.String(), v.Rule, v.Reason
		}
		e.Steps = append(e.Steps, s)
	} else if readable && !d.needsProof() {
		e.Steps = append(e.Steps, Step{Check: CheckHuman, Answer: "skipped", Detail: "no proof is asked for"})
	}
	return e
}

// step asks one thing and notes how long that took.
func (e *Explanation) step(d *decision, check Check, ask func(*Step)) {
	s := Step{Check: check, Answer: "pass"}
	start := time.Now()
	ask(&s)
	s.Cost = time.Since(start)
	e.Steps = append(e.Steps, s)
}

func (e *Explanation) checks(d *decision) {
	for _, c := range d.policy.checks {
		if d.sendsNothing() && c.name != CheckNumber {
			continue
		}
		e.step(d, c.name, func(s *Step) {
			f := c.ask(&d.Facts)
			s.found(d, f, c.shadow)
		})
	}
}

func (e *Explanation) rules(d *decision) {
	if d.sendsNothing() {
		return
	}
	for i := range d.rules.rules {
		r := &d.rules.rules[i]
		e.step(d, CheckRule, func(s *Step) {
			met, err := r.ask(&condition{&d.Facts, d.rules})
			if err != nil {
				s.Detail = err.Error()
			}
			if met {
				s.found(d, finding{then: r.then, rule: r.name, reason: Refused}, r.shadow || d.rules.settings.shadow)
			}
			s.Rule = r.name
			if !met {
				s.Answer = "not met"
			}
		})
	}
}

// found fills in what a check found.
func (s *Step) found(d *decision, f finding, shadow bool) {
	if f.then == "" {
		return
	}
	s.Answer, s.Rule, s.Shadow = string(f.then), f.rule, shadow
	if f.detail != "" {
		s.Detail = f.detail
	}
	switch f.then {
	case "deny":
		s.Code = f.reason
	case "challenge":
		s.Code = HumanRequired
		if !shadow && d.challenge.then == "" {
			d.challenge = f
		}
	}
}

// limits says of each limit for whom this request counts.
func (e *Explanation) limits(d *decision) {
	for i := range d.policy.counters {
		c := &d.policy.counters[i]
		var known bool
		e.step(d, CheckLimit, func(s *Step) { _, known = d.charge(c) })
		cost := e.Steps[len(e.Steps)-1].Cost
		e.Steps = e.Steps[:len(e.Steps)-1]
		for _, l := range c.limits {
			s := Step{Check: l.check(), Rule: l.name, Answer: "counts", Shadow: l.shadow && l.kind != alertsSpending, Cost: cost}
			cost = 0 // one key for all limits of the counter
			switch {
			case d.sendsNothing() && !c.tally.Count.Attempts():
				s.Answer, s.Detail = "skipped", "the request sends nothing"
			case c.tally.Period != ledger.Sliding && known:
				s.Detail = d.Facts.Price.String()
			case c.tally.Period != ledger.Sliding:
				s.Answer, s.Detail = "skipped", d.unspent(c)
			case !known:
				s.Answer, s.Detail = "skipped", "the request has no "+strings.Join(d.absent(c), ", no ")
			case c.tally.Count.Attempts() && l.count != "requests":
				s.Answer = "looked at"
			}
			e.Steps = append(e.Steps, s)
		}
	}
}

// unspent says why a request costs a budget nothing.
func (d *decision) unspent(c *counter) string {
	if c.country != "" && !d.Facts.Phone.IsZero() && c.country != d.Facts.Phone.LikelyRegion() {
		return "the number is not of " + c.country
	}
	return "the number has no price"
}

// absent names what a counter counts for and the request does not have.
func (d *decision) absent(c *counter) []string {
	var names []string
	for _, i := range c.per {
		if !d.digest(i).known {
			names = append(names, d.policy.pers[i].String())
		}
	}
	if c.distinct >= 0 {
		if !d.digest(c.distinct).known {
			names = append(names, d.policy.pers[c.distinct].String())
		}
	}
	return names
}
