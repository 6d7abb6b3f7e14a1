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
	hits  atomic.Uint64
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
	until  time.Time // the wait ends
	ask    time.Time // the server is asked again
}

func slotOf(k ledger.Key) uint64 { return (k[0] ^ k[1]>>17) % deniedSlots }

// remember notes that charges were refused.
func (d *deniedCache) remember(now time.Time, c *ledger.Charge, s *ledger.Short) {
	if !s.Banned && !c.Tally.Count.Attempts() || s.Wait <= 0 {
		return
	}
	d.slots[slotOf(c.Key)].Store(&denial{
		key: c.Key, tally: c.Tally, limit: s.Limit, banned: s.Banned,
		until: now.Add(s.Wait), ask: now.Add(min(s.Wait, deniedMost)),
	})
}

// find looks for a charge that is known to be refused. Where requests are to
// be counted, only a limit on requests will do: after any other they are still
// charged.
func (d *deniedCache) find(now time.Time, charges []ledger.Charge, a *ledger.Answer) bool {
	found := false
	requests, full := false, false
	for i := range charges {
		c := &charges[i]
		requests = requests || c.Tally.Count == ledger.Requests
		at := d.slots[slotOf(c.Key)].Load()
		if at == nil || at.key != c.Key || at.tally != c.Tally || !now.Before(at.ask) {
			continue
		}
		full = full || c.Tally.Count == ledger.Requests
		if wait := at.until.Sub(now); !found || wait > a.Short.Wait {
			a.Short = ledger.Short{Tally: at.tally, Limit: at.limit, Wait: wait.Round(time.Millisecond), Banned: at.banned}
		}
		found = true
	}
	if !found || requests && !full {
		a.Short = ledger.Short{}
		return false
	}
	a.Refused = true
	d.hits.Add(1)
	return true
}
