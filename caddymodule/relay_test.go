package caddymodule

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/otpgate/otpgate/ruleset/network"
)

// People behind Apple's relay stand in a public list of data centers. Trusted,
// they pass; otherwise they are refused with the data centers.
func TestRelay(t *testing.T) {
	data := dataFolder(t, "feeds")
	if data == "" {
		return
	}
	relays := filepath.Join(data, "ranges-cc0", "apple-proxy", "ipv4_merged.txt")
	hosting := filepath.Join(data, "x4b", "output", "datacenter", "ipv4.txt")
	addresses := inBoth(t, relays, hosting)
	if len(addresses) < 100 {
		t.Fatalf("%d of Apple's networks begin in a data center", len(addresses))
	}
	lists := "lists: {icloud-relay: {file: " + relays + "}, datacenter: {file: " + hosting + "}}"
	rules := noProof + "limits: []\nnetwork: {deny: [datacenter], " + lists + "}\n"
	p := open(t, rules, answering(202), proxied)
	ask := func(want string) {
		t.Helper()
		for i := 0; i < len(addresses); i += len(addresses) / 50 {
			if got := p.from(addresses[i].String(), alice); got != want {
				t.Errorf("%s: %s, want %s", addresses[i], got, want)
			}
		}
	}
	ask("403 network_refused")
	p.write(noProof + "limits: []\nnetwork: {trust: [icloud-relay], deny: [datacenter], " + lists + "}\n")
	until(t, "the ruleset that trusts", func() bool { return p.metric(`otpgate_ruleset_reloads_total{gate="test",result="used"}`) == "1" })
	ask("202")
	// One that is no relay's is refused as before.
	for _, prefix := range prefixes(t, hosting) {
		if a := prefix.Addr(); !among(t, relays, a) {
			if got := p.from(a.String(), alice); got != "403 network_refused" {
				t.Errorf("%s of a data center: %s", a, got)
			}
			break
		}
	}
}

func prefixes(t *testing.T, path string) []netip.Prefix {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, problems := network.ParseList(path, f)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return all
}

// inBoth returns the first addresses of networks of one list that are in the
// other.
func inBoth(t *testing.T, one, other string) (addresses []netip.Addr) {
	t.Helper()
	lists, err := network.NewLists([]network.List{{Name: "other", Prefixes: prefixes(t, other)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prefixes(t, one) {
		if !lists.Of(p.Addr(), 0).IsEmpty() {
			addresses = append(addresses, p.Addr())
		}
	}
	return addresses
}

func among(t *testing.T, path string, a netip.Addr) bool {
	t.Helper()
	for _, p := range prefixes(t, path) {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
