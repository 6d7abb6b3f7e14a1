package caddymodule

import (
	"strings"
	"testing"
)

// What placeholders and the log say of a request, as the operator sees it.
func TestPlaceholders(t *testing.T) {
	names := []string{"gate", "action", "check", "rule", "code", "reason", "proof", "phone", "phone.country", "phone.type", "ip.country", "ip.asn", "flags", "shadow"}
	var line []string
	for _, name := range names {
		line = append(line, name+"={http.otp_gate."+name+"}")
	}
	rules := strings.Replace(noProof, "human:", "geo: {countries: [US], match: flag}\nnetwork: {deny: [dc], shadow: true, lists: {dc: {asns: [64500]}}}\nhuman:", 1)
	p := open(t, rules, answering(202), func(p *place) {
		p.global = "country_db ../testdata/geo/country.mmdb\nasn_db ../testdata/geo/asn.mmdb"
		p.server = "trusted_proxies static 127.0.0.1/32\ntrusted_proxies_strict"
		p.route = "respond `" + strings.Join(line, "\n") + "\nid={http.otp_gate.id}` 202"
		p.odd = p.route
	})
	got := p.ask(alice, "X-Forwarded-For", "192.0.2.130")
	const want = `gate=test
action=allow
check=
rule=
code=
reason=
proof=
phone=+1********01
phone.country=US
phone.type=fixed_line_or_mobile
ip.country=US
ip.asn=64500
flags=
shadow=network dc network_refused
id=`
	text, id, _ := strings.Cut(got.text, "id=")
	if text+"id=" != want {
		t.Errorf("got\n%s\nwant\n%s", got.text, want)
	}
	logged := p.logged("judged")
	if len(logged) != 1 || logged[0]["id"] != id {
		t.Errorf("the log has %v, want id %s", logged, id)
	}
	if got := p.metric(`otpgate_marks_total{check="network",gate="test",mark="shadow",rule="dc"}`); got != "1" {
		t.Errorf("shadow marks: %s", got)
	}
}
