package answer

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is the part of an answer a value stands in. The zero Kind is none.
type Kind uint8

const (
	None     Kind = iota
	JSON          // a member of a JSON body, named by an RFC 6901 pointer; a step * is any element of an array
	Header        // a header field
	Cookie        // a cookie that is set, not one that is taken away
	Location      // a parameter of the URL in the Location field
)

var kindWords = [...]string{None: "none", JSON: "json", Header: "header", Cookie: "cookie", Location: "location"}

// String is the word that operators write: "json".
func (k Kind) String() string { return kindWords[k] }

// SourceAccepted is what ParseSource takes, for messages.
const SourceAccepted = "json POINTER, header NAME, cookie NAME, location PARAMETER"

const (
	maxName  = 128 // bytes of a name
	maxSteps = 8   // of a pointer
)

// Source says where in an answer a value stands: "json /verificationId",
// "header X-Request-Id", "cookie sid", "location flow".
type Source struct {
	kind  Kind
	name  string
	steps []string // of a pointer
}

// ParseSource reads a source of one value, as operators write it. A pointer
// has no * then.
func ParseSource(text string) (Source, error) {
	words, err := split(text)
	if err != nil || len(words) != 2 {
		return Source{}, fmt.Errorf("%q is not a place in an answer; accepted: %s", text, SourceAccepted)
	}
	return newSource(words[0], words[1].text, false)
}

func newSource(kind word, name string, many bool) (Source, error) {
	s := Source{name: name}
	if !kind.quoted {
		s.kind = Kind(max(0, slices.Index(kindWords[1:], kind.text)+1))
	}
	if s.kind == None {
		return Source{}, fmt.Errorf("unknown place %q; accepted: %s", kind.text, SourceAccepted)
	}
	err := s.check(many)
	if err != nil {
		return Source{}, fmt.Errorf("%s %q: %w", s.kind, name, err)
	}
	return s, nil
}

func (s *Source) check(many bool) (err error) {
	switch {
	case s.name == "":
		return errors.New("a name is missing")
	case len(s.name) > maxName:
		return fmt.Errorf("longer than %d bytes", maxName)
	case !utf8.ValidString(s.name):
		return errors.New("not UTF-8")
	}
	switch s.kind {
	case JSON:
		s.steps, err = pointerSteps(s.name, many)
	case Header:
		if s.name = http.CanonicalHeaderKey(s.name); s.name == "Set-Cookie" {
			return errors.New("a cookie is named by itself: cookie NAME")
		}
		err = checkToken(s.name)
	case Cookie:
		err = checkToken(s.name)
	}
	return err
}

// pointerSteps splits a pointer into its steps; "*" is any element.
func pointerSteps(pointer string, many bool) ([]string, error) {
	if pointer[0] != '/' {
		return nil, errors.New(`a pointer begins with "/", for example "/status"`)
	}
	steps := strings.Split(pointer[1:], "/")
	if len(steps) > maxSteps {
		return nil, fmt.Errorf("more than %d steps", maxSteps)
	}
	for i, step := range steps {
		switch {
		case step == "":
			return nil, errors.New("an empty step names no member")
		case step == "*" && !many:
			return nil, errors.New(`"*" may be several values, and one is wanted here`)
		case step == "-" || strings.Trim(step, "0123456789") == "":
			return nil, fmt.Errorf(`step %q is an array index: write "*" for any element`, step)
		}
		for rest := step; ; {
			_, after, found := strings.Cut(rest, "~")
			if !found {
				break
			}
			if after == "" || after[0] != '0' && after[0] != '1' {
				return nil, errors.New(`"~" must be followed by 0 (for "~") or 1 (for "/")`)
			}
			rest = after
		}
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return steps, nil
}

// checkToken holds name to the token of RFC 9110.
func checkToken(name string) error {
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return errors.New("a name has letters, digits and !#$%&'*+-.^_`|~ only")
		}
	}
	return nil
}

// Kind is the part of the answer s stands in.
func (s Source) Kind() Kind { return s.kind }

// Name is the pointer, field, cookie or parameter.
func (s Source) Name() string { return s.name }

// String is the operator's spelling: "json /status".
func (s Source) String() string {
	if s.kind == None {
		return ""
	}
	if !bare(s.name) {
		return s.kind.String() + " " + strconv.Quote(s.name)
	}
	return s.kind.String() + " " + s.name
}

// inHeader finds what s names in a header: its values, and whether that is
// certain. A cookie that is already over at the time at is one that is taken away.
func (s *Source) inHeader(h http.Header, at time.Time) (values []string, clear bool) {
	switch s.kind {
	case Header:
		values = h[s.name]
		return values, s.name != "Location" || len(values) <= 1
	case Location:
		if len(h["Location"]) == 0 {
			return nil, true
		}
		target, err := url.Parse(h["Location"][0])
		if err != nil || len(h["Location"]) > 1 {
			return nil, false
		}
		query, err := url.ParseQuery(target.RawQuery)
		values = query[s.name]
		return values, err == nil && len(values) <= 1
	case Cookie:
		taken := false
		for _, line := range h["Set-Cookie"] {
			name, _, _ := strings.Cut(line, "=")
			if strings.TrimSpace(name) != s.name {
				continue
			}
			c, err := http.ParseSetCookie(line)
			if err != nil {
				return nil, false
			}
			if c.Value == "" || c.MaxAge < 0 || c.MaxAge == 0 && !c.Expires.IsZero() && !c.Expires.After(at) {
				taken = true
				continue
			}
			values = append(values, c.Value)
		}
		return values, len(values) == 0 || len(values) == 1 && !taken
	}
	return nil, false
}
