package redisledger

import (
	"sync/atomic"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// deniedCache answers floods without a trip: it remembers for a few seconds
// which keys are short for longer.
//
// It holds only what nothing can give back before its time: bans, and limits
// on attempts. A limit on sends may be freed any moment, through any gate, so
// those are always asked. What it answers is therefore as true as what the
// server would say, but that a limit with a longer wait may go untold.
type deniedCache struct {
	slots [deniedSlots]atomic.Pointer[denial]
	hits  atomic.Uint64 // counted by those who ask
}

const (
	deniedSlots = 1 << 12
	deniedMost  = 5 * time.Second
)

type denial struct {
	key    ledger.Key
	tally  *ledger.Tally
	limit  int
	banned bool
	until  int64 // nanoseconds since base: the wait ends
	ask    int64 // the server is asked again
}

func slotOf(k ledger.Key) uint64 { return (k[0] ^ k[1]>>17) % deniedSlots }

// remember notes that charges were refused.
func (d *deniedCache) remember(now time.Time, c *ledger.Charge, s *ledger.Short) {
	if !s.Banned && !c.Tally.Count.Attempts() || s.Wait <= 0 {
		return
	}
	d.slots[slotOf(c.Key)].Store(&denial{
		key: c.Key, tally: c.Tally, limit: s.Limit, banned: s.Banned,
		until: int64(now.Sub(base) + s.Wait), ask: int64(now.Sub(base) + min(s.Wait, deniedMost)),
	})
}

// find looks for a charge that is known to be refused at a time, in nanoseconds
// since base. Where requests are to be counted, only a limit on requests will
// do: after any other they are still charged.
func (d *deniedCache) find(ns int64, charges []ledger.Charge, a *ledger.Answer) bool {
	var longest *denial
	full, requests := false, false
	for i := range charges {
		c := &charges[i]
		if c.Tally.Count == ledger.Requests {
			requests = true
		}
		at := d.slots[slotOf(c.Key)].Load()
		if at == nil || at.key != c.Key || at.tally != c.Tally || ns >= at.ask {
			continue
		}
		full = full || c.Tally.Count == ledger.Requests
		if longest == nil || at.until > longest.until {
			longest = at
		}
	}
	if longest == nil || requests && !full {
		return false
	}
	a.Refused = true
	a.Short.Tally, a.Short.Limit, a.Short.Banned = longest.tally, longest.limit, longest.banned
	a.Short.Wait = time.Duration(longest.until-ns+999_999) / time.Millisecond * time.Millisecond
	return true
}
