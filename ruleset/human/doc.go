// Package human checks proofs that a person asks.
//
// A proof is a token that a page got from whoever watches its visitor, and
// that only its issuer can judge. Verifier is the contract; Turnstile is the
// verifier for Cloudflare Turnstile, and package turnstiletest emulates the
// other end of its wire.
//
// A verifier never guesses: what is not a clear yes is one of three kinds of
// no, told apart by whose fault it is (see Status), because they are answered
// differently: the visitor is asked again, the operator is told, and for an
// issuer that is away the ruleset names a fallback.
//
// Neither a token nor a secret appears in any error, detail or String of this
// package.
package human
