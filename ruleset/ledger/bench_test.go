package ledger_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// One decision over so many limits, each of a tally of its own, beside the
// floor: as many additions to a plain map under one mutex, with the same keys.
// With 1M keys each of them has one or two events in the window, and all
// reservations of a window are remembered.
func BenchmarkReserve(b *testing.B) {
	for _, limits := range []int{1, 8, 32} {
		for _, keys := range []int{1, 1 << 20} {
			b.Run(fmt.Sprintf("limits=%d/keys=%s", limits, count(keys)), func(b *testing.B) {
				w := newLoad(limits, limits, keys)
				l := ledger.NewEmbedded(ledger.MaxKeys(16 << 20))
				w.fill(b, l)
				b.ReportAllocs()
				for b.Loop() {
					w.reserve(b, l)
				}
				w.report(b, l)
			})
		}
	}
}

// Eight limits as rulesets have them: two of the phone, three of the address,
// and one each of device, range and everything.
func BenchmarkReserveIdentities(b *testing.B) {
	for _, keys := range []int{1, 1 << 20} {
		b.Run(fmt.Sprintf("limits=8/identities=5/keys=%s", count(keys)), func(b *testing.B) {
			w := newLoad(5, 8, keys)
			l := ledger.NewEmbedded(ledger.MaxKeys(16 << 20))
			w.fill(b, l)
			b.ReportAllocs()
			for b.Loop() {
				w.reserve(b, l)
			}
			w.report(b, l)
		})
	}
}

func BenchmarkFloor(b *testing.B) {
	for _, limits := range []int{1, 8, 32} {
		for _, keys := range []int{1, 1 << 20} {
			b.Run(fmt.Sprintf("limits=%d/keys=%s", limits, count(keys)), func(b *testing.B) {
				w := newLoad(limits, limits, keys)
				m := make(map[ledger.Key]int64)
				for i := range w.charges {
					for n := range w.each {
						m[w.key(i, n)]++
					}
				}
				var mu sync.Mutex
				b.ReportAllocs()
				for b.Loop() {
					w.next()
					mu.Lock()
					for i := range w.charges {
						m[w.charges[i].Key]++
					}
					mu.Unlock()
				}
				sum := int64(0)
				for _, n := range m {
					sum += n
				}
				if want := int64(limits) * (int64(b.N) + int64(w.each)); sum < want {
					b.Fatalf("%d events counted, want %d", sum, want)
				}
			})
		}
	}
}

// A refused decision over eight limits, the last of which is full.
func BenchmarkRefuse(b *testing.B) {
	for _, keys := range []int{1, 1 << 20} {
		b.Run(fmt.Sprintf("limits=8/keys=%s", count(keys)), func(b *testing.B) {
			w := newLoad(8, 8, keys)
			l := ledger.NewEmbedded(ledger.MaxKeys(16 << 20))
			w.fill(b, l)
			full := ledger.Charge{Tally: &ledger.Tally{Limits: []ledger.Limit{{Max: 1, Window: 24 * time.Hour}}}, Key: ledger.Key{1, 1}}
			var a ledger.Answer
			if err := l.Reserve(context.Background(), w.at, ledger.ID{1}, []ledger.Charge{full}, &a); err != nil || a.Refused {
				b.Fatal(err, a)
			}
			w.charges[7] = full
			b.ReportAllocs()
			for b.Loop() {
				if w.next(); keys == 1 {
					w.at = w.at.Add(-w.step) // no room comes up
				}
				w.charges[7].Key = full.Key
				if err := l.Reserve(context.Background(), w.at, w.id, w.charges, &a); err != nil || !a.Refused {
					b.Fatal("admitted", err)
				}
			}
		})
	}
}

// Two tallies of attempts are asked and one of them is charged, as for each
// request.
func BenchmarkAttempts(b *testing.B) {
	for _, keys := range []int{1, 1 << 20} {
		b.Run("keys="+count(keys), func(b *testing.B) {
			w := newLoad(2, 2, keys)
			w.charges[0].Tally.Count = ledger.Requests
			w.charges[1].Tally.Count = ledger.Refusals
			for i := range w.charges {
				w.charges[i].Tally.Limits = []ledger.Limit{{Max: 1 << 30, Window: time.Minute}}
			}
			l := ledger.NewEmbedded()
			var a ledger.Answer
			b.ReportAllocs()
			for b.Loop() {
				w.next()
				if err := l.Look(context.Background(), w.at, w.charges, &a); err != nil || a.Refused {
					b.Fatal("refused", err)
				}
			}
		})
	}
}

// load makes requests with random keys.
type load struct {
	charges []ledger.Charge
	each    int // keys of each tally
	at      time.Time
	step    time.Duration // from one request to the next
	id      ledger.ID
	random  uint64
	turn    int
	asked   int
	refused int
	answer  ledger.Answer
}

func newLoad(tallies, limits, keys int) *load {
	w := &load{charges: make([]ledger.Charge, tallies), at: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}
	limit := ledger.Limit{Max: 5}
	if keys == 1 {
		w.each, w.step, limit.Window = 1, 500*time.Millisecond, time.Second
	} else {
		w.each = keys / tallies
		w.step, limit.Window = time.Millisecond, time.Duration(w.each)*3/2*time.Millisecond
	}
	for i := range w.charges {
		w.charges[i].Tally = &ledger.Tally{Seed: ledger.Key{uint64(i + 1)}, Name: "tally", Count: ledger.Count(i % 2), Limits: []ledger.Limit{limit}}
	}
	for i := tallies; i < limits; i++ {
		t := w.charges[(i-tallies)%2].Tally
		limit.Window /= 2
		t.Limits = append(t.Limits, limit)
	}
	return w
}

func (w *load) rand() uint64 {
	w.random += 0x9e3779b97f4a7c15
	return mix(w.random)
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (w *load) key(tally, n int) ledger.Key {
	k := uint64(tally)<<32 | uint64(n)
	return ledger.Key{mix(k), mix(^k)}
}

func (w *load) next() {
	w.at = w.at.Add(w.step)
	binary.LittleEndian.PutUint64(w.id[:], w.rand())
	for i := range w.charges {
		// All keys in turn, in an order that no cache can foresee, and for
		// each tally another.
		w.charges[i].Key = w.key(i, (w.turn+i*w.each/len(w.charges))%w.each)
	}
	w.turn++
}

func (w *load) reserve(b *testing.B, l *ledger.Embedded) {
	w.next()
	if err := l.Reserve(context.Background(), w.at, w.id, w.charges, &w.answer); err != nil {
		b.Fatal(err)
	}
	w.asked++
	if w.answer.Refused {
		w.refused++
	}
}

// fill lets as many requests pass as there are in two windows.
func (w *load) fill(b *testing.B, l *ledger.Embedded) {
	var slowest time.Duration
	for range 2 * w.each {
		begun := time.Now()
		w.reserve(b, l)
		slowest = max(slowest, time.Since(begun))
	}
	b.Logf("slowest call while %d keys came in: %s", l.Stats().Keys, slowest)
}

func (w *load) report(b *testing.B, l *ledger.Embedded) {
	if w.refused > w.asked/1000 {
		b.Fatalf("%d of %d refused", w.refused, w.asked)
	}
	s := l.Stats()
	b.ReportMetric(float64(s.Keys), "keys")
	b.ReportMetric(float64(s.Holds), "holds")
	b.ReportMetric(float64(s.Bytes)/float64(s.Keys+s.Holds), "B/line")
}

func count(n int) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%dM", n>>20)
	}
	return fmt.Sprint(n)
}
