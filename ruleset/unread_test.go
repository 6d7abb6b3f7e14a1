package ruleset

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset/network"
)

// A database that cannot be asked is told of, and what the ruleset says of
// the unknown is what happens.
func TestDatabaseCannotBeAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.mmdb")
	databases, err := network.OpenDatabases(network.DatabaseFile{Path: path})
	if err == nil {
		t.Fatal("a file that is not there is opened")
	}
	for _, test := range []struct{ rules, want string }{
		{"", "allow "},
		{"geo: {countries: [US]}", "deny geo unknown country_refused"},
		{"geo: {countries: [US], unknown: allow}", "allow "},
		{"geo: {countries: [US], unknown: flag}", "allow  flag geo unknown"},
		{"geo: {match: deny}", "deny geo unknown country_refused"},
		{"geo: {match: flag}", "allow  flag geo unknown"},
		{"geo: {countries: [US], shadow: true}", "allow  shadow geo unknown"},
		{"network: {deny: [bad], lists: {bad: {asns: [64500]}}}", "deny network asn unknown network_refused"},
		{"network: {deny: [anonymous]}", "deny network traits unknown network_refused"},
		{"network: {deny: [anonymous], shadow: true}", "allow  shadow network traits unknown"},
		{"network: {trust: [good], deny: [anonymous], lists: {good: {cidrs: [192.0.2.0/24]}}}", "allow "},
		{"rules: [{name: risky, if: ip.risk > 50 || ip.country == \"DE\", then: deny}]", "allow "},
		{"rules: [{name: nowhere, if: ip.country == \"\", then: deny}]", "deny rule nowhere refused"},
	} {
		rules, problems := Compile("test.rules.yaml", []byte(smallest+"human: {require: never}\nlimits: []\n"+test.rules+"\n"), noFiles, Wiring{Unwired: true, Databases: databases})
		if problems.HasErrors() {
			t.Fatalf("%s: %v", test.rules, problems)
		}
		v := NewGate(rules, nil, roomy{}, NewKeys(make([]byte, 32))).Judge(post(`{"phone":"+14155550123"}`), netip.MustParseAddr("192.0.2.7"), noon).Verdict
		got := v.Action.String() + " "
		if v.Action != Allow {
			got += strings.Join([]string{string(v.Check), v.Rule, string(v.Reason)}, " ")
		}
		for _, m := range v.Flags {
			got += " flag " + string(m.Check) + " " + m.Rule
		}
		for _, m := range v.Shadow {
			got += " shadow " + string(m.Check) + " " + m.Rule
		}
		if got != test.want {
			t.Errorf("{%s}: %s, want %s", test.rules, got, test.want)
		}
		if v.Err == nil || !strings.Contains(v.Err.Error(), "database "+path+" is not there: no such file") {
			t.Errorf("{%s}: error %v", test.rules, v.Err)
		}
	}
}
