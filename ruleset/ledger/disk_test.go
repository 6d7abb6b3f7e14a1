package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests of this file look at memory and files: what is on disk must be what
// is in memory, bit by bit.

func openTest(t testing.TB, dir string) *Embedded {
	t.Helper()
	l, err := OpenEmbedded(dir, AttemptColumns(16))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// crashed returns what another process would find if this one ended now.
func crashed(t testing.TB, dir string) (*Embedded, error) {
	t.Helper()
	to := tempDir(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return OpenEmbedded(to, AttemptColumns(16))
}

// write lets everything go to disk.
func (l *Embedded) sync(t testing.TB) {
	t.Helper()
	l.mu.Lock()
	c := l.disk.commit()
	l.mu.Unlock()
	if err := c.wait(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// same demands that two ledgers remember the same.
func same(t testing.TB, got, want *Embedded) {
	t.Helper()
	got.mu.Lock()
	want.mu.Lock()
	defer got.mu.Unlock()
	defer want.mu.Unlock()
	if got.keys != want.keys || got.holds != want.holds || got.lines.used != want.lines.used || got.seed != want.seed {
		t.Fatalf("%d keys, %d holds, %d lines; want %d, %d, %d", got.keys, got.holds, got.lines.used, want.keys, want.holds, want.lines.used)
	}
	zero := line{}
	for i := uint32(1); i < max(got.lines.fresh, want.lines.fresh); i++ {
		a, b := &zero, &zero
		if i < got.lines.fresh {
			a = got.lines.at(i)
		}
		if i < want.lines.fresh {
			b = want.lines.at(i)
		}
		if *a != *b && (a.kind() != free || b.kind() != free) {
			t.Fatalf("line %d is %x, want %x", i, *a, *b)
		}
		if a.kind() == logEntry || a.kind() == memberEntry || a.kind() == sumEntry || a.kind() == holdEntry {
			if j, _ := got.findEntry(a.kind(), Key{a[2], a[3]}, got.index.hash(a[2], a[3])); j != i {
				t.Fatalf("line %d is not found by its key", i)
			}
		}
	}
}

// sameAttempts demands that two ledgers have counted the same attempts.
func sameAttempts(t testing.TB, got, want *Embedded) {
	t.Helper()
	got.mu.Lock()
	want.mu.Lock()
	defer got.mu.Unlock()
	defer want.mu.Unlock()
	for seed, all := range want.attempts {
		for _, s := range *all {
			var o *sketch
			if there := got.attempts[seed]; there != nil {
				for _, c := range *there {
					if c.window == s.window {
						o = c
					}
				}
			}
			if o == nil { // it is not written if there is nothing in it
				o = newSketch(s.window, len(s.rows[0]), 0, false)
			}
			for r := range s.rows {
				for c := range s.rows[r] {
					if s.rows[r][c] != o.rows[r][c] {
						t.Fatalf("slot %d of row %d is %v, want %v", c, r, o.rows[r][c], s.rows[r][c])
					}
				}
			}
			if o.banned < s.banned {
				t.Fatalf("the last ban ends at %d, want %d", o.banned, s.banned)
			}
		}
	}
}

var dawn = time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)

func testTally(name uint64, c Count, distinct bool, limits ...Limit) *Tally {
	return &Tally{Seed: Key{name}, Name: fmt.Sprint(name), Count: c, Distinct: distinct, Limits: limits}
}

func newID(n uint64) (id ID) {
	binary.LittleEndian.PutUint64(id[:], n)
	return id
}

// traffic is random calls of all kinds.
type traffic struct {
	*rand.Rand
	tallies []*Tally
	at      time.Time
	ids     uint64
	keys    int
}

func newTraffic(seed uint64) *traffic {
	return &traffic{Rand: rand.New(rand.NewPCG(seed, 1)), at: dawn, keys: 5, tallies: []*Tally{
		testTally(1, Sends, false, Limit{Max: 1, Window: time.Second}, Limit{Max: 12, Window: time.Minute, Ban: 30 * time.Second}),
		testTally(2, Unverified, false, Limit{Max: 60, Window: 20 * time.Second}),
		testTally(3, Unverified, false, Limit{Max: 200, Window: time.Minute}),
		testTally(4, Unverified, true, Limit{Max: 20, Window: 20 * time.Second}),
		testTally(5, Sends, true, Limit{Max: 3, Window: 10 * time.Second, Shadow: true}, Limit{Max: 9, Window: time.Minute, Ban: time.Minute}),
		testTally(6, Sends, false, Limit{Max: 3, Window: 5 * time.Second, Shadow: true}),
		testTally(7, Requests, false, Limit{Max: 30, Window: time.Minute, Ban: 10 * time.Second}),
		testTally(8, Refusals, false, Limit{Max: 30, Window: 10 * time.Second, Ban: time.Minute}),
		sumTally(9, Day, time.FixedZone("", 64_800-20), Limit{Max: 20_000}, Limit{Max: 10_000, Shadow: true}), // midnight is 20 s later
	}}
}

func (r *traffic) charges() (charges []Charge) {
	for _, t := range r.tallies {
		if r.IntN(3) > 0 {
			c := Charge{Tally: t, Key: Key{t.Seed[0], uint64(r.IntN(r.keys))}, Member: uint64(r.IntN(30)), Amount: r.Int64N(1000)}
			if r.IntN(4) == 0 {
				c.Also = Key{t.Seed[0], uint64(r.IntN(r.keys))}
			}
			charges = append(charges, c)
		}
	}
	return charges
}

// call makes one call, which may fail if the disk does.
func (r *traffic) call(l *Embedded) error {
	ctx := context.Background()
	r.at = r.at.Add(time.Duration(r.IntN(400)) * time.Millisecond)
	if r.IntN(100) == 0 {
		r.at = r.at.Add(time.Minute)
	}
	if r.IntN(50) == 0 { // the limits are changed
		t := *r.tallies[1]
		t.Limits = []Limit{{Max: 10 + r.Int64N(100), Window: time.Duration(20+r.IntN(3)) * time.Second}}
		r.tallies[1] = &t
		t = *r.tallies[6]
		t.Limits = []Limit{{Max: 30, Window: time.Duration(50+r.IntN(3)) * time.Second, Ban: 10 * time.Second}}
		r.tallies[6] = &t
	}
	var a Answer
	switch r.IntN(8) {
	case 0:
		return l.Look(ctx, r.at, r.charges(), &a)
	case 1:
		return l.Record(ctx, r.at, []Charge{{Tally: r.tallies[7], Key: Key{8, uint64(r.IntN(r.keys))}}})
	case 2, 3:
		return l.Settle(ctx, r.at, newID(r.ids-min(r.ids-1, uint64(r.IntN(20)))), Outcome(r.IntN(4)))
	default:
		if r.IntN(10) > 0 || r.ids == 0 {
			r.ids++
		}
		return l.Reserve(ctx, r.at, newID(r.ids), r.charges(), &a)
	}
}

func TestDiskIsMemory(t *testing.T) {
	for seed := range uint64(20) {
		dir := tempDir(t)
		l := openTest(t, dir)
		r := newTraffic(seed)
		if seed%2 == 1 {
			r.keys = 500
		}
		for n := range 400 {
			if err := r.call(l); err != nil {
				t.Fatal(err)
			}
			switch {
			case n%97 == 96: // closed and opened again
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				before := l
				l = openTest(t, dir)
				same(t, l, before)
				sameAttempts(t, l, before)
			case n%10 == 9:
				l.sync(t)
				l.disk.stopForTest()
				err := l.flushAttempts()
				l.disk.startForTest(l)
				if err != nil {
					t.Fatal(err)
				}
				c, err := crashed(t, dir)
				if err != nil {
					t.Fatal(err)
				}
				same(t, c, l)
				sameAttempts(t, c, l)
				c.Close()
			}
		}
	}
}

// A snapshot is made while calls go on, and the process ends at any moment of
// that.
func TestSnapshotWhileInUse(t *testing.T) {
	dir := tempDir(t)
	l := openTest(t, dir)
	r := newTraffic(1)
	r.keys = 20_000
	for range 30_000 {
		r.at = r.at.Add(-200 * time.Millisecond)
		charges := r.charges()
		l.mu.Lock() // without waiting
		r.ids++
		l.mu.Unlock()
		var a Answer
		if _, _, err := l.reserve(r.at, newID(r.ids), charges, &a, true); err != nil {
			t.Fatal(err)
		}
	}
	l.sync(t)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			default:
				r.call(l)
			}
		}
	}()
	for range 3 {
		close(l.disk.stop) // take the writer's place
		<-l.disk.stopped
		err := l.compact()
		l.disk.stop, l.disk.stopped = make(chan struct{}), make(chan struct{})
		go l.write()
		if err != nil {
			t.Fatal(err)
		}
	}
	close(quit)
	<-done
	l.sync(t)
	c, err := crashed(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	same(t, c, l)
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 3 {
		t.Fatalf("the directory has %v, want a lock, a snapshot and a journal", files)
	}
}

// written returns a directory with a journal of n reservations, all for one
// key, and the size of the journal after each.
func written(t *testing.T, n int) (dir, journal string, ends []int64) {
	t.Helper()
	dir = tempDir(t)
	l := openTest(t, dir)
	journal = l.disk.journal(1)
	for i := range n {
		charge(t, l, i, true)
		info, err := os.Stat(journal)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, info.Size())
	}
	to := tempDir(t)
	b, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	journal = filepath.Join(to, filepath.Base(journal))
	if err := os.WriteFile(journal, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return to, journal, ends
}

var plenty = testTally(1, Sends, false, Limit{Name: "plenty", Max: 50, Window: time.Hour})

func charge(t testing.TB, l *Embedded, i int, admitted bool) {
	t.Helper()
	var a Answer
	err := l.Reserve(context.Background(), dawn, newID(uint64(i+1)), []Charge{{Tally: plenty, Key: Key{1}}}, &a)
	if err != nil || a.Refused == admitted {
		t.Fatalf("%+v, %v", a, err)
	}
}

// events counts what plenty has.
func events(l *Embedded) int { return eventsOf(l, Key{1}) }

func eventsOf(l *Embedded, k Key) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, e := l.findEntry(logEntry, k, l.index.hash(k[0], k[1]))
	n := 0
	for ; e != nil; e = l.follow(e) {
		base := 5
		if e.kind() == more {
			base = 1
		}
		for _, w := range e[base : base+e.n()] {
			n += run(w).count()
		}
	}
	return n
}

