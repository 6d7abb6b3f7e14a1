package redisledger

import (
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Where keys are spread, a key and its name under another secret may be in
// different slots, and no script sees both. What is elsewhere is then read
// first and told to the script, and read once more when the charges have been
// taken: if it has changed, they are given back. Of two gates that charge the
// same key under two names, each takes before it looks again, so at least one
// sees the other. That may refuse too much for as long as gates with the old
// secret first and gates with the new one first run side by side.
//
// Requests are charged without looking again: their limits may be exceeded by
// those who ask at the same time, and just then.

// elsewhere is a key in another slot.
type elsewhere struct {
	charge int // of its share
	name   string
	value  string // as it was read
}

// apart notes where the i-th charge of a share has its key under another
// secret, if that is in another slot, and takes it out of the charge.
func (c *call) apart(s *share, i int) {
	also := s.charges[i].Also
	if also == (ledger.Key{}) {
		return
	}
	if at := c.partOf(also); at != s.index {
		s.charges[i].Also = ledger.Key{}
		s.elsewhere = append(s.elsewhere, elsewhere{charge: i, name: c.parts[at].prefix + string(appendName(nil, also))})
	}
}

func (s *share) isApart() bool { return len(s.elsewhere) > 0 }

// heldElsewhere reports whether id is reserved, wherever that was.
func (c *call) heldElsewhere(id ledger.ID) (bool, error) {
	where, err := c.noted(id)
	if err != nil || where == 0 {
		return false, err
	}
	shares := c.of(where)
	if err := c.together(shares, keep, id); err != nil {
		return false, err
	}
	return !slices.ContainsFunc(shares, func(s *share) bool { return !s.seen.before }), nil
}

// readElsewhere reads what shares have elsewhere. It tells the first that is
// not as it was read before.
func (c *call) readElsewhere(shares []*share) (changed *share, err error) {
	if !slices.ContainsFunc(shares, (*share).isApart) {
		return nil, nil
	}
	pipe := c.client.Pipeline()
	var gets []*redis.StringCmd
	for _, s := range shares {
		for _, e := range s.elsewhere {
			gets = append(gets, pipe.Get(c.ctx, e.name))
		}
	}
	_, _ = pipe.Exec(c.ctx) // each command has its own error
	for _, s := range shares {
		for i := range s.elsewhere {
			value, err := gets[0].Result()
			if err != nil && !errors.Is(err, redis.Nil) {
				return nil, plain(err)
			}
			if e := &s.elsewhere[i]; e.value != value {
				e.value = value
				if changed == nil {
					changed = s
				}
			}
			gets = gets[1:]
		}
	}
	return changed, nil
}
