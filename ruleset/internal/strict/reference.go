package strict

import "reflect"

// Word is one word of the language, for a table of them.
type Word struct {
	Path     string // "limits[].max", "network.lists.NAME.every"
	Type     string // "a whole number of at least 1"
	Default  string // as it would be written; empty if there is none
	Example  string
	Required bool
	Doc      string
}

// Reference lists all words that v, a struct or a pointer to one, can be
// written with, in the order of its fields. A section comes before its words.
func Reference(v any) []Word {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return referenceOf(t)
}

func referenceOf(t reflect.Type) []Word {
	var list []Word
	listWords(t, "", map[reflect.Type]bool{}, &list)
	return list
}

// listWords appends the words of the struct type t. above are the types that
// it stands in: a section within itself is listed once.
func listWords(t reflect.Type, path string, above map[reflect.Type]bool, list *[]Word) {
	if above[t] {
		return
	}
	above[t] = true
	defer delete(above, t)
	for _, f := range fieldsOf(t) {
		at := f.name
		if path != "" {
			at = path + "." + f.name
		}
		*list = append(*list, Word{at, describe(f.typ, f), f.fallback, f.example, f.required, f.doc})
		for _, inner := range sections(f.typ, at) {
			listWords(inner.typ, inner.path, above, list)
		}
	}
}

type sectionAt struct {
	typ  reflect.Type
	path string
}

// sections returns the struct types that a value of type t is made of.
func sections(t reflect.Type, path string) []sectionAt {
	p := newOf(t)
	if w, ok := p.(wrapper); ok {
		switch w.shape() {
		case named:
			path += ".NAME"
		case many, anyOr:
			path += "[]"
		}
		return sections(w.element(), path)
	}
	if a, ok := p.(Alternator); ok {
		var list []sectionAt
		for _, alternative := range a.Alternatives() {
			list = append(list, sections(reflect.TypeOf(alternative), path)...)
		}
		return list
	}
	if _, ok := p.(TextParser); ok {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return sections(t.Elem(), path)
	case reflect.Slice:
		return sections(t.Elem(), path+"[]")
	case reflect.Struct:
		return []sectionAt{{t, path}}
	}
	return nil
}
