package redisledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Remember keeps a note. See [ledger.Ledger].
func (l *Ledger) Remember(ctx context.Context, at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error {
	c := l.call(context.WithoutCancel(ctx), at)
	defer c.end()
	value := n[:]
	if l.callersClock {
		value = binary.BigEndian.AppendUint64(value, uint64(at.Add(life).UnixMilli()))
	}
	err := c.tell(func() error {
		return c.client.Set(c.ctx, l.note(key), value, max(life.Round(time.Millisecond), time.Millisecond)).Err()
	})
	if err != nil {
		return fmt.Errorf("remembering in the Redis ledger: %w", err)
	}
	return nil
}

// Recall returns a note. See [ledger.Ledger].
func (l *Ledger) Recall(ctx context.Context, at time.Time, key ledger.Key) (n ledger.Note, found bool, err error) {
	c := l.call(ctx, at)
	defer c.end()
	var value []byte
	err = c.tell(func() (err error) {
		value, err = c.client.Get(c.ctx, l.note(key)).Bytes()
		if errors.Is(err, redis.Nil) {
			value, err = nil, nil
		}
		return err
	})
	switch {
	case err != nil:
		return n, false, fmt.Errorf("recalling from the Redis ledger: %w", err)
	case len(value) < len(n):
		return n, false, nil
	case l.callersClock && at.UnixMilli() >= int64(binary.BigEndian.Uint64(value[len(n):])):
		return n, false, nil
	}
	return ledger.Note(value[:len(n)]), true, nil
}

// note is the name of a note's key.
func (l *Ledger) note(key ledger.Key) string {
	return string(appendName(append([]byte(l.parts[l.partOf(key)].prefix), 'n'), key))
}

// tell sends one command about a note, and tells the breaker how it went.
func (c *call) tell(send func() error) error {
	if c.breaker.open.Load() {
		c.stats.away.Add(1)
		return ErrAway
	}
	sent := now()
	err := send()
	received := now()
	c.stats.trips.Add(1)
	if err != nil {
		return c.failed(sent, received, err)
	}
	c.breaker.answered(received)
	return nil
}

// Remember keeps a note in both ledgers: notes are not put back, so that what a
// server has lost is known to the gate that has kept it. See [ledger.Ledger].
func (f *Fallback) Remember(ctx context.Context, at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error {
	own := f.own.Remember(ctx, at, key, n, life)
	if f.away.Load() {
		return own
	}
	if err := f.redis.Remember(ctx, at, key, n, life); err != nil {
		f.leave(err)
		return own
	}
	return nil
}

// Recall returns a note, of the gate's own where the server has none or is
// away. See [ledger.Ledger].
func (f *Fallback) Recall(ctx context.Context, at time.Time, key ledger.Key) (n ledger.Note, found bool, err error) {
	if !f.away.Load() {
		if n, found, err = f.redis.Recall(ctx, at, key); found {
			return n, true, nil
		}
		if err != nil && ctx.Err() == nil {
			f.leave(err)
		}
	}
	return f.own.Recall(ctx, at, key)
}
