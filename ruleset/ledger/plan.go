package ledger

import (
	"fmt"
	"math"
	"time"
)

// Plan says how much an embedded ledger will take at most for one gate.
//
// Since a refusal writes nothing, there are no more live keys than have been
// admitted in the longest window of each tally. Where a
// [Tally.Total] limits what is admitted, this is a number; where none does,
// or where it is beyond [MaxKeys], the latter is what bounds memory.
//
// Keys that are kept for a ban alone, after all their events were given back,
// are not in the number.
type Plan struct {
	// By is the limit that bounds the keys, empty if none does.
	By string
	// Keys and Lines are the most that can be live, 0 if no limit bounds them.
	Keys, Lines int
	// MaxKeys is what the ledger was made with.
	MaxKeys int
	// Bytes bounds the tables for keys and reservations. All gates of a ledger
	// share them.
	Bytes int
	// Attempts are the bytes for what counts requests, refusals and wrong codes.
	Attempts int
}

// String returns the plan as a sentence for a log.
func (p Plan) String() string {
	attempts := ""
	if p.Attempts > 0 {
		attempts = fmt.Sprintf(", and %s for attempts", size(p.Attempts))
	}
	switch {
	case p.By == "":
		return fmt.Sprintf("at most %s, bounded by max_keys %d as no limit is on everything%s", size(p.Bytes), p.MaxKeys, attempts)
	case p.Lines > p.MaxKeys:
		return fmt.Sprintf("at most %s, bounded by max_keys %d: %q allows up to %d keys%s", size(p.Bytes), p.MaxKeys, p.By, p.Keys, attempts)
	default:
		return fmt.Sprintf("at most %d keys in %s, bounded by %q%s", p.Keys, size(p.Bytes), p.By, attempts)
	}
}

func size(bytes int) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

const (
	minWindow = time.Second
	maxWindow = 366 * 24 * time.Hour

	// A key or a reservation takes a slot of the index, and segments are at
	// least three eighths full.
	indexBytes = 8 * 8 / 3
)

// Prepare makes room for what tallies count that count attempts, and tells how
// much all of them may take. It reports tallies that the contract does not
// allow.
//
// It is for when a ruleset is loaded. Several may be prepared, one after the
// other or side by side: tallies with the same seed share their counts, also
// where their limits differ. Nothing needs to be released: what is not asked
// for any more goes when the last of its windows and bans has ended.
func (l *Embedded) Prepare(tallies []*Tally) (Plan, error) {
	for _, t := range tallies {
		if err := t.validate(); err != nil {
			return Plan{}, err
		}
	}
	l.mu.Lock()
	defer l.unlock()

	p := Plan{MaxKeys: l.maxLines}
	seen := make(map[*sketch]bool)
	for _, t := range tallies {
		if !t.Count.Attempts() {
			continue
		}
		for _, s := range l.read(t).sketches {
			if !seen[s] {
				seen[s] = true
				p.Attempts += s.bytes()
			}
		}
	}
	p.bound(tallies)
	return p, nil
}

// bound fills in how much the tallies of sends may take.
func (p *Plan) bound(tallies []*Tally) {
	lines := math.Inf(1)
	for _, t := range tallies {
		if !t.Total || t.Count != Sends || t.Distinct || t.Period != Sliding {
			continue
		}
		for i := range t.Limits {
			limit := &t.Limits[i]
			if limit.Shadow {
				continue
			}
			if k, n := limit.bound(tallies); n < lines {
				lines, p.By, p.Keys, p.Lines = n, limit.Name, clamp(k), clamp(n)
			}
		}
	}
	most := p.MaxKeys + p.MaxKeys/4
	// Sweeping looks at four lines for each that is taken.
	if p.By != "" && p.Lines <= p.MaxKeys {
		most = min(most, clamp(lines*4/3))
	}
	p.Bytes = (most+chunkLines-1)/chunkLines*chunkLines*64 + max(most*indexBytes, segmentBytes)
}

