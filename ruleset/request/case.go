package request

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// About is what a request of a Case is about.
type About uint8

const (
	// AboutPhone: the phone is in the request. Without it the Case does not fit.
	AboutPhone About = iota
	// AboutEmail: an email address is in the request, and no phone. A request
	// that has both, or neither, does not fit.
	AboutEmail
	// AboutAccount: the app knows the number, and the request does not have it.
	// It has a session or a handle instead.
	AboutAccount
	// AboutNothing: nothing is sent, and no phone is in the request.
	AboutNothing
)

var aboutWords = [...]string{AboutPhone: "phone", AboutEmail: "email", AboutAccount: "account", AboutNothing: "nothing"}

// String is the word that operators write: "account".
func (a About) String() string { return aboutWords[a] }

// Case is one of several shapes that requests for one gate may have: which
// requests have it, and where their values stand.
//
// The Shape within says where the values stand. In a Case that is not about a
// phone, its Phone is where none may stand: a request that has one there has
// another shape. If its Email is the same place, an address may stand there that
// nobody who looks for numbers in texts could take for one.
//
// An empty text at a phone's place is no phone: nobody sends to it.
type Case struct {
	Shape

	// OtherPhones are places besides Phone where the phone can stand. It may be
	// in any of them; what stands in several has to be the same, but for
	// addresses.
	OtherPhones []Source
	// AloneIn is a member at the top of JSON in which the app may find numbers at
	// places that nobody has named: no text in it but the phone may look like one.
	AloneIn Source

	About   About
	Methods []string                 // as they are sent, one of them; at least one
	Path    func(*http.Request) bool // nil takes every path
	Where   []Condition              // all of them

	// Region and CountryCode are read beside the phone, which is then a number
	// within a country: an ISO 3166 code, or a calling code with or without "+".
	Region, CountryCode Source

	// Handles name what an earlier answer handed out: a flow, a factor. Those
	// that are there are read. Segment is one more, which comes first: the
	// step of the path that is one, from 1; 0 is none.
	Handles []Source
	Segment int
	// Session is who asks: the first credential that is there, in the order in
	// which the app looks for them.
	Session []Credential

	// Fold matches the keys of JSON as Go's encoding/json does: without case,
	// the last one of several wins, and null overwrites nothing.
	Fold bool
	// AnyType takes a body for JSON whatever its type says, for apps that do.
	AnyType bool
	// Forms takes a form as well, whose fields are named after the places in
	// JSON: all that is said of those holds for the fields.
	Forms Naming
}

// Bounds of what a Case reads beside the facts, in bytes.
const (
	MaxHandle  = 512
	MaxSession = 16 << 10
	maxRegion  = 8
)

// condition is what is only asked for by a condition, in messages.
const condition = "where"

// prepared is a Case made ready for reading.
type prepared struct {
	*Case
	plan *plan
	form *prepared // the same for a form; nil if it takes none
	// Slots of what is read beside the facts.
	phones              []int // where there are several; the phone's own is among them
	region, countryCode int   // 0: not asked for
	slots               int   // how many there are of these
	where               []int
	handles             []int
	session             []int
}

// prepare makes c ready, or says what is wrong with it.
func (c *Case) prepare() (*prepared, error) {
	if len(c.Methods) == 0 {
		return nil, fmt.Errorf("no method")
	}
	if c.MaxBody < 0 || c.MaxBody > LargestMaxBody {
		return nil, fmt.Errorf("max_body: between 1 and %d bytes are accepted", LargestMaxBody)
	}
	sources := c.sources()
	if c.either() {
		sources[phone] = Source{} // what stands there is read as an address
	}
	p, err := compile(sources)
	if err != nil {
		return nil, err
	}
	p.several, p.fold, p.anyType = true, c.Fold, c.AnyType
	ready := &prepared{Case: c, plan: p}
	next := facts
	// look returns the slot of what stands at src. Two who ask for one place
	// share it; it may be something else than a string only if all agree.
	look := func(word string, src Source, loose bool) int {
		wants := p.wants[src.kind]
		if i := slices.IndexFunc(wants, func(w want) bool { return w.source == src }); i >= 0 {
			wants[i].loose = wants[i].loose && loose
			return int(wants[i].fact)
		}
		if next == slots && err == nil {
			err = fmt.Errorf("more than %d values are asked for", slots)
		}
		if err != nil {
			return 0
		}
		err = p.add(want{fact: next, word: word, loose: loose, source: src})
		next++
		return int(next - 1)
	}
	if len(c.OtherPhones) > 0 {
		for _, src := range append([]Source{c.Phone}, c.OtherPhones...) {
			ready.phones = append(ready.phones, look("phone", src, false))
		}
	}
	if err == nil {
		err = p.aloneIn(c.AloneIn)
	}
	for _, w := range c.Where {
		ready.where = append(ready.where, look(condition, w.Source, w.loose()))
	}
	if !c.Region.IsZero() {
		ready.region = look("region", c.Region, false)
	}
	if !c.CountryCode.IsZero() {
		ready.countryCode = look("country code", c.CountryCode, false)
	}
	for _, src := range c.Handles {
		ready.handles = append(ready.handles, look("handle", src, false))
	}
	for _, s := range c.Session {
		ready.session = append(ready.session, look("session", s.Source(), false))
	}
	if err != nil {
		return nil, err
	}
	ready.slots = int(next - facts)
	if c.AnyType && p.format == Form {
		return nil, fmt.Errorf("a form is told by its type: only JSON can be read whatever the type says")
	}
	if c.Forms != NoForms {
		form, err := c.form()
		if err == nil {
			ready.form, err = form.prepare() // with the same slots
		}
		if err != nil {
			return nil, err
		}
		ready.form.plan.repeats = true
	}
	return ready, c.contradiction()
}

