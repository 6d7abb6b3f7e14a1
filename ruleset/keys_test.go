package ruleset

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// noted is a ledger with room for everything, which notes what is charged.
type noted struct {
	roomy
	charges []ledger.Charge
}

func (n *noted) Reserve(_ context.Context, _ time.Time, _ ledger.ID, charges []ledger.Charge, _ *ledger.Answer) error {
	n.charges = append(n.charges, charges...)
	return nil
}

var (
	oldSecret = []byte("the old secret, long enough for it")
	newSecret = []byte("the new secret, long enough for it")
)

const everyKind = `version: 1
request: {phone: json /phone, email: json /email, device: header X-Device-Id, region: US}
human: {require: never}
number: {types: any}
budget: {currency: USD, zone: Europe/Berlin, prices: {US: 0.0079}, day: {stop: 200}, countries: {US: {month: {alert: 10}}}}
limits:
  - {per: phone, max: 5, in: 24h}
  - {per: phone, max: 3, in: 7d, across: all}
  - {per: [email, phone], max: 5, in: 24h}
  - {per: device, max: 5, in: 24h}
  - {per: email_domain, max: 500, in: 24h}
  - {per: range, max: 5, in: 24h}
  - {per: country, max: 500, in: 24h}
  - {per: ip_country, max: 500, in: 24h}
  - {per: asn, max: 500, in: 24h}
  - {per: ip/24, max: 500, in: 24h}
  - {per: ip, distinct: phone, max: 5, in: 24h}
  - {max: 500, in: 24h}
`

// charged returns what one request is charged with under these secrets.
func charged(t *testing.T, secret []byte, also ...[]byte) []ledger.Charge {
	t.Helper()
	var l noted
	gate := NewGate(compiled(t, everyKind), nil, &l, NewKeys(secret, also...))
	r := post(`{"phone":"+14155550123","email":"a@example.com"}`)
	r.Header.Set("X-Device-Id", "d1")
	if j := gate.Judge(r, netip.MustParseAddr("192.0.2.7"), noon); j.Verdict.Action != Allow {
		t.Fatalf("refused: %s %s", j.Verdict.Reason, j.Verdict.Detail)
	}
	if len(l.charges) != 14 {
		t.Fatalf("%d charges, want 14", len(l.charges))
	}
	return l.charges
}

// What a key is under one secret is what it is beside another, and no key is
// the same under both: not even of what counts everything.
func TestKeysUnderTwoSecrets(t *testing.T) {
	before, after := charged(t, oldSecret), charged(t, newSecret)
	beside := charged(t, newSecret, oldSecret)
	seen := make(map[ledger.Key]string)
	for i, c := range beside {
		name := c.Tally.Name
		if before[i].Also != (ledger.Key{}) || after[i].Also != (ledger.Key{}) {
			t.Errorf("%s: there is no other secret, and a key under it", name)
		}
		if c.Key != after[i].Key || c.Also != before[i].Key || c.Member != after[i].Member {
			t.Errorf("%s: beside the old secret it has other keys", name)
		}
		if c.Key == c.Also {
			t.Errorf("%s: the same key under both secrets", name)
		}
		if c.Key == c.Tally.Seed {
			t.Errorf("%s: the key can be known without the secret", name)
		}
		for _, k := range []ledger.Key{c.Key, c.Also} {
			if other, twice := seen[k]; twice {
				t.Errorf("%s and %s have the same key", name, other)
			}
			seen[k] = name
		}
	}
}

// An other secret that is none changes nothing; the same one would count
// everything twice.
func TestOtherSecretsThatAreNone(t *testing.T) {
	for name, also := range map[string][]byte{"none": nil, "empty": {}, "the same": oldSecret} {
		for _, c := range charged(t, oldSecret, also) {
			if c.Also != (ledger.Key{}) {
				t.Errorf("%s: %s has a key under it", name, c.Tally.Name)
			}
		}
	}
}

// What was used up under a secret is used up for gates that have it beside
// theirs, whichever the ledger is told by.
func TestUsedUpUnderAnotherSecret(t *testing.T) {
	l := ledger.NewEmbedded()
	rules := compiled(t, smallest+`human: {require: never}
limits: [{per: phone, max: 2, in: 7d}, {max: 3, in: 7d}]
budget: {currency: USD, prices: {default: 0.10}, month: {stop: 0.30}}
`)
	ask := func(keys *Keys, number string) Code {
		return NewGate(rules, nil, l, keys).Judge(post(`{"phone":"`+number+`"}`), netip.MustParseAddr("192.0.2.7"), noon).Verdict.Reason
	}
	before, both, after := NewKeys(oldSecret), NewKeys(newSecret, oldSecret), NewKeys(newSecret)
	for i, want := range []Code{"", "", TooMany} {
		if got := ask(before, "+14155550123"); got != want {
			t.Fatalf("request %d under the old secret: %q, want %q", i, got, want)
		}
	}
	if got := ask(both, "+14155550123"); got != TooMany {
		t.Errorf("the number is used up, and a gate with both secrets says %q", got)
	}
	if got := ask(both, "+14155550124"); got != "" {
		t.Errorf("the third of three: %q", got)
	}
	for name, keys := range map[string]*Keys{"the new one first": both, "the old one first": NewKeys(oldSecret, newSecret)} {
		if got := ask(keys, "+14155550125"); got != BudgetSpent { // which takes longest
			t.Errorf("%s: all three are sent and paid for, and the gate says %q", name, got)
		}
	}
	if got := ask(after, "+14155550125"); got != "" {
		t.Errorf("a gate that does not know the old secret counts apart, and says %q", got)
	}
}

func TestOneOtherSecretAtMost(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("three secrets are accepted")
		}
	}()
	NewKeys(newSecret, oldSecret, []byte("an older one"))
}
