package fleet

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// arrival is one request, charged some time within latency from after noon.
func arrival(after, latency time.Duration, f Facts) Arrival {
	from := noon.Add(after)
	return Arrival{Number: int64(after), Facts: f, From: from, To: from.Add(latency), Status: 202}
}

func facts(i int) Facts {
	return Facts{Phone: US(i), Email: "a@example.com", Device: "d1", IP: netip.MustParseAddr("192.0.2.7")}
}

// model is the judge in one loop over all sets of requests that could have
// been in one window: it is slow, and hard to get wrong.
func model(l *Limit, arrivals []Arrival) (most int) {
	for set := range 1 << len(arrivals) {
		var in []Arrival
		for i := range arrivals {
			if set>>i&1 == 1 {
				in = append(in, arrivals[i])
			}
		}
		keys, values := make(map[string]bool), make(map[string]bool)
		fits := len(in) > 0
		for i := range in {
			keys[l.key(&in[i].Facts)] = true
			fits = fits && (l.Count == "requests" || in[i].Status != NotSent)
			for j := range in {
				// In one window even if i was charged as early as can be and j
				// as late as can be.
				fits = fits && in[j].To.Sub(in[i].From) < l.Window
			}
			if l.Distinct != "" {
				value := in[i].Facts.of(l.Distinct)
				fits = fits && !values[value]
				values[value] = true
			}
		}
		if fits && len(keys) == 1 {
			most = max(most, len(in))
		}
	}
	return most
}

func TestJudgeIsLikeItsModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	limits := []Limit{
		{Per: []string{"phone"}, Max: 2, Window: 5 * time.Second},
		{Per: []string{"ip"}, Distinct: "phone", Max: 2, Window: 5 * time.Second},
		{Max: 2, Window: 5 * time.Second, Count: "requests"},
	}
	for range 300 {
		var some []Arrival
		for range r.IntN(10) {
			a := arrival(time.Duration(r.IntN(10))*time.Second, time.Duration(r.IntN(3))*time.Second, facts(r.IntN(3)))
			a.Number, a.Status = r.Int64(), answers(r.Int64N(100))
			some = append(some, a)
		}
		for i := range limits {
			l := &limits[i]
			found, want := l.Judge(some), model(l, some)
			if found.Worst != want || len(found.Arrivals) != want {
				t.Fatalf("%s: the judge finds %d, want %d, in %v", l.yaml(), found.Worst, want, some)
			}
		}
	}
}

// lawful is what a ledger without a fault would let through: for each limit it
// looks at all that it has admitted.
func lawful(r *rand.Rand, set *Ruleset) (admitted []Arrival) {
	type counter struct {
		limit int
		key   string
	}
	counted := make(map[counter][]Arrival)
	room := func(i int, a *Arrival) bool {
		l := &set.Limits[i]
		sum, values := 0, make(map[string]bool)
		for _, before := range counted[counter{i, l.of(a)}] {
			if before.To.After(a.To.Add(-l.Window)) {
				sum += l.takes(&before)
				values[before.Facts.Phone] = true
			}
		}
		if l.Distinct != "" {
			return values[a.Facts.of(l.Distinct)] || len(values) < l.Max
		}
		return sum+l.takes(a) <= l.Max
	}
	for number := range int64(6000) {
		after := time.Duration(number) * 4 * time.Millisecond
		a := arrival(after, time.Duration(r.IntN(30))*time.Millisecond, set.Pick(r, after))
		a.Ruleset, a.Number, a.Status = set.Name, number, http.StatusAccepted
		fits := true
		for i := range set.Limits {
			// A charge is somewhere between From and To. Here it is at To.
			fits = fits && (!set.Limits[i].counts(&a) || room(i, &a))
		}
		if !fits {
			continue
		}
		a.Status = answers(number)
		admitted = append(admitted, a)
		for i := range set.Limits {
			if l := &set.Limits[i]; l.counts(&a) {
				c := counter{i, l.of(&a)}
				counted[c] = append(counted[c], a)
			}
		}
	}
	return admitted
}

