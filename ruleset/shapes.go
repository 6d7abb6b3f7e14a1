package ruleset

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/request"
)

// shapeSettings is one of several shapes that requests have.
type shapeSettings struct {
	request.Case
	name     string
	paths    []pathPattern
	sends    bool
	noProof  bool
	region   string // fixed
	spelling spellingWord
	handles  []handlePlace
	unseen   unseenWord
	verifies bool
	shows    bool
	answers  answerSettings
	pos      strict.Pos
}

// noPath matches nothing. It stands for what matches paths where a ruleset is
// only looked at.
func noPath(*http.Request) bool { return false }

// requests fills in the shapes.
func (c *compiler) requests(s *settings) {
	sections := c.doc.Requests
	if !c.doc.Request.Pos.IsZero() {
		c.src.Errorf(sections.Pos, "request and requests: one of them says what requests look like; take request out, or make it the first of requests")
		return
	}
	if sections.Bad {
		return
	}
	if len(sections.V) == 0 {
		c.src.Errorf(sections.Pos, "requests is an empty list, so that nothing could pass: add the shape of a request")
		return
	}
	names := make(map[string]int) // and their lines
	for i := range sections.V {
		section := &sections.V[i]
		shape, ok := c.shape(section)
		if _, taken := names[shape.name]; !section.Method.Set && !(taken && c.doc.Preset.Set) {
			c.noMethod(section)
		}
		if line, taken := names[shape.name]; taken && section.Name.Good() {
			c.src.Errorf(section.Name.Pos, "two shapes are called %q: the other is in line %d", shape.name, line)
		} else {
			names[shape.name] = section.Name.Pos.Line
		}
		shape.answers = s.answers
		if shape.answers.own = false; section.Answer != nil && s.answers.reader != nil {
			shape.answers = c.answers(s.answers, section.Answer)
		}
		if !ok {
			continue
		}
		if j := slices.IndexFunc(s.shapes, func(t shapeSettings) bool { return t.takesAll(&shape) }); j >= 0 {
			c.src.Errorf(section.Pos, "shape %q is never reached: shape %q (line %d) takes every request that it would", shape.name, s.shapes[j].name, s.shapes[j].pos.Line)
		} else if j := slices.IndexFunc(s.shapes, func(t shapeSettings) bool { return shape.sends && t.letsThrough(&shape) }); j >= 0 {
			c.src.Errorf(section.Pos, "shape %q (line %d) lets requests through that shape %q is for: put it behind", s.shapes[j].name, s.shapes[j].pos.Line, shape.name)
		}
		s.shapes = append(s.shapes, shape)
	}
	for i := range s.shapes {
		c.eitherInOnePlace(&s.shapes[i], s.shapes)
	}
	if regions := fixedRegions(s.shapes); len(regions) == 1 {
		s.region = regions[0] // for numbers that come without a request
	}
}

// noMethod objects to a shape without a method: a new one lacks it, and what was
// meant to change one of the preset's has another name than that.
func (c *compiler) noMethod(section *shapeSection) {
	preset := c.doc.Preset
	switch {
	case !preset.Set:
		c.src.Error(section.Pos, `the word "method" is missing in requests`, "write it, as in: method: POST")
	case preset.V.Name.Good() && section.Name.Good(): // else it may be the preset's
		known := shapeNames(readFragment(string(preset.V.Name.V)).Requests.V)
		hint := "a shape of your own needs it, as in: method: POST; shapes of the preset: " + strings.Join(known, ", ")
		if meant := strict.Nearest(string(section.Name.V), known); meant != "" {
			hint = fmt.Sprintf("did you mean %q? ", meant) + hint
		}
		c.src.Error(section.Pos, fmt.Sprintf(`preset %s has no shape %q, and the word "method" is missing`, preset.V.Name.V, section.Name.V), hint)
	}
}

// shapeNames are the names of shapes.
func shapeNames(shapes []shapeSection) []string {
	var names []string
	for _, s := range shapes {
		names = append(names, string(s.Name.V))
	}
	return names
}

