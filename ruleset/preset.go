package ruleset

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/preset"
	"github.com/otpgate/otpgate/ruleset/request"
)

// fragment is a preset as it is written. Its paths lack the prefix.
type fragment struct {
	strict.At
	Experimental strict.Value[bool]           `yaml:"experimental"`
	Prefix       strict.Value[pathPrefix]     `yaml:"prefix" required:"true"`
	Phone        strict.Value[source]         `yaml:"phone"` // the place that is the operator's to name
	Deny         strict.Many[pathPattern]     `yaml:"deny"`
	Requests     strict.Value[[]shapeSection] `yaml:"requests" required:"true"`
	Verify       strict.Many[verifyRoute]     `yaml:"verify"`
	Answer       *answerSection               `yaml:"answer" required:"true"`
}

// presetChoice is a preset and what is different of it: a word, or a section.
type presetChoice struct{ presetSection }

// UnmarshalNode implements [strict.NodeUnmarshaler].
func (p *presetChoice) UnmarshalNode(d *strict.Decoder, n strict.Node) {
	if n.Kind == strict.Section {
		d.Decode(n, &p.presetSection)
	} else {
		d.Decode(n, &p.Name)
	}
}

// Alternatives implements [strict.Alternator].
func (presetChoice) Alternatives() []any { return []any{presetName(""), presetSection{}} }

type presetName string

func (presetName) Words() []string { return preset.Names() }

// pathPrefix is what stands before all paths of an app; empty, or a path that
// does not end with a slash.
type pathPrefix string

func (p *pathPrefix) ParseText(s string) error {
	var path pathPattern
	switch {
	case s == "":
	case path.ParseText(s) != nil || strings.HasSuffix(s, "/") || strings.Contains(s, "*"):
		return fmt.Errorf(`%q is not the beginning of a path: write it as /auth/v1, without a star and a slash at the end, or "" for none`, s)
	}
	*p = pathPrefix(s)
	return nil
}

func (pathPrefix) Describe() string { return "the beginning of a path such as /auth/v1" }

func (pathPrefix) SchemaPattern() string { return `^(/[^{}\[\]?\\%#; *]*[^{}\[\]?\\%#; */])?$` }

// verifyRoute is where an app takes codes: "POST /verify".
type verifyRoute struct {
	method methodWord
	path   pathPattern
}

func (v *verifyRoute) ParseText(s string) error {
	method, path, _ := strings.Cut(s, " ")
	v.method = methodWord(method)
	return v.path.ParseText(path)
}

// presetSettings is what is known of a preset besides its shapes.
type presetSettings struct {
	name   string
	prefix pathPrefix
	deny   []pathPattern
	denies []func(*http.Request) bool // what matches them
	verify []verifyRoute
}

// preset puts what a preset says into the document, as if it stood there where
// the preset is named, and what the document says besides over it.
func (c *compiler) preset(s *settings) {
	choice := c.doc.Preset
	if !choice.V.Name.Good() {
		return
	}
	name := string(choice.V.Name.V)
	if c.doc.Request != nil {
		c.src.Errorf(c.doc.Request.Pos, "preset and request: the preset says what requests look like; take request out, or write what differs into requests")
		return
	}
	pos := choice.V.Name.Pos
	f := readFragment(name)
	prefix := f.Prefix.V
	if choice.V.Prefix.Good() {
		prefix = choice.V.Prefix.V
	}
	s.preset = &presetSettings{name: name, prefix: prefix}
	for _, p := range f.Deny.Values() {
		p = pathPattern(prefix) + p
		s.preset.deny = append(s.preset.deny, p)
		if c.wiring.MatchPath == nil { // as the shapes have to say, too
			continue
		}
		match, err := c.wiring.MatchPath(string(p))
		if err != nil {
			c.src.Errorf(pos, "path %s: %v", p, err)
			return
		}
		s.preset.denies = append(s.preset.denies, match)
	}
	for _, v := range f.Verify.Values() {
		s.preset.verify = append(s.preset.verify, verifyRoute{v.method, pathPattern(prefix) + v.path})
	}
	switch at := choice.V.Phone; {
	case !at.Good():
	case !f.Phone.Set:
		c.src.Errorf(at.Pos, "preset.phone: the preset %s knows where the number stands in each request; take phone out", name)
	case at.V.Kind() != f.Phone.V.Kind():
		c.src.Errorf(at.Pos, "preset.phone: %s is not possible: %s has the number in %s, so write it as in %s", at.V, name, f.Phone.V.Kind(), f.Phone.V)
		return
	}
	standAt(reflect.ValueOf(f).Elem(), pos)
	for i := range f.Requests.V {
		shape := &f.Requests.V[i]
		for j := range shape.Path.Items {
			shape.Path.Items[j].V = pathPattern(prefix) + shape.Path.Items[j].V
		}
		if choice.V.Phone.Good() && f.Phone.Set {
			shape.rename(f.Phone.V, choice.V.Phone.V)
		}
		if choice.V.Proof.Good() {
			shape.prove(choice.V.Proof)
		}
	}
	c.doc.Requests = overlaid(f.Requests, c.doc.Requests)
	if over := c.doc.Answer; over != nil {
		overlay(f.Answer, over)
	}
	c.doc.Answer = f.Answer
	if f.Experimental.V {
		c.src.Warnf(pos, "preset %s is experimental: it was made from the server's source, and has not been tried on the server", name)
	}
}

