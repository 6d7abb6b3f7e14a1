package caddymodule

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
)

// ledgerCollector reports the state of the ledger that a configuration uses,
// once it is open. It counts since the ledger was opened, which can be before
// the configuration.
type ledgerCollector struct{ lease *lease }

// ledgerMetric is one number that is read from the state of a ledger.
type ledgerMetric[State any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(State) float64
}

func ledgerGauge[State any](name, help string, read func(State) float64) ledgerMetric[State] {
	return ledgerMetric[State]{prometheus.NewDesc("otpgate_ledger_"+name, help, nil, nil), prometheus.GaugeValue, read}
}

func ledgerCounter[State any](name, help string, read func(State) uint64) ledgerMetric[State] {
	return ledgerMetric[State]{
		prometheus.NewDesc("otpgate_ledger_"+name+"_total", help, nil, nil), prometheus.CounterValue,
		func(s State) float64 { return float64(read(s)) },
	}
}

func (m ledgerMetric[State]) send(ch chan<- prometheus.Metric, s State) {
	ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(s))
}

// ownMetrics are of the gate's own ledger, which may be the one beside a server.
var ownMetrics = []ledgerMetric[ledger.Stats]{
	ledgerGauge("keys", "Numbers, addresses and so on that are followed now.", func(s ledger.Stats) float64 { return float64(s.Keys) }),
	ledgerGauge("holds", "Sends that may still be settled.", func(s ledger.Stats) float64 { return float64(s.Holds) }),
	ledgerGauge("notes", "Handles of answers that are remembered now.", func(s ledger.Stats) float64 { return float64(s.Notes) }),
	ledgerGauge("bytes", "Memory of all tables.", func(s ledger.Stats) float64 { return float64(s.Bytes) }),
	ledgerCounter("reserves", "Reservations asked for.", func(s ledger.Stats) uint64 { return s.Reserves }),
	ledgerCounter("refusals", "Reservations for which a limit had no room.", func(s ledger.Stats) uint64 { return s.Refusals }),
	ledgerCounter("full", "Reservations that failed because the ledger had no room for a new key.", func(s ledger.Stats) uint64 { return s.Full }),
}

// diskMetrics are of a ledger that is kept on disk.
var diskMetrics = []ledgerMetric[ledger.Stats]{
	ledgerGauge("disk_bytes", "Size of the files.", func(s ledger.Stats) float64 { return float64(s.Disk) }),
	ledgerGauge("disk_failing", "1 while the ledger cannot be written.", func(s ledger.Stats) float64 { return truth(s.Failing != nil) }),
	ledgerCounter("disk_commits", "Records put on disk; reservations share them.", func(s ledger.Stats) uint64 { return s.Commits }),
	ledgerCounter("disk_failures", "Records that could not be put on disk.", func(s ledger.Stats) uint64 { return s.Failures }),
}

// redisMetrics are of a ledger in Redis.
var redisMetrics = []ledgerMetric[redisledger.FallbackStats]{
	ledgerGauge("redis_up", "1 while the server decides, 0 while the gate decides by itself.", func(s redisledger.FallbackStats) float64 { return truth(!s.Alone) }),
	ledgerGauge("redis_connections", "Connections to the server.", func(s redisledger.FallbackStats) float64 { return float64(s.Dialled) }),
	ledgerCounter("redis_trips", "Scripts sent.", func(s redisledger.FallbackStats) uint64 { return s.Trips }),
	ledgerCounter("redis_errors", "Replies that were errors.", func(s redisledger.FallbackStats) uint64 { return s.Errors }),
	ledgerCounter("redis_opened", "How often the server was found to be away.", func(s redisledger.FallbackStats) uint64 { return uint64(s.Opened) }),
	ledgerCounter("redis_lost", "How often the server's data was seen to have gone, or another server in its place.", func(s redisledger.FallbackStats) uint64 { return s.Lost }),
	ledgerCounter("denied_cache_hits", "Refusals that needed no trip, as the key was known to be refused.", func(s redisledger.FallbackStats) uint64 { return s.Stats.Denied }),
	ledgerGauge("gates", "Gates that share the ledger, as this one takes it; 0 is unknown.", func(s redisledger.FallbackStats) float64 { return float64(s.Gates) }),
	ledgerCounter("alone_decided", "Reservations that the gate decided by itself.", func(s redisledger.FallbackStats) uint64 { return s.Decided }),
	ledgerCounter("alone_denied", "Of these, refused as a limit says deny while the server is away.", func(s redisledger.FallbackStats) uint64 { return s.Denied }),
	ledgerGauge("remembered", "Reservations that can be put back on a server that has lost them.", func(s redisledger.FallbackStats) float64 { return float64(s.Remembered) }),
	ledgerGauge("waiting", "What the server is still to be told: let through meanwhile, settled, or noted about handles.", func(s redisledger.FallbackStats) float64 { return float64(s.Waiting) }),
	ledgerCounter("replayed", "Reservations put back on the server.", func(s redisledger.FallbackStats) uint64 { return s.Replayed }),
	ledgerCounter("dropped", "Reservations not counted by the gate's own ledger, as it had no room or its disk failed.", func(s redisledger.FallbackStats) uint64 { return s.Dropped }),
	ledgerCounter("forgotten", "Reservations not to be put back should the server lose them, as there were too many.", func(s redisledger.FallbackStats) uint64 { return s.Forgotten }),
	ledgerCounter("unsettled", "Give-backs that the server is not told of, as there were too many: the charges stay.", func(s redisledger.FallbackStats) uint64 { return s.Unsettled + s.Uncancelled }),
	ledgerCounter("unnoted", "Notes about handles that the server was never told, as there were too many: other gates have not seen these handles.", func(s redisledger.FallbackStats) uint64 { return s.Unnoted }),
	ledgerCounter("impatient", "Changes of the server after which other gates were not waited for any longer.", func(s redisledger.FallbackStats) uint64 { return s.Impatient }),
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (c *ledgerCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range ownMetrics {
		ch <- m.desc
	}
	if c.lease.place.dir != "" {
		for _, m := range diskMetrics {
			ch <- m.desc
		}
	}
	if c.lease.place.engine == engineRedis {
		for _, m := range redisMetrics {
			ch <- m.desc
		}
	}
}

// Collect implements prometheus.Collector.
func (c *ledgerCollector) Collect(ch chan<- prometheus.Metric) {
	opened := c.lease.opened()
	if opened == nil {
		return
	}
	s := opened.own.Stats()
	for _, m := range ownMetrics {
		m.send(ch, s)
	}
	if c.lease.place.dir != "" {
		for _, m := range diskMetrics {
			m.send(ch, s)
		}
	}
	if opened.redis != nil {
		s := opened.redis.Stats()
		for _, m := range redisMetrics {
			m.send(ch, s)
		}
	}
}