// The judge has nothing against a ledger without a fault, sees that its limits
// were full, and finds one single request too many, for each limit.
func TestJudgeFindsOneTooMany(t *testing.T) {
	sets := Rulesets()
	for _, set := range sets {
		admitted := lawful(rand.New(rand.NewPCG(3, 4)), set)
		for i := range set.Limits {
			l := &set.Limits[i]
			t.Run(l.Name, func(t *testing.T) {
				found := l.Judge(at(admitted, sets, l))
				if found.Over != 0 || found.Worst > l.Max {
					t.Fatalf("of a lawful ledger: %d of %d, %d over", found.Worst, l.Max, found.Over)
				}
				full := l.Max
				switch {
				case l.Count == "requests":
					full = 1 // those that are refused count too, and the judge does not see them
				case l.Prices != nil:
					full -= 4 // the rest is less than a code costs
				}
				if found.Worst < full {
					t.Fatalf("the worst window has %d of %d: these clients do not fill the limit", found.Worst, l.Max)
				}
				// One more in the middle of the worst window.
				last := found.Arrivals[len(found.Arrivals)-1]
				var more []Arrival
				for n := found.Worst; n <= l.Max; n += l.takes(&last) {
					extra := last
					extra.Number, extra.Status = int64(-n), 202
					extra.Facts.Device = "another"
					switch {
					case slices.Contains(l.Per, "device"):
						extra.Facts.Device = last.Facts.Device
					case l.Distinct != "":
						extra.Facts.Phone = "+447700900" + fmt.Sprint(100+n)
					}
					more = append(more, extra)
				}
				bad := l.Judge(append(at(admitted, sets, l), more...))
				if bad.Worst <= l.Max || bad.Worst > l.Max+l.takes(&last) || bad.Over != bad.Worst-l.Max || bad.Key != found.Key {
					t.Errorf("of one too many the judge finds %d of %d, %d over, for %q instead of %q", bad.Worst, l.Max, bad.Over, bad.Key, found.Key)
				}
				// The same, not sent, is none too many.
				for i := range more {
					more[i].Status = NotSent
				}
				bad = l.Judge(append(at(admitted, sets, l), more...))
				if (bad.Over != 0) != (l.Count == "requests") {
					t.Errorf("of one that was given back the judge finds %d over", bad.Over)
				}
			})
		}
	}
}

// What need not be an over-admission is not called one.
func TestJudgeIsSure(t *testing.T) {
	l := &Limit{Per: []string{"phone"}, Max: 1, Window: time.Second}
	first := arrival(0, 30*time.Millisecond, facts(1))
	for _, test := range []struct {
		name           string
		after, latency time.Duration
		want           int
	}{
		{"a window later", time.Second, 0, 1},
		{"perhaps a window later", 990 * time.Millisecond, 10 * time.Millisecond, 1},
		{"not quite a window later", 990 * time.Millisecond, 9 * time.Millisecond, 2},
		{"asked at once and charged who knows when", 0, time.Minute, 1},
	} {
		if found := l.Judge([]Arrival{arrival(test.after, test.latency, facts(1)), first}); found.Worst != test.want {
			t.Errorf("%s: found %d, want %d", test.name, found.Worst, test.want)
		}
	}
}

func TestKeys(t *testing.T) {
	f := Facts{Phone: "+14165550123", Email: "a@example.com", Device: "d1", IP: netip.MustParseAddr("2001:db8:1:2:3::4")}
	four := f
	four.IP = netip.MustParseAddr("::ffff:192.0.2.7")
	for _, test := range []struct {
		f    Facts
		per  string
		want string
	}{
		{f, "ip", "2001:db8:1:2::/64"}, {f, "ip/48", "2001:db8:1::/48"}, {f, "range", "+14165550"}, {f, "country", "CA"},
		{four, "ip", "192.0.2.7/32"}, {four, "ip/48", "192.0.2.7/32"},
		{Facts{Phone: US(0)}, "country", "US"}, {Facts{Phone: GB(7)}, "country", "GB"},
	} {
		if got := test.f.of(test.per); got != test.want {
			t.Errorf("%s is %q, want %q", test.per, got, test.want)
		}
	}
}

func TestBounds(t *testing.T) {
	bound := Outage(4)
	for word, want := range map[string]int{"share": 6, "": 6, "local": 30, "deny": 0} {
		if got := bound(&Limit{Max: 10, Away: word}); got != want {
			t.Errorf("%q: %d, want %d", word, got, want)
		}
	}
	if got := bound(&Limit{Max: 2}); got != 3 {
		t.Errorf("a limit of 2 for 4 gates: %d, want 3", got)
	}
}
