package ledger

import "time"

// Period is a stretch of the calendar.
type Period uint8

const (
	// Sliding is none: a tally counts events in windows that begin anywhere.
	Sliding Period = iota
	// Day is from midnight to midnight.
	Day
	// Month is from the first day of a month to that of the next.
	Month
)

// String returns the word for p.
func (p Period) String() string {
	switch p {
	case Day:
		return "day"
	case Month:
		return "month"
	default:
		return "sliding"
	}
}

// Bounds returns the period of t that at is in: it begins at start and ends
// before end. A day is as long as the zone makes it, 23 or 25 hours where
// clocks change; one that has no midnight begins when it begins.
func (t *Tally) Bounds(at time.Time) (start, end time.Time) {
	zone := t.Zone
	if zone == nil {
		zone = time.UTC
	}
	year, month, day := at.In(zone).Date()
	if t.Period == Month {
		return midnight(year, month, 1, zone), midnight(year, month+1, 1, zone)
	}
	return midnight(year, month, day, zone), midnight(year, month, day+1, zone)
}

// midnight returns the first moment of a day.
func midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone)
	year, month, day = noon.Date()
	first := time.Date(year, month, day, 0, 0, 0, 0, zone)
	// Where clocks are put forward at midnight there is no such time, and
	// [time.Date] may return one of the day before; where they are put back,
	// there are two, and it may return the second.
	if first.Day() != day {
		_, end := first.ZoneBounds()
		return end
	}
	if start, _ := first.ZoneBounds(); !start.IsZero() {
		before := start.Add(-time.Nanosecond)
		_, was := before.Zone()
		_, is := first.Zone()
		if earlier := first.Add(time.Duration(is-was) * time.Second); earlier.Before(start) && earlier.Day() == day {
			return earlier
		}
	}
	return first
}