// shape checks one shape and fills in what it leaves out.
func (c *compiler) shape(section *shapeSection) (shapeSettings, bool) {
	s := shapeSettings{name: string(section.Name.V), pos: section.Pos, sends: section.Sends.Or(true), spelling: section.Spelling.Or("any")}
	s.About = section.About.Or("phone").means()
	s.Email, s.Device, s.AloneIn = section.Email.V.Source, section.Device.V.Source, section.AloneIn.V.Source
	for i, place := range section.Phone.Items {
		if i == 0 {
			s.Phone = place.V.Source
		} else {
			s.OtherPhones = append(s.OtherPhones, place.V.Source)
		}
	}
	s.Fold, s.AnyType, s.Forms = section.Fold.V, section.Types.V == "any", section.Forms.V.means()
	s.MaxBody = request.DefaultMaxBody
	ok := !section.Name.Bad && !section.Method.Bad && !section.Where.Bad && !section.About.Bad && !section.Phone.Bad && !section.Email.Bad && !section.Handle.Bad && !section.Session.Bad && !section.Forms.Bad && !section.AloneIn.Bad
	fail := func(pos strict.Pos, format string, args ...any) {
		c.shapeErrorf(section, pos, format, args...)
		ok = false
	}
	for _, m := range section.Method.Items {
		s.Methods = append(s.Methods, string(m.V))
	}
	if len(s.Methods) == 0 && !section.Method.Bad && section.Method.Set {
		fail(section.Method.Pos, "method is an empty list, so that nothing could pass")
	}
	for _, w := range section.Where.Items {
		s.Where = append(s.Where, w.V.Condition)
	}
	for _, credential := range section.Session.Items {
		s.Session = append(s.Session, credential.V.Credential)
	}
	ok = c.paths(section, &s) && ok
	ok = c.handles(section, &s) && ok
	if section.MaxBody.Good() {
		if s.MaxBody = int64(section.MaxBody.V); s.MaxBody < 64 || s.MaxBody > request.LargestMaxBody {
			fail(section.MaxBody.Pos, "a body of %s is not possible: use 64B to 16MiB", section.MaxBody.V)
		}
	}
	s.region, s.Region, s.CountryCode = section.Region.V.fixed, section.Region.V.place, section.CountryCode.V.Source
	isAbout := s.About == request.AboutPhone
	if section.Sends.Set && !isAbout {
		fail(section.Sends.Pos, "sends is for shapes that are about a phone: one that says about: %s %s", s.About, map[bool]string{true: "sends", false: "sends nothing"}[s.About == request.AboutAccount])
	}
	for _, word := range []struct {
		name string
		pos  strict.Pos
		set  bool
	}{{"region", section.Region.Pos, section.Region.Set}, {"country_code", section.CountryCode.Pos, section.CountryCode.Set}, {"spelling", section.Spelling.Pos, section.Spelling.Set}} {
		if word.set && !isAbout {
			fail(word.pos, "%s says how to read a number, and the shape says about: %s", word.name, s.About)
		}
	}
	switch {
	case s.About == request.AboutNothing && len(s.paths) == 0 && !section.Path.Bad:
		fail(section.About.Pos, "about: nothing needs a path: without one, requests that send could have this shape")
	case !isAbout:
	case !s.AloneIn.IsZero() && s.region != "":
		fail(section.AloneIn.Pos, "a text in %s could be a number of %s without its country code, which nobody could tell: take region or alone_in out", s.AloneIn, s.region)
	case section.Region.Set && section.CountryCode.Set:
		fail(section.CountryCode.Pos, "region and country_code: one of them says where a number belongs")
	case s.spelling != "any" && (s.region != "" || !s.Region.IsZero() || !s.CountryCode.IsZero()):
		fail(section.Spelling.Pos, "spelling: %s has the country code in every number, so that no region says where it belongs: take one of them out", s.spelling)
	}
	s.unseen, s.verifies, s.shows = section.Unseen.Or("allow"), section.Verifies.V, section.Shows.V
	switch {
	case section.Unseen.Set && (s.About != request.AboutAccount || !section.Handle.Set):
		fail(section.Unseen.Pos, "unseen is about handles that stand in the place of a number: it needs about: account, and handle")
	case s.shows && (s.About != request.AboutNothing || !section.Handle.Set || section.Answer == nil):
		fail(section.Shows.Pos, "shows needs about: nothing, handle, and an answer that tells what is sent: the app's other answers say it of other requests")
	case s.verifies && !(s.sends && section.Handle.Set && (isAbout || s.About == request.AboutAccount)):
		fail(section.Verifies.Pos, "verifies needs handle, by which it is known that a code was sent, and a shape that sends otherwise")
	}
	s.sends = s.sends && (isAbout || s.About == request.AboutAccount)
	s.noProof = section.Proof.V.none
	s.Proof = section.Proof.V.Source
	if !section.Proof.Set && s.sends && c.asksForProof() {
		s.Proof = defaultProof(s.Phone)
		if !isAbout {
			s.Proof = defaultProof(request.Source{})
		}
	}
	if s.noProof && !c.asksForProof() && section.Proof.Pos != c.doc.Preset.V.Name.Pos {
		c.src.Warnf(section.Proof.Pos, "proof: none has no effect: human.require is never")
	}
	if !ok || section.Path.Bad || !section.Method.Set || !section.Name.Set {
		return s, false
	}
	_, err := request.NewShapes([]request.Case{s.Case})
	if err != nil {
		fail(section.Pos, "shape %q: %v", s.name, errors.Unwrap(err))
	}
	return s, ok
}

