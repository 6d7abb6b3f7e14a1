package scenario

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/internal/strict"
)

// story is a file that has been read.
type story struct {
	promise  string
	sections map[string]*section
	steps    []step
}

// section is one file within the story.
type section struct {
	name  string // without the words behind it
	words []string
	line  int // of the first line of text, from 1
	text  []byte
	used  bool
}

// step is one line of the story section.
type step struct {
	line  int
	text  string // as written, up to the arrow
	at    time.Duration
	act   action
	want  string
	wants bool // there is an arrow, and something behind it
}

// action is what a step does. It returns the answer as it stands behind the
// arrow; an error means that the story cannot go on.
type action interface {
	play(s *stage, at time.Time) (answer, error)
}

// answer is what came of a step.
type answer struct {
	text   string
	detail string // explains text
}

// parser reads a story.
type parser struct {
	src   *strict.Source
	story *story
	named map[string]bool // requests that have a name
	gates bool            // a gate has been opened
	now   time.Duration
}

const (
	storySection = "story"
	geoSection   = "geo"
	firstRules   = "rules.yaml"
)

const sectionWords = `accepted: story, geo, NAME.yaml (a ruleset), NAME.txt, NAME.csv, NAME.json (a list, or prices), NAME.http (a request)`

// parse reads a story. What is wrong with it is told all at once.
func parse(file string, text []byte) (*story, ruleset.Problems) {
	p := &parser{
		src:   strict.NewSource(file, text),
		story: &story{sections: make(map[string]*section)},
		named: make(map[string]bool),
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if p.nameless(text) {
		return p.story, p.src.Problems()
	}
	archive := txtar.Parse(text)
	p.story.promise = promiseOf(archive.Comment)
	line := 1 + bytes.Count(archive.Comment, []byte("\n"))
	for _, f := range archive.Files {
		p.section(f, line)
		line += 1 + bytes.Count(f.Data, []byte("\n"))
	}
	s := p.story.sections[storySection]
	if s == nil {
		p.src.Error(strict.Pos{}, "the file has no story", "add a section -- story -- with the steps")
		return p.story, p.src.Problems()
	}
	_, p.gates = p.story.sections[firstRules]
	p.use(firstRules)
	for i, line := range strings.Split(strings.TrimSuffix(string(s.text), "\n"), "\n") {
		p.step(s.line+i, line)
	}
	for _, s := range p.story.sections {
		switch path.Ext(s.name) {
		case ".http", ".yaml":
			if !s.used {
				p.src.Errorf(strict.Pos{Line: s.line - 1, Column: 4}, "section %q is never used", s.name)
			}
		}
	}
	return p.story, p.src.Problems()
}

// nameless objects to sections without a name, which txtar takes for text or,
// at "-- --", panics on.
func (p *parser) nameless(text []byte) (found bool) {
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "-- ") && strings.HasSuffix(line, " --") && strings.Trim(line, "- ") == "" {
			p.src.Error(strict.Pos{Line: i + 1, Column: 1}, "a section without a name", sectionWords)
			found = true
		}
	}
	return found
}

// promiseOf returns the first paragraph of a comment on one line.
func promiseOf(comment []byte) string {
	first, _, _ := strings.Cut(strings.TrimSpace(string(comment)), "\n\n")
	return strings.Join(strings.Fields(first), " ")
}

// section takes in one section, whose marker stands in the line.
func (p *parser) section(f txtar.File, line int) {
	pos := strict.Pos{Line: line, Column: 4}
	words := strings.Fields(f.Name)
	s := &section{name: words[0], words: words[1:], line: line + 1, text: f.Data}
	flags := []string(nil)
	switch ext := path.Ext(s.name); {
	case s.name == storySection, s.name == geoSection, ext == ".yaml", ext == ".txt", ext == ".csv", ext == ".json":
	case ext == ".http":
		flags = []string{crlf, escaped}
	default:
		p.src.Error(pos, fmt.Sprintf("unknown section %q", s.name), sectionWords)
		return
	}
	for _, w := range s.words {
		if !slices.Contains(flags, w) {
			hint := "nothing is accepted behind the name"
			if flags != nil {
				hint = "accepted: " + strings.Join(flags, ", ")
			}
			p.src.Error(pos, fmt.Sprintf("unknown word %q behind the name of section %s", w, s.name), hint)
		}
	}
	if p.story.sections[s.name] != nil {
		p.src.Errorf(pos, "section %q stands there twice", s.name)
		return
	}
	p.story.sections[s.name] = s
}

func (p *parser) use(name string) {
	if s := p.story.sections[name]; s != nil {
		s.used = true
	}
}

// step reads one line of the story.
func (p *parser) step(number int, line string) {
	if text := strings.TrimSpace(line); text == "" || text[0] == '#' {
		return
	}
	words, want, ok := p.words(number, line)
	if !ok {
		return
	}
	l := &stepLine{parser: p, line: number}
	if len(words) < 2 {
		l.fail(1, "a step is a time, a verb and what is expected", "as in 0s ask phone=+14155550123 => allow")
		return
	}
	var at strict.Duration
	if err := at.ParseText(words[0].text); err != nil {
		l.fail(words[0].column, err.Error(), "")
		return
	}
	s := step{line: number, text: textOf(line), at: at.Duration(), want: want, wants: want != ""}
	if s.at < p.now {
		l.fail(words[0].column, fmt.Sprintf("time runs backwards: the story is at %s already", strict.Duration(p.now)), "")
		return
	}
	if !l.lasts(words[0].column, s.at, 1) {
		return
	}
	p.now = s.at
	verb := words[1]
	read, ok := verbs[verb.text]
	if !ok || verb.key != "" || verb.quoted {
		l.fail(verb.column, fmt.Sprintf("unknown verb %q", verb.text), "accepted: "+strings.Join(verbWords, ", "))
		return
	}
	l.rest = words[2:]
	if s.act = read(l); s.act != nil && !l.failed {
		p.story.steps = append(p.story.steps, s)
	}
}

// textOf returns a line up to its arrow, with single spaces.
func textOf(line string) string {
	if i := arrowAt(line); i >= 0 {
		line = line[:i]
	}
	return strings.Join(strings.Fields(line), " ")
}
