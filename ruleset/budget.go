package ruleset

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/phone"
)

// budgetSettings is what a budget means.
type budgetSettings struct {
	currency  string
	zone      *time.Location
	prices    *prices
	overall   spendings
	countries []spendings
	away      awayWord
	across    bool
	shadow    bool
}

// spendings are what may be spent on one country, or on all.
type spendings struct {
	country string // empty for all
	path    string // in the file: budget, budget.countries.CA
	day     spending
	month   spending
}

// spending is what may be spent in one period.
type spending struct {
	alert, stop Money // 0 if there is none
	alertPos    strict.Pos
	stopPos     strict.Pos
}

func (s spending) isZero() bool { return s.alert == 0 && s.stop == 0 }

// budget reads the budget and what it says of money.
func (c *compiler) budget(s *settings) {
	d := c.doc.Budget
	if d == nil {
		return
	}
	b := &budgetSettings{
		currency: string(d.Currency.V), zone: time.UTC, away: d.Away.Or("share"),
		across: d.Across.Good(), shadow: d.Shadow.V,
		overall: spendings{path: "budget", day: c.spending("budget.day", d.Day), month: c.spending("budget.month", d.Month)},
	}
	if d.Zone.Good() {
		b.zone = d.Zone.V.Location
	}
	if d.Day == nil && d.Month == nil && len(d.Countries.Entries) == 0 {
		c.src.Errorf(d.Pos, "budget limits nothing: say how much, as in day: {alert: 150, stop: 200}")
	}
	c.order(b.overall, b.overall)
	for _, e := range d.Countries.Entries {
		c.countryBudget(s, b, e)
	}
	if b.prices = c.prices(d.Prices, b.currency); b.prices != nil {
		c.unpriced(s, d.Prices.Pos, b)
		c.unaffordable(s, b)
	}
	s.budget = b
}

func (c *compiler) spending(path string, d *spendingSection) (s spending) {
	if d == nil {
		return s
	}
	read := func(word string, v strict.Value[Money]) (Money, strict.Pos) {
		if v.Good() && v.V == 0 {
			c.src.Errorf(v.Pos, "%s.%s is 0: to send nothing write mode: closed, and to count nothing leave it out", path, word)
		}
		return v.Or(0), v.Pos
	}
	s.alert, s.alertPos = read("alert", d.Alert)
	s.stop, s.stopPos = read("stop", d.Stop)
	switch {
	case !d.Alert.Set && !d.Stop.Set:
		c.src.Errorf(d.Pos, "%s says nothing: give it alert, stop or both", path)
	case s.alert > 0 && s.stop > 0 && s.alert >= s.stop:
		c.src.Errorf(s.alertPos, "%s.alert has to be less than stop: at %s there is nothing left to warn of, as %s stops it", path, s.alert, s.stop)
	}
	return s
}

// order objects to amounts of inner that those of outer always end before.
func (c *compiler) order(inner, outer spendings) {
	most := outer.month.stop
	if most == 0 {
		return
	}
	for _, a := range []struct {
		word   string
		amount Money
		pos    strict.Pos
	}{{"day.alert", inner.day.alert, inner.day.alertPos}, {"day.stop", inner.day.stop, inner.day.stopPos}} {
		if a.amount > most {
			c.src.Errorf(a.pos, "%s.%s (%s) is more than %s.month.stop (%s): it can never be reached", inner.path, a.word, a.amount, outer.path, most)
		}
	}
}

func (c *compiler) countryBudget(s *settings, b *budgetSettings, e strict.Entry[*countryBudget]) {
	var name region
	if err := name.ParseText(e.Key.V); err != nil {
		c.src.Errorf(e.Key.Pos, "budget.countries: %v", err)
		return
	}
	if !s.number.countries.any && !slices.Contains(s.number.countries.words, string(name)) {
		c.src.Errorf(e.Key.Pos, "budget for %s is never reached: number.countries does not let codes be sent there", name)
	}
	d := e.Value
	if d == nil {
		return // and it has been said
	}
	path := "budget.countries." + string(name)
	if d.Day == nil && d.Month == nil {
		c.src.Errorf(e.Key.Pos, "%s limits nothing: say how much, as in day: {stop: 50}", path)
	}
	of := spendings{string(name), path, c.spending(path+".day", d.Day), c.spending(path+".month", d.Month)}
	c.order(of, of)
	if !b.shadow {
		c.idleCountry(of, b.overall)
	}
	b.countries = append(b.countries, of)
}

// idleCountry warns of stops of a country that those of all countries always
// come before.
func (c *compiler) idleCountry(of, all spendings) {
	warn := func(word string, s spending, before string, stop Money) {
		if s.stop > 0 && stop > 0 && s.stop >= stop {
			c.src.Warnf(s.stopPos, "%s.%s.stop can never bite: budget.%s.stop is always reached before it", of.path, word, before)
		}
	}
	warn("day", of.day, "day", all.day.stop)
	warn("month", of.month, "month", all.month.stop)
	if all.day.stop == 0 || of.day.stop < all.day.stop {
		warn("day", of.day, "month", all.month.stop)
	}
}

// unpriced objects to countries that codes may be sent to and that have no
// price: what cannot be counted is not sent.
func (c *compiler) unpriced(s *settings, pos strict.Pos, b *budgetSettings) {
	where := "prices"
	if b.prices.file != "" {
		where = b.prices.file
	}
	switch {
	case b.prices.complete, b.shadow, s.shadow:
	case s.number.countries.any:
		c.src.Errorf(pos, "%s has no default, and number.countries is any: say what a code costs where no other price is given, as in default, 0.10", where)
	case s.number.shadow:
		c.src.Errorf(pos, "%s has no default, and number is in shadow and lets every number through: say what a code costs where no other price is given, as in default, 0.10", where)
	default:
		var without []string
		for _, country := range s.number.countries.words {
			if !b.prices.covers(country) {
				without = append(without, country)
			}
		}
		if len(without) > 0 {
			c.src.Errorf(pos, "number.countries lets codes be sent to %s, and not every number there has a price in %s: give a price for the region, or a default", strings.Join(without, ", "), where)
		}
	}
}

