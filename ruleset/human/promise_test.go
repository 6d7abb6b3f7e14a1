package human

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/otpgate/otpgate/ruleset/human/turnstiletest"
)

// direct asks an emulator without a network.
func direct(s *turnstiletest.Server) roundTrip {
	return func(r *http.Request) (resp *http.Response, err error) {
		defer func() {
			if caught := recover(); caught != nil {
				if caught != http.ErrAbortHandler {
					panic(caught)
				}
				resp, err = nil, errors.New("connection reset")
			}
		}()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Result(), nil
	}
}

// However things go wrong, and however often a token is sent: it passes at most
// once, no request asks more than twice, and a token that nobody issued never
// passes.
func TestPromises(t *testing.T) {
	faults := []*turnstiletest.Fault{
		nil, nil,
		turnstiletest.Codes(CodeInternal),
		turnstiletest.Codes(),
		turnstiletest.Reset,
		turnstiletest.LoseAnswer,
		turnstiletest.Truncated,
		turnstiletest.HalfJSON,
		turnstiletest.WrongType,
		turnstiletest.Page(502),
		turnstiletest.Status(500),
		turnstiletest.Redirect(307, "/"),
	}
	rapid.Check(t, func(t *rapid.T) {
		s := turnstiletest.NewHandler()
		defer s.Close()
		v, err := NewTurnstile(TurnstileConfig{Secret: s.Secret, Transport: direct(s)})
		if err != nil {
			t.Fatal(err)
		}
		tokens := []string{s.Issue(turnstiletest.Token{}), s.Issue(turnstiletest.Token{}), "0.forged"}
		passed := map[string]int{}
		for range rapid.IntRange(1, 12).Draw(t, "requests") {
			s.Reset()
			s.Next(faults[rapid.IntRange(0, len(faults)-1).Draw(t, "fault")], faults[rapid.IntRange(0, len(faults)-1).Draw(t, "fault")])
			token := rapid.SampledFrom(tokens).Draw(t, "token")
			r := v.Verify(t.Context(), newProof(token))
			if r.Status == Passed {
				passed[token]++
			}
			if r.Attempts != s.Count() || r.Attempts < 1 || r.Attempts > 2 {
				t.Fatalf("%d attempts, %d calls", r.Attempts, s.Count())
			}
			if calls := s.Calls(); calls[0].IdempotencyKey != calls[len(calls)-1].IdempotencyKey {
				t.Fatal("the second question bears another key")
			}
			if r.Status == Misconfigured {
				t.Fatalf("the operator is blamed: %v", r.Codes)
			}
		}
		for token, n := range passed {
			if n > 1 || !slices.Contains(tokens[:2], token) {
				t.Fatalf("a token passed %d times", n)
			}
		}
	})
}
