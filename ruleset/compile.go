package ruleset

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/human"
	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/phone"
	"github.com/otpgate/otpgate/ruleset/request"
)

// compiler turns a document into a ruleset and collects what is wrong with it.
type compiler struct {
	src      *strict.Source
	text     []byte
	doc      *document
	wiring   Wiring
	readFile func(string) ([]byte, error)

	require string // human.require, which rules and checks must fit
	gate    string // the gate's name, where lists need it
	lists   []listSource
	numbers []phone.NamedList
	files   []string
	needs   []string
	scored  bool            // a rule asks for the score
	missing map[string]bool // what is not wired and has been objected to
}

// settings fills in all defaults and checks all values.
func (c *compiler) settings(file string) *settings {
	d := c.doc
	s := &settings{mode: Normal, shadow: d.Shadow.V}
	s.name = string(d.Name.V)
	if !d.Name.Set {
		s.name = nameOfFile(file)
	}
	if d.Mode.Good() {
		s.mode = d.Mode.V
	}
	c.preset(s)
	if d.Request == nil {
		d.Request = &requestSection{}
	}
	if d.Human != nil && d.Human.Require.Good() {
		c.require = string(d.Human.Require.V)
	} else {
		c.require = "always"
	}
	s.answers = c.answers(defaultAnswers(), c.doc.Answer)
	if d.Requests.Set {
		c.requests(s)
	} else {
		c.request(s)
	}
	c.network(s)
	c.geo(s)
	c.number(s)
	c.human(s)
	c.limits(s)
	c.budget(s)
	s.rules = c.compileRules(d.Rules.V)
	c.idleRisk(s)
	c.regions(s)
	c.warnIdle(s.limits)
	if d.Respond != nil {
		s.hideCooldown = d.Respond.Cooldown.V == "hide"
	}
	if !c.src.HasErrors() {
		c.remarks(s)
	}
	return s
}

// nameOfFile makes a gate's name of a file's: signup.rules.yaml is signup.
func nameOfFile(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	name = strings.ToLower(name)
	if !gateNamePattern.MatchString(name) {
		return "default"
	}
	return name
}

func (c *compiler) request(s *settings) {
	r := c.doc.Request
	if r.Pos.IsZero() && !c.doc.Preset.Set && (c.doc.Version.Set || !c.src.HasErrors()) {
		c.src.Errorf(strict.Pos{Line: 1, Column: 1}, "the file does not say where the phone stands: add request: {phone: json /phone}, or requests with a shape for each kind of request, or preset")
	}
	s.shape = request.Shape{
		Phone:   r.Phone.V.Source,
		Email:   r.Email.V.Source,
		Device:  r.Device.V.Source,
		Proof:   r.Proof.V.Source,
		MaxBody: request.DefaultMaxBody,
	}
	if !r.Proof.Set && c.asksForProof() {
		s.shape.Proof = defaultProof(s.shape.Phone)
	}
	if r.MaxBody.Good() {
		s.shape.MaxBody = int64(r.MaxBody.V)
		if s.shape.MaxBody < 64 || s.shape.MaxBody > request.LargestMaxBody {
			c.src.Errorf(r.MaxBody.Pos, "a body of %s is not possible: use 64B to 16MiB", r.MaxBody.V)
			return
		}
	}
	s.region = string(r.Region.V)
	if !r.Phone.Good() {
		return
	}
	if err := s.shape.Validate(); err != nil {
		c.src.Errorf(r.Phone.Pos, "%v", err)
	}
}

// asksForProof reports whether a proof can ever be asked for.
func (c *compiler) asksForProof() bool {
	if c.require != "never" {
		return true
	}
	for _, r := range c.doc.Regions.Entries {
		if r.Value != nil && r.Value.Human != nil && r.Value.Human.Require.Set && r.Value.Human.Require.V != "never" {
			return true
		}
	}
	return false
}

// defaultProof is the provider's own field, in the format the phone is in.
func defaultProof(phone request.Source) request.Source {
	where := map[request.Kind]string{
		request.JSON:   "json /cf-turnstile-response",
		request.Form:   "form cf-turnstile-response",
		request.Query:  "query cf-turnstile-response",
		request.Header: "header Cf-Turnstile-Response",
		request.Cookie: "header Cf-Turnstile-Response",
		request.None:   "header Cf-Turnstile-Response",
	}[phone.Kind()]
	source, _ := request.ParseSource(where)
	return source
}

