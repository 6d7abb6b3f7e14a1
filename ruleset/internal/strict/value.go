package strict

import "reflect"

// Value is a value and where it was written. The zero Value was not written.
type Value[T any] struct {
	V   T
	Pos Pos
	Set bool // written in the file
	Bad bool // written, but refused and reported: V is not to be judged further
}

// Or returns the value, or fallback if none was written or it was refused.
func (v Value[T]) Or(fallback T) T {
	if v.Good() {
		return v.V
	}
	return fallback
}

// Good reports whether a value was written and could be read.
func (v Value[T]) Good() bool { return v.Set && !v.Bad }

func (v *Value[T]) decode(d *Decoder, n Node) bool {
	v.Pos, v.Set = n.Pos, true
	v.Bad = !d.value(n, reflect.ValueOf(&v.V).Elem())
	return !v.Bad
}

func (*Value[T]) element() reflect.Type { return reflect.TypeFor[T]() }
func (*Value[T]) shape() shape          { return one }

// Many is one value or a list of them: `per: phone`, `per: [email, phone]`.
// An empty list is Set with no Items.
type Many[T any] struct {
	Items []Value[T]
	Pos   Pos
	Set   bool
	Bad   bool // some of it was refused; Items has the others
}

// Values returns the values that could be read.
func (m Many[T]) Values() []T { return good(m.Items) }

func (m *Many[T]) decode(d *Decoder, n Node) bool {
	m.Pos, m.Set = n.Pos, true
	if n.Kind == Nothing {
		d.wrongType(n, describe(reflect.TypeOf(*m), d.rule))
		m.Bad = true
		return false
	}
	var ok bool
	m.Items, ok = items[T](d, n)
	m.Bad = !ok
	return ok
}

func (*Many[T]) element() reflect.Type { return reflect.TypeFor[T]() }
func (*Many[T]) shape() shape          { return many }

// AnyOr is one value, a list of them, or the word `any`: `countries: any`,
// `countries: US`, `countries: [US, CA]`. An empty list is Set with no Items:
// none at all.
type AnyOr[T any] struct {
	Any   bool
	Items []Value[T]
	Pos   Pos
	Set   bool
	Bad   bool // some of it was refused; Items has the others
}

// Values returns the values that could be read.
func (a AnyOr[T]) Values() []T { return good(a.Items) }

func (a *AnyOr[T]) decode(d *Decoder, n Node) bool {
	a.Pos, a.Set = n.Pos, true
	if n.Kind == Nothing {
		d.wrongType(n, describe(reflect.TypeOf(*a), d.rule))
		a.Bad = true
		return false
	}
	if n.isAny() {
		a.Any = true
		return true
	}
	ok := true
	var others []Node
	for _, item := range n.Items {
		if item.isAny() {
			d.errorHint(item.Pos, `"any" cannot stand in a list`, "write it alone, without brackets: any")
			ok = false
			continue
		}
		others = append(others, item)
	}
	n.Items = others
	var fine bool
	a.Items, fine = items[T](d, n)
	a.Bad = !ok || !fine
	return !a.Bad
}

func (n Node) isAny() bool { return n.Kind == Scalar && n.Text == "any" }

func (*AnyOr[T]) element() reflect.Type { return reflect.TypeFor[T]() }
func (*AnyOr[T]) shape() shape          { return anyOr }

// Map is a section whose words the operator chooses, in the order of the file.
type Map[T any] struct {
	Entries []Entry[T]
	Pos     Pos
	Set     bool
}

// Entry is one word of a [Map] and its value.
type Entry[T any] struct {
	Key   Value[string]
	Value T
}

// Get returns the value of the word key.
func (m Map[T]) Get(key string) (T, bool) {
	for _, e := range m.Entries {
		if e.Key.V == key {
			return e.Value, true
		}
	}
	var none T
	return none, false
}

func (m *Map[T]) decode(d *Decoder, n Node) bool {
	m.Pos, m.Set = n.Pos, true
	if n.Kind != Section {
		d.wrongType(n, "a section of names and values")
		return false
	}
	ok := true
	for _, e := range d.distinct(n) {
		inside := d.in(e.Key.Text)
		key := Value[string]{V: e.Key.Text, Pos: e.Key.Pos, Set: true}
		if !inside.textKey(e.Key) {
			ok, key.Bad = false, true
		}
		entry := Entry[T]{Key: key}
		if !inside.value(e.Value, reflect.ValueOf(&entry.Value).Elem()) {
			ok = false
		}
		m.Entries = append(m.Entries, entry)
	}
	return ok
}

func (*Map[T]) element() reflect.Type { return reflect.TypeFor[T]() }
func (*Map[T]) shape() shape          { return named }

// At is embedded by a struct that wants to know where it was written: at its
// word if it is the value of one, else at its first character.
type At struct {
	Pos Pos
}

// wrapper is one of the types above.
type wrapper interface {
	decode(d *Decoder, n Node) bool
	element() reflect.Type
	shape() shape
}

// shape is how a wrapper repeats its element.
type shape uint8

const (
	one shape = iota
	many
	anyOr
	named
)

// items reads a list, or a single value as a list of one.
func items[T any](d *Decoder, n Node) ([]Value[T], bool) {
	nodes := n.Items
	if n.Kind != List {
		nodes = []Node{n}
	}
	ok := true
	list := make([]Value[T], 0, len(nodes))
	for _, node := range nodes {
		var v Value[T]
		if v.decode(d, node) {
			list = append(list, v)
		} else {
			ok = false
		}
	}
	d.repeated(nodes)
	return list, ok
}

func good[T any](items []Value[T]) []T {
	values := make([]T, 0, len(items))
	for _, item := range items {
		values = append(values, item.V)
	}
	return values
}