func TestTornTail(t *testing.T) {
	_, journal, ends := written(t, 4)
	whole, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	dir := tempDir(t)
	for size := ends[2]; size <= ends[3]; size++ {
		for _, tail := range []string{"cut off", "zero"} {
			b := append([]byte(nil), whole[:size]...)
			if tail == "zero" { // the size was on disk, and the data was not
				b = append(b, make([]byte, ends[3]-size)...)
			}
			want := 3
			if bytes.Equal(b, whole) {
				want++
			}
			os.RemoveAll(dir)
			os.Mkdir(dir, 0o700)
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(journal)), b, 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := OpenEmbedded(dir)
			if err != nil {
				t.Fatalf("%d bytes, %s: %v", size, tail, err)
			}
			if got := events(l); got != want {
				t.Fatalf("%d bytes, %s: %d events, want %d", size, tail, got, want)
			}
			if cut := l.Recovery().Cut; cut != int64(len(b))-ends[want-1] {
				t.Fatalf("%d bytes: %d cut", size, cut)
			}
			charge(t, l, 9, true) // it goes on where the good part ends
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if l, err = OpenEmbedded(dir); err != nil || events(l) != want+1 {
				t.Fatalf("%d bytes, %s: opened again: %v", size, tail, err)
			}
			l.Close()
		}
	}
}