func (c *compiler) geo(s *settings) {
	s.geo = geoSettings{countries: anyOf{any: true}, match: "off"}
	g := c.doc.Geo
	if g == nil {
		s.geo.unknown = "allow"
		return
	}
	s.geo.shadow = g.Shadow.V
	if g.Countries.Set {
		s.geo.countries = anyOfValues(c, g.Countries, "geo.countries", func(v country) string { return string(v) })
		if !s.geo.countries.any {
			c.needCountry(g.Countries.Pos, "geo.countries")
		}
	}
	if g.Match.Set {
		s.geo.match = g.Match.V
		c.checkMatch(g.Match)
	}
	s.geo.unknown = defaultUnknown(s.geo)
	if g.Unknown.Set {
		s.geo.unknown = g.Unknown.V
		c.checkChallenge(string(g.Unknown.V), g.Unknown.Pos, "geo.unknown")
		if s.geo.countries.any && s.geo.match == "off" {
			c.src.Warnf(g.Unknown.Pos, "unknown has no effect: geo.countries is any and geo.match is off")
		}
	}
}

func (c *compiler) checkMatch(m strict.Value[matchWord]) {
	if m.Good() && m.V != "off" {
		c.needCountry(m.Pos, "geo.match")
	}
	c.checkChallenge(string(m.V), m.Pos, "geo.match")
}

// checkChallenge objects to a challenge that nobody could meet.
func (c *compiler) checkChallenge(word string, pos strict.Pos, what string) {
	if word == "challenge" && c.require == "never" {
		c.src.Errorf(pos, "%s: challenge can never be met: human.require is never; use deny, or require: challenged", what)
	}
}

// anyOfValues checks a list that may be the word any.
func anyOfValues[T any](c *compiler, v strict.AnyOr[T], what string, text func(T) string) anyOf {
	if v.Any {
		return anyOf{any: true}
	}
	set := anyOf{}
	for _, item := range v.Items {
		set.words = append(set.words, text(item.V))
	}
	if len(v.Items) == 0 && !v.Bad {
		c.src.Errorf(v.Pos, "%s is an empty list, so that nothing could pass: say which, or any", what)
	}
	return set
}

func (c *compiler) number(s *settings) {
	n := c.doc.Number
	if n == nil {
		n = &numberSection{}
	}
	s.number = numberSettings{types: anyOf{words: []string{"mobile", "fixed_line_or_mobile"}}, shadow: n.Shadow.V}
	switch {
	case n.Countries.Set:
		s.number.countries = anyOfValues(c, n.Countries, "number.countries", func(r region) string { return string(r) })
	case c.doc.Request.Region.Set:
		s.number.countries = anyOf{words: []string{s.region}} // a bad one has been reported
	case c.says(namesRegion, false):
		s.number.countries = anyOf{words: fixedRegions(s.shapes)}
	case c.doc.Request.Phone.Set || len(c.doc.Requests.V) > 0:
		c.src.Errorf(strict.Pos{Line: 1, Column: 1}, "the file does not say where codes may be sent: add number: {countries: [US, CA]}, or countries: any")
	}
	if n.Types.Set {
		s.number.types = anyOfValues(c, n.Types, "number.types", func(t numberType) string { return t.String() })
	}
	s.number.unknown = n.Unknown.Or("deny")
	c.checkChallenge(string(s.number.unknown), n.Unknown.Pos, "number.unknown")
	for _, e := range n.Lists.Entries {
		s.number.lists = append(s.number.lists, c.numberList(e.Key, e.Value))
	}
	if len(c.numbers) > phone.MaxLists {
		c.src.Errorf(n.Lists.Pos, "%d lists of numbers are too many: use at most %d", len(c.numbers), phone.MaxLists)
	}
	for _, f := range n.Deny.V {
		c.forbid(s, f)
	}
	if s.number.types.any {
		c.src.Warnf(n.Types.Pos, "types: any lets codes be sent to premium and shared-cost numbers, by which whoever is called earns: list the types that are meant")
	}
}