// forBody is c for a body of that type.
func (c *prepared) forBody(m media) *prepared {
	if c.form != nil && m.isForm() {
		return c.form
	}
	return c
}

// contradiction says what makes c a shape that nothing has, or that tells
// nothing.
func (c *Case) contradiction() error {
	switch {
	case c.About == AboutPhone && c.Phone.IsZero():
		return fmt.Errorf("it is about a phone, and does not say where the phone stands")
	case c.About == AboutEmail && c.Email.IsZero():
		return fmt.Errorf("it is about an email address, and does not say where the address stands")
	case c.About == AboutEmail && c.Phone.IsZero():
		return fmt.Errorf("it is about an email address, and does not say where a phone would stand: only a request that has none there is not about a phone")
	case c.About == AboutAccount && len(c.Handles) == 0 && c.Segment == 0 && len(c.Session) == 0:
		return fmt.Errorf("it is about an account, and names neither a session nor a handle")
	case c.About != AboutPhone && !(c.Region.IsZero() && c.CountryCode.IsZero()):
		return fmt.Errorf("a country belongs to a phone, and it is not about one")
	case len(c.OtherPhones) > 0 && c.Phone.IsZero():
		return fmt.Errorf("it names other places of the phone, and no first one")
	case !c.AloneIn.IsZero() && !(c.Region.IsZero() && c.CountryCode.IsZero()):
		return fmt.Errorf("a text in %s could be a number within a country, which nobody could tell", c.AloneIn)
	case !c.Region.IsZero() && !c.CountryCode.IsZero():
		return fmt.Errorf("a region and a country code: one of them says where a number belongs")
	}
	for i, w := range c.Where {
		for _, v := range c.Where[:i] {
			if v.Source == w.Source {
				return fmt.Errorf("where speaks of %s twice", w.Source)
			}
		}
		if w.Source == c.Phone && len(c.OtherPhones) == 0 && (w.Test == Exists) != (c.About == AboutPhone) {
			return fmt.Errorf("where says of the phone's place what cannot be: %s", w)
		}
	}
	return nil
}

// either reports whether the one place that c reads can have an address or a
// phone.
func (c *Case) either() bool {
	return c.About != AboutPhone && !c.Email.IsZero() && (c.Email == c.Phone || slices.Contains(c.OtherPhones, c.Email))
}

// phonePlaces names where the phone could stand.
func (c *Case) phonePlaces() string {
	places := c.Phone.String()
	for _, src := range c.OtherPhones {
		places += " or " + src.String()
	}
	if places == "" {
		return "its place"
	}
	return places
}

// gather brings together what stands at several places of the phone. Two numbers
// in them are one too many.
func (c *prepared) gather(rd *reader) *Problem {
	if rd.text[phone] == "" {
		rd.has[phone] = false
	}
	if len(c.phones) == 0 {
		if c.either() && rd.text[email] != "" && !onlyAddress(rd.text[email]) {
			rd.has[phone] = true
		}
		return nil
	}
	number := ""
	for _, slot := range c.phones {
		switch text := rd.text[slot]; {
		case text == "", onlyAddress(text) && (c.About == AboutPhone || c.either()):
		case number != "" && text != number:
			return bad("two numbers, at %s", c.phonePlaces())
		default:
			number = text
		}
	}
	rd.text[phone], rd.has[phone] = number, number != ""
	return nil
}

// looksIn reports whether c finds out what is in the body.
func (c *Case) looksIn() bool { return len(c.Where) > 0 || !c.AloneIn.IsZero() }

// takes reports whether c is about requests of r's method and path.
func (c *Case) takes(r *http.Request) bool {
	return slices.Contains(c.Methods, r.Method) && (c.Path == nil || c.Path(r))
}

// segment returns the step of r's path that is a handle.
func (c *Case) segment(r *http.Request) string {
	if c.Segment == 0 {
		return ""
	}
	rest := strings.TrimPrefix(r.URL.Path, "/")
	for range c.Segment - 1 {
		var ok bool
		if _, rest, ok = strings.Cut(rest, "/"); !ok {
			return ""
		}
	}
	step, _, _ := strings.Cut(rest, "/")
	return step
}
