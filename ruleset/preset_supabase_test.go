package ruleset_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/scenario"
)

// goTrueNumber is what supabase/auth sends to, once one plus and all spaces are
// taken away.
var goTrueNumber = regexp.MustCompile(`^[1-9][0-9]{1,14}$`)

// FuzzSupabase: whatever stands in a body that is let through, supabase/auth
// finds in it the number that was judged, or none to send to.
func FuzzSupabase(f *testing.F) {
	for route, bodies := range [][]string{
		{`{"phone":"+14155550101"}`, `{"PHONE":"1 415 5550101","phone":null}`, `{"email":"a@example.com","Phone":""}`, `{"email":"a@example.com","phone":null}`, `{"phone":["+14155550101"]}`, `{"\u0070hone":"+14155550101","email":""}`, `{"phone":"+14155550101"} {}`, "\xef\xbb\xbf" + `{"phone":"+14155550101"}`},
		{`{"phone":"+14155550101","password":"x"}`, `{"data":{}}`, `{"data":{"phone":"+14155550101"}}`, `{"data":{},"phone":null,"PHONE":"+14155550101"}`},
		{`{"type":"sms","phone":"+14155550101"}`, `{"type":"phone_change","phone":"+14155550101"}`, `{"type":"signup","TYPE":"sms","email":"a@example.com"}`, "{\"email\":\"a@example.com\",\"type\":\"email_change\"}"},
		{`{"phone":"+14155550101","email":"a@example.com"}`, `{"password":"x","nonce":"1"}`, `{"data":{"phone":"x"}}`, "{\"pa\u017f\u017fword\":\"x\",\"phone\":null}"},
		{`{"factor_type":"phone","phone":"+14155550101"}`, `{"factor_type":"totp","issuer":"x"}`, `{"factor_type":"totp","Factor_Type":"phone","phone":"+14155550101"}`},
	} {
		for _, body := range bodies {
			f.Add(uint8(route), body)
		}
	}
	rules, problems := ruleset.Compile("test.yaml", []byte("version: 1\npreset: supabase\nnumber: {countries: any, types: any, unknown: allow}\nhuman: {require: never}\nlimits: []\n"), nil, ruleset.Wiring{Unwired: true, MatchPath: scenario.MatchStars})
	if rules == nil {
		f.Fatal(problems)
	}
	gate := ruleset.NewGate(rules, nil, ledger.NewEmbedded(), ruleset.NewKeys([]byte("secret")))
	routes := []string{"POST /auth/v1/otp", "POST /auth/v1/signup", "POST /auth/v1/resend", "PUT /auth/v1/user", "POST /auth/v1/factors"}
	f.Fuzz(func(t *testing.T, n uint8, body string) {
		route := routes[int(n)%len(routes)]
		method, path, _ := strings.Cut(route, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "text/plain")
		j := gate.Judge(r, netip.MustParseAddr("192.0.2.7"), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if j.Verdict.Action != ruleset.Allow {
			return
		}
		var read struct {
			Phone      string `json:"phone"`
			Email      string `json:"email"`
			Type       string `json:"type"`
			FactorType string `json:"factor_type"`
		}
		if json.Unmarshal([]byte(body), &read) != nil {
			return
		}
		number := strings.ReplaceAll(strings.TrimPrefix(read.Phone, "+"), " ", "")
		switch sends := goTrueNumber.MatchString(number); {
		case strings.HasSuffix(path, "/resend") && read.Type == "phone_change":
			t.Errorf("%s %q passes, and no change was seen", route, body)
		case strings.HasSuffix(path, "/resend") && read.Type != "sms", strings.HasSuffix(path, "/factors") && read.FactorType != "phone":
			// whatever number there is, nothing comes of it
		case sends && j.Facts.Phone.IsZero():
			t.Errorf("%s %q passes as %s, and sends to %s", route, body, j.Shape(), number)
		case sends && j.Facts.Phone.E164() != "+"+number:
			t.Errorf("%s %q is judged as one to %s, and sends to %s", route, body, j.Facts.Phone.E164(), number)
		}
	})
}
