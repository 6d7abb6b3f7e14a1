package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/otpgate/otpgate/cmd/caddy/internal/fleet"
	"github.com/otpgate/otpgate/cmd/caddy/internal/process"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// Four gates, two hundred clients, and what can happen to the ledger that they
// share. The runs are short, so that they can be run often; make fleet runs
// them for a minute each.
var (
	length  = flag.Duration("fleet", 5*time.Second, "how long each run of the fleet takes")
	gates   = flag.Int("gates", 4, "how many gates a fleet has")
	clients = flag.Int("clients", 200, "how many clients ask a fleet at once")
	binary  = flag.String("binary", "", "a Caddy with the gate to run, in place of one that is built from here")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *binary != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		panic(err)
	}
	code := 1
	if *binary, err = process.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
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
		f.gates = append(f.gates, fleet.StartGate(t, *binary, rulesets, store, f.app))
	}
	f.clients = fleet.NewClients(f.gates...)
	return f
}

// shared is a store that n gates share. DIR stands for a directory of the
// gate's own.
func shared(n int, url string) string {
	return fmt.Sprintf("store redis %s {\ngates %d\nfallback embedded\nfallback_dir DIR\n}", url, n)
}

// own is a store of a gate's own, on disk.
const own = "store embedded {\ndir DIR\n}"

// patient waits longer for the server than a gate should: a slow machine is no
// outage. So is brisk, and still notices one within a run.
const (
	patient = "?timeout=5s"
	brisk   = "?timeout=500ms"
)

// modes are the ways to run a server that gates share, all of them well and in
// no hurry to take one that is slow for one that has gone.
var modes = []struct {
	name  string
	start func(*testing.T) (url string)
}{
	{"single", func(t *testing.T) string {
		return "redis://" + redistest.Start(t).Addr + patient
	}},
	{"sentinel", func(t *testing.T) string {
		r := redistest.StartSentinel(t, 1)
		for _, s := range r.Sentinels {
			s.Do("SENTINEL", "SET", redistest.MasterName, "down-after-milliseconds", 60000)
		}
		return r.URL() + patient
	}},
	{"cluster", func(t *testing.T) string { return calmCluster(t).URL() + patient }},
	{"cluster, spread", func(t *testing.T) string { return calmCluster(t).URL() + patient + "&spread=8" }},
}

func calmCluster(t *testing.T) *redistest.Cluster {
	c := redistest.StartCluster(t, 3, 0)
	for _, s := range c.Masters {
		s.Do("CONFIG", "SET", "cluster-node-timeout", 60000)
	}
	return c
}

// enough is how many requests a second fill limits up. A machine that is too
// slow for them goes on for longer, up to slowMost times as long.
const (
	enough   = 1500
	slowMost = 6
)

// load lets clients ask for as long as the run takes. During is called when a
// third of that is over.
func (f *run) load(during func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		f.clients.Run(*clients, f.rulesets, stop)
		close(done)
	}()
	over := time.After(*length)
	time.Sleep(*length / 3)
	during()
	<-over
	for range (slowMost - 1) * 10 {
		if f.clients.Asked.Load() >= int64(enough*length.Seconds()) {
			break
		}
		time.Sleep(*length / 10)
	}
	close(stop)
	<-done
}

// aWhile is how long outages take.
func aWhile() { time.Sleep(min(*length/4, 5*time.Second)) }

// judge judges the run. All limits must have been full, or else nothing is known
// of those that were not.
func (f *run) judge(t *testing.T) {
	t.Helper()
	fleet.Report(t, f.rulesets, f.app, f.clients, f.gates, fleet.Never).Full(t, f.rulesets)
}

// judgeOutage judges a run with an outage. Its rulesets are so many that a slow
// machine may not fill all of them; what is promised by default must have been
// tried, but for requests in seconds, which are too few then.
func (f *run) judgeOutage(t *testing.T) {
	t.Helper()
	share := *fleet.Slide("share")
	share.Limits = slices.DeleteFunc(slices.Clone(share.Limits), func(l fleet.Limit) bool { return l.Count == "requests" })
	fleet.Report(t, f.rulesets, f.app, f.clients, f.gates, fleet.Outage(*gates)).Full(t, []*fleet.Ruleset{&share})
}

// words are what can become of a limit while the server is away.
var words = []string{"share", "local", "deny"}

// No request too many where nothing happens to the ledger.
func TestNeverTooMany(t *testing.T) {
	nothing := func() {}
	t.Run("one gate", func(t *testing.T) {
		f := start(t, 1, own, fleet.Rulesets())
		f.load(nothing)
		f.judge(t)
	})
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			f := start(t, *gates, shared(*gates, m.start(t)), fleet.Rulesets())
			f.load(nothing)
			f.judge(t)
		})
	}
	t.Run("a gate is killed", func(t *testing.T) {
		s := redistest.Start(t)
		f := start(t, *gates, shared(*gates, "redis://"+s.Addr+patient), fleet.Rulesets())
		f.load(func() {
			f.gates[0].Kill()
			aWhile()
			f.gates[0].Restart()
		})
		f.judge(t)
		nobodyIn(t, f, s)
	})
}

// No request more than the documentation says while the server is away.
func TestAway(t *testing.T) {
	for _, outage := range []struct {
		name   string
		args   []string
		happen func(*redistest.Server)
	}{
		{"killed and restarted", []string{"--appendonly", "yes", "--appendfsync", "always"}, func(s *redistest.Server) {
			s.Kill()
			aWhile()
			s.Restart()
		}},
		{"killed and restarted empty", nil, func(s *redistest.Server) {
			s.Kill()
			aWhile()
			s.Restart()
		}},
		{"paused and resumed", nil, func(s *redistest.Server) {
			s.Pause()
			aWhile()
			s.Resume()
		}},
	} {
		t.Run(outage.name, func(t *testing.T) {
			s := redistest.Start(t, outage.args...)
			f := start(t, *gates, shared(*gates, "redis://"+s.Addr+brisk), fleet.Rulesets(words...))
			f.load(func() { outage.happen(s) })
			f.judgeOutage(t)
		})
	}
}

// Another server takes the place of one that is lost.
func TestFailOver(t *testing.T) {
	for _, option := range []string{"", "&wait_replicas=1"} {
		t.Run("sentinel"+option, func(t *testing.T) {
			r := redistest.StartSentinel(t, 2)
			f := start(t, *gates, shared(*gates, r.URL()+brisk+option), fleet.Rulesets(words...))
			f.load(func() {
				r.Servers[0].Kill()
				r.WaitForMaster(t, r.Servers[0])
			})
			f.judgeOutage(t)
		})
	}
	for _, option := range []string{"", "&wait_replicas=1", "&spread=8", "&spread=8&wait_replicas=1"} {
		t.Run("cluster"+option, func(t *testing.T) {
			c := redistest.StartCluster(t, 3, 1)
			f := start(t, *gates, shared(*gates, c.URL()+brisk+option), fleet.Rulesets(words...))
			_, master := c.Slot("{otp:gate}")
			f.load(master.Kill)
			f.judgeOutage(t)
		})
	}
}
