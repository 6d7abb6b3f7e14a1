package fleet

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Arrival is one request as the app got it.
type Arrival struct {
	Ruleset string
	Gate    string // the process that let it through
	Number  int64  // the client's own; no two requests have the same
	Facts   Facts
	// Its charge was taken after From and before To: From is when the client
	// began to ask or, if that is later, when the gate began to judge; To is
	// when the app was asked.
	From, To time.Time
	Status   int // that the app answered
}

// NotSent is what the app answers when it has sent nothing.
const NotSent = 422

// counts reports whether the limit counts a for certain. What the app reports
// as not sent is given back, but for limits on requests.
func (l *Limit) counts(a *Arrival) bool {
	switch {
	case l.Prices != nil && (l.day(a.From) != l.day(a.To) || l.Only != "" && l.Only != country(a.Facts.Phone)):
		return false // also what may be yesterday's
	default:
		return l.Count == "requests" || a.Status != NotSent
	}
}

func (l *Limit) day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// takes returns how much of l a request takes.
func (l *Limit) takes(a *Arrival) int {
	if l.Prices != nil {
		return l.Prices[country(a.Facts.Phone)]
	}
	return 1
}

// of returns what l counts a for.
func (l *Limit) of(a *Arrival) string {
	if l.Prices != nil {
		return l.day(a.From)
	}
	return l.key(&a.Facts)
}

// Finding is what the judge found for one limit.
type Finding struct {
	Worst    int       // the most that was let through for any key in any window, or the most cents
	Key      string    // whose that is
	Arrivals []Arrival // those, all in one window
	Over     int       // what was let through beyond Max, of all keys together
}

// Judge returns the most that l has for certain admitted in any trailing
// window, for any key. Arrivals are those at the rulesets that have l.
//
// The app does not see when a charge was taken, only that it was between From
// and To. Requests were in one window for certain if the latest To is less
// than a window after the earliest From: then their charges were that close
// together wherever they were. So a Worst above Max is an over-admission, and
// never a mistake of the judge's. What can be missed is an over-admission whose
// last charge came within a request's latency of the end of the window, which
// is little, since latencies are small against windows; and nothing at all
// where the window is longer than the run.
//
// The clocks of gates and servers are this machine's, as the test's is.
func (l *Limit) Judge(arrivals []Arrival) Finding {
	keys := make(map[string][]*Arrival)
	for i := range arrivals {
		if a := &arrivals[i]; l.counts(a) {
			k := l.of(a)
			keys[k] = append(keys[k], a)
		}
	}
	var found Finding
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		worst, in := l.most(keys[key])
		found.Over += max(0, worst-l.Max)
		if worst > found.Worst {
			found.Worst, found.Key = worst, key
			found.Arrivals = found.Arrivals[:0]
			for _, a := range in {
				found.Arrivals = append(found.Arrivals, *a)
			}
		}
	}
	return found
}

// most returns the most that arrivals of one key took in one window for
// certain, and which those were: one for each value where l counts different
// ones. A set of arrivals is in one window if all its To are less than a window
// after the earliest From, so it is enough to try each arrival as the earliest.
func (l *Limit) most(some []*Arrival) (most int, those []*Arrival) {
	slices.SortFunc(some, func(a, b *Arrival) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Number, b.Number))
	})
	for i, first := range some {
		end := first.From.Add(l.Window)
		var in []*Arrival
		seen, sum := make(map[string]bool), 0
		for _, a := range some[i:] {
			if !a.From.Before(end) {
				break
			}
			if !a.To.Before(end) {
				continue
			}
			if l.Distinct != "" {
				if value := a.Facts.of(l.Distinct); seen[value] {
					continue
				} else {
					seen[value] = true
				}
			}
			in, sum = append(in, a), sum+l.takes(a)
		}
		if sum > most {
			most, those = sum, in
		}
		if l.Prices != nil {
			break // all of them are of one day
		}
	}
	return most, those
}
