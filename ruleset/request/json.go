package request

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep objects and arrays nest.
const maxDepth = 64

// scanner reads a JSON body (RFC 8259) in one pass and keeps the strings at
// the wanted pointers.
//
// Malformed is what any strict parser refuses, and beyond that: a byte order
// mark, lone surrogates in escapes, deep nesting.
//
// Ambiguous is what parsers read differently: a key twice in any object, a key
// on the way to a wanted value that is spelled like the next step and is not
// it (see related), a wanted value that is not one string, a parent that is
// not an object, NUL in a key or a wanted value, __proto__ anywhere and
// constructor or prototype on the way. NUL is let alone in all other strings:
// nothing is made of them here, and the app gets them as they are.
//
// Where the phone is not there at all, that is told rather than an ambiguity.
//
// A plan that folds reads keys as Go's encoding/json does into a struct of
// strings: case is nothing, the last of several spellings wins, and null leaves
// what is there. That goes for the values alone; all else stands twice in vain.
type scanner struct {
	reader *reader
	plan   *plan
	body   []byte
	pos    int

	ambiguous string       // the first ambiguity
	misspelt  mask         // of slots: a key that is spelled like a step
	entered   [slots]uint8 // how many steps on the way to a value have been taken, where keys fold
	keys      []key        // of all objects that are open, innermost last
	scratch   []byte       // unescaped keys

	aloneStart, aloneEnd int // of what lies in the plan's alone; 0: it is not there
}

// mask holds one bit for each wanted pointer, or for each slot.
type mask uint32

// fault says why a body is malformed; "" if it is not.
type fault = string

const endsEarly fault = "it ends too early"

func (s *scanner) reset(rd *reader, p *plan, body []byte) {
	s.reader, s.plan, s.body, s.pos = rd, p, body, 0
	s.ambiguous, s.misspelt = "", 0
	s.keys, s.scratch = s.keys[:0], s.scratch[:0]
	s.aloneStart, s.aloneEnd = 0, 0
	if p.fold {
		s.entered = [slots]uint8{}
	}
}

// read reads a whole body.
func (s *scanner) read(rd *reader, p *plan, body []byte) *Problem {
	s.reset(rd, p, body)
	f := fault("")
	if !utf8.Valid(body) {
		f = "it is not UTF-8"
	} else if f = s.document(); f == "" && s.pos != len(body) {
		f = "something follows the value"
	}
	if f != "" {
		return bad("JSON: %s (byte %d)", f, s.pos)
	}
	if s.aloneEnd > 0 {
		s.numbersAlone()
	}
	return s.judge()
}

// judge decides on a body that is well-formed.
func (s *scanner) judge() *Problem {
	rd, wants := s.reader, s.plan.wants[JSON]
	if s.plan.several {
		return s.judgeStrictly()
	}
	var others bool // something else than the phone was found
	for i := range wants {
		others = others || wants[i].fact != phone && rd.has[wants[i].fact]
	}
	phoneIsHere := s.plan.sources[phone].kind == JSON
	if phoneIsHere && !rd.has[phone] && !(others && s.misspelt&(1<<phone) != 0) {
		return missing(s.plan)
	}
	return s.judgeStrictly()
}

// judgeStrictly refuses whatever is ambiguous.
func (s *scanner) judgeStrictly() *Problem {
	if s.ambiguous != "" {
		return bad("JSON: %s", s.ambiguous)
	}
	if s.misspelt == 0 {
		return nil
	}
	for _, w := range s.plan.wants[JSON] {
		if s.misspelt&(1<<w.fact) != 0 {
			return bad("JSON: a key is spelled like a step of %s and is not it", w.source)
		}
	}
	return nil
}

// readBegin reads the beginning of a body, and finds only what no end could mend.
func (s *scanner) readBegin(rd *reader, p *plan, begin []byte) *Problem {
	s.reset(rd, p, begin)
	if f := s.document(); f != "" && f != endsEarly {
		return bad("JSON: %s (byte %d)", f, s.pos)
	} else if f == "" && s.pos != len(begin) {
		return bad("JSON: something follows the value (byte %d)", s.pos)
	}
	return nil
}

func (s *scanner) document() fault {
	if bytes.HasPrefix(s.body, []byte("\xef\xbb\xbf")) {
		return "it begins with a byte order mark"
	}
	s.space()
	all := mask(1)<<len(s.plan.wants[JSON]) - 1
	if all != 0 && s.peek() != '{' {
		s.ambiguity("the body is not an object")
	}
	if f := s.value(all, 0, 0); f != "" {
		return f
	}
	s.space()
	return ""
}

