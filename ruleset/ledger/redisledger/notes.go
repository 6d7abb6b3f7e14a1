package redisledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Remember keeps a note. See [ledger.Ledger].
func (l *Ledger) Remember(ctx context.Context, at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error {
	c := l.call(context.WithoutCancel(ctx), at)
	defer c.end()
	err := c.tell(func() error {
		return c.client.Set(c.ctx, l.note(key), l.noteValue(n, at, at.Add(life)), max(life.Round(time.Millisecond), time.Millisecond)).Err()
	})
	if err != nil {
		return fmt.Errorf("remembering in the Redis ledger: %w", err)
	}
	return nil
}

// noteValue is what stands under the name of a note: the note, when it was made,
// and, where time is the callers', when it ends.
func (l *Ledger) noteValue(n ledger.Note, made, end time.Time) []byte {
	value := binary.LittleEndian.AppendUint64(n[:], math.Float64bits(float64(made.UnixMilli())))
	if l.callersClock {
		value = binary.BigEndian.AppendUint64(value, uint64(end.UnixMilli()))
	}
	return value
}

// noteScript puts a note back, unless there is a later one.
var noteScript = redis.NewScript(`
local there = redis.call('GET', KEYS[1])
if not there or #there < 40 or struct.unpack('<d', there, 33) < struct.unpack('<d', ARGV[1], 33) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
`)

// putBackNote puts a note back that the server lacks, or of which it has an
// older one.
func (l *Ledger) putBackNote(n *keptNote) error {
	life := time.Until(n.end)
	if life < time.Millisecond {
		return nil
	}
	c := l.call(context.Background(), n.made)
	defer c.end()
	return c.tell(func() error {
		return noteScript.Run(c.ctx, c.client, []string{l.note(n.key)}, l.noteValue(n.note, n.made, n.end), life.Milliseconds()).Err()
	})
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
	case l.callersClock && at.UnixMilli() >= int64(binary.BigEndian.Uint64(value[len(n)+8:])):
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

// Remember keeps a note in both ledgers. What the server has not taken it is
// told when it is back, and what it has lost it is told again. See
// [ledger.Ledger].
func (f *Fallback) Remember(ctx context.Context, at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error {
	kept := keptNote{key: key, note: n, made: at, end: at.Add(life)}
	f.mu.RLock()
	kept.waiting = f.away.Load()
	f.notes.add(kept)
	f.mu.RUnlock()
	if !kept.waiting {
		_ = f.own.FeedNote(at, key, n, life) // it may have no room
		err := f.redis.Remember(ctx, at, key, n, life)
		if err == nil {
			return nil
		}
		kept.waiting = true
		f.notes.add(kept)
		f.leave(err)
	}
	return f.own.Remember(ctx, at, key, n, life)
}

// Recall returns a note, of the gate's own where the server has none or is
// away. See [ledger.Ledger].
func (f *Fallback) Recall(ctx context.Context, at time.Time, key ledger.Key) (n ledger.Note, found bool, err error) {
	if !f.away.Load() {
		n, found, err = f.redis.Recall(ctx, at, key)
		switch {
		case found:
			return n, true, nil
		case ctx.Err() != nil:
			// The gate's own may be an older one: nobody is to get that by
			// hanging up.
			return ledger.Note{}, false, context.Cause(ctx)
		case err != nil:
			f.leave(err)
		}
	}
	return f.own.Recall(ctx, at, key)
}
