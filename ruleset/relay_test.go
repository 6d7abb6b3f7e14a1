package ruleset

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// realFeed returns a feed of the real material that some tests use, which is not
// part of the repository. It returns nil when it is not here, and says so.
func realFeed(t *testing.T, name string) *feed.Result {
	t.Helper()
	base := os.Getenv("OTPGATE_DATA")
	if base == "" {
		base = "../shared/data"
	}
	if !filepath.IsAbs(base) {
		base = filepath.Join("..", base) // from the root
	}
	f, err := os.Open(filepath.Join(base, name))
	if err != nil {
		t.Logf("not tried with %s, which is not here: set OTPGATE_DATA to the folder that holds it", name)
		return nil
	}
	defer f.Close()
	r, err := feed.Parse(f, feed.Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

// Apple's relays stand in public lists of data centers. Who trusts the relays lets
// each of them through; who does not refuses those.
func TestRealRelaysPassWhenTrusted(t *testing.T) {
	relay := realFeed(t, "feeds/ranges-cc0/apple-proxy/ipv4.txt")
	center := realFeed(t, "feeds/x4b/output/datacenter/ipv4.txt")
	if relay == nil || center == nil {
		return
	}
	s := &shelf{results: map[string]*feed.Result{"icloud-relay": relay, "signup.centers": center}}
	const lists = "deny: [centers], lists: {centers: {url: \"https://example.com/list.txt\"}}}\n"
	trusting := fetching(t, s, "network: {trust: [icloud-relay], "+lists)
	wary := fetching(t, s, "network: {"+lists)
	refused := func(r *Ruleset, a netip.Addr) bool {
		f := Facts{IP: r.sources.Facts(a)}
		return r.base.checks[0].ask(&f).then == "deny"
	}
	denied := 0
	for _, p := range relay.Prefixes {
		a := p.Addr()
		if refused(trusting, a) {
			t.Fatalf("%s, an address of the relay, is refused though it is trusted", a)
		}
		if refused(wary, a) {
			denied++
		}
	}
	if share := float64(denied) / float64(len(relay.Prefixes)); share < 0.2 {
		t.Errorf("without trust %d of %d networks of the relay are refused, which proves little", denied, len(relay.Prefixes))
	} else {
		t.Logf("without trust %d of %d networks of the relay are refused", denied, len(relay.Prefixes))
	}
	strangers := 0
	for _, p := range center.Prefixes {
		if a := p.Addr(); len(in(trusting, a.String())) == 1 {
			strangers++
			if !refused(trusting, a) {
				t.Fatalf("%s, of a data center and no relay, is let through", a)
			}
		}
	}
	if strangers < 1000 {
		t.Errorf("only %d data centers were tried", strangers)
	}
}
