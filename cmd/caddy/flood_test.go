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

var tries = flag.Int("tries", 100, "how many victims ask for a code in the middle of a flood")

// besieged has room for every victim, and no room for those of the flood: each
// has used up the one code of its device or of its address.
var besieged = &fleet.Ruleset{Name: "besieged", Limits: []fleet.Limit{
	{Name: "cooldown", Per: []string{"phone"}, Max: 1, Window: time.Minute},
	{Name: "phone", Per: []string{"phone"}, Max: 5, Window: time.Hour},
	{Name: "device", Per: []string{"device"}, Max: 1, Window: time.Hour},
	{Name: "ip", Per: []string{"ip"}, Max: 1, Window: time.Hour, Count: "unverified"},
	{Name: "range", Per: []string{"range"}, Max: 200, Window: time.Hour},
	{Name: "everything", Max: 100000, Window: time.Hour},
}}

// victim is a number, and what the flood makes of it.
type victim struct {
	phone         string
	begun, denied atomic.Int64
}

// A flood of requests for the number of somebody, all of which another limit
// refuses, does not get in the way of the one request that is good. Each victim
// is a new number, which the flood aims at before its owner asks, and goes on
// aiming at until the owner has an answer.
func TestVictimOfAFlood(t *testing.T) {
	floods := []struct {
		name  string
		gates int
		store func(*testing.T) string
	}{{"embedded", 1, func(*testing.T) string { return own }}}
	for _, m := range modes {
		floods = append(floods, struct {
			name  string
			gates int
			store func(*testing.T) string
		}{m.name, 2, func(t *testing.T) string { return shared(2, m.start(t)) }})
	}
	for _, flood := range floods {
		t.Run(flood.name, func(t *testing.T) {
			f := start(t, flood.gates, flood.store(t), []*fleet.Ruleset{besieged})
			f.app.Always(202)
			f.flood(t, *tries)
		})
	}
}

const flooders = 16

func (f *run) flood(t *testing.T, tries int) {
	ask := func(i int, facts *fleet.Facts) fleet.Reply {
		reply, err := f.clients.Ask(f.gates[i%len(f.gates)], besieged.Name, facts)
		if err != nil {
			t.Errorf("asking: %v", err)
		}
		return reply
	}
	// of returns one of the flood; its device or its address is always the same.
	r := rand.New(rand.NewPCG(1, 2))
	of := func(r *rand.Rand, i int) fleet.Facts {
		facts := fleet.Anybody(r)
		if i%2 == 0 {
			facts.Device = fmt.Sprintf("flooder-%d", i)
		} else {
			facts.IP = fleet.V4(i)
		}
		return facts
	}
	for i := range flooders {
		facts := of(r, i)
		facts.Phone = fleet.US(i)
		if reply := ask(i, &facts); !reply.FromApp {
			t.Fatalf("a flooder's first request is refused: %d %s", reply.Status, reply.Code)
		}
	}

	var target atomic.Pointer[victim]
	next := func(try int) *victim {
		v := &victim{phone: fleet.US(1000 + try)}
		target.Store(v)
		return v
	}
	next(0)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range flooders {
		r := rand.New(rand.NewPCG(3, uint64(i)))
		wg.Go(func() {
			for gate := 0; ; gate++ {
				select {
				case <-stop:
					return
				default:
				}
				v := target.Load()
				facts := of(r, i)
				facts.Phone = v.phone
				v.begun.Add(1)
				if reply := ask(gate, &facts); reply.FromApp || reply.Status >= 500 {
					t.Errorf("a flooder gets %d %s", reply.Status, reply.Code)
				}
				v.denied.Add(1)
			}
		})
	}
	refused, inFlight, during := 0, int64(0), int64(0)
	for try, good := 0, 0; good < tries; try++ {
		if try == 10*tries {
			t.Errorf("only %d of %d requests met the flood", good, try)
			break
		}
		v := next(try)
		for v.denied.Load() < flooders {
			time.Sleep(100 * time.Microsecond)
		}
		facts := fleet.Anybody(r)
		facts.Phone = v.phone
		denied := v.denied.Load()
		flying := v.begun.Load() - denied
		reply := ask(try, &facts)
		after := v.denied.Load() - denied
		if !reply.FromApp {
			refused++
			t.Errorf("the victim is refused: %d %s", reply.Status, reply.Code)
		}
		// Only what had company in the gates says anything.
		if flying > 0 && after > 0 {
			good++
			inFlight += flying
			during += after
		}
	}
	close(stop)
	wg.Wait()
	if got := len(f.app.Arrivals(t)) - flooders; int64(got) != f.clients.Admitted.Load()-flooders {
		t.Errorf("the app got %d requests", got)
	}
	n := int64(tries)
	t.Logf("the victim was refused %d times in %d; with each request %d of the flood were under way, and %d were refused until it was answered; %d of the flood in all",
		refused, tries, inFlight/n, during/n, f.clients.Refused.Load())
}
