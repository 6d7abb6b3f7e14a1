package ledgertest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// A mutant is the model with one promise broken. Each must fail the promises
// it is listed with; the suite is worth no more than what it finds.
type mutant struct {
	*Model
	tallies func(ledger.Tally) ledger.Tally                               // what the ledger takes the tallies for
	answer  func(*ledger.Answer)                                          // what becomes of an answer
	reserve func(m *Model, at time.Time, id ledger.ID, c []ledger.Charge) // after a reserve
	look    func(m *Model, c []ledger.Charge)                             // after a look
	settle  func(m *Model, id ledger.ID, o *ledger.Outcome)               // before settling
	charge  func(*ledger.Charge)                                          // what the ledger takes a charge for
	bounds  func(t *ledger.Tally, at time.Time) (start, end time.Time)
	note    func(*ledger.Key, *ledger.Note, *time.Duration) // before it is remembered
	record  bool                                            // whether to forget to
	racy    bool                                            // looks and takes, in two steps
	noID    bool
	always  bool // takes again under the same id
	clock   bool // follows every clock
	greedy  bool // charges requests also when one of them is full
	oneKey  bool

	mu     *sync.Mutex
	looked int // callers that have looked and not taken, of a racy one
}

// await waits for a second caller to have looked, or for as long as one would
// take that is on its way.
func (m *mutant) await() {
	for end := time.Now().Add(250 * time.Millisecond); time.Now().Before(end); runtime.Gosched() {
		m.mu.Lock()
		looked := m.looked
		m.mu.Unlock()
		if looked > 1 {
			return
		}
	}
}

func (m *mutant) Remember(ctx context.Context, at time.Time, key ledger.Key, n ledger.Note, life time.Duration) error {
	if m.note != nil {
		m.note(&key, &n, &life)
	}
	return m.Model.Remember(ctx, at, key, n, life)
}

func (m *mutant) charges(charges []ledger.Charge) []ledger.Charge {
	if m.tallies == nil && m.charge == nil {
		return charges
	}
	charges = slices.Clone(charges)
	for i := range charges {
		if m.charge != nil {
			m.charge(&charges[i])
		}
		if m.tallies == nil {
			continue
		}
		t := *charges[i].Tally
		t.Limits = slices.Clone(t.Limits)
		t = m.tallies(t)
		charges[i].Tally = &t
		if m.oneKey {
			charges[i].Key = ledger.Key{}
		}
	}
	return charges
}

func (m *mutant) done(charges []ledger.Charge, a *ledger.Answer) {
	original := func(s *ledger.Short) {
		for _, c := range charges {
			if s.Tally != nil && c.Tally.Name == s.Tally.Name {
				s.Tally = c.Tally
			}
		}
	}
	original(&a.Short)
	for i := range a.Shadow {
		original(&a.Shadow[i])
	}
	if m.answer != nil {
		m.answer(a)
	}
}

func (m *mutant) Look(ctx context.Context, at time.Time, charges []ledger.Charge, a *ledger.Answer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(at)
	err := m.Model.Look(ctx, at, m.charges(charges), a)
	if m.greedy && a.Refused {
		for _, c := range charges {
			m.add(ledger.ID{}, c)
		}
	}
	if m.look != nil && !a.Refused {
		m.look(m.Model, charges)
	}
	m.done(charges, a)
	return err
}

func (m *mutant) Reserve(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	if m.racy {
		m.mu.Lock()
		err := m.Model.Look(ctx, at, charges, a)
		m.looked++
		m.mu.Unlock()
		m.await() // another that has looked, and not taken yet
		if err == nil && !a.Refused {
			m.mu.Lock()
			m.Model.take(id, charges)
			m.mu.Unlock()
		}
		m.mu.Lock()
		m.looked--
		m.mu.Unlock()
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(at)
	if m.noID && id == (ledger.ID{}) {
		id[0] = 1
	}
	if m.always && m.holds[id] != nil {
		delete(m.holds, id)
	}
	err := m.Model.Reserve(ctx, at, id, m.charges(charges), a)
	if m.reserve != nil && a.Refused {
		m.reserve(m.Model, at, id, charges)
	}
	m.done(charges, a)
	return err
}

func (m *mutant) Record(ctx context.Context, at time.Time, charges []ledger.Charge) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(at)
	if m.record {
		return nil
	}
	return m.Model.Record(ctx, at, m.charges(charges))
}

