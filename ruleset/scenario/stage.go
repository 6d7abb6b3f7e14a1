package scenario

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/network/feed"
	"github.com/otpgate/otpgate/ruleset/request"
)

// stage is where a story is played.
type stage struct {
	story  *story
	folder string // of the story's file
	wiring ruleset.Wiring
	feeds  map[string]*feed.Result // what has been fetched so far
	risk   *oracle
	ledger *switched
	keys   *ruleset.Keys
	prover *prover
	gates  []*gate
	judged map[string][]*judged

	allowed, refused int
}

// gate is a gate, and the file that its ruleset came from first: a ruleset
// without a name is called after it.
type gate struct {
	*ruleset.Gate
	file string
}

// judged is a request that has been judged. It has no judgement if it was a
// preflight, which is not judged.
type judged struct {
	gate *gate
	*ruleset.Judgement
}

// load reads a ruleset: from a section or, if there is none of that name, from
// a file beside the story. In problems it is called name; a ruleset without a
// name is called after as.
func (s *stage) load(name, as string) (*ruleset.Ruleset, ruleset.Problems, error) {
	if section := s.story.sections[name]; section != nil {
		rules, problems := ruleset.Compile(as, section.text, s.readFile, s.wiring)
		return rules, moved(problems, name, 0), nil
	}
	path := s.beside(name)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading ruleset: %w", err)
	}
	rules, problems := ruleset.Compile(as, text, func(list string) ([]byte, error) {
		if !filepath.IsAbs(list) {
			list = filepath.Join(filepath.Dir(path), list)
		}
		return os.ReadFile(list)
	}, s.wiring)
	return rules, moved(problems, path, 0), nil
}

// moved returns problems as those of another file, so many lines further down.
func moved(problems ruleset.Problems, file string, lines int) ruleset.Problems {
	for i := range problems {
		p := &problems[i]
		p.File = file
		if !p.Pos.IsZero() {
			p.Pos.Line += lines
		}
		for j := range p.Related {
			p.Related[j].Pos.Line += lines
		}
	}
	return problems
}

// readFile reads a list: from a section or from a file beside the story.
func (s *stage) readFile(name string) ([]byte, error) {
	if section := s.story.sections[name]; section != nil {
		return section.text, nil
	}
	return os.ReadFile(s.beside(name))
}

func (s *stage) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.folder, name)
}

// open opens a gate.
func (s *stage) open(file string) (ruleset.Problems, error) {
	rules, problems, err := s.load(file, file)
	if err != nil || rules == nil {
		return problems, err
	}
	for _, g := range s.gates {
		if g.Rules().Name() == rules.Name() {
			return nil, fmt.Errorf("a gate is called %q already: give the ruleset another name", rules.Name())
		}
	}
	s.gates = append(s.gates, &gate{ruleset.NewGate(rules, s.prover, s.ledger, s.keys), file})
	return nil, nil
}

// find returns the gate of that name, or the first.
func (s *stage) find(name string) (*gate, error) {
	if len(s.gates) > 0 && name == "" {
		return s.gates[0], nil
	}
	for _, g := range s.gates {
		if g.Rules().Name() == name {
			return g, nil
		}
	}
	return nil, fmt.Errorf("there is no gate called %q", name)
}

// judge puts one request to a gate and checks that the app would get the body
// as it was sent.
func (s *stage) judge(g *gate, r *http.Request, client netip.Addr, at time.Time, sent []byte) (*judged, string) {
	if g.Rules().Preflight(r) {
		return &judged{gate: g}, "preflight"
	}
	request.Strip(r.Header)
	j := &judged{g, g.Judge(r, client, at)}
	text := textOfVerdict(&j.Verdict)
	if j.Verdict.Action != ruleset.Allow {
		s.refused++
		return j, text
	}
	s.allowed++
	if body, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(body, sent) {
		text += " body=changed"
	}
	return j, text
}

// crowd puts the requests of a step to their gate.
func (s *stage) crowd(c *crowd, at time.Time, make func(g *gate, i int) (*http.Request, []byte, error)) (answer, error) {
	g, err := s.find(c.gate)
	if err != nil {
		return answer{}, err
	}
	var answers tally
	for i := range c.times {
		r, sent, err := make(g, i)
		if err != nil {
			return answer{}, err
		}
		j, text := s.judge(g, r, c.client(i), at.Add(time.Duration(i)*c.every), sent)
		var wait time.Duration
		if j.Judgement != nil {
			wait = j.Verdict.Wait
		}
		answers.add(text, wait)
		if c.name != "" {
			s.judged[c.name] = append(s.judged[c.name], j)
		}
	}
	return answer{text: answers.String()}, nil
}

// nothingHeld is said of a request that was refused, or sends nothing.
const nothingHeld = "nothing held"

// settle does something for all requests of a name that hold something, and
// counts the answers.
func (s *stage) settle(name string, do func(*judged) (string, error)) (answer, error) {
	return s.each(name, func(j *judged) (string, error) {
		if j.Judgement == nil || !j.Verdict.Held {
			return nothingHeld, nil
		}
		return do(j)
	})
}

// each does something for all requests of a name, and counts the answers.
func (s *stage) each(name string, do func(*judged) (string, error)) (answer, error) {
	var answers tally
	for _, j := range s.judged[name] {
		text, err := do(j)
		if err != nil {
			text = fmt.Sprintf("error=%q", err)
		}
		answers.add(text, 0)
	}
	return answer{text: answers.String()}, nil
}
