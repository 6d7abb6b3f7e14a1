package scenario

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Words behind the name of a section NAME.http.
const (
	crlf    = "crlf"    // the lines of the body end in CRLF
	escaped = "escaped" // Go's escapes are undone
)

// chunk is how much of a body goes into one chunk: little, so that there are
// several.
const chunk = 7

// raw is a request as it is on the wire.
type raw struct {
	wire []byte
	body []byte // as the app is to get it
}

// rawProblem says what is wrong with a section.
type rawProblem struct {
	line    int
	message string
}

// request makes a request of the section, as the package comment says.
func (s *section) request() (*raw, *rawProblem) {
	text := strings.TrimRight(string(s.text), "\n")
	if slices.Contains(s.words, escaped) {
		var err error
		if text, err = unescape(text); err != nil {
			return nil, &rawProblem{s.line, err.Error()}
		}
	}
	head, body, _ := strings.Cut(text, "\n\n")
	head = strings.TrimSuffix(head, "\n")
	if slices.Contains(s.words, crlf) {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	}
	r := &raw{body: []byte(body)}
	lines := strings.Split(head, "\n")
	switch {
	case fieldIn(lines, "transfer-encoding"):
		body = chunked(body)
	case body != "" && !fieldIn(lines, "content-length"):
		lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)))
	}
	r.wire = []byte(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)
	if _, err := r.open(); err != nil {
		return nil, &rawProblem{s.line, fmt.Sprintf("no server would read this as a request: %v", err)}
	}
	return r, nil
}

// open returns the request as a server reads it.
func (r *raw) open() (*http.Request, error) {
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.wire)))
	if err != nil {
		return nil, err
	}
	if req.Host == "" {
		req.Host = defaultHost
	}
	return req, nil
}

// fieldIn reports whether one of the header lines is the field.
func fieldIn(lines []string, field string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		name, _, _ := strings.Cut(line, ":")
		return strings.EqualFold(name, field)
	})
}

func chunked(body string) string {
	var b strings.Builder
	for body != "" {
		n := min(chunk, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

// unescape undoes Go's escapes. Quotes stand for themselves.
func unescape(s string) (string, error) {
	var b []byte
	for s != "" {
		if s[0] != '\\' {
			b = append(b, s[0])
			s = s[1:]
			continue
		}
		r, multibyte, tail, err := strconv.UnquoteChar(s, 0)
		if err != nil {
			return "", errors.New(`a backslash that begins none of Go's escapes; write \\ for a backslash`)
		}
		if s = tail; multibyte {
			b = utf8.AppendRune(b, r)
		} else {
			b = append(b, byte(r))
		}
	}
	return string(b), nil
}