func (m *mutant) Settle(ctx context.Context, at time.Time, id ledger.ID, o ledger.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(at)
	if m.settle != nil {
		m.settle(m.Model, id, &o)
	}
	return m.Model.Settle(ctx, at, id, o)
}

func (m *mutant) turn(at time.Time) {
	if m.clock {
		m.now = at
	}
}

// limits changes each limit.
func limits(change func(*ledger.Limit)) func(ledger.Tally) ledger.Tally {
	return func(t ledger.Tally) ledger.Tally {
		for i := range t.Limits {
			change(&t.Limits[i])
		}
		return t
	}
}

// periods changes each tally that has a period.
func periods(change func(*ledger.Tally)) func(ledger.Tally) ledger.Tally {
	return func(t ledger.Tally) ledger.Tally {
		if t.Period != ledger.Sliding {
			change(&t)
		}
		return t
	}
}

// charged calls f with the events of a hold that are amounts.
func charged(m *Model, id ledger.ID, f func(*counter, *event)) {
	for _, k := range m.counters {
		for i := range k.events {
			if e := &k.events[i]; e.id == id && e.amount > 0 {
				f(k, e)
			}
		}
	}
}

// mutantOf names a mutant and the promises that it breaks.
type mutantOf struct {
	name   string
	mutant mutant
	breaks []string
}

