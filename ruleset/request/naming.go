package request

import (
	"fmt"
	"strings"
)

// Naming is how an app that takes JSON and forms alike names the fields of a
// form after the places in JSON. The zero Naming is that of an app that takes no
// forms.
type Naming uint8

const (
	NoForms  Naming = iota
	Flat            // phone; nothing is within something else
	Dots            // user.phone
	Brackets        // user[phone]
)

var namingWords = [...]string{NoForms: "", Flat: "flat", Dots: "dots", Brackets: "brackets"}

// Namings are the words that operators write.
func Namings() []string { return namingWords[Flat:] }

// ParseNaming reads one of these words.
func ParseNaming(word string) (Naming, bool) {
	for n, w := range namingWords {
		if w == word {
			return Naming(n), true
		}
	}
	return NoForms, false
}

// String is the word that operators write: "dots".
func (n Naming) String() string { return namingWords[n] }

// field is the field of a form that stands for src. What does not stand in JSON
// stands where it did.
func (n Naming) field(src Source) (Source, error) {
	if src.kind != JSON {
		return src, nil
	}
	steps, err := pointerTokens(src.name)
	if err != nil {
		return Source{}, err
	}
	name := steps[0]
	for _, step := range steps[1:] {
		if n == Brackets {
			name += "[" + step + "]"
		} else {
			name += "." + step
		}
	}
	switch {
	case n == Flat && len(steps) > 1:
		err = fmt.Errorf("it lies within something, and fields of such forms do not")
	case strings.ContainsAny(strings.Join(steps, ""), ".[]"):
		err = fmt.Errorf("a step has a dot or a bracket, which would stand between steps")
	default:
		err = checkField(name)
	}
	if err != nil {
		return Source{}, fmt.Errorf("%s has no field in a form: %w", src, err)
	}
	return Source{Form, name}, nil
}

// form is c for a body that is a form.
func (c *Case) form() (*Case, error) {
	f := *c
	f.Forms = NoForms
	var err error
	inJSON, inForm := false, false
	move := func(src Source) Source {
		inJSON, inForm = inJSON || src.kind == JSON, inForm || src.kind == Form
		moved, failed := c.Forms.field(src)
		if failed != nil && err == nil {
			err = failed
		}
		return moved
	}
	for _, src := range []*Source{&f.Phone, &f.Email, &f.Device, &f.Proof, &f.Region, &f.CountryCode, &f.AloneIn} {
		*src = move(*src)
	}
	f.Where = make([]Condition, len(c.Where))
	for i, w := range c.Where {
		w.Source = move(w.Source)
		f.Where[i] = w
	}
	f.OtherPhones = make([]Source, len(c.OtherPhones))
	for i, src := range c.OtherPhones {
		f.OtherPhones[i] = move(src)
	}
	f.Handles = make([]Source, len(c.Handles))
	for i, src := range c.Handles {
		f.Handles[i] = move(src)
	}
	switch {
	case c.AnyType:
		return nil, fmt.Errorf("a form is told by its type: an app that takes every body for JSON takes no forms")
	case inForm:
		return nil, fmt.Errorf("forms: %s names the fields of a form after places in JSON: write all places as they are in JSON", c.Forms)
	case !inJSON && err == nil:
		return nil, fmt.Errorf("forms: %s names the fields of a form after places in JSON, and there are none", c.Forms)
	}
	return &f, err
}
