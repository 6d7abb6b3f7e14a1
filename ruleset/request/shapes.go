package request

import (
	"fmt"
	"net/http"
	"strings"
)

// Shapes are the shapes that the requests for one gate may have. They never
// change and are safe for concurrent use.
type Shapes struct {
	cases []*prepared
}

// CaseError says what is wrong with one of several cases.
type CaseError struct {
	Case int // its index
	Err  error
}

func (e *CaseError) Error() string { return fmt.Sprintf("shape %d: %v", e.Case+1, e.Err) }

// Unwrap returns what is wrong.
func (e *CaseError) Unwrap() error { return e.Err }

// NewShapes makes shapes of cases, the first of which is asked first. The error
// is a *CaseError.
func NewShapes(cases []Case) (*Shapes, error) {
	s := &Shapes{cases: make([]*prepared, len(cases))}
	for i := range cases {
		c := cases[i]
		ready, err := c.prepare()
		if err != nil {
			return nil, &CaseError{i, err}
		}
		s.cases[i] = ready
	}
	return s, nil
}

// Found is what was found in a request that has one of the shapes.
type Found struct {
	Case int  // the index of its shape
	Form bool // its body is a form
	Values
	// Region and CountryCode are empty where they were not asked for, or are
	// not there.
	Region, CountryCode string
	Handles             []string // those that are there and not empty
	Session             string   // what tells sessions apart, as far as the request says; a secret
}

// Read finds out which shape r has, and the values in it. Of several it is the
// first, and it has none that is not known for certain:
//
//   - its method, path and type of body are those of the shape,
//   - all conditions of the shape hold,
//   - there is a phone where the shape is about one, and none where it is not.
//
// A request that is malformed, or that two parsers could read differently, is
// refused as soon as a shape of its method and path finds that out: which shape
// it has would be a guess. One that has no shape is refused too.
//
// Two things are not believed of a request that an earlier shape of its method
// and path did not fit: where that was for the type of its body, a shape that
// does not look into the body; and that nothing is sent, if the shape that says
// so looks for nothing in the request.
//
// The body is read once, at most MaxBody bytes of it, and left as [Shape.Read]
// leaves it.
func (s *Shapes) Read(r *http.Request) (Found, *Problem) {
	if why := oddPath(r.URL); why != "" {
		return Found{}, bad("the path %s", why)
	}
	rd := readers.Get().(*reader)
	defer rd.release()
	unfit := unlikeAll
	blind := false // a shape could not look into the body
	known := false // a shape is for this method and path
	for i, c := range s.cases {
		if !c.takes(r) || known && c.About == AboutNothing && !c.looksIn() {
			continue
		}
		known = true
		m, problem := c.media(r.Header)
		if problem != nil {
			return Found{}, problem
		}
		c = c.forBody(m)
		rd.forget()
		rd.used = c.slots
		switch fit, problem := c.read(rd, r, m, blind); {
		case fit == fits:
			if problem := c.tooLong(rd); problem != nil {
				return Found{}, problem
			}
			found := c.found(rd, r)
			found.Case, found.Form = i, m.isForm()
			if c.About == AboutAccount && found.Session == "" && len(found.Handles) == 0 {
				return Found{}, bad("neither a session nor a handle: %s", c.places())
			}
			return found, nil
		case fit == refused:
			return Found{}, problem
		case fit == otherType:
			blind = true
			fallthrough
		case problem != nil:
			unfit = weightier(unfit, problem)
		}
	}
	return Found{}, unfit
}

var unlikeAll = bad("the request has none of the shapes that the ruleset knows")