var mutants = []mutantOf{
	{"notes that end early", mutant{note: func(_ *ledger.Key, _ *ledger.Note, life *time.Duration) { *life -= 2 * ms }},
		[]string{"notes are known until they end"}},
	{"notes that do not end", mutant{note: func(_ *ledger.Key, _ *ledger.Note, life *time.Duration) { *life = 1000 * 24 * hour }},
		[]string{"notes are known until they end"}},
	{"notes of half their length", mutant{note: func(_ *ledger.Key, n *ledger.Note, _ *time.Duration) { clear(n[16:]) }},
		[]string{"notes are known until they end"}},
	{"one note for all", mutant{note: func(k *ledger.Key, _ *ledger.Note, _ *time.Duration) { *k = spread("a") }},
		[]string{"notes are known until they end"}},
	{"one too many", mutant{tallies: limits(func(l *ledger.Limit) { l.Max++ })},
		[]string{"windows are exact", "long logs are exact", "wide windows are one cell too careful at most", "distinct limits count members", "a hundred for one place", "random schedules agree with the model", "random schedules keep wide limits in bounds", "requests are counted whatever becomes of them", "limits may change between calls"}},
	{"one too few", mutant{tallies: limits(func(l *ledger.Limit) { l.Max = max(l.Max-1, 1) })},
		[]string{"windows are exact", "random schedules agree with the model", "random schedules keep wide limits in bounds"}},
	{"a window a millisecond short", mutant{tallies: limits(func(l *ledger.Limit) { l.Window -= ms })},
		[]string{"windows are exact", "several windows read one log", "long logs are exact", "random schedules agree with the model"}},
	{"a window a millisecond long", mutant{tallies: limits(func(l *ledger.Limit) { l.Window += ms })},
		[]string{"windows are exact", "several windows read one log", "random schedules agree with the model"}},
	{"wide windows a cell short", mutant{tallies: limits(func(l *ledger.Limit) {
		if l.Max > ledger.MaxExact {
			l.Window -= l.Window / ledger.Cells
		}
	})}, []string{"wide windows are one cell too careful at most", "random schedules keep wide limits in bounds"}},
	{"wide windows three cells long", mutant{tallies: limits(func(l *ledger.Limit) {
		if l.Max > ledger.MaxExact {
			l.Window += 3 * l.Window / ledger.Cells
		}
	})}, []string{"wide windows are one cell too careful at most", "random schedules keep wide limits in bounds"}},
	{"only the first limit", mutant{tallies: func(t ledger.Tally) ledger.Tally { t.Limits = t.Limits[:1]; return t }},
		[]string{"several windows read one log", "random schedules agree with the model"}},
	{"a refused request charges what has room", mutant{reserve: func(m *Model, at time.Time, id ledger.ID, charges []ledger.Charge) {
		for _, c := range charges {
			var a ledger.Answer
			if !c.Tally.Count.Attempts() && !m.askOne(c, &a) {
				m.add(id, c)
			}
		}
	}}, []string{"all charges are taken or none", "a hundred for one place", "random schedules agree with the model"}},
	{"looking charges", mutant{look: func(m *Model, charges []ledger.Charge) { m.take(ledger.ID{1}, charges) }},
		[]string{"looking charges no sends", "random schedules agree with the model"}},
	{"not sent gives back each time", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if *o == ledger.NotSent && m.holds[id] == nil {
			for _, k := range m.counters {
				k.events = k.events[:max(len(k.events)-1, 0)]
			}
		}
	}}, []string{"not sent gives everything back once", "settling what is unknown or over changes nothing", "a crowd never takes more than there is", "random schedules agree with the model"}},
	{"not sent gives back only unverified", mutant{settle: func(m *Model, _ ledger.ID, o *ledger.Outcome) {
		if *o == ledger.NotSent {
			*o = ledger.Verified
		}
	}}, []string{"not sent gives everything back once", "random schedules agree with the model"}},
	{"unknown gives back", mutant{settle: func(m *Model, _ ledger.ID, o *ledger.Outcome) {
		if *o == ledger.Unknown {
			*o = ledger.NotSent
		}
	}}, []string{"sent and unknown give nothing back", "random schedules agree with the model"}},
	{"verified gives everything back", mutant{settle: func(m *Model, _ ledger.ID, o *ledger.Outcome) {
		if *o == ledger.Verified {
			*o = ledger.NotSent
		}
	}}, []string{"verified gives back what counts unverified once", "random schedules agree with the model"}},
	{"verified gives nothing back", mutant{settle: func(m *Model, _ ledger.ID, o *ledger.Outcome) {
		if *o == ledger.Verified {
			*o = ledger.Sent
		}
	}}, []string{"verified gives back what counts unverified once", "members are given back one by one", "random schedules agree with the model"}},
	{"verified may still be not sent", mutant{settle: func(m *Model, id ledger.ID, _ *ledger.Outcome) {
		if h := m.holds[id]; h != nil {
			h.verified = false
		}
	}}, []string{"verified gives back what counts unverified once", "random schedules agree with the model"}},
	{"after sent nothing can be given back", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if *o == ledger.Sent {
			delete(m.holds, id)
		}
	}}, []string{"not sent gives everything back once", "random schedules agree with the model"}},
	{"an id charges again", mutant{always: true}, []string{"an id charges once", "random schedules agree with the model"}},
	{"no id is an id", mutant{noID: true}, []string{"an id is needed"}},
	{"the shortest wait", mutant{answer: func(a *ledger.Answer) {
		if a.Refused {
			a.Short.Limit = 0
		}
	}}, []string{"the longest wait is told", "several windows read one log"}},
	{"a wait too short", mutant{answer: func(a *ledger.Answer) { a.Short.Wait = max(a.Short.Wait-ms, 0) }},
		[]string{"the wait is honest", "windows are exact", "random schedules agree with the model"}},
	{"a wait too long", mutant{answer: func(a *ledger.Answer) { a.Short.Wait += ms }},
		[]string{"the wait is honest", "windows are exact"}},
	{"shadow refuses", mutant{tallies: limits(func(l *ledger.Limit) { l.Shadow = false })},
		[]string{"shadow limits count and refuse nobody", "random schedules agree with the model"}},
	{"shadow is silent", mutant{answer: func(a *ledger.Answer) { a.Shadow = nil }},
		[]string{"shadow limits count and refuse nobody", "random schedules agree with the model"}},
	{"no ban", mutant{tallies: limits(func(l *ledger.Limit) { l.Ban = 0 })},
		[]string{"bans begin, last and end", "refusals and wrong codes are recorded", "random schedules agree with the model"}},
	{"asking prolongs a ban", mutant{reserve: func(m *Model, _ time.Time, _ ledger.ID, charges []ledger.Charge) {
		for _, c := range charges {
			if k := m.counter(c); k.banned.After(m.now) {
				k.banned = m.now.Add(c.Tally.Limits[k.bannedBy].Ban)
			}
		}
	}}, []string{"bans begin, last and end", "random schedules agree with the model"}},
	{"giving back lifts a ban", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if h := m.holds[id]; h != nil {
			for _, c := range h.charges {
				m.counter(c).banned = time.Time{}
			}
		}
	}}, []string{"bans begin, last and end", "random schedules agree with the model"}},
	{"members are events", mutant{tallies: func(t ledger.Tally) ledger.Tally { t.Distinct = false; return t }},
		[]string{"distinct limits count members", "random schedules agree with the model"}},
	{"giving back one event lets the member go", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		h := m.holds[id]
		if h == nil || *o != ledger.Verified {
			return
		}
		for _, c := range h.charges {
			if k := m.counter(c); c.Tally.Distinct && c.Tally.Count == ledger.Unverified {
				k.events = slices.DeleteFunc(k.events, func(e event) bool { return e.member == c.Member })
			}
		}
	}}, []string{"members are given back one by one", "random schedules agree with the model"}},
	{"looks and takes in two steps", mutant{racy: true}, []string{"a hundred for one place", "a hundred for what is left of an amount", "calls at the same time are as if one after the other"}},
	{"requests are not counted", mutant{tallies: func(t ledger.Tally) ledger.Tally {
		if t.Count == ledger.Requests {
			t.Count = ledger.Refusals
		}
		return t
	}}, []string{"requests are counted whatever becomes of them", "random schedules keep wide limits in bounds"}},
	{"requests are counted when one of them is full", mutant{greedy: true}, []string{"requests are counted whatever becomes of them"}},
	{"refusals are not recorded", mutant{record: true}, []string{"refusals and wrong codes are recorded", "only attempts can be recorded", "random schedules keep wide limits in bounds"}},
	{"one counter for all tallies", mutant{tallies: func(t ledger.Tally) ledger.Tally { t.Seed = ledger.Key{}; return t }, oneKey: true},
		[]string{"keys and tallies are apart", "random schedules agree with the model"}},
	{"the clock may run backwards", mutant{clock: true}, []string{"time does not run backwards"}},
	{"a changed limit starts anew", mutant{tallies: func(t ledger.Tally) ledger.Tally {
		t.Seed = spread(fmt.Sprint(t.Name, t.Limits))
		return t
	}}, []string{"limits may change between calls", "amounts stay when max changes", "random changes of limits forget nothing"}},

	{"an amount more than max", mutant{tallies: periods(func(t *ledger.Tally) {
		for i := range t.Limits {
			t.Limits[i].Max++
		}
	})}, []string{"amounts add up to max in each period", "amounts are exact", "amounts are taken with all charges or not at all", "random amounts agree with the model"}},
	{"max itself is refused", mutant{tallies: periods(func(t *ledger.Tally) {
		for i := range t.Limits {
			t.Limits[i].Max--
		}
	})}, []string{"amounts add up to max in each period", "amounts are exact", "random amounts agree with the model", "a hundred for what is left of an amount"}},
	{"amounts are events", mutant{charge: func(c *ledger.Charge) { c.Amount = min(c.Amount, 1) }},
		[]string{"amounts add up to max in each period", "amounts are exact", "random amounts agree with the model"}},
	{"amounts are rounded", mutant{charge: func(c *ledger.Charge) { c.Amount = c.Amount / 10_000 * 10_000 }},
		[]string{"amounts are exact", "amounts below zero and beyond the most are errors"}},
	{"amounts lose their last bit", mutant{charge: func(c *ledger.Charge) {
		if c.Amount > 1<<24 {
			c.Amount = int64(float32(c.Amount))
		}
	}}, []string{"amounts are exact"}},
	{"any amount will do", mutant{charge: func(c *ledger.Charge) {
		if c.Amount < 0 || c.Amount > ledger.MaxAmount {
			c.Tally = tally(c.Tally.Name, ledger.Sends, limit(100, hour))
		}
	}}, []string{"amounts below zero and beyond the most are errors"}},
	{"nothing is refused by a full limit", mutant{charge: func(c *ledger.Charge) { c.Amount = max(c.Amount, 1) }},
		[]string{"an amount of nothing always fits", "random amounts agree with the model"}},
	{"zones are ignored", mutant{tallies: periods(func(t *ledger.Tally) { t.Zone = nil })},
		[]string{"days and months are those of the calendar", "random amounts agree with the model"}},
	{"months are days", mutant{tallies: periods(func(t *ledger.Tally) { t.Period = ledger.Day })},
		[]string{"amounts add up to max in each period", "days and months are those of the calendar", "random amounts agree with the model"}},
	{"a day has 24 hours", mutant{bounds: func(t *ledger.Tally, at time.Time) (time.Time, time.Time) {
		start, end := t.Bounds(at)
		if t.Period == ledger.Day {
			end = start.Add(day)
		}
		return start, end
	}}, []string{"days and months are those of the calendar"}},
	{"a day is the last 24 hours", mutant{bounds: func(t *ledger.Tally, at time.Time) (time.Time, time.Time) {
		_, end := t.Bounds(at)
		return at.Add(-day), end
	}}, []string{"amounts add up to max in each period", "days and months are those of the calendar", "random amounts agree with the model"}},
	{"a period ends a millisecond early", mutant{bounds: func(t *ledger.Tally, at time.Time) (time.Time, time.Time) {
		start, end := t.Bounds(at.Add(ms))
		return start.Add(-ms), end.Add(-ms)
	}}, []string{"amounts add up to max in each period", "days and months are those of the calendar"}},
	{"alerts refuse", mutant{tallies: periods(func(t *ledger.Tally) {
		for i := range t.Limits {
			t.Limits[i].Shadow = false
		}
	})}, []string{"alerts count amounts and refuse nobody", "random amounts agree with the model"}},
	{"alerts are silent", mutant{answer: func(a *ledger.Answer) {
		a.Shadow = slices.DeleteFunc(a.Shadow, func(s ledger.Short) bool { return s.Tally.Period != ledger.Sliding })
	}}, []string{"alerts count amounts and refuse nobody", "amounts under another secret add up", "random amounts agree with the model"}},
	{"only the first limit of an amount", mutant{tallies: periods(func(t *ledger.Tally) { t.Limits = t.Limits[:1] })},
		[]string{"alerts count amounts and refuse nobody", "random amounts agree with the model"}},
	{"a refused request charges amounts", mutant{reserve: func(m *Model, at time.Time, id ledger.ID, charges []ledger.Charge) {
		for _, c := range charges {
			var a ledger.Answer
			if c.Tally.Period != ledger.Sliding && !m.askOne(c, &a) {
				m.add(id, c)
			}
		}
	}}, []string{"amounts are taken with all charges or not at all", "random amounts agree with the model"}},
	{"amounts are not given back", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		charged(m, id, func(_ *counter, e *event) { e.id = ledger.ID{} })
	}}, []string{"amounts not sent are given back once and in their period", "a crowd never takes more than there is", "what is settled is found under the secret it was charged", "random amounts agree with the model"}},
	{"amounts are given back each time", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if *o != ledger.NotSent || m.holds[id] != nil {
			return
		}
		for _, k := range m.counters {
			for i := range k.events {
				if e := &k.events[i]; e.amount > 0 {
					e.amount -= min(e.amount, 30)
					return
				}
			}
		}
	}}, []string{"amounts not sent are given back once and in their period", "random amounts agree with the model"}},
	{"amounts that were verified are given back", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if *o == ledger.Verified {
			charged(m, id, func(_ *counter, e *event) { e.amount = 0 })
		}
	}}, []string{"amounts not sent are given back once and in their period", "random amounts agree with the model"}},
	{"amounts are held for their whole period", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if h := m.holds[id]; h != nil {
			h.until = h.until.AddDate(0, 1, 0)
		}
	}}, []string{"amounts can be given back for two days"}},
	{"amounts are held for a day", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if h := m.holds[id]; h != nil {
			h.until = h.until.AddDate(0, 0, -1)
		}
	}}, []string{"amounts can be given back for two days"}},
	{"amounts are given back to the next period", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if *o == ledger.NotSent {
			charged(m, id, func(k *counter, e *event) { k.events[len(k.events)-1].amount -= e.amount })
		}
	}}, []string{"amounts not sent are given back once and in their period", "random amounts agree with the model"}},

	{"the other secret is ignored", mutant{charge: func(c *ledger.Charge) { c.Also = ledger.Key{} }},
		[]string{"a key under another secret is the same key", "a wide log under another secret is the same log", "members under another secret are the same members", "bans under another secret are the same bans", "amounts under another secret add up", "attempts under another secret count", "what is settled is found under the secret it was charged", "random rotations of the secret agree with the model"}},
	{"what is charged goes to the other secret", mutant{charge: func(c *ledger.Charge) {
		if c.Also != (ledger.Key{}) {
			c.Key, c.Also = c.Also, c.Key
		}
	}}, []string{"what is charged is charged under one secret"}},
	{"both secrets are charged", mutant{look: func(m *Model, charges []ledger.Charge) {
		for _, c := range charges {
			if c.Also != (ledger.Key{}) && c.Tally.Count == ledger.Requests {
				c.Key = c.Also
				m.add(ledger.ID{}, c)
			}
		}
	}}, []string{"attempts under another secret count", "what is charged is charged under one secret"}},
	{"what is settled is looked for under the present secret", mutant{settle: func(m *Model, id ledger.ID, o *ledger.Outcome) {
		if h := m.holds[id]; h != nil {
			for i := range h.charges {
				if c := &h.charges[i]; c.Also != (ledger.Key{}) {
					c.Key = c.Also
				}
			}
		}
	}}, []string{"what is settled is found under the secret it was charged", "members under another secret are the same members", "random rotations of the secret agree with the model"}},
	{"members have a place under each secret", mutant{charge: func(c *ledger.Charge) {
		if c.Tally.Distinct {
			c.Member += c.Key[0] // another for each secret
		}
	}}, []string{"members under another secret are the same members", "random rotations of the secret agree with the model"}},
	{"a ban ends with the secret", mutant{reserve: func(m *Model, _ time.Time, _ ledger.ID, charges []ledger.Charge) {
		for _, c := range charges {
			if k := m.counters[counterKey{c.Tally.Seed, c.Also}]; k != nil {
				k.banned = time.Time{}
			}
		}
	}}, []string{"bans under another secret are the same bans", "random rotations of the secret agree with the model"}},
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed bool
}

