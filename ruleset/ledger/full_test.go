//go:build linux

package ledger

import (
	"context"
	"errors"
	"os/signal"
	"syscall"
	"testing"
)

// The system itself says that there is no more room, in the middle of a record.
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
