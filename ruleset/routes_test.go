package ruleset_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/scenario"
)

func TestRoutes(t *testing.T) {
	for _, test := range []struct {
		name, text string
		sending    []string
		takes      map[string]bool
	}{
		{"one shape for all", "request: {phone: json /phone, region: US}", nil, map[string]bool{"GET /x": true}},
		{"shapes", `requests:
  - {name: send, method: [POST, PUT], path: [/send, /again], phone: json /phone}
  - {name: send-email, method: POST, path: /send, about: email, phone: json /phone, email: json /email}
  - {name: keep, method: POST, path: /keep, sends: false, phone: json /phone}
  - {name: challenge, method: POST, path: /factors/*/challenge, about: account, handle: path *}
  - {name: look, method: GET, path: /look, about: nothing}`,
			[]string{"POST /send", "POST /again", "PUT /send", "PUT /again", "POST /keep", "POST /factors/*/challenge"},
			map[string]bool{"GET /look": true, "POST /look": false, "POST /factors/1/challenge": true, "POST /factors": false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rules, problems := ruleset.Compile("test.yaml", []byte("version: 1\nnumber: {countries: [US]}\n"+test.text+"\n"), nil, ruleset.Wiring{Unwired: true, MatchPath: scenario.MatchStars})
			if rules == nil {
				t.Fatal(problems)
			}
			var got []string
			for _, r := range rules.Sending() {
				got = append(got, r.Method+" "+r.Path)
				if r.Within != r.Path {
					t.Errorf("%s is %s", r.Path, r.Within)
				}
			}
			if !slices.Equal(got, test.sending) {
				t.Errorf("%q", got)
			}
			if rules.Preset() != "" || rules.Denied() != nil || rules.Verifying() != nil {
				t.Errorf("a preset: %q, %v, %v", rules.Preset(), rules.Denied(), rules.Verifying())
			}
			for request, want := range test.takes {
				var method, path string
				fmt.Sscan(request, &method, &path)
				if rules.Takes(method, path) != want {
					t.Errorf("%s: %t", request, !want)
				}
			}
		})
	}
}

// The routes of a preset stand behind its prefix, and others do not.
func TestRoutesOfPreset(t *testing.T) {
	text := `version: 1
preset: {name: appwrite, prefix: /api/v1}
requests: [{name: own, method: POST, path: /own, phone: json /phone}]
number: {countries: [US]}
`
	rules, problems := ruleset.Compile("test.yaml", []byte(text), nil, ruleset.Wiring{Unwired: true, MatchPath: scenario.MatchStars})
	if rules == nil {
		t.Fatal(problems)
	}
	for _, test := range []struct {
		name string
		got  []ruleset.Route
		want ruleset.Route
	}{
		{"sends", rules.Sending(), ruleset.Route{Method: "POST", Path: "/api/v1/account/tokens/phone", Within: "/account/tokens/phone"}},
		{"stores a number", rules.Sending(), ruleset.Route{Method: "PATCH", Path: "/api/v1/account/phone", Within: "/account/phone"}},
		{"sends, and is none of the preset", rules.Sending(), ruleset.Route{Method: "POST", Path: "/own", Within: "/own"}},
		{"is denied", rules.Denied(), ruleset.Route{Method: "POST", Path: "/api/v1/graphql", Within: "/graphql"}},
		{"is denied, as a GET", rules.Denied(), ruleset.Route{Method: "GET", Path: "/api/v1/graphql/*", Within: "/graphql/*"}},
		{"verifies", rules.Verifying(), ruleset.Route{Method: "POST", Path: "/api/v1/account/sessions/token", Within: "/account/sessions/token"}},
	} {
		if !slices.Contains(test.got, test.want) {
			t.Errorf("%s: no %v in %v", test.name, test.want, test.got)
		}
	}
	if rules.Preset() != "appwrite" {
		t.Errorf("preset %q", rules.Preset())
	}
}
