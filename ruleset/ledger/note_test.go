package ledger_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func recalled(t testing.TB, l ledger.Ledger, at time.Time, n int) bool {
	t.Helper()
	_, found, err := l.Recall(context.Background(), at, key(n))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Notes outlive the process, and are gone when they end.
func TestNotesAreKept(t *testing.T) {
	dir := ledger.TempDir(t)
	open := func() *ledger.Embedded {
		l, err := ledger.OpenEmbedded(dir)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l, now := open(), time.Now()
	for n := range 10 {
		if err := l.Remember(context.Background(), now, key(n), ledger.Note{byte(n)}, time.Hour+time.Duration(n)*time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if !reserve(t, l, now, 1, ledger.Charge{Tally: one(1, time.Hour), Key: key(1)}) {
		t.Fatal("not admitted")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open()
	defer l.Close()
	if s := l.Stats(); s.Notes != 10 || s.Keys != 1 || s.Holds != 1 {
		t.Errorf("after opening: %+v", s)
	}
	for n := range 10 {
		note, found, err := l.Recall(context.Background(), now.Add(time.Hour+time.Second), key(n))
		if want := n > 0; err != nil || found != want || found && note != (ledger.Note{byte(n)}) {
			t.Errorf("note %d: %v %v %v", n, note, found, err)
		}
	}
	for range 1000 {
		recalled(t, l, now.Add(2*time.Hour), 0) // it tidies up by the way
	}
	if s := l.Stats(); s.Notes != 0 {
		t.Errorf("%d notes that have ended are still there", s.Notes)
	}
}

// A note that was remembered is on disk, whatever happens to the process then.
func TestNotesAreOnDisk(t *testing.T) {
	dir := ledger.TempDir(t)
	l, err := ledger.OpenEmbedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for n := range 20 {
		if err := l.Remember(context.Background(), time.Now(), key(n), ledger.Note{byte(n)}, time.Hour); err != nil {
			t.Fatal(err)
		}
		killed := ledger.TempDir(t) // what a process that is killed now leaves behind
		if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		again, err := ledger.OpenEmbedded(killed)
		if err != nil {
			t.Fatal(err)
		}
		if !recalled(t, again, time.Now(), n) {
			t.Errorf("note %d is not on disk", n)
		}
		again.Close()
	}
}

// Notes take a part of the room, and leave the rest to charges.
func TestNotesAreBounded(t *testing.T) {
	l := ledger.NewEmbedded(ledger.MaxKeys(400))
	full := 0
	for n := range 1000 {
		err := l.Remember(context.Background(), morning, key(n), ledger.Note{1}, time.Hour)
		if errors.Is(err, ledger.ErrFull) {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if s := l.Stats(); full != 900 || s.Notes != 100 {
		t.Errorf("%d notes, and %d did not fit", s.Notes, full)
	}
	if err := l.Remember(context.Background(), morning, key(0), ledger.Note{2}, time.Hour); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	for n := range 100 {
		if !reserve(t, l, morning, n, ledger.Charge{Tally: one(1, time.Hour), Key: key(n)}) {
			t.Fatal("no room for charges")
		}
	}
	if err := l.Remember(context.Background(), morning.Add(2*time.Hour), key(2000), ledger.Note{1}, time.Hour); err != nil {
		t.Errorf("after the others have ended: %v", err)
	}
}
