package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/otpgate/otpgate/cmd/caddy/internal/fleet"
)

var (
	length  = flag.Duration("fleet", 6*time.Second, "how long each run of the fleet takes")
	gates   = flag.Int("gates", 4, "how many gates a fleet has")
	clients = flag.Int("clients", 200, "how many clients ask a fleet at once")
)

// binary is Caddy with the gate, as users run it.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		panic(err)
	}
	if binary, err = fleet.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.RemoveAll(dir)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// run is one run of a fleet.
type run struct {
	app      *fleet.App
	clients  *fleet.Clients
	gates    []*fleet.Gate
	rulesets []*fleet.Ruleset
}

// start starts n gates with this store.
func start(t *testing.T, n int, store string, rulesets []*fleet.Ruleset) *run {
	t.Helper()
	f := &run{app: fleet.StartApp(t), rulesets: rulesets}
	for range n {
		f.gates = append(f.gates, fleet.StartGate(t, binary, rulesets, store, f.app))
	}
	f.clients = fleet.NewClients(f.gates...)
	return f
}

// load lets clients ask for as long as the run takes. During is called when it
// has begun; it may take two thirds of that.
func (f *run) load(during func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		f.clients.Run(*clients, f.rulesets, stop)
		close(done)
	}()
	over := time.After(*length)
	if during != nil {
		time.Sleep(*length / 3)
		during()
	}
	<-over
	close(stop)
	<-done
}

// One gate with its own ledger.
func TestOneGate(t *testing.T) {
	f := start(t, 1, "", fleet.Rulesets())
	f.load(nil)
	log := fleet.Report(t, f.rulesets, f.app, f.clients, f.gates, fleet.Never)
	fleet.Reached(t, f.rulesets, log)
}
