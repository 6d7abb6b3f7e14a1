package human

import "strings"

// Codes of siteverify, as documented by Cloudflare. hCaptcha and reCAPTCHA
// share most of them.
const (
	CodeMissingSecret   = "missing-input-secret"
	CodeInvalidSecret   = "invalid-input-secret"
	CodeBadRequest      = "bad-request"
	CodeMissingResponse = "missing-input-response"
	CodeInvalidResponse = "invalid-input-response"
	CodeSpent           = "timeout-or-duplicate" // expired, or redeemed before
	CodeInternal        = "internal-error"
)

// Codes of our own, for what siteverify does not judge or could not answer.
const (
	CodeHostname   = "hostname-mismatch" // made on a page of another host
	CodeAction     = "action-mismatch"   // made for another action
	CodeTooOld     = "token-too-old"
	CodeTooNew     = "token-too-new" // solved later than now: a clock is wrong
	CodeGone       = "caller-gone"   // the caller cancelled, or its time ran out
	CodeTimedOut   = "timed-out"
	CodeTransport  = "transport-error"
	CodeUnreadable = "unreadable-answer"
	CodeIncomplete = "incomplete-proof" // a Proof without ID or At: the caller's mistake
	CodeUnknown    = "unknown-code"     // stands for an issuer's code that is not fit for a log
)

// Bounds of what is kept of the codes in an answer.
const (
	maxCodes   = 8
	maxCodeLen = 40
)

var statusOf = map[string]Status{
	CodeMissingSecret:   Misconfigured,
	CodeInvalidSecret:   Misconfigured,
	CodeBadRequest:      Misconfigured,
	CodeMissingResponse: Failed,
	CodeInvalidResponse: Failed,
	CodeSpent:           Failed,
	CodeInternal:        Unavailable,
	CodeHostname:        Failed,
	CodeAction:          Failed,
	CodeTooOld:          Failed,
	CodeTooNew:          Failed,
	CodeGone:            Unavailable,
	CodeTimedOut:        Unavailable,
	CodeTransport:       Unavailable,
	CodeUnreadable:      Unavailable,
	CodeIncomplete:      Unavailable,
	CodeUnknown:         Failed,
}

// KnownCode reports whether code is one of the Code constants: the set that is
// bounded, and so fit for a metric's label.
func KnownCode(code string) bool {
	_, ok := statusOf[code]
	return ok
}

// classify returns the status of an answer that is not a success. One
// operator's fault decides, since nobody can pass before it is mended. Then one
// visitor's fault: only an answer that blames nobody but the issuer is
// Unavailable, because that may open a fallback. A refusal without codes, or
// with codes that nobody documented, is still a refusal, so it is Failed.
func classify(codes []string) Status {
	internal := len(codes) > 0
	for _, code := range codes {
		if status, known := statusOf[code]; known && status == Misconfigured {
			return Misconfigured
		}
		internal = internal && code == CodeInternal
	}
	if internal {
		return Unavailable
	}
	return Failed
}

// cleanCodes bounds the codes of an answer and replaces what could carry
// anything but a word, or a part of one of the hidden strings.
func cleanCodes(raw []string, hidden ...string) []string {
	var codes []string
	seen := make(map[string]bool, maxCodes)
	for _, code := range raw {
		if !KnownCode(code) && !harmless(code, hidden) {
			code = CodeUnknown
		}
		if !seen[code] {
			seen[code] = true
			codes = append(codes, code)
		}
	}
	if len(codes) > maxCodes {
		codes = codes[:maxCodes]
	}
	return codes
}

func harmless(code string, hidden []string) bool {
	if code == "" || len(code) > maxCodeLen {
		return false
	}
	for i := range len(code) {
		if c := code[i]; (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	for _, h := range hidden {
		if strings.Contains(h, code) || strings.Contains(code, h) {
			return false
		}
	}
	return true
}
