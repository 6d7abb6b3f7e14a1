package network

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkRefresh measures how long the slowest look-ups take, with and
// without lists of 200,000 networks being replaced all the while, ten times a
// second.
func BenchmarkRefresh(b *testing.B) {
	const prefixes, every = 200_000, 100 * time.Millisecond
	given := randomLists(5, prefixes/5)
	l := lists(b, given...)
	rng := rand.New(rand.NewPCG(7, 8))
	addrs := make([]netip.Addr, 4096)
	for i := range addrs {
		addrs[i] = given[i%5].Prefixes[rng.IntN(prefixes/5)].Addr()
	}
	measure := func(b *testing.B) {
		took := make([]time.Duration, 0, 1<<20)
		i := 0
		for b.Loop() {
			begun := time.Now()
			if l.Of(addrs[i%len(addrs)], 0).IsEmpty() {
				b.Fatal("an address is in no list")
			}
			if len(took) < cap(took) {
				took = append(took, time.Since(begun))
			}
			i++
		}
		slices.Sort(took)
		for name, part := range map[string]int{"p50-ns": 500, "p99-ns": 990, "p999-ns": 999} {
			b.ReportMetric(float64(took[len(took)*part/1000]), name)
		}
	}
	b.Run("still", measure)
	b.Run("replaced", func(b *testing.B) {
		stop := make(chan bool)
		var replacing sync.WaitGroup
		replacing.Go(func() {
			for tick := time.NewTicker(every); ; {
				select {
				case <-stop:
					tick.Stop()
					return
				case <-tick.C:
					if err := l.Replace(given[0]); err != nil {
						b.Error(err)
					}
				}
			}
		})
		measure(b)
		close(stop)
		replacing.Wait()
	})
}
