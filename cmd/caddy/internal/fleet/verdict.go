package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Bound says how much more than its max a limit may have admitted for one key,
// in words of the documentation.
type Bound func(*Limit) int

// Never is the bound where there is no outage.
func Never(*Limit) int { return 0 }

// Outage is the bound of one outage of the ledger's server, for so many gates:
// the shares of the other gates; or, where limits are local, the whole limit
// for each of them; or nothing, where it is deny.
func Outage(gates int) Bound {
	return func(l *Limit) int {
		switch l.Away {
		case "local":
			return (gates - 1) * l.Max
		case "deny":
			return 0
		default:
			return (gates - 1) * max(1, l.Max/gates)
		}
	}
}

// Report judges all limits of the rulesets by what the app got, says in lines
// what was found, and fails the test where a limit admitted more than its
// bound.
func Report(t testing.TB, sets []*Ruleset, app *App, c *Clients, gates []*Gate, bound Bound) Judged {
	t.Helper()
	arrivals := app.Arrivals(t)
	log := Judged{Refused: make(map[string]int), Errors: make(map[string]int)}
	for _, g := range gates {
		g.Log(&log)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%d requests: %d admitted, %d given back, %d refused, %d unavailable, %d failed; the app got %d\n",
		c.Asked.Load(), c.Admitted.Load(), c.GivenBack.Load(), c.Refused.Load(), c.Unavailable.Load(), c.Failed.Load(), len(arrivals))
	for _, l := range limitsOf(sets) {
		found := l.Judge(at(arrivals, sets, l))
		fmt.Fprintf(&s, "  %-24s %3d of %3d in %-6s refused %d", l.Name, found.Worst, l.Max, l.Window, log.Refused[l.Name])
		if over := found.Worst - l.Max; over > 0 {
			fmt.Fprintf(&s, "; OVER by %d for one key (bound %d), by %d for all keys", over, bound(l), found.Over)
			if over > bound(l) {
				t.Errorf("%s admitted %d of %d in %s, %d more than it may:%s", l.Name, found.Worst, l.Max, l.Window, over-bound(l), story(found.Arrivals))
			}
		}
		s.WriteByte('\n')
	}
	for text, n := range log.Errors {
		fmt.Fprintf(&s, "  %d times: %s\n", n, text)
	}
	t.Log(s.String())
	once(t, arrivals)
	return log
}

// Reached fails the test if some limit has never refused anybody: then nothing
// is known of it.
func Reached(t testing.TB, sets []*Ruleset, log Judged) {
	t.Helper()
	for _, l := range limitsOf(sets) {
		if log.Refused[l.Name] == 0 {
			t.Errorf("%s has never been full", l.Name)
		}
	}
}

// once fails the test if the app got a request twice.
func once(t testing.TB, arrivals []Arrival) {
	t.Helper()
	seen := make(map[int64]bool)
	for i := range arrivals {
		if n := arrivals[i].Number; seen[n] {
			t.Errorf("the app got request %d twice", n)
		} else {
			seen[n] = true
		}
	}
}

// limitsOf returns the limits of sets, those that they share once.
func limitsOf(sets []*Ruleset) (all []*Limit) {
	for _, set := range sets {
		for i := range set.Limits {
			l := &set.Limits[i]
			if !l.Across || !slices.ContainsFunc(all, func(o *Limit) bool { return o.Name == l.Name }) {
				all = append(all, l)
			}
		}
	}
	return all
}

// at returns the arrivals at the rulesets that have l.
func at(arrivals []Arrival, sets []*Ruleset, l *Limit) (some []Arrival) {
	has := make(map[string]bool)
	for _, set := range sets {
		has[set.Name] = slices.ContainsFunc(set.Limits, func(o Limit) bool { return o.Name == l.Name })
	}
	for i := range arrivals {
		if has[arrivals[i].Ruleset] {
			some = append(some, arrivals[i])
		}
	}
	return some
}

// story tells when arrivals were, for whoever looks for the reason.
func story(arrivals []Arrival) string {
	var s strings.Builder
	for i := range arrivals {
		a := &arrivals[i]
		fmt.Fprintf(&s, "\n\trequest %d by %s: charged from %s, within %s, answered %d",
			a.Number, a.Facts.Phone, a.From.Format("15:04:05.000"), a.To.Sub(a.From), a.Status)
	}
	return s.String()
}