// shapeErrorf objects to a word of a shape. Where that is the preset's, what goes
// against it is in the ruleset's own part of the shape.
func (c *compiler) shapeErrorf(section *shapeSection, pos strict.Pos, format string, args ...any) {
	if pos == c.doc.Preset.V.Name.Pos && pos != section.Pos {
		c.src.Errorf(section.Pos, "shape %q, with what the preset says: %s", section.Name.V, fmt.Sprintf(format, args...))
		return
	}
	c.src.Errorf(pos, format, args...)
}

// eitherInOnePlace objects to a place that has addresses or numbers, where
// numbers are read with a region: then some domains are numbers, too.
func (c *compiler) eitherInOnePlace(s *shapeSettings, all []shapeSettings) {
	if s.About == request.AboutPhone || s.Email.IsZero() || !slices.Contains(s.phones(), s.Email) || len(s.Where) > 0 {
		return
	}
	for _, t := range all {
		if t.About == request.AboutPhone && slices.Contains(t.phones(), s.Email) && (t.region != "" || !t.Region.IsZero() || !t.CountryCode.IsZero()) {
			c.src.Errorf(s.pos, "shape %q looks for addresses where shape %q reads numbers that need not have a country code, so that some could be either: tell them apart with where", s.name, t.name)
			return
		}
	}
}

// phones are all the places where a phone can stand.
func (s *shapeSettings) phones() []request.Source {
	if s.Phone.IsZero() {
		return nil
	}
	return append([]request.Source{s.Phone}, s.OtherPhones...)
}

// paths gives s its patterns, and what matches them.
func (c *compiler) paths(section *shapeSection, s *shapeSettings) bool {
	if !section.Path.Set || section.Path.Bad {
		return true
	}
	if len(section.Path.Items) == 0 {
		c.src.Errorf(section.Path.Pos, "path is an empty list, so that nothing could pass: say which, or leave path out")
		return false
	}
	var matchers []func(*http.Request) bool
	for _, p := range section.Path.Items {
		s.paths = append(s.paths, p.V)
		match, err := noPath, error(nil)
		switch {
		case c.wiring.MatchPath != nil:
			match, err = c.wiring.MatchPath(string(p.V))
		case !c.wiring.Unwired:
			err = errors.New("nothing here matches paths")
		}
		if err != nil {
			c.src.Errorf(p.Pos, "path %s: %v", p.V, err)
			return false
		}
		matchers = append(matchers, match)
	}
	s.Path = matchers[0]
	if len(matchers) > 1 {
		s.Path = func(r *http.Request) bool {
			return slices.ContainsFunc(matchers, func(match func(*http.Request) bool) bool { return match(r) })
		}
	}
	return true
}

