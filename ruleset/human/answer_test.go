package human

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stub is a RoundTripper that answers every question alike.
type stub struct {
	status      int
	contentType string
	body        string
}

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status,
		Header:     http.Header{"Content-Type": {s.contentType}},
		Body:       io.NopCloser(strings.NewReader(s.body)),
		Request:    r,
	}, nil
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"success":true,"error-codes":[],"challenge_ts":"2022-10-06T00:07:23.274Z","hostname":"example.com"}`), 200)
	f.Add([]byte(`{"success":true,"challenge_ts":"2022-02-28T15:14:30.096Z","hostname":"example.com","error-codes":[],"action":"login","cdata":"sessionid-123456789","metadata":{"ephemeral_id":"x:9f78e0ed210960d7693b167e"}}`), 200)
	f.Add([]byte(`{"success":false,"error-codes":["invalid-input-response"],"messages":[],"metadata":{"result_with_testing_key":true}}`), 200)
	f.Add([]byte(`{"success":false,"error-codes":["internal-error"]}`), 500)
	f.Add([]byte(`{"success":true,"Success":false,"success":true}`), 200)
	f.Add([]byte(`{"success":null}`), 200)
	f.Add([]byte(`{"success":true}{}`), 200)
	f.Add([]byte(`[`), 502)
	f.Add([]byte("\xff"), 307)
	at := time.Date(2022, 10, 6, 0, 7, 30, 0, time.UTC)
	const secret, token = "0x4AAAAAAAFuzzedSecret", "0.FuzzedToken"
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		v, err := NewTurnstile(TurnstileConfig{Secret: secret, Transport: stub{status, "application/json", string(body)}})
		if err != nil {
			t.Fatal(err)
		}
		r := v.Verify(context.Background(), Proof{Token: token, ID: [16]byte{1}, At: at})
		if r.Status == Passed {
			// encoding/json, more lenient than us, must have read the same.
			var a struct {
				Success bool      `json:"success"`
				At      time.Time `json:"challenge_ts"`
			}
			if err := json.Unmarshal(body, &a); err != nil || status != 200 || len(body) > maxAnswer {
				t.Fatalf("passed with status %d: %v", status, err)
			}
			if !strings.Contains(string(body), "success") {
				t.Fatal("passed without the word success")
			}
			if r.Age < -clockSkew || r.Age > tokenLife+clockSkew {
				t.Fatalf("passed at the age of %v", r.Age)
			}
		}
		if len(r.Codes) > maxCodes || len(r.Detail) > 1000 {
			t.Fatalf("not bounded: %d codes, detail of %d bytes", len(r.Codes), len(r.Detail))
		}
		for _, code := range r.Codes {
			if !KnownCode(code) && !harmless(code, []string{secret, token}) {
				t.Fatalf("code %q", code)
			}
		}
		for _, s := range []string{r.Detail, r.Hostname, r.Action} {
			for _, c := range s {
				if c < ' ' || c > '~' {
					t.Fatalf("not printable: %q", s)
				}
			}
		}
		if (r.Err != nil) != (r.Status == Unavailable || r.Status == Misconfigured) {
			t.Fatalf("status %v with error %v", r.Status, r.Err)
		}
	})
}

// Cloudflare asks callers to bear with fields that it has not documented.
func TestUnknownFields(t *testing.T) {
	a, err := decodeAnswer([]byte(`{"tokenId":{"a":[1,{"success":false}]},"success":true,"messages":null,"error-codes":null,"hostname":null}`))
	if err != nil || !a.success || a.codes != nil || a.hostname != "" {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestStatusNames(t *testing.T) {
	for status, want := range map[Status]string{0: "unavailable", Failed: "failed", Misconfigured: "misconfigured", Passed: "passed", 99: "unknown"} {
		if got := status.String(); got != want {
			t.Errorf("status %d is called %q, want %q", status, got, want)
		}
	}
	if (Result{}).Status == Passed {
		t.Error("the zero Result passes")
	}
}
