package ruleset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/ledger"
)

// limit is one limit as the ruleset means it: defaults filled in, checked.
type limit struct {
	name     string
	per      []per // in the order of perWords
	distinct []per // none or one
	max      int
	window   time.Duration
	count    countWord
	kind     limitKind
	across   bool // shared by all gates of the ledger
	away     awayWord
	ban      time.Duration
	shadow   bool
	pos      strict.Pos // zero for a default
}

const (
	minWindow = time.Second
	maxWindow = 366 * 24 * time.Hour
)

// defaultLimits are in force where a ruleset has no limits of its own. Those
// by an address or a range, which many people share, count what nobody has
// verified; those by a phone, which is one person's, count all sends.
func defaultLimits(hasEmail, hasSession, keeps bool) []limit {
	const hour, day = time.Hour, 24 * time.Hour
	phone, ip, email := per{fact: perPhone}, per{fact: perIP}, per{fact: perEmail}
	limits := []limit{
		{per: []per{phone}, max: 1, window: time.Minute, count: "sends"},
		{per: []per{phone}, max: 5, window: day, count: "sends"},
	}
	if hasEmail {
		limits = append(limits, limit{per: []per{phone, email}, max: 5, window: day, count: "sends"})
	}
	if hasSession {
		limits = append(limits, sessionLimits(keeps)...)
	}
	limits = append(limits,
		limit{per: []per{ip}, max: 15, window: hour, count: "unverified"},
		limit{per: []per{ip}, max: 50, window: day, count: "unverified", ban: day},
		limit{per: []per{ip}, max: 60, window: time.Minute, count: "requests"},
		limit{per: []per{ip}, distinct: []per{phone}, max: 5, window: hour, count: "unverified"},
		limit{per: []per{{fact: perRange, less: rangeLess}}, max: 20, window: 10 * time.Minute, count: "unverified"},
	)
	return named(limits)
}

// sessionLimits are those of the default limits that count for a session, or
// the handle in its place. Where an app knows the number and the request does
// not have it, little else counts. Where an app keeps a number and sends
// nothing, the ledger keeps a note each time, for as long as the ruleset says.
func sessionLimits(keeps bool) []limit {
	session := per{fact: perSession}
	limits := []limit{
		{per: []per{session}, max: 1, window: time.Minute, count: "sends"},
		{per: []per{session}, max: 5, window: 24 * time.Hour, count: "sends"},
	}
	if keeps {
		limits = append(limits, limit{per: []per{session}, max: 30, window: time.Hour, count: "requests"})
	}
	return limits
}

// named gives default limits what limits of a ruleset have besides.
func named(limits []limit) []limit {
	for i := range limits {
		limits[i].name, limits[i].away = limits[i].describe(), "share"
	}
	return limits
}

// limits fills in the limits. Those for a session stand beside the ruleset's
// own, where a shape is about an account and these count for no such thing.
func (c *compiler) limits(s *settings) {
	if !c.doc.Limits.Set {
		s.limits = defaultLimits(c.hasEmail(), c.hasSession(), c.keeps())
		return
	}
	s.limits = c.compileLimits(c.doc.Limits.V)
	isAccount := func(s *shapeSection) bool { return s.About.V == "account" }
	if len(c.doc.Limits.V) > 0 && c.says(isAccount, false) && !slices.ContainsFunc(s.limits, limit.forSessions) {
		s.limits = append(s.limits, named(sessionLimits(c.keeps()))...)
	}
}

// forSessions reports whether l counts the requests of one session, or those
// with one handle.
func (l limit) forSessions() bool {
	return slices.ContainsFunc(l.per, func(p per) bool { return p.fact == perSession || p.fact == perHandle })
}

// compileLimits checks the limits of one list and fills in what they leave
// out.
func (c *compiler) compileLimits(sections []limitSection) []limit {
	limits := make([]limit, 0, len(sections))
	for i := range sections {
		if l, ok := c.compileLimit(&sections[i]); ok {
			limits = append(limits, l)
		}
	}
	for i, l := range limits {
		for _, m := range limits[:i] {
			if l.events() == m.events() && l.window == m.window {
				c.src.Errorf(l.pos, "limit %q is said twice: line %d already limits %s in %s", l.name, m.pos.Line, l.events(), formatDuration(l.window))
			}
			if l.name == m.name && l.events() != m.events() {
				c.src.Errorf(l.pos, "two limits are called %q: the other is in line %d", l.name, m.pos.Line)
			}
		}
	}
	return limits
}

