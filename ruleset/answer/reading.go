package answer

import (
	"net/http"
	"strconv"
	"time"
)

// Reading follows one answer. Its zero value follows none: it is ready for
// [Reading.Begin]. It is not safe for concurrent use.
type Reading struct {
	reader *Reader
	status status
	code   int
	header header
	body   body
	found  []found // by target, once the body has been read
	read   bool    // the body is JSON, and whole
}

// header is what has been seen in the header, since it changes behind it:
// handlers add to it, and trailers come.
type header struct {
	conditions []truth // of all signs in turn, that are about the header
	handles    []string
}

// truth is what is known of a condition. In order: the greatest of several
// that would do, the least of several that have to hold.
type truth int8

const (
	no truth = iota
	unclear
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// Result is what an answer says.
type Result struct {
	Meaning Meaning
	Handles []string // those that were found, in the order of Rules.Handles; none if NotSent
}

// Begin shows the reading the status and header of an answer, at the time at,
// as they go to the client. A second final header is none.
func (g *Reading) Begin(r *Reader, code int, h http.Header, at time.Time) {
	if g.reader != nil {
		return
	}
	g.reader, g.code, g.status = r, code, r.of(code)
	if g.status.header {
		g.look(h, at)
	}
	if g.status.body {
		g.body.begin(code, h, r.max)
	}
}

// look asks all that there is to ask of the header.
func (g *Reading) look(h http.Header, at time.Time) {
	for _, signs := range g.reader.signs {
		for i := range signs {
			if !signs[i].Covers(g.code) {
				continue
			}
			for j := range signs[i].Conditions {
				if c := &signs[i].Conditions[j]; c.Source.kind != JSON {
					g.header.conditions = append(g.header.conditions, c.inHeader(h, at))
				}
			}
		}
	}
	for i := range g.reader.handles {
		s := &g.reader.handles[i]
		if s.kind == JSON {
			continue
		}
		handle := ""
		if values, clear := s.inHeader(h, at); clear && len(values) == 1 && fit(values[0]) {
			handle = values[0]
		}
		g.header.handles = append(g.header.handles, handle)
	}
}

func (c *Condition) inHeader(h http.Header, at time.Time) truth {
	values, clear := c.Source.inHeader(h, at)
	if !clear {
		return unclear
	}
	switch c.op {
	case exists:
		return truthOf(len(values) > 0)
	case absent:
		return truthOf(len(values) == 0)
	}
	for _, v := range values {
		if c.matchesText(v) {
			return yes
		}
	}
	return no
}

// Reads reports whether the body has to be shown to the reading.
func (g *Reading) Reads() bool { return g.body.wanted }

// Write shows the reading a piece of the body, as it has gone to the client.
// It keeps a copy if it has to, and never fails.
func (g *Reading) Write(p []byte) (int, error) {
	if g.body.wanted {
		g.body.keep(p)
	}
	return len(p), nil
}

// End says what the answer means, which has gone to the client in full. The
// reading is done with then.
func (g *Reading) End() Result {
	r := g.reader
	if r == nil {
		return Result{}
	}
	defer g.body.end()
	if g.status.body {
		if text, ok := g.body.text(r.max); ok && r.root != nil {
			g.found = make([]found, r.targets)
			walkJSON(text, r.root, g.found)
			g.read = true
		}
	}
	result := Result{Meaning: g.meaning()}
	if result.Meaning != NotSent {
		result.Handles = g.handles()
	}
	return result
}

func (g *Reading) meaning() Meaning {
	if !g.status.header && !g.status.body {
		return g.status.alone
	}
	var said [3]truth
	headers := g.header.conditions
	for m, signs := range g.reader.signs {
		for i := range signs {
			if signs[i].Covers(g.code) {
				var t truth
				t, headers = g.holds(&signs[i], headers)
				said[m] = max(said[m], t)
			}
		}
	}
	switch {
	case said[Unknown] != no:
		return Unknown
	case said[Sent] == yes:
		return Sent
	case said[Sent] == no && said[NotSent] == yes:
		return NotSent
	default:
		return Unknown
	}
}

// holds says whether all conditions of a sign hold. The next of what was seen
// in the header is the sign's own.
func (g *Reading) holds(s *Sign, headers []truth) (truth, []truth) {
	t := yes
	for i := range s.Conditions {
		c := &s.Conditions[i]
		switch {
		case c.Source.kind == JSON:
			t = min(t, g.inBody(c))
		case len(headers) == 0: // it was not asked, since it cannot matter
			t = min(t, unclear)
		default:
			t, headers = min(t, headers[0]), headers[1:]
		}
	}
	return t, headers
}

func (g *Reading) inBody(c *Condition) truth {
	if !g.read {
		return unclear
	}
	f := g.found[c.target]
	switch {
	case f.twice:
		return unclear
	case c.op == exists:
		return truthOf(f.there)
	case c.op == absent:
		return truthOf(!f.there)
	default:
		return truthOf(f.equal)
	}
}

// handles are all that were found.
func (g *Reading) handles() []string {
	if !g.status.header && !g.status.body {
		return nil
	}
	var all []string
	headers := g.header.handles
	for i := range g.reader.handles {
		handle := ""
		if g.reader.handles[i].kind != JSON {
			handle, headers = headers[0], headers[1:]
		} else if f := g.reader.handleAt[i]; g.read && !g.found[f].twice {
			handle = g.found[f].text
		}
		if handle != "" {
			all = append(all, handle)
		}
	}
	return all
}

// fit reports whether a text can be a handle: not empty, not long, and nothing
// in it that would not survive the way to the client and back.
func fit(text string) bool {
	if text == "" || len(text) > MaxHandle {
		return false
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

// whole reports whether a JSON number is one that all readers spell alike.
func whole(token string) bool {
	_, err := strconv.ParseInt(token, 10, 54)
	return err == nil && token != "-0"
}