func (s *scanner) ambiguity(what string) {
	if s.ambiguous == "" {
		s.ambiguous = what
	}
}

// member reads the value of the key k, in an object that lies on the way to
// the pointers in way.
func (s *scanner) member(k []byte, way mask, step, depth int) fault {
	if depth > 1 || s.plan.aloneKey == "" || !s.entersAlone(k) {
		return s.plainMember(k, way, step, depth)
	}
	start := s.pos
	f := s.plainMember(k, way, step, depth)
	s.aloneStart, s.aloneEnd = start, s.pos
	return f
}

func (s *scanner) plainMember(k []byte, way mask, step, depth int) fault {
	for i := range s.plan.wants[JSON] {
		w := &s.plan.wants[JSON][i]
		if way&(1<<i) != 0 && step == len(w.tokens)-1 && s.named(k, w.tokens[step]) {
			if s.plan.fold {
				s.keys = s.keys[:len(s.keys)-1] // it may stand there twice
			}
			return s.wanted(w, depth) // and it is related to no other value: Validate saw to that
		}
	}
	switch {
	case s.keys[len(s.keys)-1].unescaped && bytes.IndexByte(k, 0) >= 0: // sent as it is, it is malformed
		s.ambiguity("NUL in a key")
	case string(k) == "__proto__", way != 0 && isPrototype(k):
		s.ambiguity("a key names a prototype")
	case s.plan.several && depth == 1 && overridesMethod(k):
		s.ambiguity("a key overrides the method")
	}
	others := s.plan.notInBody
	if depth > 1 {
		others = nil
	}
	if way == 0 && len(others) == 0 {
		return s.value(0, 0, depth)
	}
	canon := canonical(s.reader.canon, k)
	s.reader.canon = canon
	for _, name := range others {
		if related(canon, name) {
			s.ambiguity("a field of the query stands in the body too")
		}
	}
	var next mask
	for i := range s.plan.wants[JSON] {
		w := &s.plan.wants[JSON][i]
		switch {
		case way&(1<<i) == 0:
		case !s.named(k, w.tokens[step]):
			if related(canon, w.rest[step]) {
				s.misspelt |= 1 << w.fact
			}
		default:
			next |= 1 << i
			if s.plan.fold {
				if int(s.entered[w.fact]) > step {
					s.ambiguity("a key stands twice in one object")
				}
				s.entered[w.fact] = uint8(step + 1)
			}
		}
	}
	if c := s.peek(); next != 0 && c != '{' && c != 'n' {
		s.ambiguity("something on the way to a value is not an object")
	}
	return s.value(next, step+1, depth)
}

// named reports whether k is the step of a pointer.
func (s *scanner) named(k []byte, step string) bool {
	return string(k) == step || s.plan.fold && foldsTo(k, step)
}

// foldsTo reports whether encoding/json takes k for step.
func foldsTo(k []byte, step string) bool { return strings.EqualFold(string(k), step) }

// wanted reads the value of w.
func (s *scanner) wanted(w *want, depth int) fault {
	switch c := s.peek(); {
	case c == '"':
	case c == 'n' && s.plan.fold:
		return s.literal("null")
	case w.loose && c != 'n':
		return s.loose(w, depth)
	default:
		s.reader.has[w.fact] = true
		s.ambiguity(w.word + " is not one string")
		return s.value(0, 0, depth)
	}
	s.reader.has[w.fact] = true
	start, end, escaped, f := s.str()
	if f != "" {
		return f
	}
	text := s.body[start:end]
	if escaped {
		text = unescape(s.reader.value[:0], text)
		s.reader.value = text
		if bytes.IndexByte(text, 0) >= 0 { // sent as it is, it is malformed
			s.ambiguity("NUL in " + w.word)
		}
	}
	s.reader.text[w.fact] = string(text)
	return ""
}

// loose reads a value of w that is no string: true and false are kept as they
// are written, of all else only that it is there.
func (s *scanner) loose(w *want, depth int) fault {
	c, start := s.peek(), s.pos
	s.reader.has[w.fact], s.reader.text[w.fact] = true, ""
	f := s.value(0, 0, depth)
	if f == "" && (c == 't' || c == 'f') {
		s.reader.text[w.fact] = string(s.body[start:s.pos])
	}
	return f
}
