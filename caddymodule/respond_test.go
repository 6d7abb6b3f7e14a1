package caddymodule

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset"
)

const testID = "01JD0000000000000000000000"

func TestProblem(t *testing.T) {
	for _, test := range []struct {
		name    string
		verdict ruleset.Verdict
		body    string
		header  string // some of it
	}{
		{
			"a cooldown",
			ruleset.Verdict{Code: ruleset.TooSoon, Status: 429, Wait: 41200 * time.Millisecond, Detail: "for the log", Cooldown: ruleset.Cooldown{Window: time.Minute, Wait: 41200 * time.Millisecond}},
			`{"type":"https://otpgate.github.io/problems/too-soon","title":"Too soon","status":429,"code":"too_soon","retry_after":42,"id":"` + testID + `"}`,
			`Retry-After: 42, RateLimit: "cooldown";r=0;t=42, RateLimit-Policy: "cooldown";q=1;w=60`,
		},
		{
			"what the caller is not told",
			ruleset.Verdict{Code: ruleset.Refused, Reason: ruleset.TooMany, Rule: "range", Detail: "for the log"},
			`{"type":"https://otpgate.github.io/problems/refused","title":"Refused","status":403,"code":"refused","id":"` + testID + `"}`,
			"Retry-After: , RateLimit: , RateLimit-Policy: ",
		},
		{
			"a detail to be escaped",
			ruleset.Verdict{Code: ruleset.BadRequest, Status: 415, Detail: "want \"application/json\" \x01</script>"},
			`{"type":"https://otpgate.github.io/problems/bad-request","title":"Bad request","status":415,"code":"bad_request","detail":"want \"application/json\" \u0001\u003c/script\u003e","id":"` + testID + `"}`,
			"Content-Type: application/problem+json, Cache-Control: no-store, X-Content-Type-Options: nosniff, Connection: ",
		},
		{
			"too large",
			ruleset.Verdict{Code: ruleset.BadRequest, Status: 413},
			`{"type":"https://otpgate.github.io/problems/bad-request","title":"Bad request","status":413,"code":"bad_request","id":"` + testID + `"}`,
			"Connection: close",
		},
		{
			"a forgotten case",
			ruleset.Verdict{},
			`{"type":"https://otpgate.github.io/problems/refused","title":"Refused","status":403,"code":"refused","id":"` + testID + `"}`,
			"",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			refuse(w, httptest.NewRequest(http.MethodPost, "/", nil), &test.verdict, testID)
			if got := strings.TrimSuffix(w.Body.String(), "\n"); got != test.body {
				t.Errorf("got  %s\nwant %s", got, test.body)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Error("not JSON")
			}
			for line := range strings.SplitSeq(test.header, ", ") {
				if name, value, ok := strings.Cut(line, ": "); ok && w.Header().Get(name) != value {
					t.Errorf("%s: got %q, want %q", name, w.Header().Get(name), value)
				}
			}
		})
	}
}

func TestPage(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for _, code := range ruleset.Codes() {
		w := httptest.NewRecorder()
		refuse(w, r, &ruleset.Verdict{Code: code, Status: code.Status(), Wait: 90 * time.Second}, testID)
		page := w.Body.String()
		for _, want := range []string{"<html lang=\"en\">", "<h1>" + code.Title() + "</h1>", "Please wait 90 seconds", testID, pageText(code)} {
			if !strings.Contains(strings.ReplaceAll(page, "&#39;", "'"), want) {
				t.Errorf("%s: no %q in the page", code, want)
			}
		}
		_, rest, _ := strings.Cut(page, "<style>")
		style, _, _ := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("%s: the policy is for another style: %s", code, policy)
		}
	}
}

func TestHead(t *testing.T) {
	w := httptest.NewRecorder()
	refuse(w, httptest.NewRequest(http.MethodHead, "/", nil), &ruleset.Verdict{Code: ruleset.Closed}, testID)
	if w.Code != 503 || w.Body.Len() != 0 {
		t.Errorf("got %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestWantsPage(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                                    false,
		"*/*":                                 false,
		"application/json":                    false,
		"application/json, text/plain, */*":   false, // axios
		"text/html":                           true,
		"TEXT/HTML":                           true,
		"text/*":                              true,
		"text/html, application/json":         false,
		"text/html;q=0.9, application/json":   false,
		"text/html, application/json;q=0.9":   true,
		"text/html;q=0":                       false,
		"text/html;q=x, */*;q=0.1":            false,
		"application/xhtml+xml, */*;q=0.5":    true,
		"text/html;level=1;q=0.5, */*;q=0.4":  true,
		"text/html;q=0.4, */*;q=0.5":          false,
		"application/problem+json, text/html": false,
		"text/html, application/problem+json;q=0.2, */*":                                        false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8": true, // browsers
	} {
		if got := wantsPage([]string{accept}); got != want {
			t.Errorf("%q: got %v, want %v", accept, got, want)
		}
	}
}

// Whatever is asked for, asking for JSON besides never gets a page.
func FuzzWantsPage(f *testing.F) {
	f.Add("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	f.Add("text/html;q=NaN")
	f.Add(";q=2,/;,text/*;q=.001")
	f.Fuzz(func(t *testing.T, accept string) {
		if wantsPage([]string{"application/json", accept}) && !strings.Contains(strings.ToLower(accept), "json") {
			t.Errorf("a page for %q and JSON", accept)
		}
	})
}

func TestInWords(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "", time.Millisecond: "1 second", 119 * time.Second: "119 seconds", 2 * time.Minute: "2 minutes",
		2*time.Minute + 1: "3 minutes", 2 * time.Hour: "2 hours", 24 * time.Hour: "24 hours",
	} {
		if got := inWords(wait); got != want {
			t.Errorf("%v: got %q, want %q", wait, got, want)
		}
	}
}
