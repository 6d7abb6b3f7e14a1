package ruleset

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// shelf is where feeds leave what they have fetched.
type shelf struct {
	mu      sync.Mutex
	results map[string]*feed.Result
}

func (s *shelf) get(name string) *feed.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.results[name]
}

func (s *shelf) put(t testing.TB, name, text string) {
	t.Helper()
	r, err := feed.Parse(strings.NewReader(text), feed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results[name] = r
}

func fetching(t testing.TB, s *shelf, text string) *Ruleset {
	t.Helper()
	rules, problems := Compile("signup.rules.yaml", []byte(smallest+"human: {require: never}\n"+text), noFiles, Wiring{Feeds: s.get})
	if rules == nil {
		t.Fatal(problems)
	}
	return rules
}

// in names the lists that an address is in.
func in(r *Ruleset, addr string) []string {
	return r.lists.Names(r.sources.Facts(netip.MustParseAddr(addr)).Lists)
}

func TestFeedsAreNamedOnce(t *testing.T) {
	rules := fetching(t, &shelf{}, `network:
  deny: [hosting, aws, vpn, own]
  lists:
    own: {url: "https://example.com/list.txt", every: 2h, max_age: 2d, max_size: 1MiB, format: csv, select: {tags: [bad]}, required: true}
    aws: {required: true}
`)
	var names, required []string
	for _, f := range rules.Feeds() {
		if err := f.Validate(); err != nil {
			t.Error(err)
		}
		names = append(names, f.Name)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	want := []string{"signup.own", "aws", "gcp", "azure", "oracle", "digitalocean", "linode", "vpn-ipv4", "vpn-ipv6"}
	if !slices.Equal(names, want) || !slices.Equal(required, []string{"signup.own", "aws"}) {
		t.Errorf("feeds %q, required %q", names, required)
	}
	own := rules.Feeds()[0]
	if got := fmt.Sprintln(own.Every, own.MaxAge, own.MaxBytes, own.Format, own.Select.Tags, own.URL); got != "2h0m0s 48h0m0s 1048576 csv [bad] https://example.com/list.txt\n" {
		t.Errorf("own: %+v", own)
	}
	if got := rules.Missing(); !slices.Equal(got, []string{"own", "aws", "hosting", "vpn"}) {
		t.Errorf("missing %q", got)
	}
}

func TestEveryShippedListIsAWord(t *testing.T) {
	for _, e := range feed.Catalogue() {
		for _, word := range []string{"trust", "deny"} {
			rules, problems := Compile("a.yaml", []byte(smallest+"network: {"+word+": ["+e.Name+"]}\n"), noFiles, Wiring{Unwired: true})
			if rules == nil {
				t.Errorf("%s: [%s]: %v", word, e.Name, problems)
			}
		}
	}
}

func TestRefresh(t *testing.T) {
	s := &shelf{results: make(map[string]*feed.Result)}
	s.put(t, "vpn-ipv4", "192.0.2.0/28\n")
	rules := fetching(t, s, "network: {deny: [tor, vpn]}\n")
	is := func(when, addr string, want ...string) {
		t.Helper()
		if got := in(rules, addr); !slices.Equal(got, want) {
			t.Errorf("%s: %s is in %q, want %q", when, addr, got, want)
		}
	}
	is("on disk", "192.0.2.1", "vpn")
	s.put(t, "tor", "192.0.2.1\n")
	s.put(t, "vpn-ipv6", "2001:db8::/48\n")
	is("before", "192.0.2.1", "vpn")
	if err := rules.Refresh(); err != nil || len(rules.Missing()) != 0 {
		t.Errorf("%v, missing %q", err, rules.Missing())
	}
	is("after", "192.0.2.1", "tor", "vpn")
	is("after", "2001:db8::1", "vpn")
	s.put(t, "tor", "192.0.2.2\n")
	if err := rules.Refresh(); err != nil {
		t.Error(err)
	}
	is("replaced", "192.0.2.1", "vpn")
	is("replaced", "192.0.2.2", "tor", "vpn")
	delete(s.results, "tor")
	if err := rules.Refresh(); err != nil || len(rules.Missing()) != 0 {
		t.Errorf("%v, missing %q", err, rules.Missing())
	}
	is("gone", "192.0.2.2", "tor", "vpn")
	if allocs := testing.AllocsPerRun(10, func() { rules.Refresh() }); allocs > 20 {
		t.Errorf("a refresh of nothing allocates %v times", allocs)
	}
}

// One list that cannot be used keeps no other one from being refreshed.
func TestRefreshOfABadList(t *testing.T) {
	s := &shelf{results: make(map[string]*feed.Result)}
	rules := fetching(t, s, "network: {deny: [tor, vpn]}\n")
	s.put(t, "tor", "192.0.2.1\n")
	s.results["vpn-ipv4"] = &feed.Result{Prefixes: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	s.put(t, "vpn-ipv6", "2001:db8::/48\n")
	if err := rules.Refresh(); err == nil || !strings.Contains(err.Error(), `list "vpn": 0.0.0.0/0`) {
		t.Errorf("got %v", err)
	}
	if got := in(rules, "192.0.2.1"); !slices.Equal(got, []string{"tor"}) || !slices.Equal(rules.Missing(), []string{"vpn"}) {
		t.Errorf("in %q, missing %q", got, rules.Missing())
	}
}

// Whoever is judged while lists are replaced sees one state of them.
func TestRefreshWhileJudging(t *testing.T) {
	s := &shelf{results: make(map[string]*feed.Result)}
	s.put(t, "tor", "192.0.2.1\n")
	rules := fetching(t, s, "network: {deny: [tor]}\n")
	stop := make(chan struct{})
	var judges sync.WaitGroup
	for range 2 {
		judges.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				f := Facts{IP: rules.sources.Facts(netip.MustParseAddr("192.0.2.1"))}
				if got := rules.base.checks[0].ask(&f); got.rule != "tor" {
					t.Errorf("found %+v", got)
					return
				}
			}
		})
	}
	var refreshers sync.WaitGroup
	for i := range 2 {
		refreshers.Go(func() {
			for n := range 50 {
				s.put(t, "tor", fmt.Sprintf("192.0.2.1\n198.51.100.%d\n", i*100+n))
				if err := rules.Refresh(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	refreshers.Wait()
	close(stop)
	judges.Wait()
}
