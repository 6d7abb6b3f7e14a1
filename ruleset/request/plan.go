package request

import (
	"fmt"
	"net/textproto"
	"strings"
)

// fact is one of the values that a Shape asks for.
type fact uint8

const (
	phone fact = iota
	email
	device
	proof
	facts // how many there are
)

var (
	factWords = [facts]string{"phone", "email", "device", "proof"}
	longest   = [facts]int{MaxPhone, MaxEmail, MaxDevice, MaxProof}
)

// want is one value to be found, prepared for the parser of its Kind.
type want struct {
	fact   fact
	source Source
	name   string   // Form, Query, Cookie: as written; Header: as net/http spells it
	canon  []byte   // the canonical name; of a pointer, of all its steps
	tokens []string // JSON: the steps
	rest   [][]byte // JSON: the canonical name from each step on
}

// plan is a Shape made ready for reading.
type plan struct {
	sources [facts]Source
	wants   [Cookie + 1][]want // by Kind
	format  Kind               // of the body: JSON, Form, or None where nothing stands in it

	// The same field in query and body is refused: each of these names is
	// canonical, and belongs to a value that stands in the other place.
	notInQuery, notInBody [][]byte
}

func (s *Shape) sources() [facts]Source {
	return [facts]Source{s.Phone, s.Email, s.Device, s.Proof}
}

// Validate refuses shapes that contradict themselves: JSON and form in one
// body, two values in one place, a value in the query whose name a value in
// the body bears too. It also prepares s for Read, which is then faster; so
// call it before s is shared.
func (s *Shape) Validate() error {
	if s.MaxBody < 0 || s.MaxBody > LargestMaxBody {
		return fmt.Errorf("max_body: between 1 and %d bytes are accepted", LargestMaxBody)
	}
	p, err := compile(s.sources())
	if err != nil {
		return err
	}
	s.prepared = p
	return nil
}

// plan is the one made by Validate, or a new one if s was not validated or has
// changed since.
func (s *Shape) plan() (*plan, error) {
	if p := s.prepared; p != nil && p.sources == s.sources() {
		return p, nil
	}
	return compile(s.sources())
}

func compile(sources [facts]Source) (*plan, error) {
	p := &plan{sources: sources}
	var all []want
	for f, src := range sources {
		if src.IsZero() {
			continue
		}
		w, err := prepare(fact(f), src)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", factWords[f], src, err)
		}
		for _, other := range all {
			if why := w.conflict(other); why != "" {
				return nil, fmt.Errorf("%s (%s) and %s (%s) contradict each other: %s", factWords[other.fact], other.source, factWords[f], src, why)
			}
		}
		all = append(all, w)
		p.wants[src.kind] = append(p.wants[src.kind], w)
		switch src.kind {
		case JSON, Form:
			p.format = src.kind
			p.notInQuery = append(p.notInQuery, w.queryNames()...)
		case Query:
			p.notInBody = append(p.notInBody, w.canon)
		}
	}
	return p, nil
}

func prepare(f fact, src Source) (want, error) {
	w := want{fact: f, source: src, name: src.name}
	switch src.kind {
	case JSON:
		tokens, err := pointerTokens(src.name)
		if err != nil {
			return want{}, err
		}
		w.tokens = tokens
		for i := range tokens {
			w.rest = append(w.rest, canonical(nil, []byte(strings.Join(tokens[i:], "."))))
		}
		w.canon = w.rest[0]
	case Header:
		w.name = textproto.CanonicalMIMEHeaderKey(src.name)
		w.canon = canonical(nil, []byte(src.name))
	default:
		w.canon = canonical(nil, []byte(src.name))
	}
	return w, nil
}

// queryNames are the names under which an app could find w's value, which
// stands in the body, in the query: the whole name, its first and its last step.
func (w *want) queryNames() [][]byte {
	whole := string(w.canon)
	names := [][]byte{w.canon}
	if first, _, nested := strings.Cut(whole, string(rune(separator))); nested {
		last := whole[strings.LastIndexByte(whole, separator)+1:]
		names = append(names, []byte(first), []byte(last))
	}
	return names
}

// conflict says why w and v cannot both be read, or nothing.
func (w *want) conflict(v want) string {
	a, b := w.source.kind, v.source.kind
	switch {
	case a == b && related(w.canon, v.canon):
		return "they are one place, or one is inside the other"
	case w.source.InBody() && v.source.InBody() && a != b:
		return "a body is either JSON or a form"
	case w.source.InBody() && b == Query:
		return queryConflict(w, &v)
	case v.source.InBody() && a == Query:
		return queryConflict(&v, w)
	}
	return ""
}

func queryConflict(body, query *want) string {
	for _, name := range body.queryNames() {
		if related(name, query.canon) {
			return "the same name in query and body is always refused"
		}
	}
	return ""
}
