package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrLocked is returned for a directory that another ledger is using.
var ErrLocked = errors.New("in use by another ledger: each process needs a directory of its own")

const (
	lockName      = "lock"
	snapshotName  = "snapshot"
	journalPrefix = "journal-"
	temporary     = ".tmp"
)

// directory is where a ledger is kept: a lock, the journals, and a snapshot of
// what was there before them.
type directory struct {
	path   string
	lock   *os.File
	create func(path string) (file, error) // for tests, to let the disk fail
}

// file is what a ledger needs of one that it writes.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

func createFile(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
}

// openDirectory makes the directory if need be and locks it.
func openDirectory(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(path, lockName)
	_, err := os.Stat(name)
	first := errors.Is(err, fs.ErrNotExist)
	lock, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return nil, err
	}
	if first {
		if err := errors.Join(syncDir(path), syncDir(filepath.Dir(path))); err != nil {
			lock.Close()
			return nil, err
		}
	}
	return &directory{path: path, lock: lock, create: createFile}, nil
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

func (d *directory) journal(number uint64) string {
	return d.file(fmt.Sprintf("%s%08d", journalPrefix, number))
}

// journals returns the numbers of the journals that are there, in order.
func (d *directory) journals() ([]uint64, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), journalPrefix)
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// begin writes a file that is not there under its name before end.
func (d *directory) begin(name string, h fileHead) (file, error) {
	f, err := d.create(name + temporary)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(h.bytes()); err != nil {
		d.abandon(name, f)
		return nil, err
	}
	return f, nil
}

// end gives a file that was begun its name, once all of it is on disk.
func (d *directory) end(name string, f file) error {
	err := f.Sync()
	if err == nil {
		err = os.Rename(name+temporary, name)
	}
	if err == nil {
		err = syncDir(d.path)
	}
	if err != nil {
		d.abandon(name, f)
	}
	return err
}

// abandon removes what was begun, to have the space back.
func (d *directory) abandon(name string, f file) {
	f.Close()
	os.Remove(name + temporary)
}

// tidy removes what is left of files that were never finished, and the journals
// before the first that is needed.
func (d *directory) tidy(first uint64) {
	unfinished, _ := filepath.Glob(d.file("*" + temporary))
	for _, name := range unfinished {
		os.Remove(name)
	}
	numbers, _ := d.journals()
	for _, n := range numbers {
		if n < first {
			os.Remove(d.journal(n))
		}
	}
}
