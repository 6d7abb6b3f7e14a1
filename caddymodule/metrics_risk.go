package caddymodule

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/otpgate/otpgate/ruleset/network/risk"
)

// riskMetric is one number that is read from how the risk service fares.
type riskMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(risk.Stats) float64
}

func riskCounter(name, help string, read func(risk.Stats) int64) riskMetric {
	return riskMetric{prometheus.NewDesc("otpgate_risk_"+name+"_total", help, nil, nil), prometheus.CounterValue,
		func(s risk.Stats) float64 { return float64(read(s)) }}
}

func riskGauge(name, help string, read func(risk.Stats) float64) riskMetric {
	return riskMetric{prometheus.NewDesc("otpgate_risk_"+name, help, nil, nil), prometheus.GaugeValue, read}
}

var riskMetrics = []riskMetric{
	riskCounter("asked", "Questions put to the risk service.", func(s risk.Stats) int64 { return s.Asked }),
	riskCounter("faults", "Questions to the risk service that came to nothing.", func(s risk.Stats) int64 { return s.Faults }),
	riskCounter("unknown", "Questions that the risk service answered without a score.", func(s risk.Stats) int64 { return s.Unknown }),
	riskCounter("cached", "Scores that were known without asking.", func(s risk.Stats) int64 { return s.Cached }),
	riskCounter("joined", "Requests that waited for the question of another one.", func(s risk.Stats) int64 { return s.Joined }),
	riskCounter("busy", "Scores that were not asked for, since too much was asked at the time.", func(s risk.Stats) int64 { return s.Busy }),
	riskCounter("away", "Scores that were not asked for, since the risk service was away.", func(s risk.Stats) int64 { return s.Away }),
	riskCounter("opened", "How often the risk service was found away.", func(s risk.Stats) int64 { return s.Opened }),
	riskGauge("up", "0 while the risk service is away and left alone, else 1.", func(s risk.Stats) float64 { return truth(!s.Open) }),
	riskGauge("entries", "Scores that are kept.", func(s risk.Stats) float64 { return float64(s.Entries) }),
}

// riskCollector reports how the risk service of a configuration fares. It counts since
// the first configuration that said the same of it.
type riskCollector struct{ app *App }

// Describe implements prometheus.Collector.
func (c *riskCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range riskMetrics {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *riskCollector) Collect(ch chan<- prometheus.Metric) {
	if c.app.service == nil {
		return
	}
	s := c.app.service.value.Stats()
	for _, m := range riskMetrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(s))
	}
}
