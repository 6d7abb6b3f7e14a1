package ruleset

import (
	"fmt"
	"time"

	"github.com/otpgate/otpgate/ruleset/answer"
	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/ledger"
)

// answerSettings is what is said of the app's answers.
type answerSettings struct {
	sent, unknown, notSent []placedSign
	handles                []answer.Source
	keep                   time.Duration // how long a handle is known
	maxBody                int64
	reader                 *answer.Reader
	own                    bool // there is a section for it
}

// placedSign is a sign and where it was written: nowhere, if it is a default.
type placedSign struct {
	answer.Sign
	pos strict.Pos
}

// Bounds of how long a handle is known.
const (
	defaultKeep  = time.Hour
	shortestKeep = time.Minute
	longestKeep  = 366 * 24 * time.Hour
)

// OutcomeOf is what a ledger is told of an answer of this meaning.
func OutcomeOf(m answer.Meaning) ledger.Outcome {
	return [...]ledger.Outcome{answer.Unknown: ledger.Unknown, answer.Sent: ledger.Sent, answer.NotSent: ledger.NotSent}[m]
}

func defaultAnswers() answerSettings {
	return answerSettings{
		sent:    spans(200, 299),
		notSent: defaultNotSent(),
		keep:    defaultKeep,
		maxBody: answer.DefaultMaxBody,
	}
}

// defaultNotSent are the client errors, but for those that an app can be made
// to answer after it has sent: by the headers of a request (406, 412, 416,
// 417), or by a client that is slow or goes away (408, 499).
func defaultNotSent() []placedSign {
	return spans(400, 405, 407, 407, 409, 411, 413, 415, 418, 498)
}

// spans makes signs of pairs of statuses.
func spans(ends ...int) []placedSign {
	signs := make([]placedSign, 0, len(ends)/2)
	for i := 0; i < len(ends); i += 2 {
		signs = append(signs, placedSign{Sign: answer.Sign{From: ends[i], To: ends[i+1]}})
	}
	return signs
}

// answers fills in what a section says of answers; what it leaves out is as in
// base.
func (c *compiler) answers(base answerSettings, a *answerSection) answerSettings {
	s := base
	if s.own = a != nil; !s.own {
		a = &answerSection{}
	}
	bad := a.Sent.Bad || a.Unknown.Bad || a.NotSent.Bad
	if a.Sent.Set {
		s.sent = placed(a.Sent)
		bad = c.noSilence(s.sent, "no answer cannot mean that a code was sent: it is unknown, and stays charged, unless not_sent names it") || bad
	}
	if a.Unknown.Set {
		s.unknown = placed(a.Unknown)
		bad = c.noSilence(s.unknown, "no answer is unknown anyway, unless not_sent names it") || bad
	}
	if a.NotSent.Set {
		s.notSent = placed(a.NotSent)
	}
	if a.Handle.Set {
		s.handles = nil
		for _, h := range a.Handle.Values() {
			s.handles = append(s.handles, h.Source)
		}
	}
	if a.Keep.Good() {
		s.keep = time.Duration(a.Keep.V)
		if s.keep < shortestKeep || s.keep > longestKeep {
			c.src.Errorf(a.Keep.Pos, "a handle cannot be kept for %s: use 1m to 366d", a.Keep.V)
		}
	}
	if a.MaxBody.Good() {
		s.maxBody = int64(a.MaxBody.V)
		if s.maxBody < answer.SmallestMaxBody || s.maxBody > answer.LargestMaxBody {
			c.src.Errorf(a.MaxBody.Pos, "an answer of %s is not possible: use 1KiB to 1MiB", a.MaxBody.V)
			return s
		}
	}
	if bad || !c.possible(&s, a) {
		return s
	}
	var err error
	if s.reader, err = answer.New(s.rules()); err != nil {
		c.src.Errorf(a.Sent.Pos, "%v", err)
		return s
	}
	if a.MaxBody.Set && !s.reader.ReadsBody() {
		c.src.Warnf(a.MaxBody.Pos, "nothing of a body is read: no sign and no handle names a json pointer")
	}
	return s
}

func placed(list strict.Value[[]strict.Value[sign]]) []placedSign {
	signs := make([]placedSign, 0, len(list.V))
	for _, w := range list.V {
		signs = append(signs, placedSign{w.V.Sign, w.Pos})
	}
	return signs
}

