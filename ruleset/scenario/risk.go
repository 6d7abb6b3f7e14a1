package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/otpgate/otpgate/ruleset/network/risk"
)

// oracle plays the risk service, with its cache.
type oracle struct {
	scores map[netip.Addr]float64
	cached map[netip.Addr]cachedScore
	away   bool
	asked  int
}

type cachedScore struct {
	risk.Answer
	until time.Time
}

// cachedFor is how long a score is known without asking.
const cachedFor = time.Hour

// Known implements [risk.Source].
func (o *oracle) Known(a netip.Addr, at time.Time) (risk.Answer, bool) {
	c, ok := o.cached[a]
	return c.Answer, ok && at.Before(c.until)
}

// Ask implements [risk.Source].
func (o *oracle) Ask(_ context.Context, a netip.Addr, at time.Time) risk.Answer {
	if answer, ok := o.Known(a, at); ok {
		return answer
	}
	o.asked++
	if o.away {
		return risk.Answer{Err: errors.New("the risk service is away")}
	}
	score, known := o.scores[a]
	if !known {
		return risk.Answer{Err: risk.ErrUnknown}
	}
	answer := risk.Answer{Score: score, Known: true}
	if o.cached == nil {
		o.cached = make(map[netip.Addr]cachedScore)
	}
	o.cached[a] = cachedScore{answer, at.Add(cachedFor)}
	return answer
}

// count says how often the service was asked, if it was.
func (o *oracle) count() string {
	if o.asked == 0 {
		return ""
	}
	return fmt.Sprintf(", %d scores", o.asked)
}

// tellScore is what the service says of an address from now on, once what was
// said before is forgotten.
type tellScore struct {
	addr  netip.Addr
	score float64
}

func (a *tellScore) play(s *stage, _ time.Time) (answer, error) {
	s.risk.scores[a.addr] = a.score
	return answer{text: "ok"}, nil
}

// outage takes the service away, or brings it back.
type outage struct{ away bool }

func (a *outage) play(s *stage, _ time.Time) (answer, error) {
	s.risk.away = a.away
	return answer{text: "ok"}, nil
}
