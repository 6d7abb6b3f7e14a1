package request

import (
	"net/http"
	"sync"
)

// reader is the state of one Read. It is used again for other requests:
// nothing that outlives Read may point into it.
type reader struct {
	text [slots]string
	has  [slots]bool
	used int // of the slots, beyond the facts

	numbers []string // that stand where none but the phone may

	canon []byte // the canonical name of the key at hand
	key   []byte // the decoded key at hand
	value []byte // the decoded value at hand
	json  scanner
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// retained bounds the scratch memory that a reader keeps between requests.
const retained = 64 << 10

// forget drops what has been found.
func (rd *reader) forget() {
	clear(rd.text[:int(facts)+rd.used])
	clear(rd.has[:int(facts)+rd.used])
	rd.used = 0
	clear(rd.numbers)
	rd.numbers = rd.numbers[:0]
}

func (rd *reader) release() {
	rd.forget()
	rd.json.body, rd.json.plan, rd.json.reader = nil, nil, nil
	if cap(rd.key)+cap(rd.value)+cap(rd.json.scratch)+cap(rd.json.keys)*16 <= retained {
		readers.Put(rd)
	}
}

// Read finds the values of s in r, or says why r is refused. It reads the body
// once and at most MaxBody bytes of it, and in every case leaves r.Body such
// that who reads it next gets what was sent, from the first byte on: also when
// the body was too large, and when reading it failed (the error is then met at
// the same place). Read may be called again, with this or another Shape.
//
// A body that was read whole is no longer chunked: r.ContentLength is set,
// r.TransferEncoding is cleared, and trailers are dropped, since servers that
// fold them into the header would show the app a field that nobody judged.
// r.GetBody is not set: with it, a caller's Idempotency-Key header would let
// http.Transport send one judged request to the app twice.
//
// Every method is read alike: a GET's body is judged too. Preflights are the
// caller's to let through; see Preflight.
func (s *Shape) Read(r *http.Request) (Values, *Problem) {
	p, err := s.plan()
	if err != nil {
		return Values{}, bad("the gate's own settings: %v", err)
	}
	rd := readers.Get().(*reader)
	defer rd.release()
	if problem := rd.read(p, r, s.limit()); problem != nil {
		return Values{}, problem
	}
	if problem := rd.tooLong(p); problem != nil {
		return Values{}, problem
	}
	if !rd.has[phone] && !p.sources[phone].IsZero() {
		return Values{}, missing(p)
	}
	return rd.values(), nil
}

func (rd *reader) tooLong(p *plan) *Problem {
	for f, text := range rd.text[:facts] {
		if len(text) > longest[f] {
			return bad("%s (%s) is longer than %d bytes", factWords[f], p.sources[f], longest[f])
		}
	}
	return nil
}

func (rd *reader) values() Values {
	return Values{
		Phone: rd.text[phone], HasPhone: rd.has[phone],
		Email: rd.text[email], HasEmail: rd.has[email],
		Device: rd.text[device], HasDevice: rd.has[device],
		Proof: rd.text[proof], HasProof: rd.has[proof],
	}
}

func missing(p *plan) *Problem {
	return &Problem{http.StatusUnprocessableEntity, PhoneMissing, "no phone at " + p.sources[phone].String()}
}

func (rd *reader) read(p *plan, r *http.Request, limit int64) *Problem {
	m, problem := bodyType(r.Header)
	if problem == nil {
		problem = m.mismatch(p.format)
	}
	if problem != nil {
		return problem
	}
	if problem := rd.readHead(p, r); problem != nil {
		return problem
	}
	body, whole, problem := readBody(r, limit)
	if problem != nil {
		return problem
	}
	if !whole {
		return rd.tooLarge(p, m, body, limit)
	}
	if len(body) == 0 && p.format == None {
		return nil
	}
	return rd.readWhole(p, m, body)
}

// readHead finds the values that stand before the body.
func (rd *reader) readHead(p *plan, r *http.Request) *Problem {
	if problem := rd.readHeaders(p, r.Header); problem != nil {
		return problem
	}
	if r.URL.RawQuery == "" {
		return nil
	}
	f := fields{reader: rd, wants: p.wants[Query], others: p.notInQuery, where: "query", methods: p.several}
	return scanPairs(&f, r.URL.RawQuery)
}

// readWhole finds the values in a body that has been read to its end.
func (rd *reader) readWhole(p *plan, m media, body []byte) *Problem {
	switch m.kind {
	case jsonBody:
		return rd.json.read(rd, p, body)
	case urlencodedBody:
		f := rd.form(p)
		return scanPairs(&f, body)
	case multipartBody:
		f := rd.form(p)
		return scanMultipart(&f, body, m.boundary)
	case untypedBody:
		return unsupported("a body without a content type")
	default:
		return checkOther(m, body)
	}
}

func (rd *reader) form(p *plan) fields {
	f := fields{reader: rd, wants: p.wants[Form], others: p.notInBody, where: "form", methods: p.several, repeats: p.repeats}
	if p.alone.kind == Form {
		f.alone = p.aloneCanon
	}
	return f
}

// tooLarge refuses a body of which only the beginning was read. JSON that
// cannot become well-formed any more is malformed rather than large.
func (rd *reader) tooLarge(p *plan, m media, begin []byte, limit int64) *Problem {
	if m.kind == jsonBody {
		if problem := rd.json.readBegin(rd, p, begin); problem != nil {
			return problem
		}
	}
	return &Problem{http.StatusRequestEntityTooLarge, BadRequest, largerThan(limit)}
}
