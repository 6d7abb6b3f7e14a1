package ruleset

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// compiled returns the ruleset of text, which must be good.
func compiled(t testing.TB, text string) *Ruleset {
	t.Helper()
	rules, problems := Compile("test.rules.yaml", []byte(text), noFiles, Wiring{Unwired: true})
	if problems.HasErrors() {
		t.Fatalf("the ruleset is refused:\n%v", problems)
	}
	return rules
}

// refused returns the report on text, which must be bad.
func refused(t testing.TB, text string) Problems {
	t.Helper()
	rules, problems := Compile("test.rules.yaml", []byte(text), noFiles, Wiring{Unwired: true})
	if rules != nil || !problems.HasErrors() {
		t.Fatalf("the ruleset is accepted")
	}
	return problems
}

func noFiles(string) ([]byte, error) { return nil, errors.New("no such file") }

const smallest = `version: 1
request: {phone: json /phone, region: US}
number: {countries: [US, CA]}
`

const everything = `version: 1
name: signup
mode: guarded
request:
  phone: json /phone
  email: json /email
  device: header X-Device-Id
  region: US
  max_body: 32KiB
answer:
  sent: [200-299, 303, 401 and json /code = NOT_VERIFIED, '400 and json /ui/messages/*/id = 1010014 | "10 40" | 104*']
  unknown: [422 and json /error exists and cookie session absent, 409]
  not_sent: [400-408, 410-499, '500 and header X-Refused = "a, b"', no_answer]
  handle: [json /verificationId, location flow]
  keep: 15m
  max_body: 16KiB
network:
  risk: {deny: 85.5, challenge: 60, flag: 0.25, away: challenge, shadow: true}
  trust: [relay, warp]
  deny: [hosting, tor, proxy, leased]
  private: allow
  tunnels: allow
  lists:
    relay: {cidrs: [198.51.100.64/28]}
    tor: {required: true}
    leased:
      url: https://example.com/leased.json
      every: 6h
      format: aws
      select: {services: [EC2, S3], regions: [us-east-1], tags: [x]}
      sha256: "0000000000000000000000000000000000000000000000000000000000000000"
      max_age: 3d
      max_size: 4MiB
      required: true
    hosting: {cidrs: [198.51.100.0/24, "2001:db8::/48"], asns: [64500, AS64501]}
geo:
  countries: [US, CA]
  match: flag
  unknown: challenge
number:
  countries: [US, CA]
  types: [mobile, fixed_line_or_mobile]
  deny: ["+1900", "+18765550", disposable]
  lists: {disposable: {entries: ["+14155550123", "+1876*"]}}
  unknown: flag
human:
  require: guarded
  turnstile: {hostnames: [login.example.com], action: send-otp, max_age: 2m}
  fallback: deny
budget:
  currency: USD
  zone: America/New_York
  prices: {US: 0.0079, CA: 0.0075, "+1876": 0.12, default: 0.1}
  day: {alert: 150, stop: 200}
  month: {stop: 4000.5}
  countries: {CA: {day: {stop: 50}, month: {alert: 0.000001}}}
  away: deny
  across: all
  shadow: true
limits:
  - {per: phone, max: 1, in: 60s}
  - {per: phone, max: 5, in: 24h, away: local}
  - {per: phone, max: 3, in: 7d, across: all}
  - {name: address, per: ip, max: 15, in: 1h, count: unverified}
  - {per: ip, max: 60, in: 1m, count: requests}
  - {per: ip, max: 20, in: 10m, count: refusals, ban: 1h}
  - {per: ip, distinct: phone, max: 5, in: 1h, count: unverified}
  - {per: ip/48, max: 500, in: 1h}
  - {per: [phone, email], max: 4, in: 24h, shadow: true}
  - {per: range/4, max: 100, in: 1h}
  - {max: 5000, in: 1h}
  - {per: phone, max: 5, in: 15m, count: wrong_codes, ban: 30m}
rules:
  - name: office
    if: ip.asn == 64510
    then: allow
  - {name: odd, if: 'phone.country == "CA" && !(ip.country in ["CA", "US"])', then: deny}
  - {name: night, if: 'now.getHours("America/New_York") < 6', then: flag, shadow: true}
regions:
  CA:
    geo: {match: deny}
    number: {types: any}
    human: {require: always}
    limits: [{per: phone, max: 3, in: 24h}]
respond: {cooldown: hide}
shadow: false
`

// What show prints is a ruleset that means the same.
func TestShowLoadsAgainToTheSame(t *testing.T) {
	for name, text := range map[string]string{"smallest": smallest, "everything": everything} {
		t.Run(name, func(t *testing.T) {
			var first, second bytes.Buffer
			if err := compiled(t, text).Show(&first); err != nil {
				t.Fatal(err)
			}
			if err := compiled(t, first.String()).Show(&second); err != nil {
				t.Fatal(err)
			}
			if first.String() != second.String() {
				t.Errorf("shown, loaded and shown again differs\n--- first\n%s\n--- second\n%s", &first, &second)
			}
		})
	}
}