func (c *compiler) human(s *settings) {
	s.human = humanSettings{require: requireWord(c.require), fallback: "deny", maxAge: 5 * time.Minute}
	h := c.doc.Human
	pos := strict.Pos{Line: 1, Column: 1}
	if h != nil {
		pos = h.Pos
		s.human.shadow = h.Shadow.V
		if h.Require.Set {
			pos = h.Require.Pos
		}
		if t := h.Turnstile; t != nil {
			for _, name := range t.Hostnames.V {
				s.human.hostnames = append(s.human.hostnames, name.V)
			}
			s.human.action = t.Action.V
			if t.MaxAge.Set {
				s.human.maxAge = time.Duration(t.MaxAge.V)
			}
			c.checkTurnstile(t, s.human)
			if !c.asksForProof() {
				c.src.Warnf(pos, "turnstile has no effect: require is never")
			}
		}
	}
	if c.asksForProof() {
		c.need(pos, "turnstile secret", c.wiring.Turnstile,
			"a proof that a person asks is required, and nothing is wired that could look into one: add turnstile { secret … } to otp_gate in the Caddyfile, or write human: {require: never} to do without")
	}
}

// checkTurnstile lets the verifier itself check what the ruleset says of it.
func (c *compiler) checkTurnstile(t *turnstileSection, h humanSettings) {
	try := func(pos strict.Pos, cfg human.TurnstileConfig) {
		cfg.Secret = "a-secret-only-for-checking-the-rest"
		if _, err := human.NewTurnstile(cfg); err != nil {
			c.src.Errorf(pos, "%v", err)
		}
	}
	for _, name := range t.Hostnames.V {
		try(name.Pos, human.TurnstileConfig{Hostnames: []string{name.V}})
	}
	if t.Action.Set {
		try(t.Action.Pos, human.TurnstileConfig{Action: h.action})
	}
	if t.MaxAge.Set {
		try(t.MaxAge.Pos, human.TurnstileConfig{MaxAge: h.maxAge})
	}
}

func (c *compiler) regions(s *settings) {
	for _, e := range c.doc.Regions.Entries {
		var name region
		if err := name.ParseText(e.Key.V); err != nil {
			c.src.Errorf(e.Key.Pos, "regions: %v", err)
			continue
		}
		if !s.number.countries.any && !slices.Contains(s.number.countries.words, string(name)) {
			c.src.Errorf(e.Key.Pos, "region %s is never reached: number.countries does not let codes be sent there", name)
		}
		r := e.Value
		if r == nil {
			continue
		}
		rs := regionSettings{region: string(name)}
		if g := r.Geo; g != nil {
			if g.Countries.Set {
				set := anyOfValues(c, g.Countries, "countries", func(v country) string { return string(v) })
				rs.countries = &set
				if !set.any {
					c.needCountry(g.Countries.Pos, "geo.countries")
				}
			}
			if g.Match.Set {
				rs.match = &g.Match.V
				c.checkMatch(g.Match)
			}
			if g.Unknown.Set {
				rs.unknown = &g.Unknown.V
				c.checkChallenge(string(g.Unknown.V), g.Unknown.Pos, "unknown")
			}
		}
		if n := r.Number; n != nil && n.Types.Set {
			set := anyOfValues(c, n.Types, "types", func(t numberType) string { return t.String() })
			rs.types = &set
		}
		if h := r.Human; h != nil && h.Require.Set {
			rs.require = &h.Require.V
		}
		if r.Limits.Set {
			rs.limits, rs.hasLimits = c.compileLimits(r.Limits.V), true
			c.warnIdle(override(s.limits, rs.limits))
		}
		s.regions = append(s.regions, rs)
	}
}

// remarks warns about what is allowed, but seldom meant.
func (c *compiler) remarks(s *settings) {
	var top strict.Pos
	if s.shadow {
		c.src.Warnf(c.doc.Shadow.Pos, "shadow is true: everything is let through")
	}
	if s.mode == Shut {
		c.src.Warnf(c.doc.Mode.Pos, "mode is closed: every request is refused")
	}
	if !slices.ContainsFunc(s.limits, func(l limit) bool { return len(l.per) == 0 && !l.shadow }) && !s.budget.stops() {
		c.src.Warnf(top, "nothing limits how many codes are sent in all: add a limit without per, as in {max: 5000, in: 1h}, or a budget")
	}
	c.remarksOnBudget(s)
	c.remarksOnShapes(s)
	if c.asksForProof() && len(s.human.hostnames) == 0 {
		c.src.Warnf(top, "a proof made on any host of the site key is good: name yours in human.turnstile.hostnames")
	}
}
