package ledger

// Stats is the state of an embedded ledger, for metrics.
type Stats struct {
	Keys  int // followed now, with those that have expired and are not swept yet
	Holds int // reservations that may still be settled, likewise
	Notes int // remembered, likewise
	Lines int // in use, of 64 bytes each: keys, holds, notes, and what goes on from them
	Bytes int // of all tables

	// Since the ledger was made:
	Looks    uint64
	Reserves uint64
	Refusals uint64 // of reserves
	Full     uint64 // reserves that failed with [ErrFull]
	Returned uint64 // events given back
	Swept    uint64 // keys, holds and notes that expired

	// Of one that is kept on disk, since it was opened:
	Commits  uint64 // records put on disk; reservations share them
	Failures uint64 // records that could not be
	Disk     int64  // bytes of the snapshot and the journals after it
	Failing  error  // why the latest could not be put on disk, nil if it was
	Growing  error  // why the latest snapshot could not be made, so that the journals grow; nil if it was
}

// Stats returns the state of the ledger.
func (l *Embedded) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Keys, s.Holds, s.Notes, s.Lines = l.keys, l.holds, l.notes, l.lines.used
	s.Returned, s.Swept = l.returned, l.swept
	s.Bytes = len(l.lines.chunks)*chunkLines*64 + l.index.bytes + len(l.index.dir)*8
	if d := l.disk; d != nil {
		s.Commits, s.Failures, s.Disk, s.Failing, s.Growing = d.commits, d.failures, d.bytes, d.failing, d.compacting
	}
	for _, all := range l.attempts {
		for _, sketch := range *all {
			s.Bytes += sketch.bytes()
		}
	}
	return s
}
