package strict

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Pos is a place in a file. The zero Pos is unknown.
type Pos struct {
	Line   int // from 1
	Column int // from 1; counts characters, as editors do
}

// IsZero reports whether p is unknown.
func (p Pos) IsZero() bool { return p == Pos{} }

func (p Pos) compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Problem is one thing that is wrong with a file.
type Problem struct {
	File    string
	Pos     Pos
	Warning bool   // the file can be used all the same
	Message string // what is wrong: `unknown word "mach" in geo`
	Hint    string // what would be right; may be empty
	Related []Related
	Excerpt Excerpt
}

// Related is another place that a problem is about.
type Related struct {
	Pos     Pos
	Message string // "first written here"
	Excerpt Excerpt
}

// Text returns the message with its hint.
func (p Problem) Text() string {
	if p.Hint == "" {
		return p.Message
	}
	return p.Message + "; " + p.Hint
}

// String returns p as compilers write it, with the line of the source and a
// caret below. It ends with a newline.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(printable(p.File))
	if !p.Pos.IsZero() {
		b.WriteString(":" + strconv.Itoa(p.Pos.Line) + ":" + strconv.Itoa(p.Pos.Column))
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Text() + "\n")
	gutter := len(strconv.Itoa(p.Pos.Line))
	for _, r := range p.Related {
		gutter = max(gutter, len(strconv.Itoa(r.Pos.Line)))
	}
	p.Excerpt.write(&b, gutter, p.Pos.Line, "")
	for _, r := range p.Related {
		if r.Pos.Line == p.Pos.Line && r.Excerpt.Text == p.Excerpt.Text {
			r.Excerpt.caret(&b, gutter, r.Message)
		} else {
			r.Excerpt.write(&b, gutter, r.Pos.Line, r.Message)
		}
	}
	return b.String()
}

// Problems are all the problems of one load, in the order of their places.
// They may come from several files.
type Problems []Problem

// HasErrors reports whether any of p is more than a warning.
func (p Problems) HasErrors() bool {
	return slices.ContainsFunc(p, func(q Problem) bool { return !q.Warning })
}

// Errors returns those of p that are more than warnings.
func (p Problems) Errors() Problems { return p.only(false) }

// Warnings returns those of p that are only warnings.
func (p Problems) Warnings() Problems { return p.only(true) }

func (p Problems) only(warnings bool) Problems {
	var some Problems
	for _, q := range p {
		if q.Warning == warnings {
			some = append(some, q)
		}
	}
	return some
}

// Err returns p as an error, or nil if there are at most warnings.
func (p Problems) Err() error {
	if !p.HasErrors() {
		return nil
	}
	return p
}

// Error returns the errors among p as [Problems.Render] shows them, without
// the last newline.
func (p Problems) Error() string {
	return strings.TrimSuffix(p.Errors().Render(), "\n")
}

// Render returns all of p for a person: each with its place, the line of the
// source and a caret. It is empty if there are none.
func (p Problems) Render() string {
	var b strings.Builder
	for _, q := range p {
		b.WriteString(q.String())
	}
	return b.String()
}

type jsonRelated struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Source  string `json:"source,omitempty"`
}

type jsonProblem struct {
	File     string        `json:"file"`
	Line     int           `json:"line,omitempty"`
	Column   int           `json:"column,omitempty"`
	Severity string        `json:"severity"`
	Message  string        `json:"message"`
	Hint     string        `json:"hint,omitempty"`
	Source   string        `json:"source,omitempty"`
	Related  []jsonRelated `json:"related,omitempty"`
}

// MarshalJSON returns p as a list of objects with file, line, column, severity
// ("error" or "warning"), message, hint, source (the line, cut when it is very
// long) and related places. It is never null.
func (p Problems) MarshalJSON() ([]byte, error) {
	list := make([]jsonProblem, 0, len(p))
	for _, q := range p {
		j := jsonProblem{
			File: q.File, Line: q.Pos.Line, Column: q.Pos.Column,
			Severity: "error", Message: q.Message, Hint: q.Hint, Source: q.Excerpt.Text,
		}
		if q.Warning {
			j.Severity = "warning"
		}
		for _, r := range q.Related {
			j.Related = append(j.Related, jsonRelated{r.Pos.Line, r.Pos.Column, r.Message, r.Excerpt.Text})
		}
		list = append(list, j)
	}
	return json.Marshal(list)
}