func (c *compiler) compileLimit(s *limitSection) (limit, bool) {
	ok := !s.Per.Bad && !s.Distinct.Bad && !s.Max.Bad && !s.In.Bad && !s.Count.Bad && !s.Ban.Bad
	fail := func(pos strict.Pos, format string, args ...any) {
		c.src.Errorf(pos, format, args...)
		ok = false
	}
	l := limit{pos: s.Pos, max: s.Max.V, window: time.Duration(s.In.V), count: "sends",
		across: s.Across.Good(), away: s.Away.Or("share"), ban: time.Duration(s.Ban.V), shadow: s.Shadow.V}
	if s.Count.Set {
		l.count = s.Count.V
	}
	for _, p := range s.Per.Items {
		if slices.Contains(l.per, p.V) {
			fail(p.Pos, "per: %s is said twice", p.V) // their digests would cancel each other
			continue
		}
		l.per = append(l.per, p.V)
		ok = c.known(p.V, p.Pos, "per") && ok
	}
	slices.SortFunc(l.per, func(a, b per) int {
		return cmp.Or(cmp.Compare(a.fact, b.fact), cmp.Compare(a.bits, b.bits), cmp.Compare(a.less, b.less))
	})
	if s.Per.Set && !s.Per.Bad && len(s.Per.Items) == 0 {
		fail(s.Per.Pos, "per is an empty list: say what to count for, or leave per out to count everything together")
	}
	if s.In.Good() && (l.window < minWindow || l.window > maxWindow) {
		fail(s.In.Pos, "a window of %s is not possible: use 1s to 366d", formatDuration(l.window))
	}
	if s.Ban.Good() && (l.ban < minWindow || l.ban > maxWindow) {
		fail(s.Ban.Pos, "a ban of %s is not possible: use 1s to 366d", formatDuration(l.ban))
	}
	if s.Distinct.Good() {
		l.distinct = []per{s.Distinct.V}
		ok = c.known(s.Distinct.V, s.Distinct.Pos, "distinct") && ok
		switch {
		case slices.ContainsFunc(l.per, func(p per) bool { return s.Distinct.V.covers(p) }):
			fail(s.Distinct.Pos, "for one %s there is only one %s: count something that can differ", l.perText(), s.Distinct.V)
		case counts[l.count].Attempts():
			fail(s.Count.Pos, "distinct counts sends or unverified, not %s", l.count)
		case l.max > ledger.MaxExact:
			fail(s.Max.Pos, "a limit on distinct values has a max of at most %d, not %d", ledger.MaxExact, l.max)
		}
	}
	ok = ok && s.Max.Set && s.In.Set
	l.name = s.Name.V
	if l.name == "" {
		l.name = l.describe()
	}
	return l, ok
}

// known reports whether requests say anything of p, and objects if not.
func (c *compiler) known(p per, pos strict.Pos, word string) bool {
	switch p.fact {
	case perDevice:
		if !c.says(func(s *shapeSection) bool { return s.Device.Set }, c.doc.Request.Device.Set) {
			c.src.Errorf(pos, "%s: %s needs to know where the device stands: add device to request, as in device: header X-Device-Id", word, p)
			return false
		}
	case perEmail, perDomain:
		if !c.hasEmail() {
			c.src.Errorf(pos, "%s: %s needs to know where the email address stands: add email to request, as in email: json /email", word, p)
			return false
		}
	case perSession:
		if !c.hasSession() {
			c.src.Errorf(pos, "%s: %s needs to know who asks: add session to a shape of requests, as in session: header Authorization", word, p)
			return false
		}
	case perHandle:
		if !c.says(func(s *shapeSection) bool { return s.Handle.Set }, false) {
			c.src.Errorf(pos, "%s: %s needs to know where a handle stands: add handle to a shape of requests, as in handle: json /deviceId", word, p)
			return false
		}
	case perIPCountry:
		c.needCountry(pos, "a limit per ip_country")
	case perASN:
		c.needASN(pos, "a limit per asn")
	}
	return true
}

// override returns limits with those of a region in the place of the ones
// they speak of.
func override(limits, regional []limit) []limit {
	merged := slices.Clone(limits)
	for _, r := range regional {
		i := slices.IndexFunc(merged, func(l limit) bool { return l.events() == r.events() && l.window == r.window })
		if i >= 0 {
			merged[i] = r
		} else {
			merged = append(merged, r)
		}
	}
	return merged
}

// warnIdle warns about limits that can never bite, because another is always
// full first.
func (c *compiler) warnIdle(limits []limit) {
	for _, l := range limits {
		if l.pos == (strict.Pos{}) {
			continue
		}
		for _, m := range limits {
			if m.pos != l.pos && m.bitesBefore(l) {
				where := "a default limit"
				if m.pos != (strict.Pos{}) {
					where = fmt.Sprintf("line %d", m.pos.Line)
				}
				c.src.Warnf(l.pos, "limit %q can never bite: %q (%s) is always full before it", l.name, m.name, where)
				break
			}
		}
	}
}

