// Package turnstiletest emulates Cloudflare's siteverify at the wire, for tests
// and benchmarks of whatever asks it: the documented questions and answers,
// tokens that can be redeemed once and for 300 seconds, idempotency keys, and
// on demand all the ways in which the real one, or what stands before it, can
// go wrong.
//
// It needs no *testing.T:
//
//	s := turnstiletest.New()
//	defer s.Close()
//	token := s.Issue(turnstiletest.Token{Hostname: "login.example.com", Action: "send-otp"})
//	// ... ask s.URL with s.Secret ...
//	s.Next(turnstiletest.LoseAnswer) // the next call redeems, then breaks off
package turnstiletest
