package redisledger

import (
	"sync/atomic"
	"time"
)

// base is what local times are measured from, by the monotonic clock.
var base = time.Now()

func sinceBase(t time.Time) int64 { return t.Sub(base).Microseconds() }

// serverClock tells which time of the server's clock is surely not later than
// a given time of ours, so that a script can see for itself whether its caller
// has given up on it.
//
// Every reply has the server's time, taken at some moment between our sending
// and our receiving. The difference of the clocks is therefore at least the
// server's time less that of our receiving, and at most the same less that of
// our sending. The greatest lower bound is kept; one that contradicts an upper
// bound shows that a clock was set, and is dropped.
//
// Until there is a reply, every deadline has passed: the first script only
// reads the clock, and is sent again.
type serverClock struct {
	ahead atomic.Int64 // microseconds; 0 is unknown
}

// deadline returns the server's time that is not later than t.
func (c *serverClock) deadline(t time.Time) int64 {
	ahead := c.ahead.Load()
	if ahead == 0 {
		return 0
	}
	return sinceBase(t) + ahead
}

// never is a deadline that does not pass.
const never = "9007199254740991"

// saw notes a reply.
func (c *serverClock) saw(sent, received time.Time, server int64) {
	low, high := server-sinceBase(received)-1, server-sinceBase(sent)+1
	for {
		ahead := c.ahead.Load()
		if ahead != 0 && low <= ahead && ahead <= high || c.ahead.CompareAndSwap(ahead, low) {
			return
		}
	}
}

// now is the time by the monotonic clock.
func now() time.Time { return time.Now() }
