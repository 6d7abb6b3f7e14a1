package redisledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// call is one call of the ledger: until when it may take, and by whose clock.
type call struct {
	*Ledger
	caller context.Context
	ctx    context.Context // the caller's, and no longer than the timeout
	end    context.CancelFunc
	asked  time.Time
	at     string // the caller's time for the scripts, in tests
}

func (l *Ledger) call(ctx context.Context, at time.Time) *call {
	if l.callersClock && l.address.spread > 0 {
		at = l.latest(at) // slots have clocks of their own
	}
	c := &call{Ledger: l, caller: ctx, asked: at}
	c.ctx, c.end = context.WithTimeout(ctx, l.address.timeout)
	if l.callersClock {
		c.at = formatInt((at.UnixNano() + 999) / 1000)
	}
	return c
}

// latest returns the latest of the callers' times.
func (l *Ledger) latest(at time.Time) time.Time {
	for ns := at.UnixNano(); ; {
		last := l.callersLast.Load()
		if ns <= last {
			return time.Unix(0, last)
		}
		if l.callersLast.CompareAndSwap(last, ns) {
			return at
		}
	}
}

// charge does what mode says, in one partition or in several.
func (c *call) charge(mode string, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	if c.address.spread > 0 {
		return c.chargeSpread(mode, id, charges, a)
	}
	return c.ask(c.ctx, &c.parts[0], mode, id, charges, a)
}

// settle gives back what id holds.
func (c *call) settle(id ledger.ID, o ledger.Outcome) error {
	if c.address.spread > 0 {
		return c.settleSpread(id, o)
	}
	return c.settleIn(c.ctx, &c.parts[0], id, o)
}

// run runs a script and returns its numbers. Args are what EVALSHA takes after
// the name of the script; one that the server does not know is sent whole, and
// known from then on.
func (c *call) run(ctx context.Context, s script, p *partition, args []any, how how) ([]int64, error) {
	if c.breaker.open.Load() {
		c.stats.away.Add(1)
		return nil, ErrAway
	}
	until, _ := ctx.Deadline()
	deadline := how != always
	replicated := c.address.waitReplicas > 0 && how == reserves
	if replicated && p.server.ahead.Load() == 0 {
		// Learn the clock and load the script without waiting for replicas.
		sent := now()
		if err := c.probe(p); err != nil {
			return nil, c.failed(sent, now(), err)
		}
	}
	whole := false
	for {
		args[0], args[1] = "evalsha", s.sha
		if whole {
			args[0], args[1] = "eval", s.text
		}
		if deadline {
			args[deadlineArg(args)] = formatInt(p.server.deadline(until))
		}
		cmd := once{redis.NewIntSliceCmd(ctx, args...)}
		cmd.SetFirstKeyPos(3)
		sent := now()
		var err error
		if replicated {
			err = c.client.sendReplicated(ctx, cmd, c.address.waitReplicas, c.address.timeout/3)
		} else {
			err = c.client.send(ctx, cmd)
		}
		received := now()
		c.stats.trips.Add(1)
		if err == nil {
			c.breaker.answered(received)
			reply := cmd.Val()
			if len(reply) < 3 {
				return nil, errors.New("the script's reply is too short")
			}
			p.server.saw(sent, received, reply[1])
			c.see(p, sent, reply)
			if reply[0] == replyLate && deadline && received.Before(until) && !c.late(p, until, reply[1]) {
				continue // the clocks were not known well enough
			}
			return reply, nil
		}
		if redis.HasErrorPrefix(err, "NOSCRIPT") && !whole {
			whole = true
			continue
		}
		return nil, c.failed(sent, received, err)
	}
}

// deadlineArg is where the deadline stands: first after the keys.
func deadlineArg(args []any) int { return 3 + args[2].(int) }

// how is what matters of a script to those who send it.
type how uint8

const (
	always   how = iota // it has no deadline
	asks                // it has
	reserves            // and replicas are to have what it has written
)

// late reports whether a server at the time server was past the deadline until
// as we know the clocks now.
func (c *call) late(p *partition, until time.Time, server int64) bool {
	return server > p.server.deadline(until)
}

// failed notes an error and decides what it says about the server.
func (c *call) failed(sent, received time.Time, err error) error {
	if c.caller.Err() != nil {
		return plain(err) // our caller left, which says nothing
	}
	if isReply(err) {
		c.stats.errors.Add(1)
		err = c.reply(err)
	}
	if errors.Is(err, errReplicas) {
		return err // the server itself is well
	}
	if c.breaker.failed(sent, received, isTimeout(err)) {
		c.breaker.probe(c.Ledger.ping, c.Ledger.returned)
	}
	return plain(err)
}

