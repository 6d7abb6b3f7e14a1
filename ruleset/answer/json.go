package answer

import (
	"bytes"
	"encoding/json"
)

// node is one step on the way to values.
type node struct {
	members  []member
	elements *node // any element of an array
	targets  []target
}

type member struct {
	name string
	node *node
}

// target is who asks for a value: a condition or a handle.
type target struct {
	index     int
	condition *Condition // nil: a handle
}

// found is what was found for a target.
type found struct {
	there bool // and it is not null
	equal bool // to one of the condition's values
	twice bool // a name on the way is in its object twice
	text  string
}

func (n *node) add(steps []string, t target) {
	if len(steps) == 0 {
		n.targets = append(n.targets, t)
		return
	}
	var next *node
	if steps[0] == "*" {
		if n.elements == nil {
			n.elements = new(node)
		}
		next = n.elements
	} else if i := n.find([]byte(steps[0])); i >= 0 {
		next = n.members[i].node
	} else {
		next = new(node)
		n.members = append(n.members, member{steps[0], next})
	}
	next.add(steps[1:], t)
}

func (n *node) find(name []byte) int {
	for i := range n.members {
		if n.members[i].name == string(name) {
			return i
		}
	}
	return -1
}

// repeated marks all that lies behind n as being there twice.
func (n *node) repeated(all []found) {
	for _, t := range n.targets {
		all[t.index].twice = true
	}
	for _, m := range n.members {
		m.node.repeated(all)
	}
	if n.elements != nil {
		n.elements.repeated(all)
	}
}

// walkJSON finds all values behind root in a text that is known to be JSON.
func walkJSON(text []byte, root *node, all []found) {
	w := walker{text: text, found: all}
	w.value(root)
}

type walker struct {
	text  []byte
	pos   int
	found []found
}

// next is the first byte of what follows, behind spaces.
func (w *walker) next() byte {
	for {
		switch c := w.text[w.pos]; c {
		case ' ', '\t', '\r', '\n':
			w.pos++
		default:
			return c
		}
	}
}

// value goes through one value. Nothing is asked of what is behind a nil node.
func (w *walker) value(n *node) {
	c := w.next()
	start := w.pos
	switch {
	case n == nil:
		w.skip()
		return
	case c == '{' && len(n.members) > 0:
		w.object(n)
	case c == '[' && n.elements != nil:
		w.array(n.elements)
	default:
		w.skip()
	}
	for _, t := range n.targets {
		w.meet(t, w.text[start:w.pos])
	}
}

func (w *walker) object(n *node) {
	var seen uint64
	w.pos++
	for w.next() != '}' {
		name := unquote(w.quoted())
		i := n.find(name)
		w.next()
		w.pos++ // the colon
		switch {
		case i < 0:
			w.value(nil)
		case seen&(1<<i) != 0:
			n.members[i].node.repeated(w.found)
			w.value(nil)
		default:
			seen |= 1 << i
			w.value(n.members[i].node)
		}
		if w.next() == ',' {
			w.pos++
		}
	}
	w.pos++
}

func (w *walker) array(elements *node) {
	w.pos++
	for w.next() != ']' {
		w.value(elements)
		if w.next() == ',' {
			w.pos++
		}
	}
	w.pos++
}

// skip goes behind a value.
func (w *walker) skip() {
	for depth := 0; ; {
		switch w.next() {
		case '"':
			w.quoted()
		case '{', '[':
			depth++
			w.pos++
		case '}', ']':
			depth--
			w.pos++
		case ',', ':':
			w.pos++
		default:
			for w.pos < len(w.text) && bytes.IndexByte([]byte(" \t\r\n,:]}"), w.text[w.pos]) < 0 {
				w.pos++
			}
		}
		if depth == 0 {
			return
		}
	}
}

// quoted goes behind a string and returns it as it is written, and whether
// there are escapes in it.
func (w *walker) quoted() (raw []byte, escaped bool) {
	start := w.pos
	w.pos++
	for {
		switch w.text[w.pos] {
		case '\\':
			escaped = true
			w.pos += 2
		case '"':
			w.pos++
			return w.text[start:w.pos], escaped
		default:
			w.pos++
		}
	}
}

// unquote is what a string says that is written as raw.
func unquote(raw []byte, escaped bool) []byte {
	if !escaped {
		return raw[1 : len(raw)-1]
	}
	var s string
	json.Unmarshal(raw, &s) // which is known to be a string
	return []byte(s)
}

// meet notes a value that somebody asks for.
func (w *walker) meet(t target, raw []byte) {
	f := &w.found[t.index]
	switch raw[0] {
	case 'n': // null is nothing
		return
	case '"':
		s := string(unquote(raw, bytes.IndexByte(raw, '\\') >= 0))
		if t.condition != nil {
			f.equal = f.equal || t.condition.matchesText(s)
		} else if fit(s) {
			f.text = s
		}
	case '{', '[':
	default:
		if t.condition != nil {
			f.equal = f.equal || t.condition.matchesToken(string(raw))
		} else if whole(string(raw)) {
			f.text = string(raw)
		}
	}
	f.there = true
}