// bound returns how many keys, and how many lines, there can be of tallies if
// all that is admitted is charged to l. Each event takes one line at most: its
// key's first, or one to go on.
func (l *Limit) bound(tallies []*Tally) (keys, lines float64) {
	admitted := func(in time.Duration) float64 {
		return float64(l.Max) * math.Ceil(float64(in)/float64(l.Window))
	}
	marks := 0
	var longest time.Duration // that a reservation lasts
	for _, t := range tallies {
		if t.Count.Attempts() {
			continue
		}
		marks++
		window, _, _ := reach(t.Limits)
		held := window
		if t.Period != Sliding {
			window, held = t.Period.longest(), MaxHeld
		}
		if t.Period != Sliding || t.Distinct {
			marks += 2
		}
		longest = max(longest, held)
		if t.Total {
			keys++
			lines += (MaxExact+Cells)/lineRuns + 1
			continue
		}
		most := admitted(window) + t.banned(admitted)
		keys += most
		lines += most
	}
	return keys, lines + admitted(longest)*float64(holdLines(marks))
}

// banned returns how many keys there can be that are only there because they are
// banned: each had all events of the limit that has banned it.
func (t *Tally) banned(admitted func(in time.Duration) float64) (keys float64) {
	for i := range t.Limits {
		if l := &t.Limits[i]; l.Ban > 0 && !l.Shadow {
			keys = max(keys, admitted(l.Window+l.Ban)/float64(l.Max))
		}
	}
	return keys
}

func clamp(f float64) int { return int(min(f, 1<<50)) }

func (t *Tally) validate() error {
	if len(t.Limits) == 0 {
		return fmt.Errorf("ledger: tally %q has no limits", t.Name)
	}
	if t.Count > WrongCodes {
		return fmt.Errorf("ledger: tally %q counts something unknown", t.Name)
	}
	if t.Distinct && t.Count.Attempts() {
		return fmt.Errorf("ledger: tally %q counts attempts, and those have no members", t.Name)
	}
	if t.Period != Sliding {
		return t.validateSum()
	}
	if t.Zone != nil {
		return fmt.Errorf("ledger: tally %q has a zone, and no period that would need one", t.Name)
	}
	for _, limit := range t.Limits {
		switch {
		case limit.Max < 1 || limit.Max > MaxEvents:
			return fmt.Errorf("ledger: limit %q has a max of %d, not of 1 to %d", limit.Name, limit.Max, MaxEvents)
		case t.Distinct && limit.Max > MaxExact:
			return fmt.Errorf("ledger: limit %q has a max of %d members, and %d is the most", limit.Name, limit.Max, MaxExact)
		case limit.Window < minWindow || limit.Window > maxWindow:
			return fmt.Errorf("ledger: limit %q has a window of %s, not of %s to %s", limit.Name, limit.Window, minWindow, maxWindow)
		case limit.Ban < 0 || limit.Ban > maxWindow:
			return fmt.Errorf("ledger: limit %q has a ban of %s, not of 0 to %s", limit.Name, limit.Ban, maxWindow)
		}
	}
	return nil
}

// validateSum is validate for a tally with a period.
func (t *Tally) validateSum() error {
	switch {
	case t.Period > Month:
		return fmt.Errorf("ledger: tally %q has an unknown period", t.Name)
	case t.Count != Sends:
		return fmt.Errorf("ledger: tally %q adds up amounts in each %s, and only sends have amounts", t.Name, t.Period)
	case t.Distinct:
		return fmt.Errorf("ledger: tally %q adds up amounts in each %s, and those have no members", t.Name, t.Period)
	}
	for _, limit := range t.Limits {
		switch {
		case limit.Max < 1 || limit.Max > MaxAmount:
			return fmt.Errorf("ledger: limit %q has a max of %d, not of 1 to %d", limit.Name, limit.Max, int64(MaxAmount))
		case limit.Window != 0:
			return fmt.Errorf("ledger: limit %q has a window of %s, and is for each %s", limit.Name, limit.Window, t.Period)
		case limit.Ban != 0:
			return fmt.Errorf("ledger: limit %q has a ban of %s, and what is for each %s bans nobody", limit.Name, limit.Ban, t.Period)
		}
	}
	return nil
}

// longest is more than any period takes, however clocks are changed in it.
func (p Period) longest() time.Duration {
	if p == Month {
		return 32 * 24 * time.Hour
	}
	return 2 * 24 * time.Hour
}
