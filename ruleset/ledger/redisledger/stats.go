package redisledger

import (
	"context"
	"sync/atomic"
	"time"
)

type counters struct {
	trips, away, errors, lost atomic.Uint64
}

// Stats is the state of a ledger, for metrics.
type Stats struct {
	Up      bool      // the breaker is closed
	Since   time.Time // when it opened, if it is open
	Opened  int       // how often it opened
	Trips   uint64    // scripts sent
	Away    uint64    // calls that failed at once, as the breaker was open
	Errors  uint64    // replies that were errors
	Denied  uint64    // answered without a trip, as the key was known to be denied
	Lost    uint64    // how often data was seen to have gone, or a new server
	Dialled int       // connections

	Cancelling  int    // calls without an answer, to be given back
	Uncancelled uint64 // that were not, as there were too many: their charges stay
}

// Stats returns the state of the ledger.
func (l *Ledger) Stats() Stats {
	s := Stats{
		Up:    !l.breaker.open.Load(),
		Trips: l.stats.trips.Load(), Away: l.stats.away.Load(), Errors: l.stats.errors.Load(),
		Denied: l.denied.hits.Load(), Lost: l.stats.lost.Load(),
	}
	l.breaker.mu.Lock()
	s.Opened = l.breaker.opened
	if !s.Up {
		s.Since = l.breaker.since
	}
	l.breaker.mu.Unlock()
	l.cancels.mu.Lock()
	s.Cancelling, s.Uncancelled = len(l.cancels.waiting), l.cancels.dropped
	l.cancels.mu.Unlock()
	if pool := l.client.PoolStats(); pool != nil {
		s.Dialled = int(pool.TotalConns)
	}
	return s
}

// Ping asks whether the server answers, and whether the user may run scripts.
// It charges nothing.
func (l *Ledger) Ping(ctx context.Context) error {
	c := l.call(ctx, time.Now())
	defer c.end()
	for i := range l.parts {
		if err := c.probe(&l.parts[i]); err != nil {
			return plain(err)
		}
	}
	return nil
}
