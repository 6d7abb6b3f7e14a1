package human

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/human/turnstiletest"
)

func BenchmarkVerify(b *testing.B) {
	s := emulator(b)
	b.Run("passed/emulator", func(b *testing.B) {
		v := asking(b, s, TurnstileConfig{Hostnames: []string{"example.com"}})
		p := newProof("")
		for i := 0; b.Loop(); i++ {
			p.Token = s.Issue(turnstiletest.Token{})
			binary.BigEndian.PutUint64(p.ID[:], uint64(i)+1)
			if r := v.Verify(context.Background(), p); r.Status != Passed {
				b.Fatal(r.Detail)
			}
		}
	})
	b.Run("failed/emulator", func(b *testing.B) {
		v := asking(b, s, TurnstileConfig{})
		p := newProof("0.not-a-token-that-anybody-issued")
		for b.Loop() {
			if r := v.Verify(context.Background(), p); r.Status != Failed {
				b.Fatal(r.Detail)
			}
		}
	})
	b.Run("passed/no network", func(b *testing.B) {
		at := time.Date(2022, 10, 6, 0, 7, 30, 0, time.UTC)
		v := asking(b, s, TurnstileConfig{Transport: stub{200, "application/json",
			`{"success":true,"challenge_ts":"2022-10-06T00:07:23.274Z","hostname":"example.com","error-codes":[],"action":"login","cdata":""}`}})
		p := newProof("0.token")
		p.At = at
		b.ReportAllocs()
		for b.Loop() {
			if r := v.Verify(context.Background(), p); r.Status != Passed {
				b.Fatal(r.Detail)
			}
		}
	})
	b.Run("passed/test secret", func(b *testing.B) {
		v := asking(b, s, TurnstileConfig{Secret: SecretAlwaysPasses})
		p := newProof(DummyToken)
		b.ReportAllocs()
		for b.Loop() {
			if r := v.Verify(context.Background(), p); r.Status != Passed {
				b.Fatal(r.Detail)
			}
		}
	})
	b.Run("failed/not a token", func(b *testing.B) {
		v := asking(b, s, TurnstileConfig{})
		p := newProof("not a token")
		b.ReportAllocs()
		for b.Loop() {
			if r := v.Verify(context.Background(), p); r.Status != Failed {
				b.Fatal(r.Detail)
			}
		}
	})
}
