package request

import (
	"bytes"
	"unicode/utf8"
)

// maxFields bounds the fields of one form or query. Express and PHP drop what
// comes after a thousand.
const maxFields = 256

// fields takes the fields of a form or a query one by one, keeps those that
// are wanted, and refuses those that some parser could take for one.
type fields struct {
	reader *reader
	wants  []want
	others [][]byte // canonical names of values that stand elsewhere
	where  string   // "form" or "query"
	count  int

	methods bool   // a field that overrides the method is refused
	repeats bool   // what only a condition asks for may stand there twice, if it is the same
	alone   []byte // canonical name of what holds all those that are looked at
}

// take is given one field with its name and value decoded. unusual says what
// is odd about the field, if it is odd; such a field cannot be a wanted one.
func (f *fields) take(name, value []byte, unusual string) *Problem {
	if f.count++; f.count > maxFields {
		return bad("%s: more than %d fields", f.where, maxFields)
	}
	if !utf8.Valid(name) {
		return bad("%s: a name that is not UTF-8", f.where)
	}
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			return bad("%s: a control character in a name", f.where)
		}
	}
	if isPrototype(name) {
		return bad("%s: a name of a prototype", f.where)
	}
	if f.methods && overridesMethod(name) {
		return bad("%s: a field that overrides the method", f.where)
	}
	rd := f.reader
	rd.canon = canonical(rd.canon, name)
	if string(rd.canon) == "charset" && string(name) == "_charset_" {
		return bad("%s: _charset_ is not accepted", f.where)
	}
	for _, other := range f.others {
		if related(rd.canon, other) {
			return bad("%s: a field that belongs elsewhere stands here too", f.where)
		}
	}
	if len(f.alone) > 0 && related(rd.canon, f.alone) {
		if problem := f.takeAlone(value); problem != nil {
			return problem
		}
	}
	for i := range f.wants {
		w := &f.wants[i]
		if string(name) != w.name {
			if related(rd.canon, w.canon) {
				return bad("%s: a name that is spelled like that of %s and is not it", f.where, w.word)
			}
			continue
		}
		switch {
		case rd.has[w.fact] && f.repeats && w.word == condition && rd.text[w.fact] == string(value):
		case rd.has[w.fact]:
			return bad("%s: %s stands there twice", f.where, w.word)
		case unusual != "":
			return bad("%s: %s %s", f.where, w.word, unusual)
		case !utf8.Valid(value):
			return bad("%s: %s is not UTF-8", f.where, w.word)
		case bytes.IndexByte(value, 0) >= 0:
			return bad("%s: NUL in %s", f.where, w.word)
		}
		rd.has[w.fact], rd.text[w.fact] = true, string(value)
	}
	return nil
}

// scanPairs reads name=value pairs as the URL standard writes them. Refused,
// beyond broken escapes: semicolons, which some parsers take for "&"; what is
// never sent unescaped (spaces, control characters, all that is not ASCII, and
// the double quote, without which nothing is a form and JSON at once); "]=" in
// a value, where Express looks for the end of the name; NUL, and
// values that are not UTF-8.
func scanPairs[T string | []byte](f *fields, raw T) *Problem {
	for start := 0; start <= len(raw); {
		end, equals := start, -1
		for ; end < len(raw) && raw[end] != '&'; end++ {
			switch c := raw[end]; {
			case c <= ' ' || c >= 0x7f || c == '"':
				return bad("%s: a character that must be escaped", f.where)
			case c == ';':
				return bad("%s: a semicolon", f.where)
			case c == '=' && equals < 0:
				equals = end
			case c == '=' && closesBracket(raw[equals+1:end]):
				return bad("%s: a bracket and an equals sign in a value", f.where)
			}
		}
		if end > start {
			if problem := takePair(f, raw[start:end], equals-start); problem != nil {
				return problem
			}
		}
		start = end + 1
	}
	return nil
}

func closesBracket[T string | []byte](before T) bool {
	n := len(before)
	return n >= 1 && before[n-1] == ']' || n >= 3 && before[n-3] == '%' && before[n-2] == '5' && before[n-1]|0x20 == 'd'
}

// takePair decodes one pair, whose equals sign is at equals, if there is one.
func takePair[T string | []byte](f *fields, pair T, equals int) *Problem {
	name, value, unusual := pair, pair[len(pair):], "has no value"
	if equals >= 0 {
		name, value, unusual = pair[:equals], pair[equals+1:], ""
	}
	rd := f.reader
	var ok1, ok2 bool
	rd.key, ok1 = decode(rd.key[:0], name)
	rd.value, ok2 = decode(rd.value[:0], value)
	switch {
	case !ok1 || !ok2:
		return bad("%s: a broken percent escape", f.where)
	case bytes.IndexByte(rd.value, 0) >= 0:
		return bad("%s: NUL in a value", f.where)
	case !utf8.Valid(rd.value):
		return bad("%s: a value that is not UTF-8", f.where)
	}
	return f.take(rd.key, rd.value, unusual)
}

// decode appends s with its escapes undone; "+" is a space.
func decode[T string | []byte](dst []byte, s T) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '%':
			if i+2 >= len(s) {
				return dst, false
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 0 || lo < 0 {
				return dst, false
			}
			dst = append(dst, byte(hi<<4|lo))
			i += 2
		case '+':
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst, true
}
