package ledger_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Reservations over eight limits, in memory and on the disk that holds
// temporary files, by so many callers at a time.
func BenchmarkDurable(b *testing.B) {
	for _, disk := range []bool{false, true} {
		for _, callers := range []int{1, 16, 64} {
			name := "memory"
			if disk {
				name = "disk"
			}
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				l := ledger.NewEmbedded()
				if disk {
					var err error
					if l, err = ledger.OpenEmbedded(b.TempDir()); err != nil {
						b.Fatal(err)
					}
				}
				charges := newLoad(8, 8, 1<<20).charges
				for i := range charges {
					charges[i].Tally.Limits[0].Max = 64
				}
				at := time.Now()
				var n atomic.Int64
				var wg sync.WaitGroup
				b.ResetTimer()
				for range callers {
					wg.Go(func() {
						charges := append([]ledger.Charge(nil), charges...)
						var a ledger.Answer
						for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
							var id ledger.ID
							binary.LittleEndian.PutUint64(id[:], uint64(i))
							for c := range charges {
								charges[c].Key = ledger.Key{mix(uint64(i%10_000)<<8 | uint64(c)), uint64(c)}
							}
							if err := l.Reserve(context.Background(), at.Add(time.Duration(i)*time.Millisecond), id, charges, &a); err != nil || a.Refused {
								b.Error(err, a)
								return
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				if s := l.Stats(); disk {
					if s.Failures > 0 || s.Commits == 0 {
						b.Fatalf("%+v", s)
					}
					b.ReportMetric(float64(b.N)/float64(s.Commits), "reservations/fsync")
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
