package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrClosed is returned by a ledger that has been closed.
var ErrClosed = errors.New("the ledger is closed")

// OpenEmbedded returns the ledger that is kept in a directory, as it was when
// it was closed or its process ended, and makes the directory if need be. The
// directory belongs to the ledger alone, and to one process at a time: another
// gets [ErrLocked]. It has mode 0700 and its files 0600. They hold what the
// ledger is given, which are keyed hashes, and notes that are encrypted: under
// another key they are of no use, and do no harm.
//
// What Reserve has taken, events and amounts, is on disk before it returns, so
// that nobody who was let through is ever forgotten. So is a note before Remember
// returns. Those that wait at the same time are written together, and nothing
// else waits for them. The context of Reserve is looked at while it waits as
// well: a disk that hangs costs a caller no more time than that gives, and
// nothing is taken.
//
// What else happens is written soon after. When the process is killed, or the
// machine stops, what was given back, and bans that have begun, may be lost for
// the last tenth of a second, and attempts and their bans for the last five:
// what was given back counts again then, until its window ends, and a ban has
// to begin anew. Closing the ledger loses nothing.
//
// What becomes of a ledger when there is trouble:
//
//   - A disk that is full, or fails: Reserve takes nothing and returns an error,
//     and tries again the next time it is called. Look, Record and Settle go on
//     in memory, as does Remember, which says so and waits for five seconds at
//     most; what they did is written when that is possible again.
//     [Stats] tells why it is not.
//   - A record that was being written when the machine stopped is cut off, see
//     [Recovery]. Any other damage, wherever it is, and a file that is missing,
//     are a [DamagedError]: the ledger is not opened, and its files are left as
//     they are. It never comes back empty without being told to.
//   - A directory that another process has is [ErrLocked].
//   - One in which no file can be made is an error when the ledger is opened,
//     also if what is there could be read.
//   - One that is moved or removed while it is in use: Reserve returns [ErrGone]
//     and takes nothing until it is back.
//   - A clock that was set: see [Recovery].
func OpenEmbedded(dir string, opts ...Option) (*Embedded, error) {
	begun := time.Now()
	l := NewEmbedded(opts...)
	d, err := openDirectory(dir)
	if err != nil {
		return nil, fmt.Errorf("ledger: %s: %w", dir, err)
	}
	if err := l.open(d); err != nil {
		d.lock.Close()
		return nil, fmt.Errorf("ledger: %w", err)
	}
	l.recovery.Behind = max(time.Duration(l.clock.now-begun.UnixMilli())*time.Millisecond, 0)
	l.recovery.Took = time.Since(begun)
	go l.write()
	return l, nil
}

// open reads what is in a directory and makes ready to write to it.
func (l *Embedded) open(d *directory) error {
	r := recovering{Embedded: l, directory: d}
	l.lines.tracked = true
	if err := r.read(); err != nil {
		return err
	}
	if !l.rebuild() {
		return r.damaged(d.path, 0, "its records do not fit together")
	}
	d.tidy(r.first)
	r.Keys, r.Holds = l.keys, l.holds
	l.recovery = r.Recovery
	l.disk = &disk{
		directory: d,
		seed:      l.seed,
		number:    r.number,
		seq:       r.seq,
		size:      r.size,
		written:   r.Bytes,
		enough:    4 * r.snapshot,
		least:     minCompact,
		now:       l.clock.now,
		bytes:     r.Bytes,
		kick:      make(chan struct{}, 1),
		kickAll:   make(chan struct{}, 1),
		stop:      make(chan struct{}),
		stopped:   make(chan struct{}),
	}
	if r.number == 0 {
		return l.disk.rotate()
	}
	return l.disk.goOn()
}

// Recovery tells what was found when the ledger was opened. It is zero for one
// that is in memory only.
func (l *Embedded) Recovery() Recovery { return l.recovery }

// Close writes what has not been written, and gives the directory up. Calls
// that wait for the disk are answered first, later ones get [ErrClosed].
// Closing a ledger that is in memory only, or closed, does nothing.
//
// An error means that the last give-backs and attempts may be lost; what was
// reserved is not.
func (l *Embedded) Close() error {
	l.mu.Lock()
	d := l.disk
	if d == nil || l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(d.stop)
	<-d.stopped
	err := errors.Join(l.flush(), l.flushAttempts())
	if err == nil && (d.size > fileHeader || d.behind(l.clock)) {
		err = l.compact()
	}
	err = errors.Join(err, d.journalFile.Close(), d.lock.Close())
	if err != nil {
		return fmt.Errorf("ledger: closing: %w", err)
	}
	return nil
}

// unlock ends a call. If it has changed something that it does not wait for,
// that will be written soon.
func (l *Embedded) unlock() {
	if l.disk != nil && !l.closed {
		l.disk.schedule(len(l.lines.changed) > 0, len(l.attempts) > 0)
	}
	l.mu.Unlock()
}

// await returns when what was reserved under id is on disk. If it cannot be
// put there nothing is reserved. Only the call that has charged is mine.
func (l *Embedded) await(ctx context.Context, c *commit, id ID, mine bool) error {
	err := c.wait(ctx)
	if err == nil {
		return nil
	}
	if mine {
		l.undo(id)
	}
	return fmt.Errorf("ledger: not reserved, as it could not be put on disk: %w", err)
}

// undo takes back what was reserved under id, unless somebody else has asked
// for the same since, and may have been let through.
func (l *Embedded) undo(id ID) {
	l.mu.Lock()
	defer l.unlock()
	i, h := l.findHold(id, l.index.hash(id.words()))
	if h == nil || h[0]&again != 0 {
		return
	}
	l.giveBack(h, true)
	l.drop(i, h)
}