// reply names what the server refuses to do.
func (c *call) reply(err error) error {
	if redis.HasErrorPrefix(err, "OOM") {
		return fmt.Errorf("%w (%w)", ledger.ErrFull, err)
	}
	return err
}

// What a script can reply, as in charge.lua.
const (
	replyLate = iota
	replyDone
	replyRefused
	replyBefore
	replyOtherPeriod // the ledger's time is in none of the periods it was told
)

var errPeriods = errors.New("the clocks of the gate and of the server are too far apart")

const replyHead = 3 // numbers before those of what was short

// ask runs the script for one partition.
func (c *call) ask(ctx context.Context, p *partition, mode string, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	_, err := c.askSeen(ctx, p, mode, id, charges, nil, a)
	return err
}

// seen is what a script saw beside the answer.
type seen struct {
	before bool // the id was reserved
	full   bool // a limit on requests has no room
}

// askSeen is ask, knows what is elsewhere, and tells what else was seen.
func (c *call) askSeen(ctx context.Context, p *partition, mode string, id ledger.ID, charges []ledger.Charge, elsewhere []elsewhere, a *ledger.Answer) (saw seen, err error) {
	return c.askAs(ctx, p, mode, id, charges, elsewhere, a, c.asked)
}

// askAs is askSeen, with the periods around at.
func (c *call) askAs(ctx context.Context, p *partition, mode string, id ledger.ID, charges []ledger.Charge, elsewhere []elsewhere, a *ledger.Answer, at time.Time) (saw seen, err error) {
	sh := c.shapes.of(mode, charges)
	script := sh.script
	args := make([]any, 3, 3+2+2*len(charges)+7)
	args = p.names(args, id, charges)
	args[2] = len(args) - 3
	held, own := sh.data(at, charges)
	args = append(args, never, c.at, held)
	if own != "" {
		args = append(args, own)
	}
	if script.text == "" || !ordinary(charges) || len(elsewhere) > 0 {
		script = chargeScript
		also := others(charges)
		for i, e := range elsewhere {
			also[e.charge] = byte(args[2].(int) + 1 + i)
		}
		args = append(args[:3+args[2].(int)+3], own, mode, sh.json, also)
		for _, e := range elsewhere {
			args = append(args, e.value)
		}
	}
	how := asks
	switch mode {
	case reserve:
		how = reserves
	case count, putBack:
		how = always
	}
	reply, err := c.run(ctx, script, p, args, how)
	if err != nil {
		return saw, err
	}
	switch reply[0] {
	case replyLate:
		return saw, errLate
	case replyDone, replyBefore:
		a.Refused = false
	case replyRefused:
		a.Refused = true
	case replyOtherPeriod:
		if len(reply) < 4 || !at.Equal(c.asked) {
			return saw, errPeriods
		}
		return c.askAs(ctx, p, mode, id, charges, elsewhere, a, time.UnixMilli(reply[3]))
	default:
		return saw, fmt.Errorf("the script replied %d", reply[0])
	}
	saw.before = reply[0] == replyBefore
	saw.full, err = c.short(reply[replyHead:], charges, a)
	return saw, err
}

// What a limit without room is, as in charge.lua.
const (
	shortRefuses = iota
	shortBanned
	shortShadow
)

// short adds what the script found short to a, and tells whether a limit on
// requests was.
func (c *call) short(found []int64, charges []ledger.Charge, a *ledger.Answer) (full bool, err error) {
	var denied *ledger.Charge
	for ; len(found) >= 4; found = found[4:] {
		i, limit := found[0], found[1]
		if i < 0 || i >= int64(len(charges)) || limit < 0 || limit >= int64(len(charges[i].Tally.Limits)) {
			return false, errors.New("the script replied nonsense")
		}
		s := ledger.Short{
			Tally: charges[i].Tally, Limit: int(limit),
			Wait:   time.Duration(found[2]) * time.Millisecond,
			Banned: found[3] == shortBanned,
		}
		if found[3] == shortShadow {
			a.Shadow = append(a.Shadow, s)
			continue
		}
		full = full || s.Tally.Count == ledger.Requests
		if a.Short.Tally == nil || s.Wait > a.Short.Wait || s.Wait == a.Short.Wait && s.Banned && !a.Short.Banned {
			a.Short, denied = s, &charges[i]
		}
	}
	if denied != nil && !c.callersClock {
		c.denied.remember(now(), denied, &a.Short)
	}
	return full, nil
}

// settleIn gives back what id holds in one partition.
func (c *call) settleIn(ctx context.Context, p *partition, id ledger.ID, o ledger.Outcome) error {
	what := "u"
	if o == ledger.NotSent {
		what = "a"
	}
	_, err := c.run(ctx, settleScript, p, []any{"", "", 1, p.hold(id), what, c.at}, always)
	return err
}