// Any bit that is flipped before the last record, or anywhere in a snapshot, is
// noticed. In the last record it looks like one that was being written.
func TestFlippedBits(t *testing.T) {
	_, journal, ends := written(t, 3)
	whole, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	dir := tempDir(t)
	try := func(name string, b []byte, bit int) error {
		flipped := append([]byte(nil), b...)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(filepath.Join(dir, name), flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := OpenEmbedded(dir)
		if err == nil {
			n := events(l)
			l.abandon() // and leave the files alone
			if name == filepath.Base(journal) && n == 2 && bit/8 >= int(ends[1]) {
				return nil
			}
			t.Fatalf("bit %d of %s flipped: opened with %d events", bit, name, n)
		}
		return err
	}
	for i := range whole {
		bit := 8*i + i*5%8
		var damaged *DamagedError
		if err := try(filepath.Base(journal), whole, bit); err != nil && !errors.As(err, &damaged) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(journal)), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	l := openTest(t, dir)
	if err := l.Close(); err != nil { // makes a snapshot
		t.Fatal(err)
	}
	snapshot, err := os.ReadFile(filepath.Join(dir, snapshotName))
	if err != nil {
		t.Fatal(err)
	}
	for i := range snapshot {
		bit := 8*i + i*5%8
		var damaged *DamagedError
		if err := try(snapshotName, snapshot, bit); !errors.As(err, &damaged) {
			t.Fatal(err)
		}
	}
}

func TestMissingRecord(t *testing.T) {
	dir, journal, ends := written(t, 3)
	b, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	b = append(b[:ends[0]:ends[0]], b[ends[1]:]...)
	if err := os.WriteFile(journal, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenEmbedded(dir)
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.Offset != ends[0] || damaged.Reason != "record 3 follows record 1" {
		t.Fatal(err)
	}
}

func TestMissingFiles(t *testing.T) {
	dir := tempDir(t)
	l := openTest(t, dir)
	charge(t, l, 0, true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{snapshotName, "journal-00000002"} {
		from, to := filepath.Join(dir, name), filepath.Join(tempDir(t), name)
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
		_, err := OpenEmbedded(dir)
		want := "ledger: " + from + " is damaged at byte 0: it is missing; restore the directory from a backup, or move it away to start with nothing counted, which lets everybody send again"
		if err == nil || err.Error() != want {
			t.Errorf("without its %s: %v\nwant %s", name, err, want)
		}
		if err := os.Rename(to, from); err != nil {
			t.Fatal(err)
		}
	}
	l = openTest(t, dir)
	if events(l) != 1 {
		t.Fatal("not restored")
	}
}

func TestLockedDirectory(t *testing.T) {
	dir := tempDir(t)
	l := openTest(t, dir)
	_, err := OpenEmbedded(dir)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("opened twice: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var a Answer
	if err := l.Reserve(context.Background(), dawn, newID(1), nil, &a); !errors.Is(err, ErrClosed) || !a.Refused {
		t.Fatalf("reserved in a closed ledger: %v", err)
	}
	openTest(t, dir)
}

func TestModes(t *testing.T) {
	dir := filepath.Join(tempDir(t), "a", "b")
	l := openTest(t, dir)
	charge(t, l, 0, true)
	l.Close()
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %o", info.Mode().Perm())
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
		}
	}
}

func TestClockBehind(t *testing.T) {
	dir := tempDir(t)
	l := openTest(t, dir)
	one := []Charge{{Tally: testTally(1, Sends, false, Limit{Max: 1, Window: time.Minute}), Key: Key{1}}}
	ctx, now := context.Background(), time.Now()
	ahead := now.Add(time.Hour)
	var a Answer
	if err := l.Reserve(ctx, ahead, newID(1), one, &a); err != nil || a.Refused {
		t.Fatal(err, a)
	}
	l.Close()
	l = openTest(t, dir)
	if behind := l.Recovery().Behind; behind < 59*time.Minute || behind > time.Hour {
		t.Errorf("the clock is behind by %s", behind)
	}
	for _, at := range []time.Time{now, now.Add(2 * time.Minute), ahead.Add(59 * time.Second)} {
		if err := l.Reserve(ctx, at, newID(2), one, &a); err != nil || !a.Refused {
			t.Errorf("%s before the clock has caught up: %v, %v", ahead.Sub(at), a, err)
		}
	}
	if err := l.Reserve(ctx, ahead.Add(time.Minute+time.Millisecond), newID(2), one, &a); err != nil || a.Refused {
		t.Errorf("after it has: %v, %v", a, err)
	}
}

// failing is a file on a disk that is full or broken.
type failing struct {
	file
	disk *failure
}

type failure struct {
	write, sync, truncate, create error
	room                          int // bytes of a write that fails which are written
}

func (f failing) Write(b []byte) (int, error) {
	if err := f.disk.write; err != nil {
		n, _ := f.file.Write(b[:min(f.disk.room, len(b))])
		return n, err
	}
	return f.file.Write(b)
}

func (f failing) Sync() error {
	if f.disk.sync != nil {
		return f.disk.sync
	}
	return f.file.Sync()
}

func (f failing) Truncate(n int64) error {
	if f.disk.truncate != nil {
		return f.disk.truncate
	}
	return f.file.Truncate(n)
}

func TestFailingDisk(t *testing.T) {
	for _, tt := range []struct {
		name string
		failure
	}{
		{"full", failure{write: syscall.ENOSPC, create: syscall.ENOSPC}},
		{"full after some bytes", failure{write: syscall.ENOSPC, room: 100}},
		{"full and cannot be cut", failure{write: syscall.ENOSPC, room: 100, truncate: syscall.EIO}},
		{"cannot sync", failure{sync: syscall.EIO}},
		{"cannot sync or cut", failure{sync: syscall.EIO, truncate: syscall.EIO}},
		{"gone", failure{write: syscall.EIO, sync: syscall.EIO, truncate: syscall.EIO, create: syscall.EIO}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tempDir(t)
			l := openTest(t, dir)
			var now failure
			l.disk.stopForTest()
			l.disk.journalFile = failing{l.disk.journalFile, &now}
			l.disk.create = func(path string) (file, error) {
				if now.create != nil {
					return nil, now.create
				}
				f, err := createFile(path)
				return failing{f, &now}, err
			}
			fail := func(f failure) {
				l.disk.stopForTest()
				now = f
				l.disk.startForTest(l)
			}
			l.disk.startForTest(l)
			charge(t, l, 0, true)
			for round := range 3 {
				charge(t, l, 100+round, true)
				fail(tt.failure)
				if err := l.Settle(context.Background(), dawn, newID(uint64(101+round)), Verified); err != nil {
					t.Fatal(err)
				}
				for n := range 3 {
					var a Answer
					id := newID(uint64(1000 + 10*round + n))
					err := l.Reserve(context.Background(), dawn, id, []Charge{{Tally: plenty, Key: Key{1}}, {Tally: plenty, Key: Key{2}}}, &a)
					if err == nil || !a.Refused || a.Short.Tally != nil {
						t.Fatalf("reserved: %+v, %v", a, err)
					}
					if s := l.Stats(); events(l) != 2+2*round || s.Keys != 1 || s.Holds != 2+2*round || s.Failing == nil {
						t.Fatalf("%d events, %+v after %d were admitted", events(l), s, 2+2*round)
					}
				}
				fail(failure{})
				charge(t, l, 1+round, true)
				if err := l.Stats().Failing; err != nil {
					t.Fatal(err)
				}
				c, err := crashed(t, dir)
				if err != nil {
					t.Fatal(err)
				}
				same(t, c, l)
				c.Close()
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			same(t, openTest(t, dir), l)
		})
	}
}

// Whoever asks with an id that another call is still writing may be let
// through, so the other does not take back what both rely on.
func TestSharedIDOnFailingDisk(t *testing.T) {
	dir := tempDir(t)
	l := openTest(t, dir)
	l.disk.stopForTest()
	gone, cancel := context.WithCancel(context.Background())
	answers := make(chan error, 2)
	ask := func(ctx context.Context) {
		var a Answer
		answers <- l.Reserve(ctx, dawn, newID(1), []Charge{{Tally: plenty, Key: Key{1}}}, &a)
	}
	go ask(gone)
	for l.Stats().Reserves < 1 {
		time.Sleep(time.Millisecond)
	}
	go ask(context.Background())
	for l.Stats().Reserves < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-answers; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	l.disk.startForTest(l)
	if err := <-answers; err != nil {
		t.Fatal(err)
	}
	if n := events(l); n != 1 {
		t.Fatalf("%d events", n)
	}
}

// A call that is given up while it waits for the disk has reserved nothing.
func TestGivenUpWhileWaiting(t *testing.T) {
	l := openTest(t, tempDir(t))
	l.disk.stopForTest()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	var a Answer
	err := l.Reserve(ctx, dawn, newID(1), []Charge{{Tally: plenty, Key: Key{1}}}, &a)
	if !errors.Is(err, context.DeadlineExceeded) || !a.Refused {
		t.Fatalf("%+v, %v", a, err)
	}
	l.disk.startForTest(l)
	l.sync(t)
	if s := l.Stats(); s.Keys != 0 || s.Holds != 0 {
		t.Fatalf("%+v", s)
	}
}
