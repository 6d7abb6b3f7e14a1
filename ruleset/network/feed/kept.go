package feed

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// kept is a feed in a Keeper.
type kept struct {
	Feed
	result atomic.Pointer[Result] // nil until it is first loaded
	busy   sync.Mutex             // held by whoever looks for news; good and held change under it

	// These are guarded by Keeper.mu as well.
	good        lastGood // what result was read from, without the body
	held        *held    // a list that changed too much
	fromDisk    bool
	attempts    uint64
	failed      uint64 // of all attempts
	failures    int    // in a row
	lastAttempt time.Time
	lastError   error
	next        time.Time
	stale       bool
	reported    map[Reason]bool

	copied time.Time // the copy on disk that Reread has looked at last; under busy
}

// held is a list that waits to be confirmed or accepted.
type held struct {
	good   lastGood
	result *Result
	err    error
	times  int // it has come
}

func (e *kept) options() Options {
	return Options{Format: e.Format, Select: e.Select, MaxBytes: e.MaxBytes}
}

// readFile reads the file of a feed that is one, unless it is the one that was
// read last.
func (e *kept) readFile() (answer, error) {
	file, err := os.OpenFile(e.Path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return answer{}, because(Unreachable, "opening the file: %w", withoutPath(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return answer{}, because(Unreachable, "%w", withoutPath(err))
	}
	if !info.Mode().IsRegular() {
		return answer{}, because(NotAList, "it is not a regular file")
	}
	if last := e.good.file; last != nil && os.SameFile(last, info) && last.Size() == info.Size() && last.ModTime().Equal(info.ModTime()) {
		return answer{notModified: true}, nil
	}
	body, err := io.ReadAll(&bounded{r: file, left: e.MaxBytes, most: e.MaxBytes})
	if err != nil {
		if _, ok := errors.AsType[*Error](err); ok {
			return answer{}, err
		}
		return answer{}, because(Unreachable, "reading the file: %w", withoutPath(err))
	}
	return answer{body: body, file: info}, nil
}

// alwaysAllowed is how many entries, and maxSmall how many addresses, may come
// or go without it being too much: small lists double easily.
const (
	alwaysAllowed = 20
	maxSmall      = 1 << 16
)

// changedTooMuch returns an error if after is not believable as what before has
// become.
func (e *kept) changedTooMuch(before, after *Result) error {
	if before == nil {
		return nil
	}
	for _, count := range []struct {
		what          string
		before, after uint64
		allowed       uint64
	}{
		{"entries", uint64(before.Len()), uint64(after.Len()), alwaysAllowed},
		{"IPv4 addresses", before.Addresses4, after.Addresses4, maxSmall},
		{"IPv6 networks", before.Networks6, after.Networks6, maxSmall},
	} {
		b, a := float64(count.before), float64(count.after)
		switch {
		case b-a > float64(count.allowed) && a < b*e.Shrink:
			return because(ChangedTooMuch, "it has shrunk from %d %s to %d: held back until confirmed or accepted", count.before, count.what, count.after)
		case a-b > float64(count.allowed) && a > b*e.Grow:
			return because(ChangedTooMuch, "it has grown from %d %s to %d: held back until confirmed or accepted", count.before, count.what, count.after)
		}
	}
	return nil
}
