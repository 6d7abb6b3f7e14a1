package feed

import (
	"fmt"
	"slices"
	"strings"
)

// Selection takes a part of a feed. The words are those of the feed itself, and
// must be the same to the letter. An entry is taken if it fits each of the lists
// that has words: one of the services, and one of the regions, and one of the
// tags. The zero Selection takes everything.
//
//	format      service                    region                         tag
//	aws         service                    region, network_border_group
//	google      service                    scope
//	azure       systemService              region                         name of the tag (AzureCloud.westeurope)
//	oracle                                 region                         tags
//	github      the key it stands under
//	geofeed                                country, region (US, US-NJ)    city
//	csv         column service             columns region and country     columns tag and city
//	json        service or product, or     region, scope                  tags, name
//	            the keys it stands under
type Selection struct {
	Services []string `json:"services,omitempty"`
	Regions  []string `json:"regions,omitempty"`
	Tags     []string `json:"tags,omitempty"`
}

// Empty reports whether s takes everything.
func (s Selection) Empty() bool {
	return len(s.Services)+len(s.Regions)+len(s.Tags) == 0
}

// labels are what a feed says of an entry.
type labels struct {
	services, regions, tags []string
	country                 string // two capital letters, or ""
}

// wanted looks for the entries that fit a selection, and remembers what else
// there is, for those who have asked for what is not there. A nil *wanted wants
// everything.
type wanted struct {
	by [3]wantedWords // services, regions, tags
}

// The places in wanted.by.
const (
	byService = iota
	byRegion
	byTag
)

type wantedWords struct {
	name  string
	words []string
	found map[string]bool
	seen  map[string]bool
}

const maxSeen = 1000 // words remembered

func newWanted(s Selection) *wanted {
	if s.Empty() {
		return nil
	}
	w := &wanted{}
	for i, words := range [3][]string{s.Services, s.Regions, s.Tags} {
		w.by[i] = wantedWords{name: [3]string{"service", "region", "tag"}[i], words: words,
			found: make(map[string]bool), seen: make(map[string]bool)}
	}
	return w
}

func (w *wanted) match(l labels) bool {
	if w == nil {
		return true
	}
	all := true
	for i, has := range [3][]string{l.services, l.regions, l.tags} {
		all = w.by[i].match(has) && all // each sees all entries
	}
	return all
}

func (w *wantedWords) match(has []string) bool {
	if len(w.words) == 0 {
		return true
	}
	any := false
	for _, word := range has {
		if slices.Contains(w.words, word) {
			any = true
			w.found[word] = true
		} else if word != "" && len(w.seen) < maxSeen {
			w.seen[word] = true
		}
	}
	return any
}

// label adds a word to those that an object has, if it is one that was asked
// for. The others only need to be remembered once, not with each entry.
func (w *wanted) label(by int, words []string, word string) []string {
	if w == nil || len(w.by[by].words) == 0 || slices.Contains(words, word) || !w.by[by].match([]string{word}) {
		return words
	}
	return append(words, word)
}

// missing returns an error if a word that was asked for is nowhere in the feed.
func (w *wanted) missing() error {
	if w == nil {
		return nil
	}
	for _, by := range w.by {
		for _, word := range by.words {
			if !by.found[word] {
				return because(NothingSelected, "it has no %s %q; it has %s", by.name, word, by.others())
			}
		}
	}
	return nil
}

// others names what there is, as far as it fits into a message.
func (w *wantedWords) others() string {
	const most = 20
	var names []string
	for word := range w.seen {
		names = append(names, fmt.Sprintf("%.60q", word))
	}
	for word := range w.found {
		names = append(names, fmt.Sprintf("%.60q", word))
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
