package caddymodule

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/ledger"
)

func rulesOf(t testing.TB, text string) *ruleset.Ruleset {
	t.Helper()
	rules, problems := ruleset.Compile("rules.yaml", []byte(text), nil, ruleset.Wiring{Unwired: true})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return rules
}

func TestOutcome(t *testing.T) {
	refused := fmt.Errorf("proxying: %w", caddyhttp.Error(502, reverseproxy.NewDialError(&net.OpError{Op: "dial", Err: errors.New("refused")})))
	for _, test := range []struct {
		name     string
		status   int
		err      error
		panicked bool
		body     string // "sent", "kept", or none
		gone     bool
		hijacked bool
		repl     map[string]any
		want     ledger.Outcome
		generous ledger.Outcome // where no_answer is not sent
	}{
		{name: "200", status: 200, want: ledger.Sent, generous: ledger.Sent},
		{name: "422", status: 422, want: ledger.NotSent, generous: ledger.NotSent},
		{name: "500", status: 500, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "101", status: 101, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "nothing at all", want: ledger.Unknown, generous: ledger.NotSent},
		{name: "an error", err: errors.New("timeout"), want: ledger.Unknown, generous: ledger.NotSent},
		{name: "a panic", panicked: true, want: ledger.Unknown, generous: ledger.NotSent},
		{name: "no connection", err: refused, repl: map[string]any{"http.reverse_proxy.retries": 0}, want: ledger.NotSent, generous: ledger.NotSent},
		{name: "no connection, the body was kept", err: refused, body: "kept", repl: map[string]any{"http.reverse_proxy.retries": 2}, want: ledger.NotSent, generous: ledger.NotSent},
		{name: "no connection, the body was buffered", err: refused, body: "sent", repl: map[string]any{"http.reverse_proxy.retries": 0}, want: ledger.NotSent, generous: ledger.NotSent},
		{name: "no connection at last", err: refused, body: "sent", repl: map[string]any{"http.reverse_proxy.retries": 1}, want: ledger.Unknown, generous: ledger.NotSent},
		{name: "no connection at last, no body", err: refused, repl: map[string]any{"http.reverse_proxy.retries": 1}, want: ledger.Unknown, generous: ledger.NotSent},
		{name: "no connection to another app", err: refused, repl: map[string]any{"http.reverse_proxy.retries": 0, "http.reverse_proxy.status_code": 500}, want: ledger.Unknown, generous: ledger.NotSent},
		{name: "no connection after an error", err: refused, repl: map[string]any{"http.reverse_proxy.retries": 0, "http.error": errors.New("eof")}, want: ledger.Unknown, generous: ledger.NotSent},
		{name: "the caller left", err: caddyhttp.Error(499, context.Canceled), gone: true, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "the caller left, and Caddy says so", status: 499, gone: true, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "499", status: 499, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "the caller left before there was a connection", err: refused, body: "kept", gone: true, want: ledger.NotSent, generous: ledger.NotSent},
		{name: "200 that breaks off", status: 200, panicked: true, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "422 that breaks off", status: 422, panicked: true, want: ledger.Unknown, generous: ledger.NotSent},
		{name: "422 that the caller broke off", status: 422, panicked: true, gone: true, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "hijacked", hijacked: true, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "404 in place of an error", status: 404, repl: map[string]any{"http.error": errors.New("eof")}, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "404 in place of 500", status: 404, repl: map[string]any{"http.reverse_proxy.status_code": 500}, want: ledger.Unknown, generous: ledger.Unknown},
		{name: "404 in place of 422", status: 404, repl: map[string]any{"http.reverse_proxy.status_code": 422}, want: ledger.NotSent, generous: ledger.NotSent},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			repl := caddy.NewReplacer()
			for key, value := range test.repl {
				repl.Set(key, value)
			}
			r := httptest.NewRequestWithContext(context.WithValue(ctx, caddy.ReplacerCtxKey, repl), http.MethodPost, "/", nil)
			if test.gone {
				cancel()
			}
			if test.body != "" {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
			}
			p := &passage{answer: recorder{status: test.status, hijacked: test.hijacked}, err: test.err, returned: !test.panicked}
			p.watch(r)
			if test.body == "sent" {
				io.Copy(io.Discard, r.Body)
			}
			p.answer.reader = rulesOf(t, noProof).Answers()
			if got := ruleset.OutcomeOf(p.result().Meaning); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			p.answer.reader = rulesOf(t, noProof+"answer: {not_sent: [400-499, no_answer]}").Answers()
			if got := ruleset.OutcomeOf(p.result().Meaning); got != test.generous {
				t.Errorf("with no_answer for not sent: got %s, want %s", got, test.generous)
			}
		})
	}
}

// The recorder hides nothing of the writer below it.
func TestAnswerPassesOn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &recorder{reader: rulesOf(t, noProof).Answers()}
		a.ResponseWriter = w
		a.WriteHeader(http.StatusEarlyHints)
		if a.status != 0 {
			t.Error("103 was taken for the answer")
		}
		if err := http.NewResponseController(a).Flush(); err != nil {
			t.Errorf("flushing: %v", err)
		}
		if a.status != 200 {
			t.Errorf("status %d after flushing", a.status)
		}
		conn, _, err := http.NewResponseController(a).Hijack()
		if err != nil || !a.hijacked {
			t.Errorf("hijacking: %v", err)
			return
		}
		conn.Close()
	}))
	defer server.Close()
	if resp, err := http.Get(server.URL); err == nil {
		resp.Body.Close()
	}
}

func TestMayBeReplay(t *testing.T) {
	for _, test := range []struct {
		name   string
		tls    *tls.ConnectionState
		header http.Header
		want   bool
	}{
		{"plain", nil, http.Header{}, false},
		{"TLS", &tls.ConnectionState{HandshakeComplete: true}, http.Header{}, false},
		{"0-RTT", &tls.ConnectionState{}, http.Header{}, true},
		{"0-RTT at a proxy in front", nil, http.Header{"Early-Data": {"1"}}, true},
		{"said oddly", &tls.ConnectionState{HandshakeComplete: true}, http.Header{"Early-Data": {"", "0"}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := mayBeReplay(&http.Request{TLS: test.tls, Header: test.header}); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
