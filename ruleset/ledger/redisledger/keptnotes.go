package redisledger

import (
	"sync"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// keptNotes are the notes that a gate has made lately, so that it can tell a
// server that does not know them, or not any more. The oldest go where there are
// too many, and those first that the server has been told.
type keptNotes struct {
	mu      sync.Mutex
	entries map[ledger.Key]*keptNote
	order   []*keptNote // as they were made; what entries do not hold has been replaced
	unsent  int         // of entries: not on the server

	forgotten uint64 // that the server was never told
}

type keptNote struct {
	key       ledger.Key
	note      ledger.Note
	made, end time.Time
	waiting   bool // not on the server
}

// notesMost is how many are kept, of some 200 bytes each.
const notesMost = 1 << 16

// add keeps n in place of the one under its key.
func (k *keptNotes) add(n keptNote) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.entries == nil {
		k.entries = make(map[ledger.Key]*keptNote)
	}
	k.drop(k.entries[n.key])
	if len(k.order) >= 2*notesMost || len(k.entries) >= notesMost {
		k.tidy(n.made)
	}
	k.entries[n.key] = &n
	k.order = append(k.order, &n)
	if n.waiting {
		k.unsent++
	}
}

func (k *keptNotes) drop(n *keptNote) {
	if n == nil {
		return
	}
	delete(k.entries, n.key)
	if n.waiting {
		k.unsent--
	}
}

// tidy takes out what has been replaced or has ended, and, where that is not
// enough, an eighth of the rest: what the server knows if there is so much of
// it, and else the oldest.
func (k *keptNotes) tidy(now time.Time) {
	for _, n := range k.entries {
		if !n.end.After(now) {
			k.drop(n)
		}
	}
	for _, waiting := range []bool{false, true} {
		for _, n := range k.order {
			if len(k.entries) <= notesMost-notesMost/8 {
				break
			}
			if k.entries[n.key] == n && n.waiting == waiting {
				if waiting {
					k.forgotten++
				}
				k.drop(n)
			}
		}
	}
	left := k.order[:0]
	for _, n := range k.order {
		if k.entries[n.key] == n {
			left = append(left, n)
		}
	}
	clear(k.order[len(left):])
	k.order = left
}

// some returns the notes that the server was told, or those that it was not.
func (k *keptNotes) some(waiting bool) (some []keptNote) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range k.order {
		if k.entries[n.key] == n && n.waiting == waiting {
			some = append(some, *n)
		}
	}
	return some
}

// confirm notes that the server knows n, if that is the latest.
func (k *keptNotes) confirm(n *keptNote) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.entries[n.key]; kept != nil && kept.waiting && kept.made.Equal(n.made) && kept.note == n.note {
		kept.waiting = false
		k.unsent--
	}
}

// waiting is how many the server is still to be told.
func (k *keptNotes) waiting() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unsent
}

func (k *keptNotes) stats(s *FallbackStats) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Waiting += k.unsent
	s.Unnoted = k.forgotten
}
