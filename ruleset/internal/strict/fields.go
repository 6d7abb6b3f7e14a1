package strict

import (
	"fmt"
	"reflect"
	"strings"
)

// field is one word of a section, as its struct field and tags describe it.
type field struct {
	name     string
	doc      string
	fallback string
	example  string
	min, max string
	required bool
	index    []int
	typ      reflect.Type
}

var atType = reflect.TypeFor[At]()

// fieldsOf lists the words of a struct type in the order of its fields.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name := sf.Tag.Get("yaml")
		switch {
		case sf.Type == atType || name == "-":
			continue
		case name == "" && sf.Anonymous && sf.Type.Kind() == reflect.Struct:
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				list = append(list, f)
			}
			continue
		case name == "":
			continue
		case !sf.IsExported() || strings.ContainsAny(name, ", "):
			panic(fmt.Sprintf("strict: field %s.%s: want an exported field and a tag that is only a word", t, sf.Name))
		}
		list = append(list, field{
			name: name, doc: sf.Tag.Get("doc"),
			fallback: sf.Tag.Get("default"), example: sf.Tag.Get("example"),
			min: sf.Tag.Get("min"), max: sf.Tag.Get("max"),
			required: sf.Tag.Get("required") == "true",
			index:    []int{i}, typ: sf.Type,
		})
	}
	return list
}

func names(fields []field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.name
	}
	return list
}

// setAt fills the [At] that the struct, or one read in its place, embeds.
func setAt(rv reflect.Value, pos Pos) {
	for i := range rv.NumField() {
		sf := rv.Type().Field(i)
		switch {
		case !sf.Anonymous || sf.Tag.Get("yaml") != "":
		case sf.Type == atType:
			rv.Field(i).Set(reflect.ValueOf(At{Pos: pos}))
		case sf.Type.Kind() == reflect.Struct:
			setAt(rv.Field(i), pos)
		}
	}
}

// newOf returns a new T behind a pointer, to ask it for its methods.
func newOf(t reflect.Type) any { return reflect.New(t).Interface() }

// wordsOf returns the words of an enumeration.
func wordsOf(t reflect.Type) ([]string, bool) {
	if t.Kind() != reflect.String {
		return nil, false
	}
	w, ok := newOf(t).(Worder)
	if !ok {
		return nil, false
	}
	return w.Words(), true
}

// describe says what a value of type t looks like, as in "want a list of …".
func describe(t reflect.Type, f field) string {
	p := newOf(t)
	if w, ok := p.(wrapper); ok {
		element := w.element()
		switch w.shape() {
		case many:
			return describe(element, f) + ", or a list of such"
		case anyOr:
			return "any, " + describe(element, f) + ", or a list of such"
		case named:
			return "a section of names and values"
		}
		return describe(element, f)
	}
	if d, ok := p.(Describer); ok {
		if f.bounds() == "" {
			return d.Describe()
		}
		kind, _, _ := strings.Cut(d.Describe(), " such as")
		return kind + f.bounds()
	}
	if a, ok := p.(Alternator); ok {
		var forms []string
		for _, alternative := range a.Alternatives() {
			forms = append(forms, describe(reflect.TypeOf(alternative), f))
		}
		return strings.Join(forms, ", or ")
	}
	if words, ok := wordsOf(t); ok {
		return "one of " + strings.Join(words, ", ")
	}
	if _, ok := p.(NumberReader); ok {
		return "a number or text"
	}
	if _, ok := p.(TextParser); ok {
		return "text"
	}
	switch kind := t.Kind(); {
	case (isInt(kind) || isFloat(kind)) && f.min != "" && f.min == f.max:
		return "the number " + f.min
	case kind == reflect.Pointer:
		return describe(t.Elem(), f)
	case kind == reflect.Struct:
		return "a section of words and values"
	case kind == reflect.Slice:
		return "a list, each entry " + describe(t.Elem(), f)
	case kind == reflect.Bool:
		return "true or false"
	case isInt(kind):
		return "a whole number" + f.bounds()
	case isFloat(kind):
		return "a number" + f.bounds()
	}
	return "text"
}

// bounds describes min and max, ready to be put after a noun.
func (f field) bounds() string {
	switch {
	case f.min != "" && f.max != "":
		return " from " + f.min + " to " + f.max
	case f.min != "":
		return " of at least " + f.min
	case f.max != "":
		return " of at most " + f.max
	}
	return ""
}

func isInt(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Uint64
}

func isFloat(k reflect.Kind) bool {
	return k == reflect.Float32 || k == reflect.Float64
}
