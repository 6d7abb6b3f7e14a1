package ruleset

import (
	"context"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/otpgate/otpgate/ruleset/answer"
	"github.com/otpgate/otpgate/ruleset/human"
	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Gate judges requests by a ruleset. The ruleset can be exchanged while
// requests are being judged; each is judged by one ruleset from end to end.
type Gate struct {
	ledger ledger.Ledger
	keys   *Keys
	force  atomic.Pointer[force]
	alerts alerts
}

// force is what is in force, exchanged as one.
type force struct {
	rules  *Ruleset
	prover human.Verifier
}

// NewGate returns a gate that judges by rules. The prover looks into proofs;
// it may be nil if the rules ask for none.
func NewGate(rules *Ruleset, prover human.Verifier, l ledger.Ledger, keys *Keys) *Gate {
	g := &Gate{ledger: l, keys: keys}
	g.Use(rules, prover)
	return g
}

// Rules returns the ruleset in force.
func (g *Gate) Rules() *Ruleset { return g.force.Load().rules }

// Use puts another ruleset in force. What has been counted stays counted.
func (g *Gate) Use(rules *Ruleset, prover human.Verifier) {
	g.force.Store(&force{rules, prover})
}

// Judgement is one request: what is known of it, and what was decided.
type Judgement struct {
	Facts   Facts
	Verdict Verdict

	rules   *Ruleset
	shape   *shapeSettings // nil where all requests have one shape, or this one has none
	known   remembered     // of the handle that the request has brought
	knownAs string         // that handle; empty if none of them is known
	entered bool           // it was let through as one for whose handle nothing is sent to a phone
}

// Rules returns the ruleset that the request was judged by.
func (j *Judgement) Rules() *Ruleset { return j.rules }

// Answers reads what the app's answer to the request means.
func (j *Judgement) Answers() *answer.Reader { return j.answers().reader }

func (j *Judgement) answers() *answerSettings {
	if j.shape != nil {
		return &j.shape.answers
	}
	return &j.rules.settings.answers
}

// Judge reads r, which came from client at the time at, and decides. It reads
// the body and puts it back, byte for byte, for whoever comes next.
//
// If the verdict says Held, [Gate.Settle] must be called once the app has
// answered.
func (g *Gate) Judge(r *http.Request, client netip.Addr, at time.Time) *Judgement {
	d := g.begin(at)
	d.run(r, client)
	j := d.Judgement
	d.end()
	return j
}

// begin takes up a new judgement.
func (g *Gate) begin(at time.Time) *decision {
	in := g.force.Load()
	d := decisions.Get().(*decision)
	d.gate, d.force, d.policy = g, in, in.rules.base
	d.Judgement = &Judgement{rules: in.rules}
	d.Facts.At = at
	d.Facts.ID = NewID(at)
	return d
}

// Settle closes what is held for j with what came of it. It asks for a context
// that the client cannot end.
func (g *Gate) Settle(ctx context.Context, at time.Time, j *Judgement, o ledger.Outcome) error {
	if !j.Verdict.Held {
		return nil
	}
	return g.ledger.Settle(ctx, at, j.Facts.ID, o)
}

// WrongCode records a wrong guess at the code sent to j's number.
func (g *Gate) WrongCode(ctx context.Context, at time.Time, j *Judgement) error {
	d := g.begin(at)
	defer d.end()
	d.Judgement = j
	d.policy = d.force.rules.policyFor(&j.Facts)
	return d.record(ctx, at, ledger.WrongCodes)
}
