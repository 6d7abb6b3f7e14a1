package ledger

// minCompact is how many bytes of journals are not worth a snapshot.
const minCompact = 8 << 20

// A snapshot is synced after so many bytes, so that reservations which come in
// meanwhile do not have to wait for all of it. With a million lines the slowest
// was seen to wait 0.1 s.
const syncEvery = 4 << 20

// snapshot is one that is being written.
type snapshot struct {
	*Embedded
	out      file
	record   record
	bytes    int64
	unsynced int64
}

// compact writes all there is to a snapshot, and removes the journals before
// it.
//
// The ledger is in use meanwhile: lines are copied a chunk at a time, each as it
// is then. What changes goes to a new journal, begun before the first copy, and
// the snapshot is of use only together with what was there when the last copy
// had been made; by then all of that is on disk.
func (l *Embedded) compact() error {
	d := l.disk
	if d.size > fileHeader || d.suspect {
		if err := d.rotate(); err != nil {
			return err
		}
	}
	name, first := d.file(snapshotName), d.number
	out, err := d.begin(name, fileHead{kind: fileSnapshot, seed: d.seed, number: first, seq: d.seq})
	if err != nil {
		return err
	}
	s := &snapshot{Embedded: l, out: out}
	if err := s.writeAll(); err != nil {
		d.abandon(name, out)
		return err
	}
	if err := d.end(name, out); err != nil {
		return err
	}
	out.Close()
	d.tidy(first)
	d.written = s.bytes + d.size
	d.enough = 4 * s.bytes
	return nil
}

func (s *snapshot) writeAll() error {
	for chunk := 0; s.lines(chunk); chunk++ {
		if err := s.write(0); err != nil {
			return err
		}
	}
	for _, sketch := range s.sketches() {
		for row := range sketch.rows {
			s.slots(sketch, row)
			if err := s.write(0); err != nil {
				return err
			}
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.flushAttempts(); err != nil {
		return err
	}
	s.record.reset(recordEnd)
	return s.write(s.disk.seq)
}

// lines copies a chunk, and reports whether there is one.
func (s *snapshot) lines(chunk int) bool {
	s.record.reset(recordLines)
	s.mu.Lock()
	defer s.mu.Unlock()
	if chunk == len(s.Embedded.lines.chunks) {
		return false
	}
	for i := range s.Embedded.lines.chunks[chunk] {
		if e := &s.Embedded.lines.chunks[chunk][i]; e.kind() != free {
			s.record.line(uint32(chunk<<chunkBits+i), e)
		}
	}
	return true
}

// slots copies a row of a sketch, a piece at a time.
func (s *snapshot) slots(sketch seeded, row int) {
	s.record.slots(sketch.seed, sketch.sketch, false)
	columns := len(sketch.rows[row])
	for from := 0; from < columns; from += pieceSlots {
		s.mu.Lock()
		for c := from; c < min(from+pieceSlots, columns); c++ {
			if of := &sketch.rows[row][c]; *of != (slot{}) {
				s.record.slot(row*columns+c, of)
			}
		}
		s.mu.Unlock()
	}
}

// write writes the record, and then sees to those who wait for the journal.
func (s *snapshot) write(seq uint64) error {
	if s.record.count == 0 && s.record.kind != recordEnd {
		return nil
	}
	s.mu.Lock()
	now, event := s.clock.now, s.clock.event
	s.mu.Unlock()
	b := s.record.seal(seq, now, event)
	if _, err := s.out.Write(b); err != nil {
		return err
	}
	s.bytes += int64(len(b))
	if s.unsynced += int64(len(b)); s.unsynced >= syncEvery {
		s.unsynced = 0
		if err := s.out.Sync(); err != nil {
			return err
		}
	}
	select {
	case <-s.disk.kick:
		s.flush() // its error is for those who wait
	default:
	}
	return nil
}
