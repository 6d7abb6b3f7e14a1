package ruleset

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/phone"
)

const withBudget = smallest + `human: {require: never}
limits: []
budget:
  currency: USD
  zone: America/New_York
  prices: {US: 0.0079, CA: 0.0075}
  day: {alert: 150, stop: 200}
  month: {stop: 4000}
  countries: {CA: {day: {stop: 50}}}
  away: deny
regions: {CA: {geo: {match: "off"}}}
`

// What a budget becomes for the ledger.
func TestBudgetTallies(t *testing.T) {
	rules := compiled(t, withBudget)
	tallies := rules.Tallies()
	var got []string
	for _, tally := range tallies {
		for _, l := range tally.Limits {
			got = append(got, fmt.Sprintf("%s: %s, %d in %s of %s, total %t, shadow %t, away %d", tally.Name, l.Name, l.Max, tally.Period, tally.Zone, tally.Total, l.Shadow, l.Away))
		}
	}
	want := []string{
		"spent per day: day: alert at 150 USD, 150000000 in day of America/New_York, total true, shadow true, away 2",
		"spent per day: day: stop at 200 USD, 200000000 in day of America/New_York, total true, shadow false, away 2",
		"spent per month: month: stop at 4000 USD, 4000000000 in month of America/New_York, total true, shadow false, away 2",
		"spent per CA day: CA day: stop at 50 USD, 50000000 in day of America/New_York, total false, shadow false, away 2",
	}
	want = append(want, want...) // for Canada's policy again
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	for i, other := range tallies[:3] {
		if tallies[3+i].Seed != other.Seed {
			t.Errorf("%s counts apart for a region", other.Name)
		}
		for _, different := range tallies[:i] {
			if different.Seed == other.Seed {
				t.Errorf("%s and %s are one", different.Name, other.Name)
			}
		}
	}
	if _, err := ledger.NewEmbedded().Prepare(tallies); err != nil {
		t.Error(err)
	}
}

// What a request is charged with.
func TestBudgetCharges(t *testing.T) {
	for number, want := range map[string][]string{
		"+14155550123": {"spent per day 7900", "spent per month 7900"},
		"+16135550123": {"spent per day 7500", "spent per month 7500", "spent per CA day 7500"},
	} {
		var l noted
		j := NewGate(compiled(t, withBudget), nil, &l, NewKeys(make([]byte, 32))).Judge(post(`{"phone":"`+number+`"}`), netip.MustParseAddr("192.0.2.7"), noon)
		var got []string
		for _, c := range l.charges {
			got = append(got, fmt.Sprintf("%s %d", c.Tally.Name, c.Amount))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: charged %q, want %q", number, got, want)
		}
		if p := j.Facts.Price; p.Currency != "USD" || int64(p.Amount) != l.charges[0].Amount {
			t.Errorf("%s: the price is %s", number, p)
		}
	}
}

// A sum is another one in another currency, zone, period or gate; the amounts
// themselves do not matter.
func TestBudgetsThatAreApart(t *testing.T) {
	seedOf := func(budget string) ledger.Key {
		t.Helper()
		return compiled(t, smallest+"limits: []\nbudget: {prices: {default: 0.1}, "+budget+"}\n").Tallies()[0].Seed
	}
	base := seedOf("currency: USD, day: {stop: 5}")
	for _, same := range []string{"currency: USD, day: {alert: 3, stop: 8}", "currency: USD, zone: UTC, day: {alert: 1}", "currency: USD, day: {stop: 5}, away: local, shadow: true"} {
		if seedOf(same) != base {
			t.Errorf("{%s} forgets what was spent", same)
		}
	}
	for _, other := range []string{"currency: EUR, day: {stop: 5}", "currency: USD, month: {stop: 5}", "currency: USD, zone: Asia/Tokyo, day: {stop: 5}", "currency: USD, day: {stop: 5}, across: all", "currency: USD, countries: {US: {day: {stop: 5}}}"} {
		if seedOf(other) == base {
			t.Errorf("{%s} adds to a sum that is not its own", other)
		}
	}
}

