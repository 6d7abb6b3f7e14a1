package ledger

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What a damaged file is refused with, and what is cut off without a word.
func TestDamagedFiles(t *testing.T) {
	_, journal, ends := written(t, 4)
	whole, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	const advice = "; restore the directory from a backup, or move it away to start with nothing counted, which lets everybody send again"
	set := func(at int64, with string) func([]byte) []byte {
		return func(b []byte) []byte {
			copy(b[at:], with)
			return b
		}
	}
	for _, tt := range []struct {
		name   string
		damage func([]byte) []byte
		want   string // after the name of the file
		events int
	}{
		{"nothing", func(b []byte) []byte { return b }, "", 4},
		{"empty", func([]byte) []byte { return nil }, "at byte 0: it is too short", 0},
		{"another file", set(0, "#!/bin/sh\n\n\n\n\n\n\n"), "at byte 0: it is not of a ledger", 0},
		{"another version", set(16, "\x07"), "at byte 0: its header does not match its checksum", 0},
		{"the first record", set(fileHeader+8, "?"), "at byte 64: a record does not match its checksum, and others follow it", 0},
		{"in the middle", set(ends[1]+recordHeader+20, "????"), "at byte %1: a record does not match its checksum, and others follow it", 0},
		{"zeros in the middle", set(ends[1], string(make([]byte, 40))), "at byte %1: a record does not match its checksum, and others follow it", 0},
		{"a record twice", func(b []byte) []byte { return append(b, b[ends[2]:ends[3]]...) }, "at byte %3: record 4 follows record 4", 0},
		{"in the last record", set(ends[2]+recordHeader+20, "????"), "", 3},
		{"half of the last record", func(b []byte) []byte { return b[:ends[3]-50] }, "", 3},
		{"rubbish at the end", func(b []byte) []byte { return append(b, "rubbish"...) }, "", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tempDir(t)
			name := filepath.Join(dir, filepath.Base(journal))
			b := tt.damage(append([]byte(nil), whole...))
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := OpenEmbedded(dir)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				if n, cut := events(l), l.Recovery().Cut; n != tt.events || cut != int64(len(b))-l.disk.size {
					t.Fatalf("%d events, want %d; %d bytes cut off", n, tt.events, cut)
				}
				return
			}
			want := strings.NewReplacer("%1", itoa(ends[1]), "%3", itoa(ends[3])).Replace("ledger: " + name + " is damaged " + tt.want + advice)
			if err == nil || err.Error() != want {
				t.Fatalf("%v\nwant %s", err, want)
			}
			if after, _ := os.ReadFile(name); string(after) != string(b) {
				t.Fatal("what could not be read was written to")
			}
		})
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Another process gets ErrLocked, as long as this one has the ledger.
func TestLockedByAnotherProcess(t *testing.T) {
	dir := tempDir(t)
	l := openTest(t, dir)
	charge(t, l, 0, true)
	other := func() string {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), openedDir+"="+dir)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if got, want := other(), "ledger: "+dir+": in use by another ledger: each process needs a directory of its own"; got != want {
		t.Fatalf("%s\nwant %s", got, want)
	}
	charge(t, l, 1, true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := other(); got != "<nil>" {
		t.Fatal(got)
	}
	if l = openTest(t, dir); events(l) != 2 {
		t.Fatalf("%d events", events(l))
	}
}

