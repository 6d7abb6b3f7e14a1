package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// DamagedError says that a file of a ledger is not as it was written. The
// ledger is not opened then, since nobody knows what it would have forgotten.
type DamagedError struct {
	File   string
	Offset int64 // of what cannot be read, in bytes
	Reason string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s; restore the directory from a backup, or move it away to start with nothing counted, which lets everybody send again", e.File, e.Offset, e.Reason)
}

// Recovery is what was found when a ledger was opened.
type Recovery struct {
	Keys    int   // still followed
	Holds   int   // reservations that may still be settled
	Records int   // read from journals
	Bytes   int64 // of the files read
	// Cut are the bytes of a last record that was only half on disk. Nobody
	// was let through on it: Reserve had not returned. A last record that was
	// whole, and was damaged later, looks the same.
	Cut int64
	// Behind is how long the wall clock has to go until it is where the ledger
	// saw it last. Until then the ledger stands still: nothing expires, no period
	// ends, and limits refuse for so much longer. More than some seconds of it
	// mean that the clock is wrong now or was wrong then. If it was far ahead
	// then, moving the directory away is all that helps, and forgets everything.
	//
	// A clock that is ahead cannot be told from time that has passed: what was
	// counted is as old as it seems, and may no longer count.
	Behind time.Duration
	Took   time.Duration
}

// recovering reads the files of a directory into a ledger.
type recovering struct {
	*Embedded
	*directory
	Recovery
	seq      uint64 // of the last record
	first    uint64 // the journal to begin with
	number   uint64 // of the last journal, 0 if there is none
	size     int64  // of its part that is good
	snapshot int64  // its size
	seeded   bool   // the seed has been read
	buf      []byte
}

func (r *recovering) damaged(name string, at int64, format string, args ...any) error {
	return &DamagedError{File: name, Offset: at, Reason: fmt.Sprintf(format, args...)}
}

// read reads everything.
func (r *recovering) read() error {
	whole := uint64(0)
	r.first = 1
	name := r.file(snapshotName)
	f, err := os.Open(name)
	switch {
	case err == nil:
		whole, err = r.readSnapshot(name, f)
		f.Close()
		if err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	numbers, err := r.journals()
	if err != nil {
		return err
	}
	for len(numbers) > 0 && numbers[0] < r.first {
		numbers = numbers[1:]
	}
	heads := make([]fileHead, len(numbers))
	for i, n := range numbers {
		switch want := r.first + uint64(i); {
		case i == 0 && n != want && !r.seeded:
			return r.damaged(name, 0, "it is missing")
		case n != want:
			return r.damaged(r.journal(want), 0, "it is missing")
		}
		if heads[i], err = r.readFileHead(r.journal(n), n); err != nil {
			return err
		}
	}
	if len(numbers) == 0 && r.seeded {
		return r.damaged(r.journal(r.first), 0, "it is missing")
	}
	for i, n := range numbers {
		if heads[i].seq != r.seq {
			return r.damaged(r.journal(n), 0, "it goes on after record %d, and the last before it is %d", heads[i].seq, r.seq)
		}
		until, last := uint64(0), i == len(numbers)-1
		if !last {
			until = heads[i+1].seq
		}
		if err := r.readJournal(n, until, last); err != nil {
			return err
		}
	}
	if r.seq < whole {
		return r.damaged(r.journal(r.number), r.size, "it ends with record %d, and the snapshot needs %d", r.seq, whole)
	}
	return nil
}

func (r *recovering) readFileHead(name string, number uint64) (fileHead, error) {
	f, err := os.Open(name)
	if err != nil {
		return fileHead{}, err
	}
	defer f.Close()
	b := make([]byte, fileHeader)
	n, err := io.ReadFull(f, b)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fileHead{}, err
	}
	h, wrong := parseFileHead(b[:n])
	switch {
	case wrong != "":
	case number == 0 && h.kind != fileSnapshot, number != 0 && (h.kind != fileJournal || h.number != number):
		wrong = "it is another file than its name says"
	case r.seeded && h.seed != r.Embedded.seed:
		wrong = "it is of another ledger"
	}
	if wrong != "" {
		return h, r.damaged(name, 0, "%s", wrong)
	}
	r.Embedded.seed, r.seeded = h.seed, true
	return h, nil
}

// readSnapshot reads the snapshot, and returns the record that the journals
// after it must reach.
func (r *recovering) readSnapshot(name string, f *os.File) (whole uint64, err error) {
	h, err := r.readFileHead(name, 0)
	if err != nil {
		return 0, err
	}
	s, err := newScanner(f)
	if err != nil {
		return 0, err
	}
	for {
		rec, payload, err := s.next(r)
		switch {
		case err == io.EOF || err == errBad:
			return 0, r.damaged(name, s.at, "a record does not match its checksum, or is missing")
		case err != nil:
			return 0, err
		case !r.apply(rec, payload):
			return 0, r.damaged(name, s.at, "a record that cannot be understood")
		}
		s.pass(rec)
		if rec.kind != recordEnd {
			continue
		}
		if s.at != s.size {
			return 0, r.damaged(name, s.at, "something follows its end")
		}
		r.Bytes, r.snapshot = s.size, s.size
		r.first, r.seq = h.number, h.seq
		return rec.seq, nil
	}
}

// readJournal reads a journal: the last one to its end, others up to the record
// that the next goes on after. What follows there was given up: it could not be
// written, and its reservations were told so.
func (r *recovering) readJournal(number, until uint64, last bool) error {
	name := r.journal(number)
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := newScanner(f)
	if err != nil {
		return err
	}
	r.number = number
	r.Bytes += s.size
	for last || r.seq < until {
		rec, payload, err := s.next(r)
		switch {
		case err == io.EOF:
			if last {
				r.size = s.at
				return nil
			}
			return r.damaged(name, s.at, "its end is missing")
		case err == errBad:
			torn, err := s.torn()
			if err != nil {
				return err
			}
			if !last || !torn {
				return r.damaged(name, s.at, "a record does not match its checksum, and others follow it")
			}
			r.Cut, r.size = s.size-s.at, s.at
			return nil
		case err != nil:
			return err
		case rec.seq != r.seq+1:
			return r.damaged(name, s.at, "record %d follows record %d", rec.seq, r.seq)
		case !r.apply(rec, payload):
			return r.damaged(name, s.at, "a record that cannot be understood")
		}
		s.pass(rec)
		r.seq = rec.seq
		r.Records++
	}
	r.size = s.at
	return nil
}
