package answer

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds of statuses. Those below are no last word.
const (
	firstStatus = 200
	lastStatus  = 599
)

// Sign is one thing by which answers are told apart: a span of statuses,
// conditions, or both, all of which have to hold; or that there was no answer.
type Sign struct {
	From, To   int // statuses; both 0 for any
	Conditions []Condition
	NoAnswer   bool // the app took the request and never answered it in full
}

// ParseSign reads a sign as operators write it:
//
//	422
//	400-499
//	no_answer
//	json /status = OK | QUEUED
//	401 and json /code = PHONE_NUMBER_NOT_VERIFIED
//	303 and location flow exists and cookie session absent
//
// A value in quotes, as in Go, is a string and nothing else; without quotes it
// is also a number, true or false. One that ends in * stands for all that
// begins so.
func ParseSign(text string) (Sign, error) {
	words, err := split(text)
	if err != nil {
		return Sign{}, err
	}
	if len(words) == 1 && words[0].is("no_answer") {
		return Sign{NoAnswer: true}, nil
	}
	var s Sign
	for first := true; ; first = false {
		term := words
		for i, w := range words {
			if w.is("and") {
				term = words[:i]
				break
			}
		}
		switch {
		case len(term) > 1 && first && !term[0].quoted && isStatus(term[0].text):
			return Sign{}, fmt.Errorf("%q stands behind the status %s: join them by and, as in %s and json /status = OK", term[1].text, term[0].text, term[0].text)
		case len(term) == 1 && first:
			if s.From, s.To, err = parseStatus(term[0].text); err != nil {
				return Sign{}, err
			}
		case len(term) == 1 && isStatus(term[0].text):
			return Sign{}, fmt.Errorf("the status %s has to come first, and there is one at most", term[0].text)
		case len(term) == 1 && term[0].is("no_answer"):
			return Sign{}, fmt.Errorf("no_answer stands alone: there is nothing more to say of an answer that never came")
		default:
			c, err := parseCondition(term)
			if err != nil {
				return Sign{}, err
			}
			s.Conditions = append(s.Conditions, c)
		}
		if len(term) == len(words) {
			return s, nil
		}
		words = words[len(term)+1:]
	}
}

// SignAccepted is what ParseSign takes, for messages.
const SignAccepted = "a status such as 422, a span such as 400-499, no_answer, or conditions such as json /status = OK"

func parseStatus(text string) (from, to int, err error) {
	a, b, isSpan := strings.Cut(text, "-")
	if !isSpan {
		b = a
	}
	from, err1 := strconv.Atoi(a)
	to, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil || from < firstStatus || to > lastStatus || to < from {
		return 0, 0, fmt.Errorf("%q is not a status: use %s", text, SignAccepted)
	}
	return from, to, nil
}

func isStatus(text string) bool {
	_, _, err := parseStatus(text)
	return err == nil
}

// Covers reports whether s can hold for answers of this status.
func (s Sign) Covers(status int) bool {
	return !s.NoAnswer && (s.From == 0 && firstStatus <= status && status <= lastStatus || s.From <= status && status <= s.To)
}

// String is the operator's spelling.
func (s Sign) String() string {
	if s.NoAnswer {
		return "no_answer"
	}
	var terms []string
	switch {
	case s.From == 0:
	case s.From == s.To:
		terms = append(terms, strconv.Itoa(s.From))
	default:
		terms = append(terms, fmt.Sprintf("%d-%d", s.From, s.To))
	}
	for _, c := range s.Conditions {
		terms = append(terms, c.String())
	}
	return strings.Join(terms, " and ")
}

// word is one word of a sign.
type word struct {
	text   string
	quoted bool
}

func (w word) is(text string) bool { return !w.quoted && w.text == text }

// bare reports whether text can stand without quotes.
func bare(text string) bool {
	return text != "" && text != "and" && text != "|" && text != "=" && !strings.ContainsAny(text, " \t\r\n\"")
}

// split takes a sign apart at its spaces.
func split(text string) ([]word, error) {
	var words []word
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		if rest[0] == '"' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("a quoted value does not end, or has an odd escape in it")
			}
			unquoted, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("the value %s: %w", quoted, err)
			}
			words, rest = append(words, word{unquoted, true}), rest[len(quoted):]
			if rest != "" && !strings.ContainsAny(rest[:1], " \t\r\n") {
				return nil, fmt.Errorf("a space has to follow %s", quoted)
			}
			continue
		}
		end := strings.IndexAny(rest, " \t\r\n")
		if end < 0 {
			end = len(rest)
		}
		if strings.Contains(rest[:end], `"`) {
			return nil, fmt.Errorf("a quote in the middle of %s: quote the whole value", rest[:end])
		}
		words, rest = append(words, word{text: rest[:end]}), rest[end:]
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("nothing is said: use %s", SignAccepted)
	}
	return words, nil
}
