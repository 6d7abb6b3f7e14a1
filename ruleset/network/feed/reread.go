package feed

import (
	"bytes"
	"os"
	"time"
)

// Reread takes up the copies that somebody else has put on disk since they were
// last looked at: another process with the same directory, or an operator who
// has fetched or accepted a list. A copy that is no good is left alone. It also
// raises the alarm for lists that have got too old, so that a Keeper that is
// not to touch the network needs no Run.
func (k *Keeper) Reread() {
	for _, e := range k.set.Load().feeds {
		if k.config.Dir != "" && e.Path == "" {
			k.reread(e)
		}
		k.alarm(e)
	}
}

func (k *Keeper) reread(e *kept) {
	if !e.busy.TryLock() {
		return // its source is being asked
	}
	defer e.busy.Unlock()
	info, err := os.Stat(copyPath(k.config.Dir, e.Feed))
	if err != nil || info.ModTime().Equal(e.copied) || !info.ModTime().After(e.good.checked.Truncate(coarse)) {
		return
	}
	e.copied = info.ModTime()
	good, err := readCopy(k.config.Dir, e.Feed, k.config.Now())
	if err != nil || e.SHA256 != "" && e.SHA256 != good.SHA256 {
		return
	}
	before := e.result.Load()
	if before != nil && good.SHA256 == e.good.SHA256 && !good.checked.After(e.good.checked) {
		return // our own
	}
	result := before
	if before == nil || good.SHA256 != e.good.SHA256 {
		if result, err = Parse(bytes.NewReader(good.body), e.options()); err != nil {
			return
		}
	}
	good.body = nil // it is on disk
	k.mu.Lock()
	e.good, e.held, e.fromDisk = good, nil, true
	k.mu.Unlock()
	if result != before {
		e.result.Store(result)
		k.tell(Event{Feed: e.Name, Kind: Loaded, Entries: result.Len(), Before: before.Len(), Format: result.Format})
	}
	k.succeeded(e)
}

// coarse is the precision with which some file systems keep times.
const coarse = 2 * time.Second