// A clock without a monotonic reading is set forward and back, and the ledger is
// opened again. It is never younger than it was, so nothing is counted for less
// than its window.
func TestClockJumps(t *testing.T) {
	dir := tempDir(t)
	l := openTest(t, dir)
	phone := testTally(1, Sends, false, Limit{Name: "phone", Max: 1, Window: time.Hour})
	budget := sumTally(2, Day, nil, Limit{Name: "budget", Max: 100})
	ids := uint64(0)
	ask := func(at time.Time, want bool, wait time.Duration) {
		t.Helper()
		for reopened := range 2 {
			ids++
			var a Answer
			err := l.Reserve(context.Background(), at, newID(ids), []Charge{{Tally: phone, Key: Key{1}}, {Tally: budget, Key: Key{2}, Amount: 60}}, &a)
			if admitted := err == nil && !a.Refused; admitted != (want && reopened == 0) {
				t.Fatalf("at %s: %+v, %v", at, a, err)
			}
			if !want && a.Short.Wait != wait {
				t.Fatalf("at %s: a wait of %s, want %s", at, a.Short.Wait, wait)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = openTest(t, dir)
		}
	}
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ask(noon, true, 0)
	ask(noon.Add(30*time.Minute), false, 11*time.Hour+30*time.Minute)
	ask(noon.Add(24*time.Hour), true, 0)             // forward: what was before is as old as it seems
	ask(noon.Add(time.Hour), false, 12*time.Hour)    // back: it stands still
	ask(noon.Add(23*time.Hour), false, 12*time.Hour) // and refuses
	ask(noon.Add(25*time.Hour), false, 11*time.Hour) // until the clock is where it was
	ask(noon.Add(36*time.Hour-1), false, time.Millisecond)
	ask(noon.Add(36*time.Hour), true, 0)
	ask(time.Unix(0, 0), false, 24*time.Hour)
}

// A ledger whose directory is moved away reserves nothing until it is back; one
// whose directory is removed reserves nothing any more.
func TestDirectoryGone(t *testing.T) {
	gone := func(t *testing.T, l *Embedded, id uint64) {
		t.Helper()
		before := events(l)
		for n := range uint64(3) {
			var a Answer
			err := l.Reserve(context.Background(), dawn, newID(id+n), []Charge{{Tally: plenty, Key: Key{1}}}, &a)
			if !errors.Is(err, ErrGone) || !a.Refused {
				t.Fatalf("%+v, %v", a, err)
			}
		}
		if s := l.Stats(); events(l) != before || !errors.Is(s.Failing, ErrGone) {
			t.Fatalf("%d events, before %d; %+v", events(l), before, s)
		}
	}
	t.Run("moved", func(t *testing.T) {
		dir := filepath.Join(tempDir(t), "ledger")
		l := openTest(t, dir)
		charge(t, l, 0, true)
		if err := os.Rename(dir, dir+"-away"); err != nil {
			t.Fatal(err)
		}
		gone(t, l, 100)
		if err := os.Rename(dir+"-away", dir); err != nil {
			t.Fatal(err)
		}
		charge(t, l, 1, true)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l = openTest(t, dir); events(l) != 2 {
			t.Fatalf("%d events", events(l))
		}
	})
	t.Run("removed", func(t *testing.T) {
		dir := filepath.Join(tempDir(t), "ledger")
		l := openTest(t, dir)
		charge(t, l, 0, true)
		os.RemoveAll(dir)
		gone(t, l, 100)
		other := openTest(t, dir) // another has begun there meanwhile
		charge(t, other, 0, true)
		gone(t, l, 200)
		if l.Close() == nil {
			t.Fatal("closed, and nothing is lost?")
		}
		if events(other) != 1 {
			t.Fatalf("%d events", events(other))
		}
	})
	t.Run("without its lock", func(t *testing.T) {
		dir := tempDir(t)
		l := openTest(t, dir)
		charge(t, l, 0, true)
		os.Remove(filepath.Join(dir, lockName))
		gone(t, l, 100)
		l.abandon()
	})
}

// Attempts are written while they are counted, a piece at a time, and none is
// forgotten.
func TestAttemptsWrittenWhileInUse(t *testing.T) {
	dir := tempDir(t)
	l, err := OpenEmbedded(dir, AttemptColumns(4*pieceSlots))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	refusals := testTally(1, Refusals, false, Limit{Max: 1 << 30, Window: time.Minute}, Limit{Max: 1 << 30, Window: time.Hour})
	l.disk.stopForTest()
	var counted atomic.Int64
	done := make(chan bool)
	go func() {
		defer close(done)
		for n := range uint64(60_000) {
			l.Record(context.Background(), dawn.Add(time.Duration(n)*time.Millisecond), []Charge{{Tally: refusals, Key: Key{n % 20_000, n}}})
			counted.Add(1)
		}
	}()
	for counted.Load() < 40_000 {
		if err := l.flushAttempts(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.compact(); err != nil {
		t.Fatal(err)
	}
	<-done
	if err := l.flushAttempts(); err != nil {
		t.Fatal(err)
	}
	l.disk.startForTest(l)
	c, err := crashed(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sameAttempts(t, c, l)
}