// readFragment reads a preset. The tests do so with each, so that nothing can be
// wrong with it.
func readFragment(name string) *fragment {
	text, _ := preset.Text(name)
	src := strict.NewSource("preset "+name, text)
	f := new(fragment)
	if !src.Decode(f) {
		panic(src.Problems().Error())
	}
	return f
}

// prove puts the proof into another place, if the shape asks for one and can
// have it there: a body is JSON or a form.
func (s *shapeSection) prove(at strict.Value[source]) {
	sends := s.About.Or("phone") == "phone" && s.Sends.Or(true) || s.About.V == "account"
	if !sends || s.Proof.V.none {
		return
	}
	kind := at.V.Kind()
	kinds := []request.Kind{s.Proof.V.Kind()}
	for _, phone := range s.Phone.Items {
		kinds = append(kinds, phone.V.Kind())
	}
	for _, body := range kinds {
		if at.V.InBody() && (body == request.JSON || body == request.Form) && body != kind {
			return
		}
	}
	s.Proof = strict.Value[proofPlace]{V: proofPlace{Source: at.V.Source}, Pos: at.Pos, Set: true}
}

// rename puts the number into another place.
func (s *shapeSection) rename(from, to source) {
	for i := range s.Phone.Items {
		if s.Phone.Items[i].V == from {
			s.Phone.Items[i].V = to
		}
	}
	for i := range s.Where.Items {
		if s.Where.Items[i].V.Source == from.Source {
			s.Where.Items[i].V.Source = to.Source
		}
	}
}

// overlaid is a list of shapes with what another one says of those of the same
// name, and then with those that only the other one has.
func overlaid(under, over strict.Value[[]shapeSection]) strict.Value[[]shapeSection] {
	under.Bad = over.Bad
	own, done := len(under.V), make(map[int]bool)
	for i := range over.V {
		shape := &over.V[i]
		j := slices.IndexFunc(under.V[:own], func(s shapeSection) bool { return s.Name.V == shape.Name.V })
		if j < 0 || done[j] { // a name that is written twice is objected to later
			under.V = append(under.V, *shape)
			continue
		}
		done[j] = true
		answer := under.V[j].Answer
		overlay(&under.V[j], shape)
		if answer != nil && shape.Answer != nil {
			overlay(answer, shape.Answer)
			under.V[j].Answer = answer
		}
		under.V[j].Pos = shape.Pos
	}
	return under
}

// overlay puts each word that is written in the section over into under.
func overlay[T any](under, over *T) {
	from, to := reflect.ValueOf(over).Elem(), reflect.ValueOf(under).Elem()
	for i := range from.NumField() {
		switch field := from.Field(i); field.Kind() {
		case reflect.Pointer:
			if !field.IsNil() {
				to.Field(i).Set(field)
			}
		case reflect.Struct:
			if set := field.FieldByName("Set"); set.IsValid() && set.Bool() {
				to.Field(i).Set(field)
			}
		}
	}
}

var posType = reflect.TypeFor[strict.Pos]()

// standAt says of all that is written in v that it stands at pos.
func standAt(v reflect.Value, pos strict.Pos) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			standAt(v.Elem(), pos)
		}
	case reflect.Slice:
		for i := range v.Len() {
			standAt(v.Index(i), pos)
		}
	case reflect.Struct:
		if v.Type() == posType {
			if v.CanSet() && !v.IsZero() {
				v.Set(reflect.ValueOf(pos))
			}
			return
		}
		for i := range v.NumField() {
			standAt(v.Field(i), pos)
		}
	}
}
