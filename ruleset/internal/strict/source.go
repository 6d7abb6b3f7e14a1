package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Bounds of what is read and of what is reported.
const (
	maxBytes    = 1 << 20
	maxDepth    = 64
	maxWords    = 5000 // the YAML library takes quadratic time and a deep stack for many
	maxProblems = 200
)

// Source is one file with the problems found in it so far. It is not safe for
// concurrent use.
type Source struct {
	name     string
	text     string
	lines    []string
	problems Problems
	errors   int
	dropped  int
}

// NewSource returns a source for the file of that name. The name is only shown.
func NewSource(name string, text []byte) *Source {
	s := &Source{name: name, text: strings.TrimPrefix(string(text), "\ufeff")}
	if len(s.text) <= maxBytes {
		s.lines = strings.Split(s.text, "\n")
		for i, line := range s.lines {
			s.lines[i] = strings.TrimSuffix(line, "\r")
		}
	}
	return s
}

// Name returns the name of the file.
func (s *Source) Name() string { return s.name }

// Decode fills v, a pointer to a struct, with the document and reports whether
// there was nothing wrong with it. Where something was, v holds what could be
// read nevertheless, so that later passes can look for more.
//
// It panics if the type of v cannot be decoded into: that is a mistake in the
// program, not in the file.
func (s *Source) Decode(v any) bool {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Pointer || rv.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("strict: Decode into %T, want a pointer to a struct", v))
	}
	before := s.errors
	if root, ok := s.tree(); ok {
		d := &Decoder{src: s, root: rv.Elem().Type()}
		d.section(root, rv.Elem())
	}
	return s.errors == before
}

// Errorf reports an error at pos.
func (s *Source) Errorf(pos Pos, format string, args ...any) {
	s.Report(Problem{Pos: pos, Message: fmt.Sprintf(format, args...)})
}

// Error reports an error at pos, with a hint at what would be right.
func (s *Source) Error(pos Pos, message, hint string) {
	s.Report(Problem{Pos: pos, Message: message, Hint: hint})
}

// Warnf reports at pos what is allowed, but hardly meant.
func (s *Source) Warnf(pos Pos, format string, args ...any) {
	s.Report(Problem{Pos: pos, Warning: true, Message: fmt.Sprintf(format, args...)})
}

// Warn is Warnf with a hint at what would be better.
func (s *Source) Warn(pos Pos, message, hint string) {
	s.Report(Problem{Pos: pos, Warning: true, Message: message, Hint: hint})
}

// Report adds p, and fills in its file and the excerpts of its places. After
// 200 problems the rest is only counted.
func (s *Source) Report(p Problem) {
	if !p.Warning {
		s.errors++
	}
	p.File = s.name
	p.Message, p.Hint = oneLine(p.Message), oneLine(p.Hint)
	p.Excerpt = s.excerpt(p.Pos)
	p.Related = slices.Clone(p.Related)
	for i := range p.Related {
		p.Related[i].Message = oneLine(p.Related[i].Message)
		p.Related[i].Excerpt = s.excerpt(p.Related[i].Pos)
	}
	if slices.ContainsFunc(s.problems, p.same) {
		return
	}
	if len(s.problems) >= maxProblems {
		s.dropped++
		return
	}
	s.problems = append(s.problems, p)
}

// same reports whether q says nothing that p does not.
func (p Problem) same(q Problem) bool {
	return p.Pos == q.Pos && p.Warning == q.Warning && p.Message == q.Message && p.Hint == q.Hint
}

func (s *Source) excerpt(pos Pos) Excerpt {
	if pos.Line < 1 || pos.Line > len(s.lines) || pos.Column < 1 {
		return Excerpt{}
	}
	return excerpt(s.lines[pos.Line-1], pos.Column)
}

// HasErrors reports whether anything worse than a warning was reported.
func (s *Source) HasErrors() bool { return s.errors > 0 }

// Problems returns what was reported so far, in the order of the file. What
// has no place comes first.
func (s *Source) Problems() Problems {
	all := slices.Clone(s.problems)
	slices.SortStableFunc(all, func(a, b Problem) int { return a.Pos.compare(b.Pos) })
	if s.dropped > 0 {
		all = append(all, Problem{
			File:    s.name,
			Message: fmt.Sprintf("%d more problems are not shown", s.dropped),
		})
	}
	return all
}

// oneLine keeps a message on one line, whatever was quoted in it.
func oneLine(s string) string {
	return printable(strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ").Replace(s))
}
