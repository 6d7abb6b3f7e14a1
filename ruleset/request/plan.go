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

// slots is how many values can be looked for at once: the facts, and behind
// them what else a Case asks for.
const slots = 32

var (
	factWords = [facts]string{"phone", "email", "device", "proof"}
	longest   = [facts]int{MaxPhone, MaxEmail, MaxDevice, MaxProof}
)

// want is one value to be found, prepared for the parser of its Kind.
type want struct {
	fact   fact   // or a slot behind the facts
	word   string // what it is, for messages
	loose  bool   // it need not be one string: only what is asked of it counts
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

	// What only a Case can ask for. A plan of several cases lets nothing pass
	// that is spelled like a value, and tells the absence of one afterwards.
	several bool
	fold    bool // keys are matched as encoding/json does
	anyType bool // the body is JSON whatever it says it is
	repeats bool // what only a condition asks for may stand twice in a form, if it is the same

	alone      Source // in which no text but the phone may look like a number
	aloneKey   string // JSON
	aloneCanon []byte

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
	for f, src := range sources {
		if src.IsZero() {
			continue
		}
		if err := p.add(want{fact: fact(f), word: factWords[f], source: src}); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// add lets p look for w, whose fact, word and source are given.
func (p *plan) add(w want) error {
	src := w.source
	if err := w.prepare(); err != nil {
		return fmt.Errorf("%s: %s: %w", w.word, src, err)
	}
	for _, wants := range p.wants {
		for _, other := range wants {
			if why := w.conflict(other); why != "" {
				return fmt.Errorf("%s (%s) and %s (%s) contradict each other: %s", other.word, other.source, w.word, src, why)
			}
		}
	}
	p.wants[src.kind] = append(p.wants[src.kind], w)
	switch src.kind {
	case JSON, Form:
		p.format = src.kind
		p.notInQuery = append(p.notInQuery, w.queryNames()...)
	case Query:
		p.notInBody = append(p.notInBody, w.canon)
	}
	return nil
}

// prepare makes w ready for the parser of its Kind.
func (w *want) prepare() error {
	src := w.source
	w.name = src.name
	switch src.kind {
	case JSON:
		tokens, err := pointerTokens(src.name)
		if err != nil {
			return err
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
	return nil
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
