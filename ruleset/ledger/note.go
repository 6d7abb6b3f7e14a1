package ledger

import (
	"context"
	"fmt"
	"time"
)

// noteWait is how long a disk that hangs may hold up whoever remembers something.
const noteWait = 5 * time.Second

// Remember keeps a note; if the ledger is on disk, so is the note when it
// returns. See [Ledger].
func (l *Embedded) Remember(ctx context.Context, at time.Time, key Key, n Note, life time.Duration) error {
	c, err := l.remember(at, key, n, life, true)
	if err != nil || c == nil {
		return err
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), noteWait)
	defer end()
	if err := c.wait(ctx); err != nil {
		return fmt.Errorf("ledger: remembered, but not on disk: %w", err)
	}
	return nil
}

// FeedNote is Remember of what another ledger keeps as well: it does not wait for
// the disk.
func (l *Embedded) FeedNote(at time.Time, key Key, n Note, life time.Duration) error {
	_, err := l.remember(at, key, n, life, false)
	return err
}

// remember is Remember, and returns what to wait for.
func (l *Embedded) remember(at time.Time, key Key, n Note, life time.Duration, safely bool) (*commit, error) {
	l.mu.Lock()
	defer l.unlock()
	if l.closed {
		return nil, ErrClosed
	}

	l.begin(at)
	hash := l.index.hash(key[0], key[1])
	i, e := l.findEntry(noteEntry, key, hash)
	if e == nil {
		if !l.roomForNote() {
			l.sweep(sweepBatch)
			if !l.roomForNote() {
				return nil, ErrFull
			}
		}
		i, e = l.lines.take(noteEntry)
		e[2], e[3] = key[0], key[1]
		l.index.insert(hash, i)
		l.notes++
	}
	l.lines.touch(i)
	e[1] = 0 // what it says now may end before what it said
	e.keep(l.clock.now + max(millis(life), 0))
	for w := range len(n) / 8 {
		e[4+w] = le.Uint64(n[8*w:])
	}
	if l.disk == nil || !safely {
		return nil, nil
	}
	return l.disk.commit(), nil
}

// notePart of all lines are for notes, so that these never take the room of charges.
const notePart = 4

func (l *Embedded) roomForNote() bool {
	return l.notes < max(l.maxLines/notePart, 1) && l.lines.used < l.maxLines
}

// Recall returns a note. See [Ledger].
func (l *Embedded) Recall(_ context.Context, at time.Time, key Key) (n Note, found bool, err error) {
	l.mu.Lock()
	defer l.unlock()
	if l.closed {
		return n, false, ErrClosed
	}

	l.begin(at)
	_, e := l.findEntry(noteEntry, key, l.index.hash(key[0], key[1]))
	if e == nil || e.expires() <= l.clock.now {
		return n, false, nil
	}
	for w := range len(n) / 8 {
		le.PutUint64(n[8*w:], e[4+w])
	}
	return n, true, nil
}
