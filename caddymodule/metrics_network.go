package caddymodule

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// networkMetric is one number that is read from the state of a list or of a
// database.
type networkMetric[State any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(State) (value float64, known bool)
}

func listMetric(name, help string, kind prometheus.ValueType, read func(feed.State) (float64, bool)) networkMetric[feed.State] {
	return networkMetric[feed.State]{prometheus.NewDesc("otpgate_list_"+name, help, []string{"list"}, nil), kind, read}
}

var listMetrics = []networkMetric[feed.State]{
	listMetric("loaded", "1 once the list has been loaded.", prometheus.GaugeValue,
		func(s feed.State) (float64, bool) { return truth(s.Loaded), true }),
	listMetric("entries", "Networks and autonomous systems in the list.", prometheus.GaugeValue,
		func(s feed.State) (float64, bool) { return float64(s.Entries), s.Loaded }),
	listMetric("age_seconds", "How long ago the list was last known to be what its source has.", prometheus.GaugeValue,
		func(s feed.State) (float64, bool) { return s.Age.Seconds(), s.Loaded }),
	listMetric("changed_timestamp_seconds", "When the list last changed.", prometheus.GaugeValue,
		func(s feed.State) (float64, bool) { return unix(s.Changed), s.Loaded }),
	listMetric("stale", "1 while the list is older than its max_age.", prometheus.GaugeValue,
		func(s feed.State) (float64, bool) { return truth(s.Stale), true }),
	listMetric("held", "Entries of a new list that is held back because it has changed too much; 0 if none is.", prometheus.GaugeValue,
		func(s feed.State) (float64, bool) { return float64(s.Held), true }),
	listMetric("attempts_total", "How often the source was asked.", prometheus.CounterValue,
		func(s feed.State) (float64, bool) { return float64(s.Attempts), true }),
	listMetric("failures_total", "How often that came to nothing.", prometheus.CounterValue,
		func(s feed.State) (float64, bool) { return float64(s.Failures), true }),
}

var listFailing = prometheus.NewDesc("otpgate_list_failing", "1 if the source could not be had when it was last asked, and why.", []string{"list", "reason"}, nil)

// listCollector reports how the lists fare that the gates of a configuration
// have fetched. It counts since the first configuration that had them fetched.
type listCollector struct{ app *App }

// Describe implements prometheus.Collector.
func (c *listCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range listMetrics {
		ch <- m.desc
	}
	ch <- listFailing
}

// Collect implements prometheus.Collector.
func (c *listCollector) Collect(ch chan<- prometheus.Metric) {
	names := c.app.feedNames()
	for _, s := range c.app.keeper.value.states() {
		if !names[s.Name] {
			continue // of another configuration
		}
		for _, m := range listMetrics {
			if value, known := m.read(s); known {
				ch <- prometheus.MustNewConstMetric(m.desc, m.kind, value, s.Name)
			}
		}
		if s.Reason != "" {
			ch <- prometheus.MustNewConstMetric(listFailing, prometheus.GaugeValue, 1, s.Name, string(s.Reason))
		}
	}
}

func databaseMetric(name, help string, read func(network.DatabaseState) (float64, bool)) networkMetric[network.DatabaseState] {
	return networkMetric[network.DatabaseState]{prometheus.NewDesc("otpgate_database_"+name, help, []string{"path"}, nil), prometheus.GaugeValue, read}
}

var databaseMetrics = []networkMetric[network.DatabaseState]{
	databaseMetric("built_timestamp_seconds", "When the database in use was made, as it says itself.",
		func(s network.DatabaseState) (float64, bool) { return unix(s.Info.Built), !s.Info.Built.IsZero() }),
	databaseMetric("loaded_timestamp_seconds", "When the database in use was opened.",
		func(s network.DatabaseState) (float64, bool) { return unix(s.Opened), s.Loaded }),
	databaseMetric("networks", "Networks of which the database in use tells something.",
		func(s network.DatabaseState) (float64, bool) { return float64(s.Info.Networks), s.Loaded }),
	databaseMetric("records", "Distinct records in the database in use.",
		func(s network.DatabaseState) (float64, bool) { return float64(s.Info.Records), s.Loaded }),
	databaseMetric("bytes", "Memory of the database in use.",
		func(s network.DatabaseState) (float64, bool) { return float64(s.Info.Memory), s.Loaded }),
	databaseMetric("failing", "1 while the file as it is now cannot be used.",
		func(s network.DatabaseState) (float64, bool) { return truth(s.Err != nil), true }),
}

// databaseCollector reports how the databases of a configuration fare.
type databaseCollector struct{ app *App }

// Describe implements prometheus.Collector.
func (c *databaseCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range databaseMetrics {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *databaseCollector) Collect(ch chan<- prometheus.Metric) {
	if c.app.databases == nil {
		return
	}
	for _, s := range c.app.databases.value.States() {
		for _, m := range databaseMetrics {
			if value, known := m.read(s); known {
				ch <- prometheus.MustNewConstMetric(m.desc, m.kind, value, s.Path)
			}
		}
	}
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
