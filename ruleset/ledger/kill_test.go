package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What these say makes the test's own program another one, and where its ledger
// is.
const (
	killedDir  = "LEDGER_KILLED_DIR"
	killedZone = "LEDGER_KILLED_ZONE"
	openedDir  = "LEDGER_OPENED_DIR"
	fullDir    = "LEDGER_FULL_DIR"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		serve(dir)
		return
	}
	if dir := os.Getenv(openedDir); dir != "" {
		_, err := OpenEmbedded(dir)
		fmt.Print(err)
		return
	}
	if dir := os.Getenv(fullDir); dir != "" {
		fmt.Print(fillUp(dir))
		return
	}
	os.Exit(m.Run())
}

var (
	killedKeys = uint64(20)
	killedWide = testTally(1, Sends, false, Limit{Max: 1 << 30, Window: 16 * 24 * time.Hour})
	killedIP   = testTally(2, Unverified, true, Limit{Max: 64, Window: 24 * time.Hour})
)

// killedBudget is a tally of days in a zone where it is noon now.
func killedBudget(offset string) *Tally {
	seconds, err := strconv.Atoi(offset)
	if err != nil {
		panic(err)
	}
	return sumTally(3, Day, time.FixedZone("", seconds), Limit{Max: MaxAmount})
}

// serve is the process that is killed. It says of each reservation what it is
// before anybody would be let through on it.
func serve(dir string) {
	l, err := OpenEmbedded(dir)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	l.disk.stopForTest()
	l.disk.least = 0 // snapshots all the time
	l.disk.startForTest(l)
	budget := killedBudget(os.Getenv(killedZone))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				key, amount := rand.Uint64N(killedKeys), rand.Int64N(1_000_000)
				id := newID(rand.Uint64() | 1)
				var a Answer
				err := l.Reserve(context.Background(), time.Now(), id, []Charge{{Tally: killedWide, Key: Key{key}}, {Tally: killedIP, Key: Key{1 << 32, key}, Member: key}, {Tally: budget, Key: Key{1 << 33, key}, Amount: amount}}, &a)
				if err != nil || a.Refused {
					fmt.Printf("error: %v %+v\n", err, a)
					os.Exit(1)
				}
				if rand.IntN(4) == 0 {
					l.Settle(context.Background(), time.Now(), id, NotSent) // and nobody was
					continue
				}
				os.Stdout.WriteString(fmt.Sprintf("%d %d %x\n", key, amount, id))
				if rand.IntN(4) == 0 {
					l.Settle(context.Background(), time.Now(), id, Verified)
				}
			}
		})
	}
	wg.Wait()
}

// After each of a hundred kills all that was let through is there.
func TestKill(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 10
	}
	dir := tempDir(t)
	forwarded, spent := make([]int, killedKeys), make([]int64, killedKeys)
	noon := strconv.Itoa(int((12*time.Hour - time.Duration(time.Now().Unix()%86400)*time.Second).Seconds()))
	ids := make(map[ID]bool)
	var last Recovery
	snapshots := 0
	for n := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedDir+"="+dir, killedZone+"="+noon)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		begun := false
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if !begun { // it is under load from here
				begun = true
				time.AfterFunc(time.Duration(rand.IntN(40_000))*time.Microsecond, func() { cmd.Process.Kill() })
			}
			var key int
			var amount int64
			var raw []byte
			if _, err := fmt.Sscanf(lines.Text(), "%d %d %x", &key, &amount, &raw); err != nil || strings.HasPrefix(lines.Text(), "error") {
				if len(lines.Text()) > 30 { // and not half a line
					t.Fatalf("kill %d: %s", n, lines.Text())
				}
				continue
			}
			if len(raw) == len(ID{}) {
				forwarded[key]++
				spent[key] += amount
				ids[ID(raw)] = true
			}
		}
		cmd.Wait()
		if !begun {
			t.Fatalf("kill %d: nothing was let through", n)
		}
		l, err := OpenEmbedded(dir)
		if err != nil {
			t.Fatalf("kill %d: %v", n, err)
		}
		if l.disk.snapshotted() {
			snapshots++
		}
		for key, want := range forwarded {
			if got := eventsOf(l, Key{uint64(key)}); got < want {
				t.Fatalf("kill %d: key %d has %d events, and %d were let through", n, key, got, want)
			}
			if got, want := sumOf(l, Key{1 << 33, uint64(key)}), spent[key]; got < want {
				t.Fatalf("kill %d: key %d has spent %d, and %d was let through", n, key, got, want)
			}
		}
		for id := range ids {
			if _, h := l.findHold(id, l.index.hash(id.words())); h == nil {
				t.Fatalf("kill %d: a reservation is forgotten", n)
			}
		}
		last = l.Recovery()
		if n%10 == 9 {
			err = l.Close()
		} else {
			l.abandon()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if snapshots == 0 {
		t.Error("no snapshot was ever made")
	}
	t.Logf("%d reservations let through in %d lives; the last opened: %+v", len(ids), kills, last)
}

func sumOf(l *Embedded, k Key) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, e := l.findEntry(sumEntry, k, l.index.hash(k[0], k[1]))
	return l.sum(e)
}

func (d *disk) snapshotted() bool {
	_, err := os.Stat(d.file(snapshotName))
	return err == nil
}
