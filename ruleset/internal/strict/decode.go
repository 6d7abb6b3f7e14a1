package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// TextParser is a type that reads its own text. It is implemented with a
// pointer receiver. The error says what is wrong and what would be right,
// without a full stop: `"XX" is not a country; say US`.
//
// Text that YAML takes for a number, true or false has to be quoted, unless
// the type has a method ReadsNumbers.
type TextParser interface {
	ParseText(text string) error
}

// NumberReader marks a [TextParser] that may be written as a bare number.
type NumberReader interface {
	ReadsNumbers()
}

// Describer is a type that says how a value of it is called: "a country code
// such as US".
type Describer interface {
	Describe() string
}

// Worder is a string type whose values are the given words and no others.
type Worder interface {
	Words() []string
}

// NodeUnmarshaler is a type with a form of its own, as one that is a word or a
// section. It is implemented with a pointer receiver. It reports what is wrong
// to d, and usually leaves the rest to [Decoder.Decode].
type NodeUnmarshaler interface {
	UnmarshalNode(d *Decoder, n Node)
}

// Decoder reads nodes into Go values, for one path of the document.
type Decoder struct {
	src  *Source
	root reflect.Type
	path string // "network.lists.office", empty at the top
	rule field  // tags of the field that is being read
}

// Decode reads n into what v points to and reports whether nothing was wrong.
func (d *Decoder) Decode(n Node, v any) bool {
	return d.value(n, reflect.ValueOf(v).Elem())
}

// Errorf reports an error at pos, after the path of what is being read.
func (d *Decoder) Errorf(pos Pos, format string, args ...any) {
	d.src.Errorf(pos, "%s%s", d.prefix(), fmt.Sprintf(format, args...))
}

// Error reports an error with a hint, after the path of what is being read.
func (d *Decoder) Error(pos Pos, message, hint string) { d.errorHint(pos, message, hint) }

func (d *Decoder) errorHint(pos Pos, message, hint string) {
	d.src.Error(pos, d.prefix()+message, hint)
}

func (d *Decoder) prefix() string {
	if d.path == "" {
		return ""
	}
	return d.path + ": "
}

// in returns a decoder for the value of the word name.
func (d *Decoder) in(name string) *Decoder {
	inner := *d
	if name = clip(name); d.path == "" {
		inner.path = name
	} else {
		inner.path = d.path + "." + name
	}
	inner.rule = field{}
	return &inner
}

// wrongType reports n, unless that was done before.
func (d *Decoder) wrongType(n Node, want string) {
	switch {
	case n.refused:
	case n.Kind == Nothing:
		d.errorHint(n.Pos, "nothing is written here", "write "+want+", or leave it out")
	default:
		d.Errorf(n.Pos, "want %s, got %s", want, n.what())
	}
}

// value reads n into rv and reports whether nothing was wrong.
func (d *Decoder) value(n Node, rv reflect.Value) bool {
	if w, ok := rv.Addr().Interface().(wrapper); ok {
		return w.decode(d, n)
	}
	if n.refused {
		return false
	}
	if u, ok := rv.Addr().Interface().(NodeUnmarshaler); ok {
		before := d.src.errors
		u.UnmarshalNode(d, n)
		return d.src.errors == before
	}
	if rv.Kind() == reflect.Pointer {
		rv.Set(reflect.New(rv.Type().Elem()))
		return d.value(n, rv.Elem())
	}
	if n.Kind == Nothing {
		d.wrongType(n, describe(rv.Type(), d.rule))
		return false
	}
	if p, ok := rv.Addr().Interface().(TextParser); ok {
		return d.parsed(n, p, rv)
	}
	switch kind := rv.Kind(); {
	case kind == reflect.Struct:
		return d.section(n, rv)
	case kind == reflect.Slice:
		return d.list(n, rv)
	case kind == reflect.String:
		return d.text(n, rv)
	case kind == reflect.Bool:
		return d.bool(n, rv)
	case isInt(kind):
		return d.int(n, rv)
	case isFloat(kind):
		return d.float(n, rv)
	}
	panic(fmt.Sprintf("strict: cannot decode into %s", rv.Type()))
}

