//go:build linux

package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The system itself says that a file may not become larger, in the middle of a
// record.
func TestFullDisk(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var room syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		t.Fatal(err)
	}
	dir := tempDir(t)
	l := openTest(t, dir)
	charge(t, l, 0, true)

	none := syscall.Rlimit{Cur: uint64(l.disk.size + 100), Max: room.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &none); err != nil {
		t.Fatal(err)
	}
	var a Answer
	err := l.Reserve(context.Background(), dawn, newID(2), []Charge{{Tally: plenty, Key: Key{1}}}, &a)
	closed := l.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.EFBIG) || !a.Refused {
		t.Fatalf("%+v, %v", a, err)
	}
	if !errors.Is(closed, syscall.EFBIG) {
		t.Fatalf("closed without room: %v", closed)
	}
	l = openTest(t, dir)
	if n := events(l); n != 1 {
		t.Fatalf("%d events", n)
	}
	charge(t, l, 1, true)
}

// A disk that is full: a small one in memory, which only the test's own child
// can see.
func TestNoSpaceLeft(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullDir+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.Output()
	if err != nil || strings.HasPrefix(string(out), "mounting") {
		t.Logf("no disk can be mounted here (%v, %s), which leaves it to TestFullDisk and TestFailingDisk", err, out)
		return
	}
	if string(out) != "<nil>" {
		t.Fatal(string(out))
	}
}

// fillUp uses a ledger on a disk of its own until that is full, makes room, and
// goes on.
func fillUp(dir string) error {
	if err := syscall.Mount("ledger", dir, "tmpfs", 0, "size=256k"); err != nil {
		return fmt.Errorf("mounting: %w", err)
	}
	path := filepath.Join(dir, "ledger")
	l, err := OpenEmbedded(path, AttemptColumns(16))
	if err != nil {
		return err
	}
	admitted, ids := 0, uint64(0)
	reserve := func() error {
		ids++
		var a Answer
		err := l.Reserve(context.Background(), dawn, newID(ids), []Charge{{Tally: killedWide, Key: Key{1}}}, &a)
		if err == nil && !a.Refused {
			admitted++
		}
		if err != nil && !a.Refused {
			return fmt.Errorf("an error and no refusal: %w", err)
		}
		return err
	}
	if err := reserve(); err != nil {
		return err
	}
	for round := range 3 {
		filler := filepath.Join(dir, "filler")
		f, err := os.Create(filler)
		for err == nil {
			_, err = f.Write(make([]byte, 100))
		}
		f.Close()
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		for err = reserve(); err == nil; err = reserve() { // in what is left of its last page
		}
		for range 5 {
			if err := reserve(); !errors.Is(err, syscall.ENOSPC) {
				return fmt.Errorf("round %d: reserved without room: %v", round, err)
			}
		}
		if n := eventsOf(l, Key{1}); n != admitted || l.Stats().Failing == nil {
			return fmt.Errorf("round %d: %d events after %d were admitted", round, n, admitted)
		}
		if round == 2 {
			break
		}
		if err := os.Remove(filler); err != nil {
			return err
		}
		for range 5 {
			if err := reserve(); err != nil {
				return err
			}
		}
	}
	// It ends while the disk is full, and a full one cannot be opened either.
	if err := l.Close(); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("closed without room: %v", err)
	}
	if l, err = OpenEmbedded(path); err == nil {
		l.Close()
	} else if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
		return err
	}
	if l, err = OpenEmbedded(path, AttemptColumns(16)); err != nil {
		return err
	}
	if n := eventsOf(l, Key{1}); n != admitted {
		return fmt.Errorf("opened with %d events after %d were admitted", n, admitted)
	}
	if err := reserve(); err != nil {
		return err
	}
	return l.Close()
}

// A directory that cannot be written to is refused when the ledger is opened,
// also where the files in it could be.
func TestReadOnlyDirectory(t *testing.T) {
	dir := tempDir(t)
	l := openTest(t, dir)
	charge(t, l, 0, true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	empty := tempDir(t)
	for _, d := range []string{dir, empty} {
		if err := os.Chmod(d, 0o500); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(d, 0o700)
	}
	if os.Getuid() == 0 { // who may write everywhere, but for a thread that is somebody else to files
		for _, d := range []string{dir, empty} {
			filepath.WalkDir(d, func(name string, _ fs.DirEntry, _ error) error { return os.Chown(name, 65534, 65534) })
		}
	}
	type result struct {
		name string
		err  error
	}
	results := make(chan result)
	go func() {
		runtime.LockOSThread() // and never unlock, so that the thread ends with this
		defer close(results)
		if os.Getuid() == 0 {
			syscall.Setfsuid(65534)
		}
		for _, d := range []string{dir, empty} {
			l, err := OpenEmbedded(d)
			if err == nil {
				l.Close()
			}
			results <- result{d, err}
		}
	}()
	for r := range results {
		if !errors.Is(r.err, fs.ErrPermission) || !strings.HasPrefix(r.err.Error(), "ledger: "+r.name+": open ") {
			t.Errorf("opened: %v", r.err)
		}
	}
	os.Chmod(dir, 0o700)
	if l = openTest(t, dir); events(l) != 1 {
		t.Fatalf("%d events", events(l))
	}
}
