package ruleset

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/otpgate/otpgate/ruleset/email"
	"github.com/otpgate/otpgate/ruleset/human"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/phone"
	"github.com/otpgate/otpgate/ruleset/request"
)

// decision is the work on one judgement.
type decision struct {
	*Judgement
	gate      *Gate
	force     *force
	policy    *policy
	challenge finding // what asked for a proof, if something did
	scoring   scoring

	digests   [12]digest
	spare     digest // of what comes behind those
	charges   []ledger.Charge
	requests  int // how many of the charges count requests; they come first
	proved    int // how many are asked with a good proof only; they come last
	chargeBuf [16]ledger.Charge
	answer    ledger.Answer
}

type digest struct {
	key   ledger.Key
	also  ledger.Key // under the other secret, if there is one
	known bool
	done  bool
}

// decisions keeps the memory of decisions for the next ones.
var decisions = sync.Pool{New: func() any { return new(decision) }}

// end lets go of the memory. The judgement stays.
func (d *decision) end() {
	*d = decision{answer: ledger.Answer{Shadow: d.answer.Shadow[:0]}}
	decisions.Put(d)
}

// run takes a request all the way. Each step reports whether the request may
// go on; the one that does not has written the verdict.
func (d *decision) run(r *http.Request, client netip.Addr) {
	ctx := r.Context()
	passed := d.open() &&
		d.read(r, client) &&
		d.judge(ctx)
	if passed {
		d.Verdict.Action = Allow
		return
	}
	d.Verdict.Status = max(d.Verdict.Status, d.Verdict.Code.Status())
	if d.counts() {
		if err := d.record(context.WithoutCancel(ctx), d.Facts.At, ledger.Refusals); err != nil {
			d.Verdict.Err = errors.Join(d.Verdict.Err, err)
		}
	}
}

// judge asks all there is to ask of what has been read.
func (d *decision) judge(ctx context.Context) bool {
	if !d.resolve(ctx) {
		return false
	}
	if d.entered = d.passesBy(); d.entered || d.sendsNothing() {
		return d.pass(ctx) && d.anew(ctx)
	}
	return d.check() && d.spend(ctx) && d.anew(ctx)
}

// counts reports whether the refusal counts against the caller. It does not
// where it was not the caller's doing; nor where it comes of a ban or of
// earlier refusals, or whoever keeps trying would never get out.
func (d *decision) counts() bool {
	switch d.Verdict.Reason {
	case Closed, HumanUnavailable, Unavailable, EarlyData, Banned, BudgetSpent:
		return false
	default:
		return d.answer.Short.Tally == nil || d.answer.Short.Tally.Count != ledger.Refusals
	}
}

// object refuses the request for a reason, or, in shadow, only says so. It
// reports whether the request may go on.
func (d *decision) object(shadow bool, check Check, rule string, reason Code) bool {
	if shadow {
		d.Verdict.Shadow = append(d.Verdict.Shadow, Mark{check, rule, reason})
		return true
	}
	d.Verdict.Check, d.Verdict.Rule, d.Verdict.Reason, d.Verdict.Code = check, rule, reason, reason
	return false
}

// open asks the operator's switch. It is no check, and has no shadow.
func (d *decision) open() bool {
	if d.rules.mode == Shut {
		return d.object(false, CheckMode, string(Shut), Closed)
	}
	return true
}

// read gathers the facts.
func (d *decision) read(r *http.Request, client netip.Addr) bool {
	f, shadow := &d.Facts, d.rules.settings.shadow
	f.Method, f.Host, f.Path, f.UserAgent = r.Method, r.Host, r.URL.Path, r.UserAgent()
	f.IP = d.rules.sources.Facts(client)
	if f.IP.Err != nil {
		d.Verdict.Err = f.IP.Err
	}
	if !f.IP.Addr.IsValid() {
		d.Verdict.Detail = "the client's address is not known"
		if !d.object(shadow, CheckRequest, "address", BadRequest) {
			return false
		}
	}
	if d.rules.shapes != nil {
		return d.readShape(r)
	}
	values, problem := d.rules.shape.Read(r)
	if problem != nil {
		return d.unread(problem)
	}
	f.Device, f.Proof = values.Device, values.Proof
	return d.take(d.rules.parsePhone(values.Phone)) && d.takeEmail(values.Email)
}

// unread refuses a request that cannot be read.
func (d *decision) unread(problem *request.Problem) bool {
	d.Verdict.Detail = problem.Detail
	d.Verdict.Status = problem.Status
	return d.object(d.rules.settings.shadow, CheckRequest, "", Code(problem.Code))
}