// list reads a list into a slice, which is never nil afterwards.
func (d *Decoder) list(n Node, rv reflect.Value) bool {
	rv.Set(reflect.MakeSlice(rv.Type(), 0, len(n.Items)))
	switch n.Kind {
	case List:
	case Scalar:
		if !n.refused {
			d.errorHint(n.Pos, "want a list, got "+n.what(), "put it in brackets: ["+n.written()+"]")
		}
		return false
	default:
		d.wrongType(n, describe(rv.Type(), d.rule))
		return false
	}
	ok := true
	for _, item := range n.Items {
		v := reflect.New(rv.Type().Elem()).Elem()
		if !d.value(item, v) {
			ok = false
			if _, knows := v.Addr().Interface().(wrapper); !knows && v.Kind() != reflect.Struct && v.Kind() != reflect.Pointer {
				continue // a bare value that could not be read is no value
			}
		}
		rv.Set(reflect.Append(rv, v))
	}
	d.repeated(n.Items)
	return ok
}

// repeated warns of values that a list has twice.
func (d *Decoder) repeated(items []Node) {
	first := map[string]Pos{}
	for _, item := range items {
		if item.Kind != Scalar || item.refused {
			continue
		}
		if pos, twice := first[item.Text]; twice {
			d.src.Report(Problem{
				Pos: item.Pos, Warning: true,
				Message: d.prefix() + clip(item.Text) + " is listed twice",
				Related: []Related{{Pos: pos, Message: "first listed here"}},
			})
			continue
		}
		first[item.Text] = item.Pos
	}
}

// section reads words and values into a struct.
func (d *Decoder) section(n Node, rv reflect.Value) bool {
	setAt(rv, n.at())
	if n.Kind != Section {
		if n.Kind == Scalar && strings.Contains(n.Text, ":") {
			d.errorHint(n.Pos, "want a section of words and values, got "+n.what(), `put a space after the ":"`)
		} else {
			d.wrongType(n, "a section of words and values")
		}
		return false
	}
	before := d.src.errors
	fields := fieldsOf(rv.Type())
	written := map[string]bool{}
	for _, e := range d.distinct(n) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == e.Key.Text })
		if i < 0 {
			written[d.unknown(e.Key, fields)] = true
			continue
		}
		written[e.Key.Text] = true
		inside := d.in(e.Key.Text)
		inside.rule = fields[i]
		inside.value(e.Value, rv.FieldByIndex(fields[i].index))
	}
	for _, f := range fields {
		if !f.required || written[f.name] {
			continue
		}
		hint := ""
		if f.example != "" {
			hint = fmt.Sprintf("write it, as in: %s: %s", f.name, f.example)
		}
		d.src.Error(n.at(), fmt.Sprintf("the word %q is missing%s", f.name, d.inPath()), hint)
	}
	return d.src.errors == before
}

// distinct returns the entries of n that are words, the first of each, and
// reports the others.
func (d *Decoder) distinct(n Node) []NodeEntry {
	first := map[string]Pos{}
	list := make([]NodeEntry, 0, len(n.Entries))
	for _, e := range n.Entries {
		if e.Key.refused {
			continue
		}
		if e.Key.Kind == List || e.Key.Kind == Section {
			d.Errorf(e.Key.Pos, "a word must be plain text, got %s", e.Key.what())
			continue
		}
		if pos, twice := first[e.Key.Text]; twice {
			d.src.Report(Problem{
				Pos:     e.Key.Pos,
				Message: fmt.Sprintf("%s is written twice%s", quote(e.Key.Text), d.inPath()),
				Hint:    fmt.Sprintf("the first is in line %d", pos.Line),
				Related: []Related{{Pos: pos, Message: "first written here"}},
			})
			continue
		}
		first[e.Key.Text] = e.Key.Pos
		list = append(list, e)
	}
	return list
}

// inPath says where a word stands: " in geo", or nothing at the top.
func (d *Decoder) inPath() string {
	if d.path == "" {
		return ""
	}
	return " in " + d.path
}

// unknown reports a word that a section does not have, and returns the one
// that was probably meant.
func (d *Decoder) unknown(key Node, fields []field) (meant string) {
	accepted := names(fields)
	meant = nearest(key.Text, accepted)
	var hint strings.Builder
	switch elsewhere := sectionsWith(d.root, key.Text); {
	case len(elsewhere) > 0:
		fmt.Fprintf(&hint, "it belongs in %s; accepted here: ", strings.Join(elsewhere, " or "))
	case meant != "":
		fmt.Fprintf(&hint, "did you mean %q? accepted: ", meant)
	default:
		hint.WriteString("accepted: ")
	}
	hint.WriteString(strings.Join(accepted, ", "))
	d.src.Error(key.Pos, fmt.Sprintf("unknown word %s%s", quote(key.Text), d.inPath()), hint.String())
	return meant
}
