package ledger_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Zones whose clocks do something odd: midnights that are missing or come
// twice, days that were left out, changes by half an hour.
var zones = []string{
	"UTC", "America/New_York", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "America/Asuncion", "Asia/Beirut", "Africa/Cairo",
	"Asia/Amman", "Asia/Tehran", "Asia/Gaza", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein", "America/St_Johns", "Atlantic/Azores", "Antarctica/Troll",
}

// Each moment is in one day and one month: the one that people there read from
// the calendar, from its first moment to its last.
func TestBounds(t *testing.T) {
	for _, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		date := func(at time.Time, p ledger.Period) string {
			if p == ledger.Month {
				return at.In(zone).Format("2006-01")
			}
			return at.In(zone).Format("2006-01-02")
		}
		for _, p := range []ledger.Period{ledger.Day, ledger.Month} {
			tally := &ledger.Tally{Period: p, Zone: zone}
			for at, end := time.Date(1985, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(end); {
				start, next := tally.Bounds(at)
				if start.After(at) || !next.After(at) {
					t.Fatalf("%s: %s is not in its %s from %s to %s", name, at.In(zone), p, start.In(zone), next.In(zone))
				}
				if d := date(at, p); date(start, p) != d || date(next.Add(-1), p) != d || date(start.Add(-1), p) == d || date(next, p) == d {
					t.Fatalf("%s: the %s of %s is from %s to %s", name, p, at.In(zone), start.In(zone), next.In(zone))
				}
				for _, in := range []time.Time{start, start.Add(next.Sub(start) / 2), next.Add(-1)} {
					if s, n := tally.Bounds(in); !s.Equal(start) || !n.Equal(next) {
						t.Fatalf("%s: the %s of %s is from %s to %s, and that of %s from %s to %s", name, p, at.In(zone), start.In(zone), next.In(zone), in.In(zone), s.In(zone), n.In(zone))
					}
				}
				at = next
			}
		}
	}
}