// However many ask at once: the money for one is spent once, and told once.
func TestMoneyIsSpentOnce(t *testing.T) {
	gate := gateOf(t, smallest+"human: {require: never}\nlimits: []\nbudget: {currency: USD, prices: {default: 0.3}, day: {alert: 0.5, stop: 1}}\n", nil)
	var allowed, alerts atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			j := gate.Judge(post(`{"phone":"+14155550123"}`), netip.MustParseAddr("192.0.2.7"), noon)
			alerts.Add(int32(len(j.Verdict.Alerts)))
			if j.Verdict.Action == Allow {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	if n := allowed.Load(); n != 3 {
		t.Errorf("%d of 100 were let through at 0.3 each, want 3 of 1", n)
	}
	if n := alerts.Load(); n != 2 {
		t.Errorf("%d alerts, want one for alert and one for stop", n)
	}
}

// A number whose price is not known is refused, should one ever come so far.
func TestUnpricedIsRefused(t *testing.T) {
	var f Facts
	if got := askPrice(&f); got != (finding{}) {
		t.Errorf("without a number: %v", got)
	}
	var err error
	if f.Phone, err = phone.Parse("+14155550123", ""); err != nil {
		t.Fatal(err)
	}
	if got := askPrice(&f); got != (refusal("unpriced", NumberRefused)) {
		t.Errorf("without a price: %v", got)
	}
	f.Price = Price{Currency: "USD"}
	if got := askPrice(&f); got != (finding{}) {
		t.Errorf("for nothing: %v", got)
	}
}

// Explaining says what a code costs, and whose budget it is not.
func TestBudgetIsExplained(t *testing.T) {
	gate := gateOf(t, withBudget, nil)
	e := gate.Explain(post(`{"phone":"+14155550123"}`), netip.MustParseAddr("192.0.2.7"), noon)
	var got []string
	for _, s := range e.Steps {
		if s.Check == CheckBudget {
			got = append(got, s.Rule+" "+s.Answer+" "+s.Detail)
		}
	}
	want := []string{
		" pass ", "day: alert at 150 USD counts 0.0079 USD", "day: stop at 200 USD counts 0.0079 USD",
		"month: stop at 4000 USD counts 0.0079 USD", "CA day: stop at 50 USD skipped the number is not of CA",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// An alert is raised again in the next period, and what is over is forgotten.
func TestAlertsAreRaisedOnce(t *testing.T) {
	var a alerts
	day := 24 * time.Hour
	first := Alert{Rule: "day", Ends: noon.Add(12 * time.Hour)}
	if !a.raise(first, noon) || a.raise(first, noon.Add(time.Hour)) {
		t.Error("not raised once in its period")
	}
	if !a.raise(Alert{Rule: "month", Ends: noon.Add(10 * day)}, noon) {
		t.Error("another alert is not raised")
	}
	if !a.raise(Alert{Rule: "day", Ends: first.Ends.Add(day)}, first.Ends) {
		t.Error("not raised in the next period")
	}
	a.raise(Alert{Rule: "other", Ends: noon.Add(60 * day)}, noon.Add(30*day))
	if len(a.until) != 1 {
		t.Errorf("%d are remembered, want 1", len(a.until))
	}
}

// What a budget costs a request: a price, and no memory.
func BenchmarkJudgeBudget(b *testing.B) {
	rules := compiled(b, `version: 1
request: {phone: json /phone, email: json /email, device: header X-Device-Id, region: US}
human: {require: never}
number: {types: any}
limits:
`+benchLimits(8)+`budget: {currency: USD, prices: {"+1415": 0.0079, "+1416": 0.0075, "+44": 0.04, default: 0.1}, day: {alert: 1000000, stop: 2000000}, month: {stop: 20000000}}
`)
	gate := NewGate(rules, nil, roomy{}, NewKeys(make([]byte, 32)))
	r, next := benchRequest()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		next(i)
		if j := gate.Judge(r, benchAddr(i), benchStart); j.Verdict.Action != Allow || j.Facts.Price.Amount != 7900 {
			b.Fatalf("refused: %s %s", j.Verdict.Reason, j.Facts.Price)
		}
	}
}

var _ ledger.Ledger = (*noted)(nil)
