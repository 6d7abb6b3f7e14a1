package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/otpgate/otpgate/ruleset"
	answers "github.com/otpgate/otpgate/ruleset/answer"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// ask makes requests in the shape of the ruleset.
type ask struct{ crowd }

func (a *ask) play(s *stage, at time.Time) (answer, error) {
	return s.crowd(&a.crowd, at, func(g *gate, i int) (*http.Request, []byte, error) {
		return a.request(g, i)
	})
}

// send makes requests as they are written in a section.
type send struct {
	crowd
	raw *raw
}

func (a *send) play(s *stage, at time.Time) (answer, error) {
	return s.crowd(&a.crowd, at, func(*gate, int) (*http.Request, []byte, error) {
		r, err := a.raw.open()
		return r, a.raw.body, err
	})
}

// app is what the app answers to requests: a status and what else is in the
// answer, or one of these.
type app struct {
	name   string
	status int
	header http.Header
	body   string
}

const (
	noAnswer     = -1 // it never answers, or not in full
	noConnection = -2 // it cannot be reached
)

func (a *app) play(s *stage, at time.Time) (answer, error) {
	return s.each(a.name, func(j *judged) (string, error) {
		if j.Judgement == nil || j.Verdict.Action != ruleset.Allow {
			return nothingHeld, nil
		}
		result := answers.Result{Meaning: answers.NotSent}
		switch a.status {
		case noConnection:
		case noAnswer:
			result.Meaning = j.Answers().NoAnswer(0)
		default:
			var reading answers.Reading
			reading.Begin(j.Answers(), a.status, a.header, at)
			reading.Write([]byte(a.body))
			result = reading.End()
		}
		text := nothingHeld
		if j.Verdict.Held {
			text = result.Meaning.String()
		}
		ctx := context.Background()
		return text, errors.Join(j.gate.Settle(ctx, at, j.Judgement, ruleset.OutcomeOf(result.Meaning)), j.gate.Learn(ctx, at, j.Judgement, result))
	})
}

// verified enters the right codes.
type verified struct{ name string }

func (a *verified) play(s *stage, at time.Time) (answer, error) {
	return s.settle(a.name, func(j *judged) (string, error) {
		return ledger.Verified.String(), j.gate.Settle(context.Background(), at, j.Judgement, ledger.Verified)
	})
}

// wrong enters wrong codes.
type wrong struct{ name string }

func (a *wrong) play(s *stage, at time.Time) (answer, error) {
	return s.settle(a.name, func(j *judged) (string, error) {
		return "counted", j.gate.WrongCode(context.Background(), at, j.Judgement)
	})
}

// rules puts another ruleset in force, if there is nothing wrong with it.
type rules struct{ file, gate string }

func (a *rules) play(s *stage, _ time.Time) (answer, error) {
	g, err := s.find(a.gate)
	if err != nil {
		return answer{}, err
	}
	loaded, problems, err := s.load(a.file, g.file)
	if err != nil {
		return answer{}, err
	}
	if loaded == nil {
		return refusal(problems), nil
	}
	g.Use(loaded, s.prover)
	return answer{text: "ok"}, nil
}

// refusal is the answer to a ruleset that is not taken.
func refusal(problems ruleset.Problems) answer {
	errors := problems.Errors()
	word := "problems"
	if len(errors) == 1 {
		word = "problem"
	}
	return answer{fmt.Sprintf("refused, %d %s", len(errors), word), errors.Render()}
}

// open opens one more gate on the same ledger.
type open struct{ file string }

func (a *open) play(s *stage, _ time.Time) (answer, error) {
	problems, err := s.open(a.file)
	if err != nil {
		return answer{}, err
	}
	if problems.HasErrors() {
		return refusal(problems), nil
	}
	return answer{text: "ok"}, nil
}

// fetch is a feed whose file comes. A file that is no list changes nothing.
type fetch struct{ feed, file string }

func (a *fetch) play(s *stage, _ time.Time) (answer, error) {
	text, err := s.readFile(a.file)
	if err != nil {
		return answer{}, fmt.Errorf("reading feed: %w", err)
	}
	var wanted *feed.Feed
	for _, g := range s.gates {
		for _, f := range g.Rules().Feeds() {
			if f.Name == a.feed {
				wanted = &f
			}
		}
	}
	if wanted == nil {
		return answer{}, fmt.Errorf("no gate has a feed called %q", a.feed)
	}
	result, err := feed.Parse(bytes.NewReader(text), feed.Options{Format: wanted.Format, Select: wanted.Select, MaxBytes: wanted.MaxBytes})
	if err != nil {
		return answer{text: "refused", detail: err.Error()}, nil
	}
	s.feeds[a.feed] = result
	said := answer{text: fmt.Sprintf("loaded %d", result.Len())}
	for _, g := range s.gates {
		if err := g.Rules().Refresh(); err != nil {
			return answer{}, err
		}
		for _, name := range g.Rules().Missing() {
			said.text += " missing=" + name
		}
	}
	return said, nil
}

// restart starts a gate again, with another secret and perhaps one beside it.
type restart struct{ secret, also, gate string }

func (a *restart) play(s *stage, _ time.Time) (answer, error) {
	g, err := s.find(a.gate)
	if err != nil {
		return answer{}, err
	}
	keys := ruleset.NewKeys([]byte(a.secret), []byte(a.also))
	g.Gate = ruleset.NewGate(g.Rules(), s.prover, s.ledger, keys)
	return answer{text: "ok"}, nil
}

// reach takes the ledger away, or brings it back.
type reach struct{ away bool }

func (a *reach) play(s *stage, _ time.Time) (answer, error) {
	s.ledger.away = a.away
	return answer{text: "ok"}, nil
}

// count says what has been so far.
type count struct{}

func (count) play(s *stage, _ time.Time) (answer, error) {
	return answer{text: fmt.Sprintf("%d allowed, %d refused, %d proofs", s.allowed, s.refused, s.prover.asked) + s.risk.count()}, nil
}
