package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Alternator is a [NodeUnmarshaler] that says which types its forms have, by a
// zero value of each, for the schema and the reference.
type Alternator interface {
	Alternatives() []any
}

// Patterner is a [TextParser] that gives the form of its text as a regular
// expression that ECMAScript and RE2 understand alike. It may be wider than
// what the parser accepts.
type Patterner interface {
	SchemaPattern() string
}

// Schema returns the JSON Schema (2020-12) of the documents that can be
// decoded into v, a struct or a pointer to one. The same types give the same
// bytes. A default that is not a value, but words about one, goes into the
// description. It fails if an example could not be written.
func Schema(v any, title string) ([]byte, error) {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	g := generator{names: map[reflect.Type]string{}}
	root := g.section(t)
	if g.err != nil {
		return nil, g.err
	}
	root.Dialect, root.Title = "https://json-schema.org/draft/2020-12/schema", title
	root.Defs = g.defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("writing schema: %w", err)
	}
	return b.Bytes(), nil
}

// schema is the part of JSON Schema that we use, in the order it is written.
type schema struct {
	Dialect     string     `json:"$schema,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Ref         string     `json:"$ref,omitempty"`
	Type        any        `json:"type,omitempty"` // a string or several
	Const       string     `json:"const,omitempty"`
	Enum        []string   `json:"enum,omitempty"`
	MinLength   int        `json:"minLength,omitempty"`
	Pattern     string     `json:"pattern,omitempty"`
	Minimum     literal    `json:"minimum,omitempty"`
	Maximum     literal    `json:"maximum,omitempty"`
	AnyOf       []*schema  `json:"anyOf,omitempty"`
	Items       *schema    `json:"items,omitempty"`
	Properties  properties `json:"properties,omitempty"`
	Additional  any        `json:"additionalProperties,omitempty"` // false or a schema
	Required    []string   `json:"required,omitempty"`
	Default     literal    `json:"default,omitempty"`
	Examples    []literal  `json:"examples,omitempty"`
	Defs        properties `json:"$defs,omitempty"`
}

// freeText reports whether s accepts any text.
func (s *schema) freeText() bool {
	return s.Type == "string" && s.Enum == nil && s.Pattern == ""
}

// literal is JSON as it is to be written.
type literal = json.RawMessage

// properties are an object whose words keep their order.
type properties []property

type property struct {
	name   string
	schema *schema
}

func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, q := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		var value bytes.Buffer
		enc := json.NewEncoder(&value)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(q.schema); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", jsonString(q.name), value.Bytes())
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// generator makes the schema of one document.
type generator struct {
	names map[reflect.Type]string // of the sections in defs
	defs  properties
	err   error // the first
}

// section describes a struct type in full.
func (g *generator) section(t reflect.Type) *schema {
	s := &schema{Type: "object", Additional: false}
	for _, f := range fieldsOf(t) {
		p := g.typ(f.typ, f)
		p.Description = f.doc
		if b := f.bounds(); b != "" && p.Minimum == nil && p.Maximum == nil {
			p.Description = strings.TrimSpace(p.Description + " A value" + b + ".")
		}
		if f.fallback != "" {
			value, err := literalOf(f, "default", f.fallback)
			if err != nil || p.freeText() && strings.Contains(f.fallback, " ") { // told in words: "the file's name up to its first dot"
				p.Description = strings.TrimSpace(p.Description + " Default: " + f.fallback + ".")
				value = nil
			}
			p.Default = value
		}
		if f.example != "" {
			value, err := literalOf(f, "example", f.example)
			if err != nil && g.err == nil {
				g.err = err
			}
			p.Examples = []literal{value}
		}
		s.Properties = append(s.Properties, property{f.name, p})
		if f.required {
			s.Required = append(s.Required, f.name)
		}
	}
	return s
}

// typ describes a value of type t, whose field has the tags of f.
func (g *generator) typ(t reflect.Type, f field) *schema {
	p := newOf(t)
	if w, ok := p.(wrapper); ok {
		element := g.typ(w.element(), f)
		switch w.shape() {
		case many:
			return &schema{AnyOf: []*schema{element, {Type: "array", Items: element}}}
		case anyOr:
			return &schema{AnyOf: []*schema{{Const: "any"}, element, {Type: "array", Items: element}}}
		case named:
			return &schema{Type: "object", Additional: element}
		}
		return element
	}
	if a, ok := p.(Alternator); ok {
		s := &schema{}
		for _, alternative := range a.Alternatives() {
			s.AnyOf = append(s.AnyOf, g.typ(reflect.TypeOf(alternative), f))
		}
		return s
	}
	if words, ok := wordsOf(t); ok {
		return &schema{Type: "string", Enum: words}
	}
	if parser, ok := p.(TextParser); ok {
		s := &schema{Type: "string"}
		if parser.ParseText("") != nil { // it means something in prefix: ""
			s.MinLength = 1
		}
		if _, ok := p.(NumberReader); ok {
			s.Type = []string{"string", "number"}
		}
		if form, ok := p.(Patterner); ok {
			s.Pattern = form.SchemaPattern()
		}
		return s
	}
	switch kind := t.Kind(); {
	case kind == reflect.Pointer:
		return g.typ(t.Elem(), f)
	case kind == reflect.Slice:
		return &schema{Type: "array", Items: g.typ(t.Elem(), f)}
	case kind == reflect.Struct:
		return &schema{Ref: "#/$defs/" + g.define(t)}
	case kind == reflect.String:
		return &schema{Type: "string", MinLength: 1}
	case kind == reflect.Bool:
		return &schema{Type: "boolean"}
	case isInt(kind):
		return &schema{Type: "integer", Minimum: literal(f.min), Maximum: literal(f.max)}
	case isFloat(kind):
		return &schema{Type: "number", Minimum: literal(f.min), Maximum: literal(f.max)}
	}
	panic(fmt.Sprintf("strict: no schema for %s", t))
}

// define puts the schema of a section into the definitions and returns its name.
func (g *generator) define(t reflect.Type) string {
	if name, ok := g.names[t]; ok {
		return name
	}
	base := t.Name()
	if base == "" {
		base = "section"
	}
	base = strings.ToLower(base[:1]) + base[1:]
	name := base
	for n := 2; g.taken(name); n++ {
		name = base + strconv.Itoa(n)
	}
	g.names[t] = name
	at := len(g.defs)
	g.defs = append(g.defs, property{name: name})
	g.defs[at].schema = g.section(t)
	return name
}

func (g *generator) taken(name string) bool {
	for _, p := range g.defs {
		if p.name == name {
			return true
		}
	}
	return false
}

// literalOf turns the text of a tag into JSON, if it could be written in a file.
func literalOf(f field, tag, text string) (literal, error) {
	src := NewSource(tag, []byte(f.name+": "+text))
	if root, ok := src.tree(); ok && len(root.Entries) == 1 {
		n := root.Entries[0].Value
		d := &Decoder{src: src, path: f.name, rule: f, root: atType}
		if d.value(n, reflect.New(f.typ).Elem()) {
			return jsonOf(n, f.typ), nil
		}
	}
	return nil, fmt.Errorf("%s of %q cannot be written: %w", tag, f.name, src.Problems())
}

// jsonOf writes n, which was decoded into type t, as JSON.
func jsonOf(n Node, t reflect.Type) literal {
	p := newOf(t)
	if w, ok := p.(wrapper); ok {
		if n.Kind != List || w.shape() == one {
			return jsonOf(n, w.element())
		}
		t = reflect.SliceOf(w.element())
	}
	var b bytes.Buffer
	switch n.Kind {
	case List:
		element := t
		if t.Kind() == reflect.Slice {
			element = t.Elem()
		}
		b.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(jsonOf(item, element))
		}
		b.WriteByte(']')
	case Section:
		b.WriteByte('{')
		for i, e := range n.Entries {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%s:%s", jsonString(e.Key.Text), jsonOf(e.Value, wordType(t, e.Key.Text)))
		}
		b.WriteByte('}')
	default:
		if n.Quoted || plainType(n.Text) == plainString || !bare(t) {
			return jsonString(n.Text)
		}
		return literal(n.Text)
	}
	return b.Bytes()
}

// wordType returns the type that a word of a section of type t has.
func wordType(t reflect.Type, word string) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if w, ok := newOf(t).(wrapper); ok {
		return w.element()
	}
	if t.Kind() == reflect.Struct {
		for _, f := range fieldsOf(t) {
			if f.name == word {
				return f.typ
			}
		}
	}
	return t
}

// bare reports whether a value of type t may be a number, true or false.
func bare(t reflect.Type) bool {
	p := newOf(t)
	if _, ok := p.(TextParser); ok {
		_, ok := p.(NumberReader)
		return ok
	}
	return t.Kind() != reflect.String
}

func jsonString(s string) literal {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be marshaled
	}
	return text
}
