package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// scanner reads the records of a file.
type scanner struct {
	file *os.File
	in   *bufio.Reader
	at   int64 // where the record begins
	size int64
}

var errBad = errors.New("not a record")

func newScanner(f *os.File) (*scanner, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(fileHeader, io.SeekStart); err != nil {
		return nil, err
	}
	return &scanner{file: f, in: bufio.NewReaderSize(f, 1<<18), at: fileHeader, size: info.Size()}, nil
}

// next reads the record at s.at. It returns io.EOF where the file ends, and
// errBad if what is there is no record, or not all of one.
func (s *scanner) next(r *recovering) (head, []byte, error) {
	if s.at == s.size {
		return head{}, nil, io.EOF
	}
	var b [recordHeader]byte
	if s.size-s.at < recordHeader {
		return head{}, nil, errBad
	}
	if _, err := io.ReadFull(s.in, b[:]); err != nil {
		return head{}, nil, err
	}
	h, ok := parseHead(b[:])
	if !ok || h.length > s.size-s.at-recordHeader {
		return head{}, nil, errBad
	}
	if int64(cap(r.buf)) < h.length {
		r.buf = make([]byte, h.length)
	}
	payload := r.buf[:h.length]
	if _, err := io.ReadFull(s.in, payload); err != nil {
		return head{}, nil, err
	}
	if crc32.Checksum(payload, castagnoli) != h.sum {
		return h, nil, errBad
	}
	return h, payload, nil
}

func (s *scanner) pass(h head) { s.at += recordHeader + h.length }

// torn reports whether what is at s.at may be the beginning of a record that
// was being written when the machine stopped. A record is written only once the
// one before it is on disk, so nothing can follow such a one.
func (s *scanner) torn() (bool, error) {
	rest := make([]byte, s.size-s.at)
	if _, err := s.file.ReadAt(rest, s.at); err != nil {
		return false, err
	}
	if h, ok := parseHead(rest); ok {
		return recordHeader+h.length >= int64(len(rest)), nil
	}
	magic := le.AppendUint32(nil, recordMagic)
	for i := 1; i < len(rest); {
		n := bytes.Index(rest[i:], magic)
		if n < 0 {
			break
		}
		if _, ok := parseHead(rest[i+n:]); ok {
			return false, nil
		}
		i += n + 1
	}
	return true, nil
}