// handles gives s its handles.
func (c *compiler) handles(section *shapeSection, s *shapeSettings) bool {
	for _, h := range section.Handle.Items {
		s.handles = append(s.handles, h.V)
		if !h.V.path {
			s.Handles = append(s.Handles, h.V.Source)
			continue
		}
		for i, p := range s.paths {
			step := p.star()
			if step == 0 || i > 0 && step != s.Segment {
				c.shapeErrorf(section, h.Pos, "handle: %s: %s has no one star between slashes that it could be, as in /factors/*/challenge", pathHandle, p)
				return false
			}
			s.Segment = step
		}
		if len(s.paths) == 0 && !section.Path.Bad {
			c.shapeErrorf(section, h.Pos, "handle: %s needs a path with a star between slashes, as in /factors/*/challenge", pathHandle)
			return false
		}
	}
	return true
}

// takesAll reports whether every request that t would take is taken by s, which
// is asked before. It can miss some.
func (s *shapeSettings) takesAll(t *shapeSettings) bool {
	for _, m := range t.Methods {
		if !slices.Contains(s.Methods, m) {
			return false
		}
	}
	for _, p := range t.paths {
		if len(s.paths) > 0 && !slices.Contains(s.paths, p) && !s.matches(p) {
			return false
		}
	}
	if len(s.Where) > 0 || !s.AloneIn.IsZero() || len(t.paths) == 0 && len(s.paths) > 0 {
		return false
	}
	if s.About == t.About && slices.Equal(s.phones(), t.phones()) && s.Email == t.Email && s.AnyType == t.AnyType && (s.Forms == t.Forms || t.Forms == request.NoForms) {
		return true
	}
	return (s.About == request.AboutAccount || s.About == request.AboutNothing) && s.Phone.IsZero()
}

// letsThrough reports whether s, which is asked before t and sends nothing,
// takes requests of a method and path that t is for, whatever is in them.
func (s *shapeSettings) letsThrough(t *shapeSettings) bool {
	return s.About == request.AboutNothing && len(s.Where) == 0 && s.AloneIn.IsZero() &&
		slices.ContainsFunc(t.Methods, func(m string) bool { return slices.Contains(s.Methods, m) }) &&
		(len(t.paths) == 0 || slices.ContainsFunc(t.paths, func(p pathPattern) bool { return slices.Contains(s.paths, p) || s.matches(p) }))
}

// matches reports whether s takes what a pattern of paths stands for, with
// something that nobody names in the place of its stars.
func (s *shapeSettings) matches(p pathPattern) bool {
	path := strings.ReplaceAll(string(p), "*", "whatever~else")
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}
	return s.Path(r)
}

// namesRegion reports whether a shape names a region, be it a bad one.
func namesRegion(s *shapeSection) bool { return s.Region.Bad || s.Region.V.fixed != "" }

// fixedRegions are the regions that shapes name, each once.
func fixedRegions(shapes []shapeSettings) []string {
	var regions []string
	for _, s := range shapes {
		if s.region != "" && !slices.Contains(regions, s.region) {
			regions = append(regions, s.region)
		}
	}
	return regions
}

// says reports whether request, or one of requests, says something.
func (c *compiler) says(what func(*shapeSection) bool, request bool) bool {
	return request || slices.ContainsFunc(c.doc.Requests.V, func(s shapeSection) bool { return what(&s) })
}

func (c *compiler) hasEmail() bool {
	return c.says(func(s *shapeSection) bool { return s.Email.Set }, c.doc.Request.Email.Set)
}

// hasSession reports whether a session, or the handle that stands for one, is
// ever known.
func (c *compiler) hasSession() bool {
	return c.says(func(s *shapeSection) bool { return s.Session.Set || s.Handle.Set }, false)
}

// keeps reports whether a shape has a note kept for a session each time, and no
// send counted.
func (c *compiler) keeps() bool {
	return c.says(func(s *shapeSection) bool {
		return !s.Sends.Or(true) && s.Session.Set && s.Answer != nil && s.Answer.Handle.Set
	}, false)
}

// remarksOnShapes warns about what is allowed, but seldom meant.
func (c *compiler) remarksOnShapes(s *settings) {
	own := slices.ContainsFunc(s.limits, func(l limit) bool {
		return !l.shadow && counts[l.count] != counts["wrong_codes"] && l.forSessions()
	})
	for _, shape := range s.shapes {
		if shape.About == request.AboutAccount && !own {
			c.src.Warnf(shape.pos, "shape %q is about an account, and no limit counts for one: add {per: session, max: 5, in: 24h}", shape.name)
			return
		}
	}
}
