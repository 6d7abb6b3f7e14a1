package fleet

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// The rulesets of a fleet have short windows, which slide many times in a run,
// and long ones, which see all of it. Their clients choose from so few numbers,
// addresses and so on that every limit is full most of the time. Keys of long
// windows wear out, so clients move on to new ones all the time; and the old
// ones, now and then asked for again, tell whether anything was forgotten.

const (
	second = time.Second
	long   = 10 * time.Minute
)

// generation is how long clients stay with the keys of long windows.
const generation = 3 * second

// one chooses one of few.
func one(r *rand.Rand, n int) int { return r.IntN(n) }

// current chooses one of n keys of this generation or, now and then, of those
// before.
func current(r *rand.Rand, at time.Duration, n int) int {
	g := int(at / generation)
	if r.IntN(4) == 0 {
		g = r.IntN(g + 1)
	}
	return g*n + r.IntN(n)
}

// Rulesets are those of a fleet: Wide, Whole, and the others for each word for
// what becomes of a limit while the ledger is away. No words leave the word
// out.
func Rulesets(words ...string) []*Ruleset {
	if len(words) == 0 {
		words = []string{""}
	}
	sets := []*Ruleset{Wide(), Whole()}
	for _, word := range words {
		sets = append(sets, Slide(word), Long(word), Money(word))
	}
	return sets
}

func named(kind, away string) string {
	if away == "" {
		return kind
	}
	return kind + "-" + away
}

// Slide has short windows only.
func Slide(away string) *Ruleset {
	s := &Ruleset{Name: named("slide", away), Limits: []Limit{
		{Name: "cooldown", Per: []string{"phone"}, Max: 1, Window: second},
		{Name: "phone", Per: []string{"phone"}, Max: 3, Window: 5 * second},
		{Name: "email-phone", Per: []string{"email", "phone"}, Max: 2, Window: 4 * second},
		{Name: "device", Per: []string{"device"}, Max: 4, Window: 3 * second},
		{Name: "ip", Per: []string{"ip"}, Max: 3, Window: 2 * second, Count: "unverified"},
		{Name: "ip-phones", Per: []string{"ip"}, Distinct: "phone", Max: 5, Window: 6 * second, Count: "unverified"},
		{Name: "device-requests", Per: []string{"device"}, Max: 15, Window: 5 * second, Count: "requests"},
		{Name: "range", Per: []string{"range"}, Max: 6, Window: 2 * second, Count: "unverified"},
	}}
	finish(s, away)
	s.Pick = func(r *rand.Rand, at time.Duration) Facts {
		f := Anybody(r)
		switch r.IntN(6) {
		case 0:
			f.Phone = US(100 * one(r, 4)) // of ranges of their own
			f.Email = fmt.Sprintf("one%d@example.com", one(r, 2))
		case 1:
			f.Phone = US(500 + 100*one(r, 2) + one(r, 100))
		case 2:
			f.Device = fmt.Sprintf("slide-%d", one(r, 3))
		case 3:
			f.IP = V4(one(r, 3))
		case 4:
			f.IP = V6(r, one(r, 2)) // another address of the same /64 each time
		case 5:
			f.Phone = CA(one(r, 100))
		}
		return f
	}
	return s
}

// Long has windows that are longer than a run.
func Long(away string) *Ruleset {
	s := &Ruleset{Name: named("long", away), Limits: []Limit{
		{Name: "phone", Per: []string{"phone"}, Max: 4, Window: long},
		{Name: "device", Per: []string{"device"}, Max: 6, Window: long},
		{Name: "ip", Per: []string{"ip"}, Max: 8, Window: long, Count: "unverified", Ban: long},
		{Name: "ip-phones", Per: []string{"ip"}, Distinct: "phone", Max: 5, Window: long},
		{Name: "range", Per: []string{"range"}, Max: 40, Window: long, Count: "unverified"},
		{Name: "block", Per: []string{"ip/48"}, Max: 70, Window: long},
	}}
	finish(s, away)
	s.Pick = func(r *rand.Rand, at time.Duration) Facts {
		f := Anybody(r)
		switch r.IntN(7) {
		case 0:
			f.Phone = CA(current(r, at, 5))
		case 1:
			f.Device = fmt.Sprintf("long-%d", current(r, at, 4))
		case 2:
			f.IP = V4(current(r, at, 3)) // many numbers
		case 3:
			g := current(r, at, 2)
			f.IP = V4(400 + g) // few numbers, each a few times
			f.Phone = US(4*(g%250) + one(r, 4))
		case 4:
			f.Phone = US(100*(10+current(r, at/4, 1)%200) + one(r, 100))
		case 5, 6:
			f.IP = V6(r, current(r, at/4, 1)<<16|one(r, 1<<16))
		}
		return f
	}
	return s
}

// Wide has limits that are too wide for an exact log.
func Wide() *Ruleset {
	s := &Ruleset{Name: "wide", Limits: []Limit{
		{Name: "country", Per: []string{"country"}, Max: 66, Window: 3 * second},
		{Name: "block", Per: []string{"ip/48"}, Max: 65, Window: 4 * second, Count: "unverified"},
	}}
	finish(s, "")
	s.Limits = append(s.Limits, across)
	s.Pick = func(r *rand.Rand, at time.Duration) Facts {
		f := Anybody(r)
		switch r.IntN(8) {
		case 0:
			f.Phone = GB(one(r, 2))
		case 1, 2, 3:
			f.Phone = US(r.IntN(3000))
		case 4, 5, 6, 7:
			f.Phone = CA(r.IntN(1200))
			f.IP = V6(r, 7<<16|one(r, 1<<16))
		}
		return f
	}
	return s
}

// Whole has limits on everything together.
func Whole() *Ruleset {
	s := &Ruleset{Name: "whole", Limits: []Limit{
		{Name: "few", Max: 20, Window: second},
		{Name: "many", Max: 70, Window: 6 * second},
	}}
	finish(s, "")
	s.Limits = append(s.Limits, across)
	s.Pick = func(r *rand.Rand, at time.Duration) Facts {
		f := Anybody(r)
		if r.IntN(2) == 0 {
			f.Phone = GB(one(r, 2))
		}
		return f
	}
	return s
}

// Money has a budget, which is spent soon and then for good, until midnight.
func Money(away string) *Ruleset {
	prices := map[string]int{"US": 3, "CA": 2, "GB": 5}
	s := &Ruleset{Name: named("money", away), Limits: []Limit{
		{Max: 333, Window: 24 * time.Hour, Away: away, Prices: prices},
		{Max: 35, Window: 24 * time.Hour, Away: away, Prices: prices, Only: "CA"},
		{Name: named("money", away) + "-phone", Per: []string{"phone"}, Max: 3, Window: time.Hour, Away: away},
	}}
	// As the gate calls them.
	s.Limits[0].Name = s.Name + " day: stop at 3.33 USD"
	s.Limits[1].Name = s.Name + " CA day: stop at 0.35 USD"
	s.Pick = func(r *rand.Rand, _ time.Duration) Facts {
		f := Anybody(r)
		if r.IntN(3) == 0 {
			f.Phone = CA(0)
		}
		return f
	}
	return s
}

// across is a limit that Wide and Whole share.
var across = Limit{Name: "across-phone", Per: []string{"phone"}, Max: 3, Window: 9 * second, Across: true}

func finish(s *Ruleset, away string) {
	for i := range s.Limits {
		l := &s.Limits[i]
		l.Name = s.Name + "-" + l.Name
		l.Away = away
	}
}