// take takes a number into the facts, or what is wrong with it.
func (d *decision) take(number phone.Number, err error) bool {
	if err != nil {
		d.Verdict.Detail = err.Error()
		return d.object(d.rules.settings.shadow, CheckNumber, "", PhoneInvalid)
	}
	f := &d.Facts
	f.Phone = number
	f.PhoneLists = d.rules.numbers.Of(number)
	f.Price = d.rules.priceOf(number)
	d.policy = d.rules.policyFor(f)
	return true
}

// takeEmail takes an address into the facts, if there is one.
func (d *decision) takeEmail(raw string) bool {
	if raw == "" {
		return true
	}
	var err error
	if d.Facts.Email, err = email.Parse(raw); err != nil {
		d.Verdict.Detail = err.Error()
		return d.object(d.rules.settings.shadow, CheckRequest, "email", BadRequest)
	}
	return true
}

var (
	errNotInUse = errors.New("no such number is in use")
	errSpace    = errors.New("begins with a space: in forms and URLs a plus sign is written %2B")
)

// parsePhone reads a number that can be in use, as far as the ruleset minds.
func (r *Ruleset) parsePhone(raw string) (phone.Number, error) {
	if err := checkPlus(raw, r.shape.Phone.Kind()); err != nil {
		return phone.Number{}, err
	}
	return r.parse(raw, r.settings.region)
}

// checkPlus refuses what may be a plus sign that was not escaped: some apps put
// it back, others do not.
func checkPlus(raw string, kind request.Kind) error {
	if strings.HasPrefix(raw, " ") && (kind == request.Form || kind == request.Query) {
		return errSpace
	}
	return nil
}

// parse reads a number of a region that can be in use, as far as the ruleset
// minds.
func (r *Ruleset) parse(raw, region string) (phone.Number, error) {
	number, err := phone.Parse(raw, region)
	if err == nil && !number.Valid() && r.settings.number.unknown == "deny" {
		err = errNotInUse
	}
	return number, err
}

// policyFor returns the policy for what f is about.
func (r *Ruleset) policyFor(f *Facts) *policy {
	if len(r.regional) > 0 {
		if p, ok := r.regional[f.Phone.LikelyRegion()]; ok {
			return p
		}
	}
	return r.base
}

// check asks everything that needs no I/O.
func (d *decision) check() bool {
	for i := range d.policy.checks {
		c := &d.policy.checks[i]
		if !d.heed(c.name, c.shadow, c.ask(&d.Facts)) {
			return false
		}
	}
	d.recall()
	return d.askRules(0) && d.askScore()
}

// askRules asks the rules from one on, in order. If one of them cannot be worked
// out without a score that nobody has asked for yet, it is left until there is one,
// and so are those below; unless one of these refuses whatever the score is.
func (d *decision) askRules(from int) bool {
	if from >= len(d.rules.rules) {
		return true
	}
	facts := condition{Facts: &d.Facts, rules: d.rules, unscored: d.scoring.isMissing()}
	for i := from; i < len(d.rules.rules); i++ {
		r := &d.rules.rules[i]
		met, err, wants := r.scorelessly(&facts)
		if wants && d.scoring.state == unasked {
			if r, err = d.refusedAnyway(i, &facts); r == nil {
				d.scoring.wait(i)
				return true
			}
			if err != nil {
				d.Verdict.Err = errors.Join(d.Verdict.Err, err)
			}
			return d.heedRule(r)
		}
		if wants {
			if !d.heedAway() {
				return false
			}
			facts.unscored = false
			met, err = r.ask(&facts)
		}
		if err != nil {
			d.Verdict.Err = errors.Join(d.Verdict.Err, err)
		}
		if !met {
			continue
		}
		if !d.heedRule(r) {
			return false
		}
		if d.ends(r) {
			break
		}
	}
	return true
}

// heedRule does what a rule says that is met.
func (d *decision) heedRule(r *rule) bool {
	return r.then == "allow" || d.heed(CheckRule, d.isShadow(r), finding{then: r.then, rule: r.name, reason: Refused})
}

func (d *decision) isShadow(r *rule) bool { return r.shadow || d.rules.settings.shadow }

// ends reports whether nothing below r is asked once it is met.
func (d *decision) ends(r *rule) bool { return r.then != "flag" && !d.isShadow(r) }

