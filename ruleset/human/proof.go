package human

import (
	"context"
	"net/netip"
	"time"
)

// Verifier checks one proof with whoever issued it.
//
// Verify never panics for what a visitor sent, always returns a Result that
// can be acted on, and returns soon after ctx is done. It may spend the token:
// call it at most once for a request, and only when nothing else refuses it.
// It is safe for concurrent use.
type Verifier interface {
	Verify(ctx context.Context, p Proof) Result
}

// VerifierFunc is a function that is a Verifier.
type VerifierFunc func(ctx context.Context, p Proof) Result

// Verify calls f.
func (f VerifierFunc) Verify(ctx context.Context, p Proof) Result { return f(ctx, p) }

// Proof is what a request brings to show that a person asks.
type Proof struct {
	// Token is the proof as the visitor sent it: anything at all.
	Token string `json:"-"`

	// RemoteIP is the visitor's address. The zero Addr is left out of what
	// the issuer is told.
	RemoteIP netip.Addr

	// ID is the gate's own random id of the request, never one that the
	// visitor could choose: issuers answer a repeated question with the same
	// id as they did before, so whoever repeats an id redeems a token twice.
	// The zero ID is refused for that reason.
	ID [16]byte

	// At is when the request reached the gate; ages are measured from it.
	At time.Time
}

// String says what p is about, without the token.
func (p Proof) String() string {
	if p.Token == "" {
		return "proof without a token"
	}
	return "proof [token hidden]"
}

// GoString is String, so that %#v hides the token too.
func (p Proof) GoString() string { return p.String() }

// Status says whether a proof holds and, if not, whose fault that is.
type Status uint8

const (
	// Unavailable: the issuer could not be asked, or gave no usable answer.
	// It is the zero value, so that a forgotten case admits nobody.
	Unavailable Status = iota
	// Failed: the proof is missing, wrong, spent, too old, or made for
	// somewhere else. The visitor has to get a new one.
	Failed
	// Misconfigured: the issuer does not accept the operator's secret, or the
	// form of our question. No visitor can pass until that is mended.
	Misconfigured
	// Passed: a person asks, as far as the issuer can tell.
	Passed
)

var statusNames = [...]string{"unavailable", "failed", "misconfigured", "passed"}

// String returns the status as one stable, lower-case word.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unknown"
}

// Result is what became of one proof.
type Result struct {
	Status Status

	// Codes say why a proof did not pass: the issuer's own codes, in its
	// order, or ours. At most eight different ones, each of lower-case letters
	// and hyphens. They need not be among the Code constants: ask KnownCode
	// before using one as a label.
	Codes []string

	// Detail is one sentence for the log. It may quote the hostname that the
	// issuer named, never the token or a secret.
	Detail string

	// Took is how long Verify took; Attempts how often the issuer was asked,
	// 0 if the answer was found without asking.
	Took     time.Duration
	Attempts int

	// Hostname and Action are where the token was made, by the issuer's word,
	// cut to what can be logged: a page chooses its action freely, so do not
	// use it as a label. Age is how old the challenge was at Proof.At. All
	// are zero if the issuer did not say.
	Hostname string
	Action   string
	Age      time.Duration

	// Err is why there was no usable answer, or what the operator has to
	// mend; nil for Passed and Failed. errors.Is finds context.Canceled (the
	// caller went away) and context.DeadlineExceeded in it.
	Err error
}