func (s *answerSettings) rules() answer.Rules {
	plain := func(placed []placedSign) (signs []answer.Sign) {
		for _, p := range placed {
			signs = append(signs, p.Sign)
		}
		return signs
	}
	return answer.Rules{Sent: plain(s.sent), Unknown: plain(s.unknown), NotSent: plain(s.notSent), Handles: s.handles, MaxBody: s.maxBody}
}

// noSilence objects to no_answer where it can mean nothing.
func (c *compiler) noSilence(signs []placedSign, why string) (found bool) {
	for _, s := range signs {
		if s.NoAnswer {
			c.src.Error(s.pos, why, "")
			found = true
		}
	}
	return found
}

// possible objects to signs that contradict each other, and to those that can
// never hold because another one always does before: unknown holds before
// sent, and sent before not_sent. What the section does not say was looked at
// before.
func (c *compiler) possible(s *answerSettings, a *answerSection) bool {
	fine := true
	lists := []struct {
		word    string
		signs   []placedSign
		written bool
	}{{"unknown", s.unknown, a.Unknown.Set}, {"sent", s.sent, a.Sent.Set}, {"not_sent", s.notSent, a.NotSent.Set}}
	for i, first := range lists {
		for _, then := range lists[i+1:] {
			if !first.written && !then.written {
				continue
			}
			for _, f := range first.signs {
				for _, t := range then.signs {
					if first.word == "sent" && len(f.Conditions)+len(t.Conditions) == 0 {
						fine = c.either(f, t) && fine
					} else {
						fine = c.holds(first.word, f, t) && fine
					}
				}
			}
		}
	}
	return fine
}

// either objects to a status that stands in both lists.
func (c *compiler) either(sent, notSent placedSign) bool {
	from, to := overlap(sent.Sign, notSent.Sign)
	if from > to {
		return true
	}
	c.src.Errorf(later(notSent, sent), "status %s cannot mean both: sent says %s, not_sent says %s", answer.Sign{From: from, To: to}, sent, notSent)
	return false
}

// holds objects to t if it never holds because f, of the list of that word,
// does before. Defaults need not.
func (c *compiler) holds(word string, f, t placedSign) bool {
	from, to := overlap(f.Sign, t.Sign)
	if len(f.Conditions) > 0 || from > to || t.pos.IsZero() {
		return true
	}
	allFrom, allTo := span(t.Sign)
	switch said := fmt.Sprintf("%s says %s, whatever else an answer says", word, f); {
	case from <= allFrom && to >= allTo:
		c.src.Error(t.pos, fmt.Sprintf("%q can never hold: %s", t, said), "name fewer statuses in "+word+", or add a condition to them")
		return false
	case len(t.Conditions) > 0:
		c.src.Warnf(t.pos, "%q never holds for the status %s: %s", t, answer.Sign{From: from, To: to}, said)
	}
	return true
}

// later is the place of a sign, or that of the other if it was not written.
func later(a, b placedSign) strict.Pos {
	if a.pos.IsZero() {
		return b.pos
	}
	return a.pos
}

// span is the statuses that a sign can hold for.
func span(s answer.Sign) (from, to int) {
	switch {
	case s.NoAnswer:
		return 1, 0
	case s.From == 0:
		return 200, 599
	default:
		return s.From, s.To
	}
}

// overlap is the statuses that both can hold for: none, if to is before from.
func overlap(a, b answer.Sign) (from, to int) {
	aFrom, aTo := span(a)
	bFrom, bTo := span(b)
	if aFrom > aTo || bFrom > bTo {
		return 1, 0
	}
	return max(aFrom, bFrom), min(aTo, bTo)
}

// answers prints a section of what is said of answers.
func (p *printer) answers(s *answerSettings) {
	signText := func(s placedSign) string {
		if len(s.Conditions) == 0 {
			return s.String()
		}
		return text(s.String())
	}
	p.section("answer", func() {
		p.line("sent: %s", list(s.sent, signText))
		if len(s.unknown) > 0 {
			p.line("unknown: %s", list(s.unknown, signText))
		}
		p.line("not_sent: %s", list(s.notSent, signText))
		if len(s.handles) > 0 {
			p.line("handle: %s", list(s.handles, func(h answer.Source) string { return text(h.String()) }))
		}
		p.line("keep: %s", formatDuration(s.keep))
		if s.reader.ReadsBody() {
			p.line("max_body: %s", strict.Size(s.maxBody))
		}
	})
}
