package request

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"unicode/utf8"
)

// Kind is the part of a request a value stands in. The zero Kind is none.
type Kind uint8

const (
	None   Kind = iota
	JSON        // a member of a JSON body, named by an RFC 6901 pointer
	Form        // a field of an urlencoded or multipart body
	Query       // a parameter of the URL
	Header      // a header field
	Cookie      // a cookie
)

var kindWords = [...]string{None: "none", JSON: "json", Form: "form", Query: "query", Header: "header", Cookie: "cookie"}

// String is the word that operators write: "json".
func (k Kind) String() string { return kindWords[k] }

// Accepted is what ParseSource takes, for messages.
const Accepted = "json POINTER, form FIELD, query NAME, header NAME, cookie NAME"

const (
	maxName   = 64 // bytes of a field's, header's or cookie's name; parsers cut longer ones (busboy at 100)
	maxTokens = 8  // steps of a pointer
)

// Source says where a value stands: "json /phone", "form phone",
// "query phone", "header X-Phone", "cookie sid". A form is urlencoded or
// multipart, whichever the request says it is. The zero Source is nowhere: the
// value is not asked for. Sources are comparable.
type Source struct {
	kind Kind
	name string // as written
}

// ParseSource reads a source as operators write it: a word and a name.
//
// A JSON pointer follows RFC 6901 (~0 is ~, ~1 is /) and names members of
// objects only: the whole document (""), empty steps and array indices are
// refused, since a value inside a list has no name that all parsers share.
func ParseSource(s string) (Source, error) {
	word, name, _ := strings.Cut(strings.TrimSpace(s), " ")
	name = strings.TrimSpace(name)
	src := Source{name: name}
	for k, w := range kindWords {
		if w == word {
			src.kind = Kind(k)
		}
	}
	if src.kind == None {
		return Source{}, fmt.Errorf("unknown source %q; accepted: %s", word, Accepted)
	}
	if name == "" {
		return Source{}, fmt.Errorf("source %q names nothing; accepted: %s", word, Accepted)
	}
	var err error
	switch src.kind {
	case JSON:
		_, err = pointerTokens(name)
	case Form, Query:
		err = checkField(name)
	case Header:
		err = checkHeader(name)
	case Cookie:
		err = checkToken(name)
	}
	if err != nil {
		return Source{}, fmt.Errorf("%s %q: %w", src.kind, name, err)
	}
	return src, nil
}

// IsZero reports whether s is nowhere.
func (s Source) IsZero() bool { return s.kind == None }

// Kind is the part of the request s stands in.
func (s Source) Kind() Kind { return s.kind }

// Name is the pointer, field, header or cookie, as it was written.
func (s Source) Name() string { return s.name }

// InBody reports whether the value stands in the request's body.
func (s Source) InBody() bool { return s.kind == JSON || s.kind == Form }

// String is the operator's spelling: "json /phone". It is empty for the zero Source.
func (s Source) String() string {
	if s.IsZero() {
		return ""
	}
	return s.kind.String() + " " + s.name
}

// MarshalText is the operator's spelling.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// pointerTokens splits a JSON pointer into its unescaped steps.
func pointerTokens(pointer string) ([]string, error) {
	if !strings.HasPrefix(pointer, "/") {
		return nil, errors.New(`a pointer begins with "/", for example "/phone"`)
	}
	if !utf8.ValidString(pointer) {
		return nil, errors.New("not UTF-8")
	}
	tokens := strings.Split(pointer[1:], "/")
	if len(tokens) > maxTokens {
		return nil, fmt.Errorf("more than %d steps", maxTokens)
	}
	for i, t := range tokens {
		for rest := t; ; {
			_, after, found := strings.Cut(rest, "~")
			if !found {
				break
			}
			if after == "" || after[0] != '0' && after[0] != '1' {
				return nil, errors.New(`"~" must be followed by 0 (for "~") or 1 (for "/")`)
			}
			rest = after
		}
		t = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
		switch {
		case t == "":
			return nil, errors.New("an empty step names no member")
		case t == "-" || strings.Trim(t, "0123456789") == "":
			return nil, fmt.Errorf("step %q is an array index; only members of objects can be named", t)
		case isPrototype([]byte(t)):
			return nil, fmt.Errorf("step %q is never read", t)
		case len(t) > maxName:
			return nil, fmt.Errorf("a step is longer than %d bytes", maxName)
		}
		if err := checkLetters(t); err != nil {
			return nil, err
		}
		tokens[i] = t
	}
	return tokens, nil
}

// checkField says what is wrong with the name of a form's field or a query's
// parameter. "user[phone]" is a good one: it is matched as it is written.
func checkField(name string) error {
	switch {
	case len(name) > maxName:
		return fmt.Errorf("longer than %d bytes", maxName)
	case strings.ContainsAny(name, "\"\\%;&=+ "):
		return errors.New("a name has no quotes, spaces or any of \\ % ; & = +")
	case isPrototype([]byte(name)):
		return errors.New("this name is never read")
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f {
			return errors.New("a name is printable ASCII")
		}
	}
	return checkLetters(name)
}

// checkLetters refuses names of which nothing is left once separators are
// dropped: they would be the same as every other such name.
func checkLetters(name string) error {
	for i := range len(name) {
		if name[i] < 0x20 || name[i] == 0x7f {
			return errors.New("a name has no control characters")
		}
	}
	if len(canonical(nil, []byte(name))) == 0 {
		return errors.New("a name needs a letter or a digit")
	}
	return nil
}

// unread are headers that are part of how a request is sent, not of what it
// says: the server takes them away, or proxies change them.
var unread = map[string]bool{
	"Host": true, "Cookie": true, "Content-Length": true, "Content-Type": true, "Content-Encoding": true,
	"Transfer-Encoding": true, "Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Upgrade": true,
	"Proxy-Connection": true, "X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Proto": true, "Forwarded": true,
}

func checkHeader(name string) error {
	if err := checkToken(name); err != nil {
		return err
	}
	switch canon := textproto.CanonicalMIMEHeaderKey(name); {
	case unread[canon], stripped(name):
		return errors.New("this header never reaches the gate as it was sent")
	case strings.Contains(name, "_"):
		return errors.New(`headers with "_" are dropped by the server; write "-"`)
	}
	return nil
}

// checkToken holds name to the token of RFC 9110.
func checkToken(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("longer than %d bytes", maxName)
	}
	for i := range len(name) {
		if !isToken(name[i]) {
			return errors.New("a name has letters, digits and !#$%&'*+-.^_`|~ only")
		}
	}
	return checkLetters(name)
}

func isToken(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
