package caddymodule

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/human"
	"github.com/otpgate/otpgate/ruleset/ledger"
)

// metrics are what the gates of one configuration report. Labels are names
// from the ruleset and stable words; never a key, a number or an address.
type metrics struct {
	registry  *prometheus.Registry
	decisions *prometheus.CounterVec
	marks     *prometheus.CounterVec
	outcomes  *prometheus.CounterVec
	proofs    *prometheus.CounterVec
	errors    *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	reloads   *prometheus.CounterVec
	loaded    *prometheus.GaugeVec
	refused   *prometheus.GaugeVec
	alerts    *prometheus.CounterVec
}

func newMetrics(registry *prometheus.Registry) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "otpgate", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "otpgate", Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry:  registry,
		decisions: counter("decisions_total", "Requests judged, by what was decided and the true reason.", "gate", "action", "check", "reason"),
		marks:     counter("marks_total", "Findings that did not decide: flags, and what shadowed checks would have refused.", "gate", "mark", "check", "rule"),
		outcomes:  counter("outcomes_total", "What came of the requests let through.", "gate", "outcome"),
		proofs:    counter("proofs_total", "Proofs, by how they fared.", "gate", "result"),
		errors:    counter("errors_total", "Things that should have been asked and could not be, by who should have answered.", "gate", "check"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "otpgate", Name: "decision_duration_seconds",
			Help:    "How long judging took, with the proof's provider and without the app.",
			Buckets: []float64{.00001, .000025, .00005, .0001, .00025, .001, .005, .025, .1, .5, 1, 3, 10},
		}, []string{"gate"}),
		reloads: counter("ruleset_reloads_total", "Changed ruleset files, by what became of them.", "gate", "result"),
		loaded:  gauge("ruleset_loaded_timestamp_seconds", "When the ruleset in force was loaded.", "gate"),
		refused: gauge("ruleset_refused", "1 while the ruleset file is not the ruleset in force, because it has problems or is gone.", "gate"),
		alerts:  counter("budget_alerts_total", "Alerts and stops that budgets have reached, each once in its day or month.", "gate", "rule"),
	}
	return m, errors.Join(
		register(registry, &m.decisions), register(registry, &m.marks), register(registry, &m.outcomes),
		register(registry, &m.proofs), register(registry, &m.errors), register(registry, &m.duration),
		register(registry, &m.reloads), register(registry, &m.loaded), register(registry, &m.refused),
		register(registry, &m.alerts))
}

// register registers *c, or puts the one in its place that is registered
// already.
func register[C prometheus.Collector](registry *prometheus.Registry, c *C) error {
	err := registry.Register(*c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if same, ok := already.ExistingCollector.(C); ok {
			*c = same
			return nil
		}
	}
	return err
}

// gateMetrics are the metrics of one gate, with what does not change from
// request to request looked up beforehand.
type gateMetrics struct {
	*metrics
	gate    string
	decided *prometheus.CounterVec // curried with the gate
	took    prometheus.Observer
	settled [4]prometheus.Counter // by ledger.Outcome
	allowed prometheus.Counter
}

func (m *metrics) of(gate string) *gateMetrics {
	g := &gateMetrics{
		metrics: m,
		gate:    gate,
		decided: m.decisions.MustCurryWith(prometheus.Labels{"gate": gate}),
		took:    m.duration.WithLabelValues(gate),
		allowed: m.decisions.WithLabelValues(gate, ruleset.Allow.String(), "", ""),
	}
	for o := range g.settled {
		g.settled[o] = m.outcomes.WithLabelValues(gate, ledger.Outcome(o).String())
	}
	return g
}

// judged counts one decision and how long it took.
func (g *gateMetrics) judged(v *ruleset.Verdict, took time.Duration) {
	if v.Action == ruleset.Allow && v.Check == "" {
		g.allowed.Inc()
	} else {
		g.decided.WithLabelValues(v.Action.String(), string(v.Check), string(v.Reason)).Inc()
	}
	for _, m := range v.Flags {
		g.marked("flag", m)
	}
	for _, m := range v.Shadow {
		g.marked("shadow", m)
	}
	if v.Proof != "" {
		g.proofs.WithLabelValues(g.gate, v.Proof).Inc()
	}
	if v.Err != nil {
		g.failed(v.Check)
	}
	g.took.Observe(took.Seconds())
}

// marked counts a mark. Rules are named by the operator, but for those of the
// human check, which are codes of whoever issues the proofs.
func (g *gateMetrics) marked(kind string, m ruleset.Mark) {
	if m.Check == ruleset.CheckHuman && m.Rule != "" && !human.KnownCode(m.Rule) {
		m.Rule = human.CodeUnknown
	}
	g.marks.WithLabelValues(g.gate, kind, string(m.Check), m.Rule).Inc()
}

func (g *gateMetrics) failed(check ruleset.Check) {
	g.errors.WithLabelValues(g.gate, string(check)).Inc()
}

// inForce notes a ruleset that has just been put in force.
func (g *gateMetrics) inForce() {
	g.loaded.WithLabelValues(g.gate).SetToCurrentTime()
	g.refused.WithLabelValues(g.gate).Set(0)
}

// changed notes what became of a changed ruleset.
func (g *gateMetrics) changed(used bool) {
	if used {
		g.reloads.WithLabelValues(g.gate, "used").Inc()
		g.inForce()
		return
	}
	g.reloads.WithLabelValues(g.gate, "refused").Inc()
	g.refused.WithLabelValues(g.gate).Set(1)
}