// A mistake of each kind, found in one go, each at its place.
func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	problems := refused(t, `version: 2
requst: {phone: json /phone}
request: {phone: json phone, region: UK}
geo: {match: dney}
network: {deny: [torr]}
number: {types: [moblie], deny: [+1900]}
limits:
  - {per: phnoe, max: 5, in: 24h}
  - {per: phone, max: 0, in: 24h}
  - {per: device, max: 5, in: 24}
rules:
  - {name: a, if: 'phone.contry == "CA"', then: deny}
  - {name: b, then: refuse}
`)
	var places []string
	for _, p := range problems.Errors() {
		place, _, _ := strings.Cut(p.String(), ": ")
		places = append(places, strings.TrimPrefix(place, "test.rules.yaml:"))
	}
	want := []string{"1:10", "2:1", "3:18", "3:38", "4:14", "5:18", "6:18", "6:34", "8:11", "9:23", "10:11", "10:31", "12:20", "13:21"}
	for _, w := range want {
		if !slices.Contains(places, w) {
			t.Errorf("nothing reported at %s", w)
		}
	}
	if t.Failed() {
		t.Logf("\n%v", problems)
	}
}

func TestRulesThatAreNeverReached(t *testing.T) {
	tests := []struct {
		name, rules, want string
	}{
		{"after everything", `[{name: all, then: deny}, {name: late, if: 'phone.country == "CA"', then: deny}]`, `rule "late" is never reached: rule "all" (line 5)`},
		{"the same condition", `[{name: a, if: 'device.given', then: allow}, {name: b, if: 'device.given', then: deny}]`, `rule "b" is never reached: rule "a"`},
		{"a narrower condition", `[{name: a, if: 'device.given', then: allow}, {name: b, if: 'email.given && device.given', then: deny}]`, `rule "b" is never reached: rule "a"`},
		{"one of the alternatives", `[{name: a, if: 'device.given || email.given', then: allow}, {name: b, if: 'email.given', then: deny}]`, `rule "b" is never reached: rule "a"`},
		{"never true", `[{name: a, if: '1 == 2', then: deny}]`, `rule "a" never applies: its condition is always false`},
		{"a country that is none", `[{name: a, if: 'phone.country == "UK"', then: deny}]`, `did you mean "GB"?`},
		{"a type that is none", `[{name: a, if: 'phone.type in ["mobile", "moblie"]', then: deny}]`, `"moblie" is not a type of number`},
		{"not a condition", `[{name: a, if: 'ip.asn', then: deny}]`, `a condition is true or false, but this is int`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problems := refused(t, smallest+"limits: []\nrules: "+test.rules+"\n")
			if got := problems.Error(); !strings.Contains(got, test.want) {
				t.Errorf("got\n%s\nwant %q in it", got, test.want)
			}
		})
	}
	for name, rules := range map[string]string{
		"a flag goes on":   `[{name: a, then: flag}, {name: b, then: deny}]`,
		"a shadow goes on": `[{name: a, then: deny, shadow: true}, {name: b, then: deny}]`,
		"a wider one":      `[{name: a, if: 'email.given && device.given', then: allow}, {name: b, if: 'device.given', then: deny}]`,
	} {
		t.Run(name, func(t *testing.T) { compiled(t, smallest+"rules: "+rules+"\n") })
	}
}

func TestLimitsThatCanNeverBite(t *testing.T) {
	tests := []struct {
		name, limits string
		warns        bool
	}{
		{"wider and shorter", `[{per: phone, max: 5, in: 24h}, {per: phone, max: 10, in: 1h}]`, true},
		{"behind a coarser key", `[{per: phone, max: 5, in: 24h}, {per: [ip, phone], max: 5, in: 24h}]`, true},
		{"behind everything", `[{max: 5, in: 24h}, {per: phone, max: 6, in: 1h}]`, true},
		{"unverified behind sends", `[{per: ip, max: 5, in: 24h}, {per: ip, max: 6, in: 1h, count: unverified}]`, true},
		{"sends beside unverified", `[{per: ip, max: 5, in: 24h, count: unverified}, {per: ip, max: 6, in: 1h}]`, false},
		{"a shorter window for fewer", `[{per: phone, max: 5, in: 24h}, {per: phone, max: 1, in: 60s}]`, false},
		{"behind a shadow", `[{per: phone, max: 5, in: 24h, shadow: true}, {per: phone, max: 10, in: 1h}]`, false},
		{"another's ban", `[{per: ip, max: 5, in: 1h}, {per: ip, max: 5, in: 30m, ban: 1h}]`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problems := Compile("test.rules.yaml", []byte(smallest+"limits: "+test.limits+"\n"), noFiles, Wiring{Unwired: true})
			if got := strings.Contains(problems.Render(), "can never bite"); got != test.warns {
				t.Errorf("warned: %t, want %t\n%v", got, test.warns, problems.Render())
			}
		})
	}
}

// Where something is not wired, loading says both ways out.
func TestMissingWiringIsRefused(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"proof", smallest, "add turnstile { secret … } to otp_gate in the Caddyfile, or write human: {require: never}"},
		{"country", smallest + "geo: {countries: [US]}\n", "geo.countries needs a database of countries: add country_db FILE"},
		{"asn", smallest + "limits: [{per: asn, max: 5, in: 1h}]\n", "a limit per asn needs a database of autonomous systems: add asn_db FILE"},
		{"condition", smallest + "rules: [{name: a, if: 'ip.country == \"CN\"', then: deny}]\n", "country_db FILE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rules, problems := Compile("test.rules.yaml", []byte(test.text), noFiles, Wiring{})
			if rules != nil || !strings.Contains(problems.Error(), test.want) {
				t.Errorf("got\n%v\nwant %q in it", problems, test.want)
			}
		})
	}
}