// unaffordable objects to prices beyond what may be spent.
func (c *compiler) unaffordable(s *settings, b *budgetSettings) {
	for _, r := range b.prices.rows {
		if !b.applies(s, r) {
			continue
		}
		for _, of := range append([]spendings{b.overall}, b.countries...) {
			if of.country != "" && of.country != r.of && !(r.of == defaultPrice && b.byDefault(of.country)) {
				continue
			}
			for _, p := range []struct {
				word string
				stop Money
			}{{"day", of.day.stop}, {"month", of.month.stop}} {
				if p.stop > 0 && r.price > p.stop {
					c.objectAt(r.at, false, "a code to %s costs %s, more than %s.%s.stop (%s): none could be sent", r.whom(), r.price, of.path, p.word, p.stop)
				}
			}
		}
	}
}

// applies reports whether a code that costs as r says can be sent.
func (b *budgetSettings) applies(s *settings, r priceRow) bool {
	served := s.number.countries
	switch {
	case served.any || r.of[0] == '+':
		return true
	case r.of == defaultPrice:
		return slices.ContainsFunc(served.words, b.byDefault)
	default:
		return slices.Contains(served.words, r.of)
	}
}

// byDefault reports whether codes to a country may cost the default.
func (b *budgetSettings) byDefault(country string) bool { return !b.prices.covers(country) }

// stops reports whether the budget puts an end to all that is spent.
func (b *budgetSettings) stops() bool {
	return b != nil && !b.shadow && (b.overall.day.stop > 0 || b.overall.month.stop > 0)
}

// remarksOnBudget warns about budgets that stop nobody, or everybody for one.
func (c *compiler) remarksOnBudget(s *settings) {
	b := s.budget
	if b == nil {
		return
	}
	if !b.shadow && !b.stops() && !slices.ContainsFunc(b.countries, func(of spendings) bool { return of.day.stop > 0 || of.month.stop > 0 }) {
		c.src.Warnf(c.doc.Budget.Pos, "the budget stops nothing, it only raises alerts: give day or month a stop")
	}
	perPhone := func(l limit) bool {
		return !l.shadow && slices.ContainsFunc(l.per, func(p per) bool { return p.fact == perPhone })
	}
	if !slices.ContainsFunc(s.limits, perPhone) {
		c.src.Warnf(c.doc.Budget.Pos, "one number can use up the whole budget: add a limit per phone, as in {per: phone, max: 5, in: 24h}")
	}
}

// limitKind says what a limit is about.
type limitKind uint8

const (
	ofEvents limitKind = iota
	stopsSpending
	alertsSpending
)

// check names the part of the gate that l belongs to.
func (l *limit) check() Check {
	if l.kind == ofEvents {
		return CheckLimit
	}
	return CheckBudget
}

// spend makes the counters for a budget.
func (p *policy) spend(gate string, b *budgetSettings, shadow bool) {
	for _, of := range append([]spendings{b.overall}, b.countries...) {
		p.spendIn(gate, b, of.country, ledger.Day, of.day, shadow)
		p.spendIn(gate, b, of.country, ledger.Month, of.month, shadow)
	}
}

// spendIn makes the counter for one period.
func (p *policy) spendIn(gate string, b *budgetSettings, country string, period ledger.Period, s spending, shadow bool) {
	if s.isZero() {
		return
	}
	scope, suffix := "gate "+gate, ""
	if b.across {
		scope, suffix = "all gates", " across all"
	}
	whose := period.String()
	if country != "" {
		whose = country + " " + whose
	}
	// What is added up by another clock, or in another currency, is another sum.
	id := fmt.Sprintf("%s spent per %s of %s", b.currency, whose, b.zone)
	c := counter{country: country, distinct: -1, tally: &ledger.Tally{
		Seed: seed(scope + "\x00" + id), Name: "spent per " + whose,
		Period: period, Zone: b.zone, Total: country == "",
	}}
	add := func(kind limitKind, word string, amount Money, shadow bool) {
		if amount == 0 {
			return
		}
		l := limit{kind: kind, across: b.across, shadow: shadow, name: fmt.Sprintf("%s: %s at %s %s%s", whose, word, amount, b.currency, suffix)}
		c.limits = append(c.limits, l)
		c.tally.Limits = append(c.tally.Limits, ledger.Limit{Name: l.name, Max: int64(amount), Shadow: shadow, Away: b.away.means()})
	}
	add(alertsSpending, "alert", s.alert, true)
	add(stopsSpending, "stop", s.stop, shadow || b.shadow)
	p.counters = append(p.counters, c)
}

// priceOf returns what a code to n costs, if there is a budget and it knows.
func (r *Ruleset) priceOf(n phone.Number) Price {
	b := r.settings.budget
	if b == nil {
		return Price{}
	}
	amount, ok := b.prices.of(n)
	if !ok {
		return Price{}
	}
	return Price{amount, b.currency}
}

// askPrice refuses numbers whose price is not known: what cannot be counted is
// not sent.
func askPrice(f *Facts) finding {
	if f.Phone.IsZero() || f.Price.Known() {
		return finding{}
	}
	return refusal("unpriced", NumberRefused)
}
