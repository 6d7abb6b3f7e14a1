package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/cmd/caddy/internal/fleet"
)

var kills = flag.Int("kills", 8, "how often the gate is killed")

// kept counts for longer than the test takes, for as many numbers and devices
// as are not full before the last kill.
func kept(phones, devices int) *fleet.Ruleset {
	return &fleet.Ruleset{
		Name: "kept",
		Limits: []fleet.Limit{
			{Name: "kept-phone", Per: []string{"phone"}, Max: 8, Window: time.Hour},
			{Name: "kept-device", Per: []string{"device"}, Max: 90, Window: time.Hour},
		},
		Pick: func(r *rand.Rand, _ time.Duration) fleet.Facts {
			f := fleet.Anybody(r)
			f.Phone = fleet.US(r.IntN(phones))
			f.Device = fmt.Sprintf("kept-%d", r.IntN(devices))
			return f
		},
	}
}

// A gate with its own ledger is killed at any moment, again and again, while
// many ask it. What the app has got counts afterwards, for every key: when all
// keys have been filled up, none has got more than its max.
func TestKilledGate(t *testing.T) {
	phones, devices := 25**kills, 2**kills
	kept := kept(phones, devices)
	f := start(t, 1, own, []*fleet.Ruleset{kept, fleet.Slide(""), fleet.Long("")})
	g := f.gates[0]
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		f.clients.Run(min(*clients, 50), f.rulesets, stop)
		close(done)
	}()
	for range *kills {
		for before := len(f.app.Arrivals(t)); len(f.app.Arrivals(t)) == before; {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(rand.IntN(200_000)) * time.Microsecond)
		g.Kill()
		g.Restart()
	}
	close(stop)
	<-done

	forwarded := len(f.app.Arrivals(t))
	f.app.Always(202)
	fill := func(i int, r *rand.Rand) {
		for full := false; !full; {
			facts := fleet.Anybody(r)
			facts.Phone = fleet.US(10_000 + r.IntN(10_000))
			if i < phones {
				facts.Phone = fleet.US(i)
			} else {
				facts.Device = fmt.Sprintf("kept-%d", i-phones)
			}
			reply, err := f.clients.Ask(g, kept.Name, &facts)
			if err != nil {
				t.Error(err)
			}
			full = err != nil || !reply.FromApp
		}
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 20 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, rand.Uint64()))
			for i := next.Add(1) - 1; i < int64(phones+devices); i = next.Add(1) - 1 {
				fill(int(i), r)
			}
		})
	}
	wg.Wait()
	t.Logf("killed %d times; the app had got %d requests by then", *kills, forwarded)
	fleet.Report(t, f.rulesets, f.app, f.clients, f.gates, fleet.Never).Full(t, []*fleet.Ruleset{kept})
}
