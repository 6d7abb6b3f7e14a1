package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
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

// Verdict is what became of a run.
type Verdict struct {
	Log    Judged
	limits []*Limit
	found  []Finding // for each of limits
}

// Report judges all limits of the rulesets by what the app got, says in lines
// what was found, and fails the test where a limit admitted more than its
// bound.
func Report(t testing.TB, sets []*Ruleset, app *App, c *Clients, gates []*Gate, bound Bound) *Verdict {
	t.Helper()
	arrivals := app.Arrivals(t)
	v := &Verdict{Log: Judged{Refused: make(map[string]int), Errors: make(map[string]int)}, limits: limitsOf(sets)}
	for _, g := range gates {
		g.Log(&v.Log)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%d requests: %d admitted, %d given back, %d refused, %d unavailable, %d failed; the app got %d, charged within %s\n",
		c.Asked.Load(), c.Admitted.Load(), c.GivenBack.Load(), c.Refused.Load(), c.Unavailable.Load(), c.Failed.Load(), len(arrivals), spans(arrivals))
	others := maps.Clone(v.Log.Refused)
	for _, l := range v.limits {
		found := l.Judge(at(arrivals, sets, l))
		v.found = append(v.found, found)
		delete(others, l.Name)
		fmt.Fprintf(&s, "  %-24s %3d of %3d in %-6s refused %d", l.Name, found.Worst, l.Max, l.Window, v.Log.Refused[l.Name])
		if over := found.Worst - l.Max; over > 0 {
			fmt.Fprintf(&s, "; OVER by %d for one key (bound %d), by %d for all keys", over, bound(l), found.Over)
			if over > bound(l) {
				t.Errorf("%s admitted %d of %d in %s, %d more than it may:%s", l.Name, found.Worst, l.Max, l.Window, over-bound(l), story(found.Arrivals))
			}
		}
		s.WriteByte('\n')
	}
	for _, what := range slices.Sorted(maps.Keys(others)) {
		fmt.Fprintf(&s, "  %-24s refused %d\n", what, others[what])
	}
	for text, n := range v.Log.Errors {
		fmt.Fprintf(&s, "  %d times: %s\n", n, text)
	}
	slices.Sort(v.Log.Told)
	for _, line := range v.Log.Told {
		s.WriteString("  " + line + "\n")
	}
	t.Log(s.String())
	once(t, arrivals)
	return v
}

// Full fails the test if a limit of these rulesets has never been full: then
// nothing is known of it. It fails it also where requests were refused that
// could not be read.
func (v *Verdict) Full(t testing.TB, sets []*Ruleset) {
	t.Helper()
	for _, l := range limitsOf(sets) {
		i := slices.IndexFunc(v.limits, func(o *Limit) bool { return o.Name == l.Name })
		if v.found[i].Worst < l.Max && v.Log.Refused[l.Name] == 0 {
			t.Errorf("%s has never been full: nothing is known of it", l.Name)
		}
	}
	for _, reason := range []string{"bad_request", "phone_invalid", "number_refused"} {
		if n := v.Log.Refused[reason]; n > 0 {
			t.Errorf("%d requests were refused as %s", n, reason)
		}
	}
}

// spans tells how well it is known when charges were taken.
func spans(arrivals []Arrival) string {
	var all []time.Duration
	for i := range arrivals {
		all = append(all, arrivals[i].To.Sub(arrivals[i].From))
	}
	if len(all) == 0 {
		return "-"
	}
	slices.Sort(all)
	return fmt.Sprintf("%s (median), %s (99 of 100)",
		all[len(all)/2].Round(time.Millisecond/10), all[len(all)*99/100].Round(time.Millisecond/10))
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
	const most = 20
	var s strings.Builder
	gates := make(map[string]int)
	for i := range arrivals {
		gates[arrivals[i].Gate]++
	}
	for _, gate := range slices.Sorted(maps.Keys(gates)) {
		fmt.Fprintf(&s, " %d by gate %s,", gates[gate], gate)
	}
	for i := range arrivals {
		if i == most {
			fmt.Fprintf(&s, "\n\tand %d more", len(arrivals)-most)
			break
		}
		a := &arrivals[i]
		fmt.Fprintf(&s, "\n\t%s within %8s: request %d for %s by gate %s, answered %d",
			a.From.Format("15:04:05.000"), a.To.Sub(a.From).Round(time.Millisecond/10), a.Number, a.Facts.Phone, a.Gate, a.Status)
	}
	return s.String()
}
