// Package ruleset holds the language of otpgate's ruleset files, and the
// decision they stand for. It knows nothing of Caddy.
//
// A file becomes a decision in three steps, each of its own:
//
//	text → document   what was written, each value with its place   document.go, words.go
//	     → settings   what is meant: defaults filled in, checked     compile.go, lists.go, risk.go, limits.go, budget.go, prices.go, rules.go, settings.go
//	     → policy     what is asked of a request                     policy.go
//
// [Load] does all three, and reports everything that is wrong at once.
//
// A [Gate] judges requests by a ruleset:
//
//	request → facts → decide → (the app) → settle
//
// [Gate.Judge] reads the [Facts] out of a request and decides, in the order in
// which decide.go reads: the operator's switch, the request itself, the checks
// that need no I/O, the limits that are already full, the score of the address,
// the proof, and at last the charges, all or none. The [Verdict] says who decided and why, and what
// the caller may be told. What was charged is settled by [Gate.Settle], with
// what came of it.
package ruleset
