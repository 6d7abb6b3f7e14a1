package redisledger

import (
	"context"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// In a cluster, keys may be spread over several slots. One script cannot see
// them all, so a decision takes two trips: first all slots are asked, side by
// side, and nothing is taken; only if none refuses, each takes its charges,
// for their full window and under the same id. If one refuses now, since
// somebody else was faster, or does not answer, all give back.
//
// Every admitted request has an event in each of its counters, put there while
// there was room and taken out by nobody but itself, so a limit never admits
// too much. It may refuse too much for as long as such a race lasts; asking
// first keeps requests that others refuse from ever holding a place.
//
// A gate that dies between the second trip and its end leaves its charges
// until their windows end.

// contention is the most that somebody is told to wait who lost a race: the
// winner may yet be refused elsewhere.
const contention = time.Second

// parts is a set of partitions.
type parts uint64

// share is the part of a call that one partition answers for.
type share struct {
	p       *partition
	index   int
	charges []ledger.Charge
	answer  ledger.Answer
	seen    seen
	err     error

	elsewhere []elsewhere
}

func (l *Ledger) partOf(k ledger.Key) int {
	hi, _ := bits.Mul64(k[0]*0x9e3779b97f4a7c15, uint64(len(l.parts)))
	return int(hi)
}

// directory is the key that tells where an id has its holds.
func (l *Ledger) directory(id ledger.ID) string {
	p := &l.parts[l.partOf(ledger.Key{binary.LittleEndian.Uint64(id[8:])})]
	return p.prefix + "d" + base64url.EncodeToString(id[:])
}

// shares deals the charges that want says out to their partitions.
func (c *call) shares(charges []ledger.Charge, want func(*ledger.Tally) bool) []*share {
	var shares []*share
	for i := range charges {
		if !want(charges[i].Tally) {
			continue
		}
		index := c.partOf(charges[i].Key)
		at := slices.IndexFunc(shares, func(s *share) bool { return s.index == index })
		if at < 0 {
			at = len(shares)
			shares = append(shares, &share{p: &c.parts[index], index: index})
		}
		shares[at].charges = append(shares[at].charges, charges[i])
		c.apart(shares[at], len(shares[at].charges)-1)
	}
	return shares
}

func all(*ledger.Tally) bool        { return true }
func requests(t *ledger.Tally) bool { return t.Count == ledger.Requests }

// together asks all shares side by side and returns the first error.
func (c *call) together(shares []*share, mode string, id ledger.ID) error {
	each(shares, func(s *share) {
		refuse(&s.answer)
		s.seen, s.err = c.askSeen(c.ctx, s.p, mode, id, s.charges, s.elsewhere, &s.answer)
	})
	for _, s := range shares {
		if s.err != nil {
			return s.err
		}
	}
	return nil
}

func each(shares []*share, do func(*share)) {
	var wg sync.WaitGroup
	for _, s := range shares[1:] {
		wg.Go(func() { do(s) })
	}
	do(shares[0])
	wg.Wait()
}

// merge makes one answer of all shares.
func merge(shares []*share, a *ledger.Answer) (before bool) {
	*a = ledger.Answer{Shadow: a.Shadow[:0]}
	before = true
	for _, s := range shares {
		before = before && s.seen.before
		a.Shadow = append(a.Shadow, s.answer.Shadow...)
		if !s.answer.Refused {
			continue
		}
		short := s.answer.Short
		if !a.Refused || short.Wait > a.Short.Wait || short.Wait == a.Short.Wait && short.Banned && !a.Short.Banned {
			a.Short = short
		}
		a.Refused = true
	}
	return before
}

func (c *call) chargeSpread(mode string, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	shares := c.shares(charges, all)
	switch mode {
	case count:
		return c.together(shares, count, id)
	case putBack:
		return errors.Join(c.note(id, setOf(shares), shares), c.together(shares, putBack, id))
	}
	if _, err := c.readElsewhere(shares); err != nil {
		return err
	}
	if err := c.together(shares, keep, id); err != nil {
		return err
	}
	before := merge(shares, a)
	if mode == reserve && !before && slices.ContainsFunc(shares, (*share).isApart) {
		var err error
		if before, err = c.heldElsewhere(id); err != nil {
			return err
		}
	}
	if mode == reserve && before {
		a.Refused = false
		return nil
	}
	if mode == look || a.Refused {
		return c.takeRequests(charges, shares, a)
	}
	return c.take(id, shares, a)
}

// takeRequests charges what counts requests, unless one of these is full.
func (c *call) takeRequests(charges []ledger.Charge, seen []*share, a *ledger.Answer) error {
	for _, s := range seen {
		if s.seen.full {
			return nil
		}
	}
	shares := c.shares(charges, requests)
	if len(shares) == 0 {
		return nil
	}
	if _, err := c.readElsewhere(shares); err != nil {
		return err
	}
	if err := c.together(shares, look, ledger.ID{}); err != nil {
		return err
	}
	var late ledger.Answer
	if merge(shares, &late); late.Refused && !a.Refused {
		a.Refused, a.Short = true, late.Short
	}
	return nil
}

// take reserves in all partitions, and gives back if one of them refuses.
func (c *call) take(id ledger.ID, shares []*share, a *ledger.Answer) error {
	where := setOf(shares)
	var noted error
	var wg sync.WaitGroup
	wg.Go(func() { noted = c.note(id, where, shares) })
	err := c.together(shares, reserve, id)
	wg.Wait()
	if err = errors.Join(err, noted); err == nil {
		var changed *share
		if merge(shares, a); !a.Refused {
			if changed, err = c.readElsewhere(shares); err == nil && changed == nil {
				return nil
			}
		}
		if changed != nil {
			a.Refused, a.Short = true, ledger.Short{Tally: changed.charges[changed.elsewhere[0].charge].Tally, Wait: contention}
		}
		a.Short.Wait = min(a.Short.Wait, contention)
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(c.caller), c.address.timeout)
	defer cancel()
	failed := err != nil
	for _, s := range shares {
		s.err = nil
	}
	each(shares, func(s *share) { s.err = c.settleIn(back, s.p, id, ledger.NotSent) })
	for _, s := range shares {
		failed = failed || s.err != nil
	}
	if failed { // somebody may still be about to take
		c.cancels.add(id, where)
	}
	return err
}

func setOf(shares []*share) (where parts) {
	for _, s := range shares {
		where |= 1 << s.index
	}
	return where
}

// note writes down where id has its holds, for whoever will settle it.
func (c *call) note(id ledger.ID, where parts, shares []*share) error {
	var longest float64
	for _, s := range shares {
		for i := range s.charges {
			_, window, _ := kindOf(s.charges[i].Tally)
			longest = max(longest, window)
		}
	}
	keep := time.Duration(longest)*time.Millisecond + c.address.timeout + time.Second
	err := c.client.Set(c.ctx, c.directory(id), formatInt(int64(where)), keep).Err()
	return plain(err)
}

// settleSpread gives back what id holds, in all partitions that may have some
// of it. It may be repeated: each gives back once.
func (c *call) settleSpread(id ledger.ID, o ledger.Outcome) error {
	if c.breaker.open.Load() {
		return ErrAway
	}
	where, err := c.noted(id)
	if err != nil {
		return err
	}
	return c.settleParts(where, id, o)
}

// noted returns where id has its holds, as it was written down.
func (c *call) noted(id ledger.ID) (parts, error) {
	where, err := c.client.Get(c.ctx, c.directory(id)).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return parts(where), plain(err)
}

// of returns a share without charges for each of these parts.
func (c *call) of(where parts) (shares []*share) {
	for i := range c.parts {
		if where&(1<<i) != 0 {
			shares = append(shares, &share{p: &c.parts[i], index: i})
		}
	}
	return shares
}

func (c *call) settleParts(where parts, id ledger.ID, o ledger.Outcome) error {
	shares := c.of(where)
	if len(shares) == 0 {
		return nil
	}
	each(shares, func(s *share) { s.err = c.settleIn(c.ctx, s.p, id, o) })
	for _, s := range shares {
		if s.err != nil {
			return s.err
		}
	}
	return nil
}