// heed does what a finding says.
func (d *decision) heed(name Check, shadow bool, f finding) bool {
	switch f.then {
	case "":
		return true
	case "flag":
		d.Verdict.Flags = append(d.Verdict.Flags, Mark{name, f.rule, ""})
		return true
	case "challenge":
		if shadow {
			return d.object(true, name, f.rule, HumanRequired)
		}
		if d.challenge.then == "" {
			d.challenge = f
		}
		return true
	default:
		if !shadow && f.detail != "" {
			d.Verdict.Detail = f.detail
		}
		return d.object(shadow, name, f.rule, f.reason)
	}
}

// spend asks the ledger and, where one is asked for, looks into the proof. The
// limits are looked at before a score is asked for and the proof is spent, and
// charged after it has been found good: without a proof nobody can use up another's
// limits.
func (d *decision) spend(ctx context.Context) bool {
	d.collect()
	if !d.scoring.waiting && !d.needsProof() {
		return d.reserve(ctx, d.charges)
	}
	return d.look(ctx) &&
		d.weigh(ctx) &&
		(!d.needsProof() || d.prove(ctx)) &&
		d.reserve(ctx, d.charges[d.requests:])
}

// needsProof reports whether this request has to bring a proof.
func (d *decision) needsProof() bool {
	if d.shape != nil && d.shape.noProof {
		return d.challenge.then != ""
	}
	switch d.policy.require {
	case "always":
		return true
	case "guarded":
		return d.rules.mode == Guarded || d.challenge.then != ""
	case "challenged":
		return d.challenge.then != ""
	default:
		return false
	}
}

// collect makes the charges of the request, those that count requests first.
func (d *decision) collect() {
	d.charges = d.chargeBuf[:0]
	for i := range d.policy.counters {
		if charge, ok := d.charge(&d.policy.counters[i]); ok {
			d.charges = append(d.charges, charge)
			switch d.policy.counters[i].order() {
			case 0:
				d.requests++
			case 2:
				d.proved++
			}
		}
	}
}

// charge makes the charge of one counter. It is false if the facts do not say
// for whom.
func (d *decision) charge(c *counter) (ledger.Charge, bool) {
	charge := ledger.Charge{Tally: c.tally, Key: c.tally.Seed}
	if c.tally.Period != ledger.Sliding {
		if !d.Facts.Price.Known() || c.country != "" && c.country != d.Facts.Phone.LikelyRegion() {
			return charge, false
		}
		charge.Amount = int64(d.Facts.Price.Amount)
	}
	keys := d.gate.keys
	if keys.also != nil {
		charge.Also = c.tally.Seed
	}
	if len(c.per) == 0 {
		charge.Key = with(charge.Key, keys.all)
		if keys.also != nil {
			charge.Also = with(charge.Also, keys.also.all)
		}
	}
	for _, i := range c.per {
		v := d.digest(i)
		if !v.known {
			return charge, false
		}
		charge.Key = with(charge.Key, v.key)
		if keys.also != nil {
			charge.Also = with(charge.Also, v.also)
		}
	}
	if c.distinct >= 0 {
		v := d.digest(c.distinct)
		if !v.known {
			return charge, false
		}
		charge.Member = v.key[0]
	}
	return charge, true
}

// digest returns what the i-th thing that the policy counts for hashes to. It
// is good until the next one is asked for.
func (d *decision) digest(i int) *digest {
	v := &d.spare
	if i < len(d.digests) {
		if v = &d.digests[i]; v.done {
			return v
		}
	}
	keys, per := d.gate.keys, d.policy.pers[i]
	v.done = true
	if v.key, v.known = per.digest(keys, &d.Facts); v.known && keys.also != nil {
		v.also, _ = per.digest(keys.also, &d.Facts)
	}
	return v
}

// look makes the first trip: it charges what counts requests, and refuses what
// is short already.
func (d *decision) look(ctx context.Context) bool {
	err := d.gate.ledger.Look(ctx, d.Facts.At, d.charges[:len(d.charges)-d.proved], &d.answer)
	if !d.heard(err) {
		return false
	}
	d.markShadow(func(t *ledger.Tally) bool { return t.Count == ledger.Requests }) // the others are asked again
	return true
}

// reserve makes the second trip: it takes all charges, or none.
func (d *decision) reserve(ctx context.Context, charges []ledger.Charge) bool {
	d.answer.Refused, d.answer.Short, d.answer.Shadow = false, ledger.Short{}, d.answer.Shadow[:0]
	err := d.gate.ledger.Reserve(ctx, d.Facts.At, d.Facts.ID, charges, &d.answer)
	if !d.heard(err) {
		return false
	}
	d.Verdict.Held = err == nil && !d.answer.Refused
	d.markShadow(func(*ledger.Tally) bool { return true })
	if d.policy.cooldown > 0 && !d.Facts.Phone.IsZero() && !d.policy.hideCooldown {
		d.Verdict.Cooldown = Cooldown{d.policy.cooldown, d.policy.cooldown}
	}
	return true
}

