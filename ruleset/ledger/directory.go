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

// ErrGone is returned by a ledger whose directory was moved or removed while it
// was in use. It reserves nothing until the directory is back in its place. A
// ledger that is opened anew where the directory was has counted nothing, and
// lets everybody send again.
var ErrGone = errors.New("the directory of the ledger was moved or removed: bring it back, or restart to begin with nothing counted")

// directory is where a ledger is kept: a lock, the journals, and a snapshot of
// what was there before them.
type directory struct {
	path   string
	lock   *os.File
	locked fs.FileInfo                     // of lock
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
	if err := makeDir(path); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	d := &directory{path: path, lock: lock, create: createFile}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return nil, err
	}
	if d.locked, err = lock.Stat(); err == nil {
		err = d.try()
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return d, nil
}

// makeDir makes a directory, and those above it, so that they last.
func makeDir(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	var made []string
	for p := path; ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, p)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for _, p := range made {
		if err := syncDir(filepath.Dir(p)); err != nil {
			return err
		}
	}
	return nil
}

// try makes a file and removes it. A directory in which nothing can be made
// would do until the first snapshot, and it is better to hear of it at once.
func (d *directory) try() error {
	name := d.file("try" + temporary)
	f, err := d.create(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(name), syncDir(d.path))
}

// here reports whether a file, and the lock, are still what their names say. A
// file can be written to when it is removed, and then nobody will read it; and
// without the lock another ledger may write to the same journal.
func (d *directory) here(name string, file fs.FileInfo) error {
	for _, f := range []struct {
		name string
		was  fs.FileInfo
	}{{name, file}, {d.file(lockName), d.locked}} {
		is, err := os.Stat(f.name)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(is, f.was):
			return ErrGone
		case err != nil:
			return err
		}
	}
	return nil
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
