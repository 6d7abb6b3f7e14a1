package ruleset

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset/request"
)

// everyShape says all that a shape can say.
const everyShape = `version: 1
name: auth
requests:
  - name: otp
    method: [POST, PUT]
    path: [/auth/v1/otp, /auth/v1/signup]
    where: [json /type = sms | phone_change, header X-Old absent, json /flags exists]
    phone: json /phone
    email: json /email
    device: header X-Device
    proof: json /meta/token
    region: GB
    handle: query flow
    session: [header X-Session-Token, cookie sid, claim sub]
    fold: true
    types: any
    max_body: 64KiB
  - {name: email, method: POST, path: /auth/v1/otp, about: email, phone: json /phone, email: json /email}
  - {name: enrol, method: POST, path: /factors, sends: false, phone: form phone, country_code: form code}
  - {name: exact, method: POST, path: /exact, phone: form phone, spelling: e164}
  - {name: from, method: GET, path: /from, phone: query phone, region: query region}
  - {name: challenge, method: POST, path: /factors/*/challenge, about: account, handle: [path *, json /id], session: claim sub, proof: none}
  - {name: rest, method: [GET, DELETE], path: /rest/*, about: nothing}
number: {countries: [US]}
`

// matchPrefix stands for the matcher of the server.
func matchPrefix(pattern string) (func(*http.Request) bool, error) {
	before, _, _ := strings.Cut(pattern, "*")
	return func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, before) }, nil
}

func TestShowOfShapesLoadsAgainToTheSame(t *testing.T) {
	var first, second bytes.Buffer
	if err := compiled(t, everyShape).Show(&first); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`    where: ["json /type = sms | phone_change", header X-Old absent, json /flags exists]`,
		`    session: [header X-Session-Token, cookie sid, claim sub]`,
		`    handle: ["path *", json /id]`,
		`    proof: none`,
		`    region: query region`,
		`    country_code: form code`,
		`    spelling: e164`,
	} {
		if !strings.Contains(first.String(), line+"\n") {
			t.Errorf("it does not say %s:\n%s", line, &first)
		}
	}
	if err := compiled(t, first.String()).Show(&second); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Errorf("shown, loaded and shown again differs\n--- first\n%s\n--- second\n%s", &first, &second)
	}
}

// What a sample is made of is what is read out of it.
func TestSamples(t *testing.T) {
	rules, problems := Compile("a.yaml", []byte(everyShape), noFiles, Wiring{Unwired: true, MatchPath: matchPrefix})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	for _, row := range []struct {
		sample        Sample
		line, session string
		handles       string
	}{
		{Sample{Shape: "otp", Handle: "f1", Session: "one", Values: request.Values{Phone: "1", HasPhone: true}}, "POST /auth/v1/otp?flow=f1", "one", "f1"},
		{Sample{Shape: "email", Values: request.Values{Email: "a@example.com", HasEmail: true}}, "POST /auth/v1/otp", "", ""},
		{Sample{Shape: "enrol", Values: request.Values{Phone: "1", HasPhone: true}}, "POST /factors", "", ""},
		{Sample{Shape: "from", Values: request.Values{Phone: "1", HasPhone: true}}, "GET /from?phone=1", "", ""},
		{Sample{Shape: "challenge", Handle: "f1", Session: "user"}, "POST /factors/f1/challenge", "claim user", "f1"},
		{Sample{Shape: "rest", Path: "/rest/of/it"}, "GET /rest/of/it", "", ""},
	} {
		r, err := rules.Write("http://localhost", row.sample)
		if err != nil {
			t.Errorf("%s: %v", row.sample.Shape, err)
			continue
		}
		found, problem := rules.shapes.Read(r)
		if problem != nil {
			t.Errorf("%s: %v", row.sample.Shape, problem)
			continue
		}
		if got := rules.shapes.list[found.Case].name; got != row.sample.Shape {
			t.Errorf("%s: it has the shape %s", row.sample.Shape, got)
		}
		if found.Values != row.sample.Values || found.Session != row.session || strings.Join(found.Handles, ",") != row.handles {
			t.Errorf("%s: %+v", row.sample.Shape, found)
		}
		if got := r.Method + " " + r.URL.RequestURI(); got != row.line {
			t.Errorf("%s: %s", row.sample.Shape, got)
		}
	}
	for want, sample := range map[string]Sample{
		`"none" is not a shape of requests; accepted: otp, email, enrol, exact, from, challenge, rest`: {Shape: "none"},
		"the shape has no place for a session":                                                         {Shape: "email", Session: "x"},
		"the shape has no place for a handle":                                                          {Shape: "email", Handle: "x"},
		"such a request has no place for the device":                                                   {Shape: "email", Values: request.Values{HasDevice: true}},
	} {
		if _, err := rules.Write("http://localhost", sample); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := compiled(t, smallest).Write("", Sample{Shape: "otp"}); err == nil {
		t.Error("a shape where all requests have one")
	}
}

// A condition may ask for the shape of a request.
func TestShapeInConditions(t *testing.T) {
	text := `version: 1
requests: [{name: otp, method: POST, phone: json /phone}, {name: email, method: POST, about: email, phone: json /phone, email: json /email}]
number: {countries: [US]}
human: {require: never}
rules: [{name: not-here, if: 'request.shape == "otp"', then: deny}]
`
	gate := NewGate(compiled(t, text), nil, roomy{}, NewKeys(make([]byte, 32)))
	for body, want := range map[string]string{`{"phone":"+14155550123"}`: "not-here otp", `{"email":"a@example.com"}`: " email"} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		j := gate.Judge(r, benchAddr(1), benchStart)
		if got := j.Verdict.Rule + " " + j.Shape(); got != want {
			t.Errorf("%s: %q, want %q: %+v", body, got, want, j.Verdict)
		}
		if j.Shape() == "email" && (j.Verdict.Held || j.Verdict.Action != Allow) {
			t.Errorf("%+v", j.Verdict)
		}
	}
}
