package scenario

import (
	"context"
	"errors"
	"strings"

	"github.com/otpgate/otpgate/ruleset/human"
)

// prover plays the issuer of proofs. It does what the token says.
type prover struct {
	asked int
	spent map[string]bool
}

// oneTime begins tokens that pass once.
const oneTime = "once-"

var proofs = map[string]human.Result{
	"pass":   {Status: human.Passed},
	"fail":   {Status: human.Failed, Codes: []string{human.CodeInvalidResponse}},
	"spent":  {Status: human.Failed, Codes: []string{human.CodeSpent}},
	"away":   {Status: human.Unavailable, Codes: []string{human.CodeTransport}, Err: errors.New("the issuer is away")},
	"broken": {Status: human.Misconfigured, Codes: []string{human.CodeInvalidSecret}, Err: errors.New("the issuer does not accept the secret")},
}

// proofWords are the tokens that a step may bring.
var proofWords = []string{"pass", "fail", "spent", "away", "broken", oneTime + "WORD"}

func isProof(token string) bool {
	_, ok := proofs[token]
	return ok || strings.HasPrefix(token, oneTime)
}

// Verify implements [human.Verifier].
func (p *prover) Verify(_ context.Context, proof human.Proof) human.Result {
	p.asked++
	if strings.HasPrefix(proof.Token, oneTime) {
		if p.spent[proof.Token] {
			return proofs["spent"]
		}
		p.spent[proof.Token] = true
		return proofs["pass"]
	}
	if result, ok := proofs[proof.Token]; ok {
		return result
	}
	return proofs["fail"]
}
