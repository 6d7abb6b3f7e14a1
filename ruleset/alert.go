package ruleset

import (
	"sync"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// alerts remembers which alerts have been raised, so that each is raised once
// in its day or month.
type alerts struct {
	mu    sync.Mutex
	until map[string]time.Time // by rule
}

// raise reports whether an alert is the first until its period ends.
func (a *alerts) raise(alert Alert, at time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.until[alert.Rule].After(at) {
		return false
	}
	if a.until == nil {
		a.until = make(map[string]time.Time)
	}
	for rule, until := range a.until {
		if !until.After(at) {
			delete(a.until, rule) // perhaps of a ruleset that is no longer in force
		}
	}
	a.until[alert.Rule] = alert.Ends
	return true
}

// alert raises the alert for what a budget has no room for.
func (d *decision) alert(l *limit, short ledger.Short) {
	if l.kind == ofEvents {
		return
	}
	_, ends := short.Tally.Bounds(d.Facts.At)
	if a := (Alert{l.name, l.kind == stopsSpending, ends}); d.gate.alerts.raise(a, d.Facts.At) {
		d.Verdict.Alerts = append(d.Verdict.Alerts, a)
	}
}