// bitesBefore reports whether whenever l is full, m has been full before.
func (m limit) bitesBefore(l limit) bool {
	if m.shadow || m.max > l.max || m.window < l.window || l.across && !m.across {
		return false
	}
	if l.ban > 0 && m.max == l.max {
		return false // both fill up together, and then the ban starts
	}
	if m.count != l.count && !(m.count == "sends" && l.count == "unverified") {
		return false
	}
	if len(m.distinct) > 0 && !slices.Equal(m.distinct, l.distinct) {
		return false
	}
	// What counts as one for l must count as one for m, too.
	for _, p := range m.per {
		if !slices.ContainsFunc(l.per, p.covers) {
			return false
		}
	}
	if m.events() == l.events() && m.max == l.max && m.window == l.window {
		return false // the same limit; refused elsewhere
	}
	return true
}

// events names what the limit counts. Limits of the same events read the same
// counts.
func (l limit) events() string {
	var b strings.Builder
	b.WriteString(string(l.count))
	if len(l.distinct) > 0 {
		fmt.Fprintf(&b, " of distinct %s", l.distinct[0])
	}
	fmt.Fprintf(&b, " per %s", l.perText())
	if l.across {
		b.WriteString(" across all gates")
	}
	return b.String()
}

func (l limit) perText() string {
	if len(l.per) == 0 {
		return "everything"
	}
	words := make([]string, len(l.per))
	for i, p := range l.per {
		words[i] = p.String()
	}
	return strings.Join(words, "+")
}

// describe makes a name: "phone: 5 sends in 24h".
func (l limit) describe() string {
	what := string(l.count)
	if len(l.distinct) > 0 {
		what += " to distinct " + l.distinct[0].String()
	}
	name := fmt.Sprintf("%s: %d %s in %s", l.perText(), l.max, what, formatDuration(l.window))
	if l.across {
		name += " across all"
	}
	return name
}

// cooldown reports whether l is the cooldown of a number, which people are
// told.
func (l limit) cooldown() bool {
	return l.max == 1 && len(l.per) == 1 && l.per[0].fact == perPhone && len(l.distinct) == 0 && l.count == "sends"
}

// perCaller reports whether l counts for the caller's own address or device.
func (l limit) perCaller() bool {
	return len(l.per) > 0 && !slices.ContainsFunc(l.per, func(p per) bool { return !p.isCallers() })
}

// bansOthers reports whether l can ban somebody else than the caller. Only a
// request with a good proof may start such a ban.
func (l limit) bansOthers() bool {
	return l.ban > 0 && !l.perCaller() && !counts[l.count].Attempts()
}

// counter is a tally and how its key is made of the facts.
type counter struct {
	tally    *ledger.Tally
	limits   []limit // as in tally.Limits
	per      []int   // indices into policy.pers
	country  string  // of the numbers that it counts; empty for all
	distinct int     // index into policy.pers, or -1
}

// shared is 1 if the counter is shared with other gates. Such ones are asked
// after the gate's own, so that of two cooldowns which end together the one is
// named that may be told.
func (c *counter) shared() int {
	if c.limits[0].across {
		return 1
	}
	return 0
}

// order says in which order counters are asked. Those of requests come first:
// they are charged whatever becomes of the others. Those that can ban somebody
// else come last: they are asked with a good proof only.
func (c *counter) order() int {
	switch {
	case c.tally.Count == ledger.Requests:
		return 0
	case !slices.ContainsFunc(c.limits, limit.bansOthers):
		return 1
	default:
		return 2
	}
}

// count makes the counters for limits.
func (p *policy) count(gate string, limits []limit) {
	index := make(map[string]int)
	for _, l := range limits {
		scope := "gate " + gate
		if l.across {
			scope = "all gates"
		}
		id := l.events()
		if l.max > ledger.MaxExact {
			id += ", wide" // so that a wide limit makes no exact one coarse
		}
		i, ok := index[id]
		if !ok {
			i = len(p.counters)
			index[id] = i
			c := counter{tally: &ledger.Tally{Seed: seed(scope + "\x00" + id), Name: id, Count: counts[l.count], Distinct: len(l.distinct) > 0, Total: len(l.per) == 0}, distinct: -1}
			for _, per := range l.per {
				c.per = append(c.per, p.digestOf(per))
			}
			if len(l.distinct) > 0 {
				c.distinct = p.digestOf(l.distinct[0])
			}
			p.counters = append(p.counters, c)
		}
		c := &p.counters[i]
		c.limits = append(c.limits, l)
		c.tally.Limits = append(c.tally.Limits, ledger.Limit{Name: l.name, Max: int64(l.max), Window: l.window, Ban: l.ban, Shadow: l.shadow, Away: l.away.means()})
		if l.cooldown() && !l.across && !l.shadow {
			p.cooldown = max(p.cooldown, l.window)
		}
	}
}

// digestOf returns the index of what p makes of the facts: worked out once a
// request, however many counters ask.
func (p *policy) digestOf(w per) int {
	if i := slices.Index(p.pers, w); i >= 0 {
		return i
	}
	p.pers = append(p.pers, w)
	return len(p.pers) - 1
}

// formatDuration writes d as a ruleset does: 24h, 7d, 1m30s.
func formatDuration(d time.Duration) string { return strict.Duration(d).String() }