// markShadow reports the shadow limits that would have refused, and flags what
// is spent beyond a budget's alert.
func (d *decision) markShadow(of func(*ledger.Tally) bool) {
	for _, short := range d.answer.Shadow {
		if !of(short.Tally) {
			continue
		}
		l := d.limit(short)
		if l.kind == alertsSpending {
			d.Verdict.Flags = append(d.Verdict.Flags, Mark{l.check(), l.name, ""})
		} else {
			d.object(true, l.check(), l.name, d.reason(short))
		}
		d.alert(l, short)
	}
}

// heard does what the ledger answered.
func (d *decision) heard(err error) bool {
	if err != nil {
		d.Verdict.Err = errors.Join(d.Verdict.Err, err)
		return d.object(d.rules.settings.shadow, CheckLedger, "", Unavailable)
	}
	if !d.answer.Refused {
		return true
	}
	short := d.answer.Short
	if short.Tally == nil {
		return d.object(d.rules.settings.shadow, CheckLedger, "", Unavailable)
	}
	l := d.limit(short)
	d.object(false, l.check(), l.name, d.reason(short))
	d.tell(l, short)
	d.alert(l, short)
	return false
}

// limit returns the limit that short speaks of.
func (d *decision) limit(short ledger.Short) *limit {
	for i := range d.policy.counters {
		if c := &d.policy.counters[i]; c.tally == short.Tally {
			return &c.limits[short.Limit]
		}
	}
	return &limit{}
}

func (d *decision) reason(short ledger.Short) Code {
	switch l := d.limit(short); {
	case short.Banned:
		return Banned
	case l.kind == stopsSpending:
		return BudgetSpent
	case l.cooldown():
		return TooSoon
	default:
		return TooMany
	}
}

// tell decides what the caller learns of a limit without room: the cooldown of
// the number asked for, and what is the caller's own. The state of a number, a
// range or a country is nobody's business, and neither is what has been asked
// for at other gates, be it by the caller.
func (d *decision) tell(l *limit, short ledger.Short) {
	v := &d.Verdict
	switch {
	case v.Reason == TooSoon && !l.across && !d.policy.hideCooldown:
		v.Wait = short.Wait
		v.Cooldown = Cooldown{l.window, short.Wait}
	case v.Reason != TooSoon && !l.across && (l.perCaller() || d.tellsSession(l)):
		v.Wait = short.Wait
	case d.needsProof() && d.Facts.Proof == "" && !d.policy.humanShadow:
		// Whoever has no proof cannot ask us about others.
		v.Code, v.Action = HumanRequired, Challenge
	default:
		v.Code = Refused
	}
}

// prove looks into the proof.
func (d *decision) prove(ctx context.Context) bool {
	v, shadow := &d.Verdict, d.policy.humanShadow
	if d.Facts.Proof == "" {
		v.Proof = "none"
		if d.object(shadow, CheckHuman, d.challenge.rule, HumanRequired) {
			return true
		}
		v.Action = Challenge
		return false
	}
	if d.force.prover == nil {
		v.Proof = "unavailable"
		return d.object(shadow, CheckHuman, "", HumanUnavailable)
	}
	result := d.force.prover.Verify(ctx, human.Proof{Token: d.Facts.Proof, RemoteIP: d.Facts.IP.Addr, ID: d.Facts.ID, At: d.Facts.At})
	v.Proof = result.Status.String()
	if result.Err != nil {
		v.Err = errors.Join(v.Err, result.Err)
	}
	switch result.Status {
	case human.Passed:
		return true
	case human.Failed:
		v.Detail = result.Detail
		return d.object(shadow, CheckHuman, firstOf(result.Codes), HumanFailed)
	default:
		v.Detail = result.Detail
		return d.object(shadow, CheckHuman, firstOf(result.Codes), HumanUnavailable)
	}
}

func firstOf(codes []string) string {
	if len(codes) == 0 {
		return ""
	}
	return codes[0]
}

// record counts an event that is not a send: a refusal, or a wrong code.
func (d *decision) record(ctx context.Context, at time.Time, what ledger.Count) error {
	var charges []ledger.Charge
	for i := range d.policy.counters {
		if d.policy.counters[i].tally.Count != what {
			continue
		}
		if charge, ok := d.charge(&d.policy.counters[i]); ok {
			charges = append(charges, charge)
		}
	}
	if len(charges) == 0 {
		return nil
	}
	return d.gate.ledger.Record(ctx, at, charges)
}
