package caddymodule

import (
	"testing"
	"time"
)

// A budget that reaches its alert, and then its stop, is told of once each.
func TestBudgetAlerts(t *testing.T) {
	p := open(t, noProof+"limits: []\nbudget: {currency: USD, prices: {US: 1}, day: {alert: 2, stop: 4}}\n", answering(202))
	alerts := func() (warned, stopped []map[string]any) {
		return p.logged("a budget has reached its alert"), p.logged("a budget is spent")
	}
	for i, want := range []struct {
		answer          string
		warned, stopped int
	}{{"202", 0, 0}, {"202", 0, 0}, {"202", 1, 0}, {"202", 1, 0}, {"403 refused", 1, 1}, {"403 refused", 1, 1}} {
		answer := p.ask(alice).String()
		warned, stopped := alerts()
		if answer != want.answer || len(warned) != want.warned || len(stopped) != want.stopped {
			t.Errorf("request %d: %s, %d and %d alerts, want %+v", i+1, answer, len(warned), len(stopped), want)
		}
	}
	warned, stopped := alerts()
	for rule, line := range map[string]map[string]any{"day: alert at 2 USD": warned[0], "day: stop at 4 USD": stopped[0]} {
		until, ok := line["until"].(float64)
		if day := time.Now().UTC().AddDate(0, 0, 1).Truncate(24 * time.Hour); !ok || line["level"] != "warn" || line["gate"] != "test" || line["rule"] != rule || int64(until) != day.Unix() {
			t.Errorf("%s: %v", rule, line)
		}
		if got := p.metric(`otpgate_budget_alerts_total{gate="test",rule="` + rule + `"}`); got != "1" {
			t.Errorf("%s: counted %q", rule, got)
		}
	}
}
