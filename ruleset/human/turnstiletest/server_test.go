package turnstiletest_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/human/turnstiletest"
)

const (
	key      = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
	otherKey = "3f2504e0-4f89-41d3-9a0c-0305e82c3302"
)

func start(t *testing.T) *turnstiletest.Server {
	t.Helper()
	s := turnstiletest.New()
	t.Cleanup(s.Close)
	return s
}

const formType = "application/x-www-form-urlencoded"

// ask posts fields in the way that contentType names, "" for a form, and
// returns the answer.
func ask(t *testing.T, s *turnstiletest.Server, contentType string, fields map[string]string) (int, map[string]any) {
	t.Helper()
	var body bytes.Buffer
	switch contentType {
	case "application/json":
		json.NewEncoder(&body).Encode(fields)
	case "multipart/form-data":
		w := multipart.NewWriter(&body)
		for name, value := range fields {
			w.WriteField(name, value)
		}
		w.Close()
		contentType = w.FormDataContentType()
	default:
		if contentType == "" {
			contentType = formType
		}
		form := url.Values{}
		for name, value := range fields {
			form.Set(name, value)
		}
		body.WriteString(form.Encode())
	}
	resp, err := http.Post(s.URL, contentType, &body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func codes(answer map[string]any) string {
	var all []string
	for _, code := range answer["error-codes"].([]any) {
		all = append(all, code.(string))
	}
	return strings.Join(all, " ")
}

func TestFormats(t *testing.T) {
	for _, contentType := range []string{formType, "application/json", "multipart/form-data"} {
		t.Run(contentType, func(t *testing.T) {
			s := start(t)
			at := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
			token := s.Issue(turnstiletest.Token{Hostname: "login.example.com", Action: "send-otp", CData: "abc", At: at})
			status, got := ask(t, s, contentType, map[string]string{
				"secret": s.Secret, "response": token, "remoteip": "192.0.2.7", "idempotency_key": key})
			if status != 200 || got["success"] != true || codes(got) != "" || got["hostname"] != "login.example.com" ||
				got["action"] != "send-otp" || got["cdata"] != "abc" || got["metadata"] == nil {
				t.Errorf("got %d %v", status, got)
			}
			if ts, err := time.Parse(time.RFC3339, got["challenge_ts"].(string)); err != nil || !ts.Equal(at) {
				t.Errorf("challenge_ts %v, %v; want %v", ts, err, at)
			}
			c := s.Calls()[0]
			if s.Count() != 1 || c.Secret != s.Secret || c.Response != token || c.RemoteIP != "192.0.2.7" || c.IdempotencyKey != key || !c.Answer.Success {
				t.Errorf("recorded %+v", c)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	s := start(t)
	token := s.Issue(turnstiletest.Token{})
	old := s.Issue(turnstiletest.Token{At: time.Now().Add(-301 * time.Second)})
	tests := []struct {
		name        string
		contentType string
		fields      map[string]string
		want        string
	}{
		{"no secret", "", map[string]string{"response": token}, "missing-input-secret"},
		{"wrong secret", "", map[string]string{"secret": "x", "response": token}, "invalid-input-secret"},
		{"no token", "", map[string]string{"secret": s.Secret}, "missing-input-response"},
		{"unknown token", "", map[string]string{"secret": s.Secret, "response": "x"}, "invalid-input-response"},
		{"long token", "", map[string]string{"secret": s.Secret, "response": strings.Repeat("x", 2049)}, "invalid-input-response"},
		{"old token", "", map[string]string{"secret": s.Secret, "response": old}, "timeout-or-duplicate"},
		{"wrong type", "text/plain", map[string]string{"secret": s.Secret, "response": token}, "bad-request"},
		{"key not a UUID", "", map[string]string{"secret": s.Secret, "response": token, "idempotency_key": "1"}, "bad-request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := ask(t, s, tt.contentType, tt.fields); got["success"] != false || codes(got) != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
	if _, got := ask(t, s, "application/json", map[string]string{"secret": s.Secret, "response": token}); got["success"] != true {
		t.Errorf("refusals have spent the token: %v", got)
	}
}

func TestSingleUse(t *testing.T) {
	s := start(t)
	now := time.Now()
	s.SetClock(func() time.Time { return now })
	withKey, without := s.Issue(turnstiletest.Token{}), s.Issue(turnstiletest.Token{})
	for _, tt := range []struct {
		token, key string
		later      time.Duration
		want       string
	}{
		{withKey, key, 299 * time.Second, ""},
		{withKey, key, 0, ""},
		{withKey, otherKey, 0, "timeout-or-duplicate"},
		{withKey, "", 0, "timeout-or-duplicate"},
		{withKey, key, 10 * time.Second, ""},
		{without, "", -20 * time.Second, ""},
		{without, "", 0, "timeout-or-duplicate"},
	} {
		now = now.Add(tt.later)
		_, got := ask(t, s, "application/json", map[string]string{"secret": s.Secret, "response": tt.token, "idempotency_key": tt.key})
		if codes(got) != tt.want || got["success"] != (tt.want == "") {
			t.Errorf("key %q: got %v, want %q", tt.key, got, tt.want)
		}
	}
}

func TestFaults(t *testing.T) {
	s := start(t)
	client := &http.Client{
		Timeout:       2 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	form := func(token string) url.Values { return url.Values{"secret": {s.Secret}, "response": {token}} }
	t.Run("in order, then always, then none", func(t *testing.T) {
		s.Always(turnstiletest.Page(502))
		s.Next(turnstiletest.Redirect(307, "/"), nil, turnstiletest.Status(503))
		for _, want := range []int{307, 200, 503, 502, 502} {
			resp, err := client.PostForm(s.URL, form("x"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("got status %d, want %d", resp.StatusCode, want)
			}
		}
		s.Reset()
		if s.Count() != 0 || len(s.Calls()) != 0 {
			t.Error("Reset left calls")
		}
		if _, got := ask(t, s, "", map[string]string{"secret": s.Secret, "response": s.Issue(turnstiletest.Token{})}); got["success"] != true {
			t.Errorf("Reset left faults: %v", got)
		}
	})
	for name, tt := range map[string]struct {
		fault   *turnstiletest.Fault
		redeems bool
	}{
		"reset":       {turnstiletest.Reset, false},
		"lost answer": {turnstiletest.LoseAnswer, true},
	} {
		t.Run(name, func(t *testing.T) {
			token := s.Issue(turnstiletest.Token{})
			s.Next(tt.fault)
			if resp, err := client.PostForm(s.URL, form(token)); err == nil {
				resp.Body.Close()
				t.Error("answered")
			}
			if _, got := ask(t, s, "", map[string]string{"secret": s.Secret, "response": token}); got["success"] == tt.redeems {
				t.Errorf("got %v", got)
			}
		})
	}
	t.Run("close ends hung calls", func(t *testing.T) {
		s := turnstiletest.New()
		s.Next(turnstiletest.Hang)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp, err := client.PostForm(s.URL, form("x")); err == nil {
				resp.Body.Close()
			}
		}()
		for s.Count() == 0 {
			time.Sleep(time.Millisecond)
		}
		s.Close()
		s.Close()
		<-done
	})
}

func TestCallsAreBounded(t *testing.T) {
	s := turnstiletest.NewHandler()
	defer s.Close()
	for range 3000 {
		r, err := http.NewRequest("GET", "/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		s.ServeHTTP(discard{http.Header{}}, r)
	}
	if n := len(s.Calls()); s.Count() != 3000 || n < 512 || n > 1024 {
		t.Errorf("counted %d, kept %d", s.Count(), n)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
