package ruleset

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/phone"
	"github.com/otpgate/otpgate/ruleset/request"
)

// shapes are the shapes of a ruleset that has several.
type shapes struct {
	*request.Shapes
	list   []shapeSettings
	verify bool // one of them is of requests that enter codes
}

func newShapes(list []shapeSettings) (*shapes, error) {
	cases := make([]request.Case, len(list))
	for i := range list {
		cases[i] = list[i].Case
	}
	read, err := request.NewShapes(cases)
	verify := slices.ContainsFunc(list, func(s shapeSettings) bool { return s.verifies })
	return &shapes{read, list, verify}, err
}

// readShape gathers the facts of a request that has one of several shapes.
func (d *decision) readShape(r *http.Request) bool {
	f := &d.Facts
	if d.rules.settings.preset.denied(r) {
		return d.unread(&request.Problem{Status: http.StatusBadRequest, Code: request.BadRequest, Detail: "the preset denies this path"})
	}
	found, problem := d.rules.shapes.Read(r)
	if problem != nil {
		return d.unread(problem)
	}
	s := &d.rules.shapes.list[found.Case]
	d.shape, f.Shape = s, s.name
	f.Device, f.Proof = found.Device, found.Proof
	f.handles, f.session = found.Handles, found.Session
	for i := range f.handles {
		f.handles[i] = handleName(f.handles[i])
	}
	switch s.About {
	case request.AboutPhone:
		number, err := d.rules.parseShaped(s, &found)
		if !d.take(number, err) {
			return false
		}
	case request.AboutAccount:
		if f.session == "" && len(f.handles) > 0 {
			f.session = "handle " + f.handles[0]
		}
	}
	return d.takeEmail(found.Email)
}

// denied reports whether r is for a side door of the app: no shape can be for
// it.
func (p *presetSettings) denied(r *http.Request) bool {
	return p != nil && slices.ContainsFunc(p.denies, func(match func(*http.Request) bool) bool { return match(r) })
}

var (
	errSpelling = errors.New("spelled in another way than the ruleset lets pass")
	errRegion   = errors.New("the region beside it is none")
)

// parseShaped reads a number as a shape has it.
func (r *Ruleset) parseShaped(s *shapeSettings, found *request.Found) (phone.Number, error) {
	if !s.spelling.strict() {
		kind := s.Phone.Kind()
		if found.Form && kind == request.JSON {
			kind = request.Form
		}
		if err := checkPlus(found.Phone, kind); err != nil {
			return phone.Number{}, err
		}
	}
	raw, ok := s.spelling.spelled(found.Phone)
	if !ok {
		return phone.Number{}, errSpelling
	}
	region := s.region
	switch {
	case found.Region != "":
		if region = found.Region; !phone.IsRegion(region) {
			return phone.Number{}, errRegion
		}
	case !s.CountryCode.IsZero():
		var err error
		if raw, err = withCode(found.CountryCode, raw); err != nil {
			return phone.Number{}, err
		}
	}
	number, err := r.parse(raw, region)
	if err == nil && !s.spelling.holds(found.Phone, number) {
		return phone.Number{}, errSpelling
	}
	return number, err
}

// withCode puts the calling code before a number that stands beside it.
func withCode(code, number string) (string, error) {
	code = strings.TrimPrefix(code, "+")
	if code == "" || len(code) > 3 || code[0] == '0' || strings.Trim(code, "0123456789") != "" {
		return "", fmt.Errorf("the calling code beside it is none")
	}
	if trimmed := strings.TrimSpace(number); strings.HasPrefix(trimmed, "+") || strings.HasPrefix(trimmed, "00") {
		return "", fmt.Errorf("it has a calling code, and another one beside it")
	}
	return "+" + code + " " + number, nil
}

// sendsNothing reports whether it is known of the request that no code is sent
// for it.
func (j *Judgement) sendsNothing() bool { return j.shape != nil && !j.shape.sends }

// pass lets a request through that sends nothing. Nothing is held for it, and
// only what counts requests is charged; a number that the app will keep is
// judged as if a code were sent to it.
func (d *decision) pass(ctx context.Context) bool {
	for i := range d.policy.checks {
		c := &d.policy.checks[i]
		if c.name == CheckNumber && !d.heed(c.name, c.shadow, c.ask(&d.Facts)) {
			return false
		}
	}
	d.collect()
	d.charges = slices.DeleteFunc(d.charges, func(c ledger.Charge) bool { return !c.Tally.Count.Attempts() })
	if len(d.charges) > 0 {
		if !d.heard(d.gate.ledger.Look(ctx, d.Facts.At, d.charges, &d.answer)) {
			return false
		}
		d.markShadow(func(*ledger.Tally) bool { return true })
	}
	return d.challenge.then == "" || d.prove(ctx)
}

// tellsSession reports whether l counts for the caller's own session: one whose
// credential it had to know. A claim can be made up.
func (d *decision) tellsSession(l *limit) bool {
	if d.shape == nil || len(l.per) != 1 || l.per[0].fact != perSession {
		return false
	}
	return !slices.ContainsFunc(d.shape.Session, request.Credential.IsClaim)
}

// Shape is the name of the shape that the request has; empty where all requests
// have one, or it has none.
func (j *Judgement) Shape() string { return j.Facts.Shape }

// Handles are what the request names of an earlier answer, in the order of the
// shape.
func (j *Judgement) Handles() []string { return j.Facts.handles }
