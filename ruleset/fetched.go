package ruleset

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// listSource is where one list comes from.
type listSource struct {
	name     string
	static   network.List // what does not change: written in the ruleset, or in a file beside it
	feeds    []feed.Feed  // what is fetched
	required bool
}

// merged returns a list with what has been fetched for it. Where the countries of
// one feed alone are known, they are the list's.
func merged(static network.List, results []*feed.Result) network.List {
	list := network.List{Name: static.Name, Prefixes: slices.Clone(static.Prefixes), ASNs: slices.Clone(static.ASNs), Countries: static.Countries}
	for _, r := range results {
		if r == nil {
			continue
		}
		list.Prefixes = append(list.Prefixes, r.Prefixes...)
		list.ASNs = append(list.ASNs, r.ASNs...)
		if len(results) == 1 {
			list.Countries = r.Countries
		}
	}
	return list
}

// lists are the lists of a ruleset, which follow their feeds.
type lists struct {
	*network.Lists
	sources []listSource
	results func(string) *feed.Result
	denied  []string // names of lists

	refreshing sync.Mutex
	seen       [][]*feed.Result // guarded by refreshing; for each source, of each feed, what is in the lists
	now        atomic.Pointer[loading]
}

// loading says what has been loaded of lists. It does not change.
type loading struct {
	missing []string
	refuses string // the first list that is denied, required and missing; empty if there is none
}

func newLists(sources []listSource, deny []denied, results func(string) *feed.Result) (*lists, error) {
	if results == nil {
		results = func(string) *feed.Result { return nil }
	}
	l := &lists{sources: sources, results: results}
	for _, d := range deny {
		if d.listed {
			l.denied = append(l.denied, d.word)
		}
	}
	var given []network.List
	for _, s := range sources {
		seen := l.resultsOf(s, nil)
		l.seen = append(l.seen, seen)
		given = append(given, merged(s.static, seen))
	}
	var err error
	if l.Lists, err = network.NewLists(given); err != nil {
		return nil, err
	}
	l.now.Store(l.loading())
	return l, nil
}

// resultsOf returns what each feed of s holds. What has been there once stays.
func (l *lists) resultsOf(s listSource, before []*feed.Result) []*feed.Result {
	results := make([]*feed.Result, len(s.feeds))
	for i, f := range s.feeds {
		if results[i] = l.results(f.Name); results[i] == nil && before != nil {
			results[i] = before[i]
		}
	}
	return results
}

// loading works out what is missing now.
func (l *lists) loading() *loading {
	now := new(loading)
	for i, s := range l.sources {
		if !slices.Contains(l.seen[i], nil) {
			continue
		}
		now.missing = append(now.missing, s.name)
		if now.refuses == "" && s.required && slices.Contains(l.denied, s.name) {
			now.refuses = s.name
		}
	}
	return now
}

// refresh takes in what the feeds hold now.
func (l *lists) refresh() error {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	var changed []network.List
	var places []int
	seen := slices.Clone(l.seen)
	for i, s := range l.sources {
		if seen[i] = l.resultsOf(s, l.seen[i]); slices.Equal(seen[i], l.seen[i]) {
			continue
		}
		changed, places = append(changed, merged(s.static, seen[i])), append(places, i)
	}
	if len(changed) == 0 {
		return nil
	}
	if err := l.Replace(changed...); err == nil {
		l.seen = seen
		l.now.Store(l.loading())
		return nil
	}
	// One of them cannot be used. The others can.
	var errs []error
	for i, list := range changed {
		if err := l.Replace(list); err != nil {
			errs = append(errs, err)
			continue
		}
		l.seen[places[i]] = seen[places[i]]
	}
	l.now.Store(l.loading())
	return fmt.Errorf("taking in lists: %w", errors.Join(errs...))
}

// Feeds are the feeds that the ruleset wants fetched, each once. Those of shipped
// lists are called as the catalogue calls them, those of its own lists
// GATE.LIST, after the gate and the list.
func (r *Ruleset) Feeds() []feed.Feed {
	var feeds []feed.Feed
	for _, s := range r.lists.sources {
		for _, f := range s.feeds {
			i := slices.IndexFunc(feeds, func(g feed.Feed) bool { return g.Name == f.Name })
			if i < 0 {
				feeds = append(feeds, f)
			} else {
				feeds[i].Required = feeds[i].Required || f.Required
			}
		}
	}
	return feeds
}

// Refresh takes what Wiring.Feeds returns now into the lists: all that has changed
// at once, while requests are judged. It costs little where nothing has. The error
// names the lists that cannot be used; those stay as they were.
func (r *Ruleset) Refresh() error { return r.lists.refresh() }

// Missing names the lists of which something has never been loaded. One that is
// denied and required refuses everybody meanwhile; the others refuse, or trust,
// nobody for what is missing.
func (r *Ruleset) Missing() []string { return slices.Clone(r.lists.now.Load().missing) }

// refusable reports whether addresses of p are refused for what they are.
func refusable(p netip.Prefix) bool {
	switch network.KindOf(p.Addr()) {
	case network.Public, network.Documentation:
		return false
	default:
		return true
	}
}