// weightier returns which of two reasons a caller is better told: that the
// phone is missing rather than that the type is wrong, and either rather than
// that nothing fits.
func weightier(a, b *Problem) *Problem {
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func rank(p *Problem) int {
	switch {
	case p.Code == PhoneMissing:
		return 2
	case p.Status == http.StatusUnsupportedMediaType:
		return 1
	default:
		return 0
	}
}

// fitness is what became of a case.
type fitness uint8

const (
	unlike    fitness = iota // the request has another shape
	otherType                // its body has another type
	refused                  // it can have no shape
	fits
)

// read reads r, whose body is of type m, as c has it. A case that is blind to the body does not fit where
// an earlier one could not look into it.
func (c *prepared) read(rd *reader, r *http.Request, m media, blind bool) (fitness, *Problem) {
	mismatch := m.mismatch(c.plan.format)
	if mismatch != nil && r.ContentLength != 0 {
		return otherType, mismatch // a chunked body is one, too, even if it turns out to be empty
	}
	if problem := rd.readHead(c.plan, r); problem != nil {
		return refused, problem
	}
	if !c.met(rd, false) {
		return unlike, nil
	}
	body, whole, problem := readBody(r, c.limit())
	if problem != nil {
		return refused, problem
	}
	if !whole {
		return refused, rd.tooLarge(c.plan, m, body, c.limit())
	}
	switch {
	case len(body) == 0: // nothing stands in it, whatever its type
	case blind && c.plan.format == None:
		return unlike, nil
	default:
		if problem := rd.readWhole(c.plan, m, body); problem != nil {
			return refused, problem
		}
	}
	if !c.met(rd, true) {
		return unlike, nil
	}
	if problem := c.gather(rd); problem != nil {
		return refused, problem
	}
	switch {
	case c.About == AboutPhone && !rd.has[phone]:
		return unlike, &Problem{http.StatusUnprocessableEntity, PhoneMissing, "no phone at " + c.phonePlaces()}
	case c.About == AboutEmail && !strings.Contains(rd.text[email], "@"),
		c.About != AboutPhone && rd.has[phone]:
		return unlike, nil
	}
	if problem := c.others(rd); problem != nil {
		return refused, problem
	}
	return fits, nil
}

// media reads how the body is encoded.
func (c *prepared) media(h http.Header) (media, *Problem) {
	switch {
	case !c.AnyType:
		return bodyType(h)
	case isEncoded(h):
		return media{}, unsupported("a content encoding")
	}
	return media{kind: jsonBody}, nil
}

// met reports whether the conditions hold, those on the body or the others.
func (c *prepared) met(rd *reader, body bool) bool {
	for i, slot := range c.where {
		if w := &c.Where[i]; w.Source.InBody() == body && !w.holds(rd.text[slot], rd.has[slot]) {
			return false
		}
	}
	return true
}

func (c *prepared) tooLong(rd *reader) *Problem {
	if problem := rd.tooLong(c.plan); problem != nil {
		return problem
	}
	check := func(what string, most int, texts ...int) *Problem {
		for _, slot := range texts {
			if slot != 0 && len(rd.text[slot]) > most {
				return bad("%s is longer than %d bytes", what, most)
			}
		}
		return nil
	}
	if problem := check("a region or country code", maxRegion, c.region, c.countryCode); problem != nil {
		return problem
	}
	if problem := check("a handle", MaxHandle, c.handles...); problem != nil {
		return problem
	}
	return check("a session's credential", MaxSession, c.session...)
}

// found hands out what was read.
func (c *prepared) found(rd *reader, r *http.Request) Found {
	f := Found{Values: rd.values()}
	if c.region != 0 {
		f.Region = rd.text[c.region]
	}
	if c.countryCode != 0 {
		f.CountryCode = rd.text[c.countryCode]
	}
	if step := c.segment(r); step != "" && len(step) <= MaxHandle {
		f.Handles = append(f.Handles, step)
	}
	for _, slot := range c.handles {
		if text := rd.text[slot]; text != "" {
			f.Handles = append(f.Handles, text)
		}
	}
	for i, slot := range c.session {
		if rd.has[slot] {
			if f.Session = c.Session[i].of(rd.text[slot]); f.Session != "" {
				break
			}
		}
	}
	return f
}

// places names where a session or a handle could stand.
func (c *prepared) places() string {
	var places []string
	for _, s := range c.Session {
		places = append(places, s.String())
	}
	if c.Segment > 0 {
		places = append(places, "the path")
	}
	for _, src := range c.Handles {
		places = append(places, src.String())
	}
	return strings.Join(places, ", ")
}

// Preflight reports whether r is a CORS preflight, as [Shape.Preflight] does,
// that has none of the values of any shape, and no credential.
func (s *Shapes) Preflight(r *http.Request) bool {
	if !isPreflight(r) || len(r.Header["Authorization"]) != 0 {
		return false
	}
	for _, c := range s.cases {
		if !c.plan.preflight(r) || c.form != nil && !c.form.plan.preflight(r) {
			return false
		}
	}
	return true
}
