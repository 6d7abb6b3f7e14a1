package request

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Test is what a Condition asks of a value.
type Test uint8

const (
	Exists Test = iota // it is there, whatever it is
	Absent             // it is not there
	Empty              // it is not there, or an empty text
	Equals             // it is one of some texts; true and false are texts too
)

// Condition is something that has to be so for a request to have a shape.
type Condition struct {
	Source Source
	Test   Test
	Values []string // of Equals
}

// AcceptedConditions is what ParseCondition takes, for messages.
const AcceptedConditions = "PLACE = TEXT, PLACE = ONE | OTHER, PLACE exists, PLACE absent, PLACE empty, where PLACE is " + Accepted

// ParseCondition reads a condition as operators write it: a place and what is
// asked of it, "json /type = sms | phone_change", "query aal absent".
func ParseCondition(s string) (Condition, error) {
	s = strings.TrimSpace(s)
	place, texts, equals := strings.Cut(s, " = ")
	c := Condition{Test: Equals}
	if !equals {
		i := strings.LastIndexByte(s, ' ')
		switch word := s[i+1:]; {
		case i < 0:
			return c, fmt.Errorf("unknown condition %q; accepted: %s", s, AcceptedConditions)
		case word == "exists":
			c.Test = Exists
		case word == "absent":
			c.Test = Absent
		case word == "empty":
			c.Test = Empty
		default:
			return c, fmt.Errorf("unknown condition %q; accepted: %s", s, AcceptedConditions)
		}
		place = s[:i]
	}
	var err error
	if c.Source, err = ParseSource(place); err != nil {
		return c, err
	}
	if !equals {
		return c, nil
	}
	for text := range strings.SplitSeq(texts, "|") {
		text = strings.TrimSpace(text)
		switch {
		case text == "":
			return c, errors.New("an empty text: ask for empty, or name the text")
		case slices.Contains(c.Values, text):
			return c, fmt.Errorf("%q is said twice", text)
		}
		c.Values = append(c.Values, text)
	}
	return c, nil
}

// String is the operator's spelling.
func (c Condition) String() string {
	switch c.Test {
	case Exists:
		return c.Source.String() + " exists"
	case Absent:
		return c.Source.String() + " absent"
	case Empty:
		return c.Source.String() + " empty"
	default:
		return c.Source.String() + " = " + strings.Join(c.Values, " | ")
	}
}

// loose reports whether c can be asked of something else than a string.
func (c Condition) loose() bool { return c.Test == Exists || c.Test == Absent || c.literal() }

// literal reports whether true or false is asked for.
func (c Condition) literal() bool {
	return slices.Contains(c.Values, "true") || slices.Contains(c.Values, "false")
}

// holds reports whether c is so.
func (c Condition) holds(text string, has bool) bool {
	switch c.Test {
	case Exists:
		return has
	case Absent:
		return !has
	case Empty:
		return text == ""
	default:
		return has && slices.Contains(c.Values, text)
	}
}
