package network

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// A list file may be of any length; its lines, and the problems told of it, may
// not, so that a wrong file (an archive, a web page) costs little.
const (
	maxListLine     = 4096
	maxListProblems = 20
)

// ListProblem is one thing wrong with a list, and what would be right.
type ListProblem struct {
	List    string // the name ParseList was given
	Line    int    // from 1
	Column  int    // from 1, in bytes
	Message string
}

// Error returns "hosting.txt:3:1: …".
func (p ListProblem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.List, p.Line, p.Column, p.Message)
}

// ParseList reads a plain list: on each line an entry as ParseEntry reads it,
// or nothing. What follows # or ; is a comment. A byte order mark, CRLF line
// ends and a last line without an end are accepted.
//
// name stands in the problems, which come in the order of the file. A list with
// problems is not to be used: what could be read of it is returned for those
// who count. After 20 problems the rest is not read, and the last problem says
// so.
func ParseList(name string, r io.Reader) ([]netip.Prefix, []ListProblem) {
	p := listParser{name: name}
	lines := bufio.NewReaderSize(r, maxListLine)
	for more := true; more && len(p.problems) < maxListProblems; {
		p.line++
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			p.problem(0, fmt.Sprintf("line is longer than %d bytes: want one address or network on each line", maxListLine))
			if err := skipLine(lines); err != nil {
				more = p.ended(err)
			}
			continue
		case err != nil:
			more = p.ended(err)
		}
		if p.line == 1 {
			if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
				p.problem(0, "file is UTF-16: save it as UTF-8")
				return nil, p.problems
			}
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		p.read(string(line))
	}
	if len(p.problems) >= maxListProblems {
		p.problem(0, "too many problems: the rest has not been read")
	}
	return p.prefixes, p.problems
}

type listParser struct {
	name     string
	line     int
	prefixes []netip.Prefix
	problems []ListProblem
}

func (p *listParser) read(line string) {
	if i := strings.IndexAny(line, "#;"); i >= 0 {
		line = line[:i]
	}
	entry := strings.TrimLeft(line, blanks)
	at := len(line) - len(entry)
	entry = strings.TrimRight(entry, blanks)
	if entry == "" {
		return
	}
	// A range may have blanks around its hyphen; nothing else may.
	if i := strings.IndexAny(entry, blanks); i >= 0 && !strings.Contains(entry, "-") {
		at += i + len(entry[i:]) - len(strings.TrimLeft(entry[i:], blanks))
		p.problem(at, fmt.Sprintf("%s follows the address: want one on each line, and # before a comment", clip(strings.TrimLeft(entry[i:], blanks))))
		return
	}
	prefixes, err := ParseEntry(entry)
	if err != nil {
		p.problem(at, err.Error())
		return
	}
	p.prefixes = append(p.prefixes, prefixes...)
}

const blanks = " \t\r\n\v\f"

func (p *listParser) problem(at int, message string) {
	p.problems = append(p.problems, ListProblem{List: p.name, Line: p.line, Column: at + 1, Message: message})
}

// ended notes why reading ended, unless it is the end of the file, and reports
// that there is no more.
func (p *listParser) ended(err error) (more bool) {
	if err != io.EOF {
		p.problem(0, fmt.Sprintf("reading failed: %v", err))
	}
	return false
}

func skipLine(r *bufio.Reader) error {
	for {
		_, err := r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