func (r *recorder) Helper() {}

func (r *recorder) Error(...any) {
	r.mu.Lock()
	r.failed = true
	r.mu.Unlock()
}

func (r *recorder) Fatal(...any)          { r.Error(); runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.Error(); runtime.Goexit() }

// broken reports whether a ledger breaks a promise.
func broken(t *testing.T, p promise, open func(testing.TB) ledger.Ledger) bool {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.holds(r, open)
	}()
	<-done
	return r.failed
}

func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			for _, name := range m.breaks {
				i := slices.IndexFunc(promises, func(p promise) bool { return p.name == name })
				if i < 0 {
					t.Fatalf("there is no promise %q", name)
				}
				found := broken(t, promises[i], func(testing.TB) ledger.Ledger {
					l := m.mutant
					l.Model, l.mu = NewModel(), new(sync.Mutex)
					if l.bounds != nil {
						l.Model.bounds = l.bounds
					}
					return &l
				})
				if !found {
					t.Errorf("%q does not notice", name)
				}
			}
		})
	}
}

// Every promise has a mutant that breaks it.
func TestEveryPromiseBites(t *testing.T) {
	for _, p := range promises {
		if !slices.ContainsFunc(mutants, func(m mutantOf) bool { return slices.Contains(m.breaks, p.name) }) {
			t.Errorf("no mutant breaks %q", p.name)
		}
	}
}
