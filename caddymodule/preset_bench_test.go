package caddymodule

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/ledger"
)

// BenchmarkPreset is a decision without limits, so that what is left is reading
// the request and its number: with one shape for all requests, and with the
// shapes of presets.
func BenchmarkPreset(b *testing.B) {
	const otp = `{"phone":"+14155550123","create_user":true,"gotrue_meta_security":{"captcha_token":"XXXX.DUMMY.TOKEN.XXXX"}}`
	for _, row := range []struct{ name, rules, line, kind, body string }{
		{"none", "request: {phone: json /phone}", "POST /auth/v1/otp", "application/json", otp},
		{"supabase", "preset: supabase", "POST /auth/v1/otp", "application/json", otp},
		{"better-auth", "preset: better-auth", "POST /api/auth/phone-number/send-otp", "application/json", `{"phoneNumber":"+14155550123"}`},
		{"kratos/json", "preset: kratos", "POST /self-service/login?flow=e579a2d6-86c8-4733-91ce-89309d2c0fdd", "application/json", `{"method":"code","csrf_token":"aGVsbG8gd29ybGQ=","identifier":"+14155550123"}`},
		{"kratos/form", "preset: kratos", "POST /self-service/login?flow=e579a2d6-86c8-4733-91ce-89309d2c0fdd", "application/x-www-form-urlencoded", `method=code&csrf_token=aGVsbG8gd29ybGQ%3D&identifier=%2B14155550123`},
	} {
		b.Run(row.name, func(b *testing.B) {
			text := "version: 1\n" + row.rules + "\nnumber: {countries: [US]}\nhuman: {require: never}\nlimits: []\n"
			rules, problems := ruleset.Compile("bench.yaml", []byte(text), nil, ruleset.Wiring{MatchPath: matchPath})
			if rules == nil {
				b.Fatal(problems)
			}
			gate := ruleset.NewGate(rules, nil, ledger.NewEmbedded(), ruleset.NewKeys(make([]byte, 32)))
			method, target, _ := strings.Cut(row.line, " ")
			r, err := http.NewRequest(method, "http://example.com"+target, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Content-Type", row.kind)
			r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer())) // as Caddy does
			body := strings.NewReader("")
			at, addr := time.Now(), netip.MustParseAddr("192.0.2.7")
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(row.body)
				r.Body, r.ContentLength = io.NopCloser(body), int64(len(row.body))
				if j := gate.Judge(r, addr, at); j.Verdict.Action != ruleset.Allow {
					b.Fatal(j.Verdict.Reason, j.Verdict.Detail)
				}
			}
		})
	}
}
