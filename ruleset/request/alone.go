package request

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An app may find numbers by a schema of its own, in members whose names the
// ruleset does not know. Where a Case says in what such members lie, all texts in
// there are looked at: one that looks like a number, and is not the phone that is
// judged, refuses the request.

// aloneIn lets p look at all that lies within src.
func (p *plan) aloneIn(src Source) error {
	switch {
	case src.IsZero():
		return nil
	case !src.InBody():
		return fmt.Errorf("%s cannot have other texts in it: name a member of JSON", src)
	case src.kind == JSON && strings.Count(src.name, "/") > 1:
		return fmt.Errorf("%s does not stand at the top: name the member that it lies in", src)
	case p.format != None && p.format != src.kind:
		return fmt.Errorf("%s: a body is either JSON or a form", src)
	}
	w := want{source: src}
	if err := w.prepare(); err != nil {
		return fmt.Errorf("%s: %w", src, err)
	}
	p.format, p.alone, p.aloneCanon = src.kind, src, w.canon
	if src.kind == JSON {
		p.aloneKey = w.tokens[0]
	}
	p.notInQuery = append(p.notInQuery, w.canon)
	return nil
}

// entersAlone is asked of each key at the top of JSON. It reports whether what
// follows is to be looked at.
func (s *scanner) entersAlone(k []byte) bool {
	if !s.named(k, s.plan.aloneKey) {
		s.reader.canon = canonical(s.reader.canon, k)
		if related(s.reader.canon, s.plan.aloneCanon) {
			s.ambiguity("a key is spelled like " + s.plan.alone.String() + ", or like something within, and is not it")
		}
		return false
	}
	switch c := s.peek(); {
	case s.aloneEnd > 0:
		s.ambiguity("a key stands twice in one object")
	case c != '{' && c != 'n':
		s.ambiguity(s.plan.alone.String() + " is not an object")
	}
	return true
}

// numbersAlone keeps the texts that look like numbers in a piece of JSON, which
// is well-formed. Keys are texts, too.
func (s *scanner) numbersAlone() {
	piece := s.body[s.aloneStart:s.aloneEnd]
	for {
		start := bytes.IndexByte(piece, '"') + 1
		if start == 0 {
			return
		}
		end, escaped := start, false
		for ; piece[end] != '"'; end++ {
			if piece[end] == '\\' {
				escaped = true
				end++
			}
		}
		text := piece[start:end]
		if escaped {
			s.reader.value = unescape(s.reader.value[:0], text)
			text = s.reader.value
		}
		s.reader.keepNumber(string(text))
		piece = piece[end+1:]
	}
}

// takeAlone looks at a field of a form, whose canonical name is at hand.
func (f *fields) takeAlone(value []byte) *Problem {
	if bytes.Equal(f.reader.canon, f.alone) {
		return bad("%s: what holds other fields stands there as one", f.where)
	}
	f.reader.keepNumber(string(value))
	return nil
}

// keepNumber keeps a text that looks like a number, or like JSON in which one
// could be hidden by escapes.
func (rd *reader) keepNumber(text string) {
	if looksLikeNumber(text) && !onlyAddress(text) || looksLikeJSON(text) && strings.Contains(text, `\`) {
		rd.numbers = append(rd.numbers, text)
	}
}

func looksLikeJSON(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n")
	return s != "" && strings.IndexByte(`{["`, s[0]) >= 0
}

// looksLikeNumber reports whether a parser of international phone numbers could
// find one in s: there is a plus, and three digits of whatever script follow
// before any letter. An x is none, nor are letters that are not Latin: such parsers
// take them for punctuation. A number within the context of another one (RFC 3966)
// is told by the word.
func looksLikeNumber(s string) bool {
	digits := -1
	for _, r := range s {
		switch {
		case strings.ContainsRune("+＋﹢⁺₊", r):
			digits = 0
		case digits < 0:
		case unicode.IsDigit(r):
			if digits++; digits == 3 {
				return true
			}
		case r < utf8.RuneSelf && isLetter(byte(r)) && r|0x20 != 'x':
			digits = -1
		}
	}
	return strings.Contains(strings.ToLower(s), "phone-context")
}

// others refuses a number beside the phone, or beside none.
func (c *prepared) others(rd *reader) *Problem {
	for _, text := range rd.numbers {
		switch {
		case c.About != AboutPhone:
			return bad("a number stands within %s, and not at %s", c.plan.alone, c.phonePlaces())
		case text != rd.text[phone]:
			return bad("another number stands within %s beside the one at %s", c.plan.alone, c.phonePlaces())
		}
	}
	return nil
}
