package answer

import (
	"fmt"
	"strconv"
	"strings"
)

// Condition is one question to an answer.
type Condition struct {
	Source Source
	op     op
	values []value
	target int // its place among the pointers of a Reader
}

// op is what is asked of a value.
type op uint8

const (
	equals op = iota // one of the values
	exists
	absent
)

// value is one that a condition compares with.
type value struct {
	text   string
	quoted bool // a string and nothing else
	prefix bool // what begins with text
}

func parseCondition(words []word) (Condition, error) {
	if len(words) < 2 {
		what := ""
		if len(words) == 1 {
			what = words[0].text
		}
		return Condition{}, fmt.Errorf("%q is not a condition: use %s", what, SignAccepted)
	}
	src, err := newSource(words[0], words[1].text, true)
	if err != nil {
		return Condition{}, err
	}
	c := Condition{Source: src}
	rest := words[2:]
	switch {
	case len(rest) == 1 && rest[0].is("exists"):
		c.op = exists
		return c, nil
	case len(rest) == 1 && rest[0].is("absent"):
		c.op = absent
		return c, nil
	case len(rest) < 2 || !rest[0].is("="):
		return Condition{}, fmt.Errorf(`%s: what of it? Write "= VALUE", "= VALUE | VALUE", "exists" or "absent"`, src)
	}
	for i, w := range rest[1:] {
		if i%2 == 1 {
			if !w.is("|") {
				return Condition{}, fmt.Errorf(`%s: %q follows a value: put "|" between values, "and" before another condition, and quotes around a value with spaces`, src, w.text)
			}
			continue
		}
		if w.is("|") || w.is("=") {
			return Condition{}, fmt.Errorf("%s: a value is missing", src)
		}
		v := value{text: w.text, quoted: w.quoted}
		if begin, ok := strings.CutSuffix(w.text, "*"); ok && !w.quoted {
			if begin == "" {
				return Condition{}, fmt.Errorf(`%s: every value begins with nothing: write "exists"`, src)
			}
			v.text, v.prefix = begin, true
		}
		c.values = append(c.values, v)
	}
	if len(rest)%2 == 1 {
		return Condition{}, fmt.Errorf("%s: a value is missing", src)
	}
	return c, nil
}

// String is the operator's spelling.
func (c Condition) String() string {
	switch c.op {
	case exists:
		return c.Source.String() + " exists"
	case absent:
		return c.Source.String() + " absent"
	}
	values := make([]string, len(c.values))
	for i, v := range c.values {
		switch {
		case v.prefix:
			values[i] = v.text + "*"
		case v.quoted:
			values[i] = strconv.Quote(v.text)
		default:
			values[i] = v.text
		}
	}
	return c.Source.String() + " = " + strings.Join(values, " | ")
}

// matchesText reports whether a string is one of the values.
func (c *Condition) matchesText(s string) bool {
	for _, v := range c.values {
		if s == v.text || v.prefix && strings.HasPrefix(s, v.text) {
			return true
		}
	}
	return false
}

// matchesToken reports whether a number, true or false is one of the values.
// A number may be spelled in several ways.
func (c *Condition) matchesToken(token string) bool {
	for _, v := range c.values {
		switch {
		case v.quoted:
		case token == v.text, v.prefix && strings.HasPrefix(token, v.text):
			return true
		case strings.ContainsAny(token, ".eE"):
			a, err1 := strconv.ParseFloat(token, 64)
			b, err2 := strconv.ParseFloat(v.text, 64)
			if err1 == nil && err2 == nil && a == b {
				return true
			}
		}
	}
	return false
}
