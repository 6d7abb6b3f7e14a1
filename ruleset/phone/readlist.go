package phone

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ListOptions say how ReadList reads. The zero ListOptions are right for lists
// of whole numbers with their calling codes.
type ListOptions struct {
	// Region is where numbers without a plus are dialled. "" is for lists of bare
	// digits that begin with a calling code, as lists of disposable numbers do.
	Region string

	// Prefixes reads entries that are not marked as prefixes or ranges as
	// prefixes, instead of as whole numbers.
	Prefixes bool

	// Column is the name of the column in CSV, or of the field in JSON, that holds
	// the entries. "" looks for the names that ReadList tells.
	Column string

	// MinPrefix is how many digits a prefix has at least, calling code included;
	// 0 is those of the calling code. For lists that others write 4 is good: a
	// list that was tampered with then cannot name whole countries.
	MinPrefix int

	MaxBytes   int64 // 0 is 256 MiB
	MaxEntries int   // and prefixes that ranges are made into; 0 is 10 million
}

const (
	defaultMaxBytes   = 256 << 20
	defaultMaxEntries = 10_000_000

	maxListLine     = 64 << 10
	maxListProblems = 20
)

// A ListProblem is one thing wrong with a list. It holds no number.
type ListProblem struct {
	Line    int   // from 1; 0 in JSON
	Byte    int64 // in JSON, behind the entry
	Message string
}

// Error returns "line 3: …" or "byte 120: …".
func (p ListProblem) Error() string {
	if p.Line > 0 {
		return fmt.Sprintf("line %d: %s", p.Line, p.Message)
	}
	return fmt.Sprintf("byte %d: %s", p.Byte, p.Message)
}

// A ListReport tells what was found in a list.
type ListReport struct {
	Format     string        // "lines", "csv" or "json"
	Entries    int           // that could be read
	Invalid    int           // numbers among them that are possible only
	Unreadable int           // what stands for an entry and is none
	Problems   []ListProblem // about the first 20 of these, in order
}

// ErrNoEntries is ReadList's error for a list in which there is nothing at all.
var ErrNoEntries = errors.New("it holds no phone numbers")

// ReadList reads a list in one of these formats, which it recognises:
//
//   - Lines: an entry on each as ParseEntry reads it, or nothing. What follows # or
//     ; is a comment.
//   - CSV, if the first line names columns: with commas, semicolons or tabs between
//     them. The entries are in those called number, phone, phone_number, msisdn,
//     telephone, mobile or e164; in prefix and range, where what is not marked is a
//     prefix; and in from and to, or range_start and range_end, which hold the two
//     ends of a range. Lines that begin with # are comments.
//   - JSON: arrays of strings or numbers, objects whose names are numbers, and
//     objects with a field that is called like those columns; any of these within
//     others, and one behind the other.
//
// A byte order mark and CRLF are accepted. What cannot be read is left out and
// told in the report: who has written the list should treat that as an error, and
// who fetches it from others should go on without. A number that Parse refuses
// could not be met anyway. An error means that there is no list to be used: it
// cannot be read to its end, is beyond a limit, holds nothing, or more than a
// quarter of it is not phone numbers. The report is never nil.
func ReadList(r io.Reader, options ListOptions) (*List, *ListReport, error) {
	l := &listReader{options: options, report: &ListReport{}}
	if l.options.MaxBytes <= 0 {
		l.options.MaxBytes = defaultMaxBytes
	}
	if l.options.MaxEntries <= 0 {
		l.options.MaxEntries = defaultMaxEntries
	}
	if options.Region != "" && find(options.Region) == nil {
		return nil, l.report, fmt.Errorf("%q is not the code of a country", options.Region)
	}
	bounded := &io.LimitedReader{R: r, N: l.options.MaxBytes + 1}
	err := l.read(bufio.NewReaderSize(bounded, maxListLine))
	if bounded.N <= 0 {
		err = fmt.Errorf("it is larger than %d bytes", l.options.MaxBytes)
	}
	if err == nil {
		err = l.judge()
	}
	if err != nil {
		return nil, l.report, err
	}
	return l.built.list(), l.report, nil
}

// A listReader is at work on one list.
type listReader struct {
	options ListOptions
	report  *ListReport
	built   listBuilder

	line              int // 0 in JSON
	offset            int64
	bare, bareInvalid int // numbers without a plus, and those that are not valid
}

// read looks at how the list begins, and reads it.
func (l *listReader) read(r *bufio.Reader) error {
	start, err := r.Peek(512)
	if len(start) == 0 && err != nil && err != io.EOF {
		return fmt.Errorf("reading failed: %w", err)
	}
	if rest, ok := bytes.CutPrefix(start, []byte("\ufeff")); ok {
		if _, err := r.Discard(len(start) - len(rest)); err != nil {
			return err
		}
		start = rest
	}
	switch begin := bytes.TrimLeft(start, blanks); {
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return errors.New("it is UTF-16: save it as UTF-8")
	case bytes.HasPrefix(start, []byte("\x1f\x8b")), bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return errors.New("it is compressed: unpack it first")
	case bytes.HasPrefix(begin, []byte("<")):
		return errors.New("it is a web page or XML, not a list")
	case bytes.HasPrefix(begin, []byte("{")), bytes.HasPrefix(begin, []byte("[")):
		l.report.Format = "json"
		return l.readJSON(r)
	}
	l.report.Format = "lines"
	return l.readLines(r)
}

// readLines reads lines, or CSV from a line on that names columns.
func (l *listReader) readLines(r *bufio.Reader) error {
	var columns *columns
	begun := false // something has been read that is no comment
	for more := true; more; {
		l.line++
		text, err := r.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull:
			return fmt.Errorf("line %d is longer than %d bytes", l.line, maxListLine)
		case err == io.EOF:
			more = false
		case err != nil:
			return fmt.Errorf("line %d: reading failed: %w", l.line, err)
		}
		line := strings.TrimRight(string(text), "\r\n")
		trimmed := strings.Trim(line, blanks)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if !begun && trimmed[0] != ';' {
			begun = true
			if columns, err = header(line, l.options); err != nil {
				return err
			}
			if columns != nil {
				l.report.Format = "csv"
				continue
			}
		}
		if columns != nil {
			err = columns.read(l, line)
		} else {
			err = l.plain(trimmed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plain reads a line that is no comment as a whole.
func (l *listReader) plain(line string) error {
	if i := strings.IndexAny(line, "#;"); i >= 0 {
		line = strings.TrimRight(line[:i], blanks)
	}
	if line == "" {
		return nil
	}
	if strings.ContainsAny(line, ",\t|") {
		l.problem("several columns: the first line must name them, and one of them number, prefix or range")
		return nil
	}
	return l.entry(line, l.options.Prefixes)
}

// entry takes one entry. One that is not marked is a prefix, if those are
// wanted.
func (l *listReader) entry(text string, prefixes bool) error {
	text = strings.Trim(text, blanks)
	if prefixes && !strings.HasSuffix(text, "*") {
		if _, _, ok := cutRange(text); !ok {
			return l.take(parsePrefixEntry(text))
		}
	}
	e, err := ParseEntry(text, l.options.Region)
	if err == nil && e.key != 0 && text[0] != '+' {
		l.bare++
		if !e.valid {
			l.bareInvalid++
		}
	}
	return l.take(e, err)
}

// take keeps an entry, or counts it as unreadable.
func (l *listReader) take(e Entry, err error) error {
	for _, s := range e.stems {
		if int(s.size) < l.options.MinPrefix {
			err = fmt.Errorf("prefix of fewer than %d digits", l.options.MinPrefix)
		} else if !s.hasCode() {
			err = errors.New("prefix is shorter than a calling code")
		}
	}
	if err != nil {
		l.problem(err.Error())
		return nil
	}
	l.report.Entries++
	if e.key != 0 && !e.valid {
		l.report.Invalid++
	}
	l.built.add(e)
	if len(l.built.keys)+len(l.built.stems) > l.options.MaxEntries {
		return fmt.Errorf("it holds more than %d numbers and prefixes", l.options.MaxEntries)
	}
	return nil
}

// hasCode reports whether s begins with a whole calling code.
func (s stem) hasCode() bool {
	var digits [3]byte
	for i := range digits {
		digits[i] = byte(s.first / powers[maxDigits-1-i] % 10)
	}
	_, p := lookup(digits[:min(3, s.size)])
	return p != nil
}

func (l *listReader) problem(message string) {
	l.report.Unreadable++
	if len(l.report.Problems) < maxListProblems {
		l.report.Problems = append(l.report.Problems, ListProblem{Line: l.line, Byte: l.offset, Message: message})
	}
}

// judge says what is wrong with the whole.
func (l *listReader) judge() error {
	r := l.report
	switch {
	case r.Entries+r.Unreadable == 0:
		return ErrNoEntries
	case 3*r.Unreadable > r.Entries:
		return fmt.Errorf("%d of %d entries are no phone numbers; %w", r.Unreadable, r.Unreadable+r.Entries, r.Problems[0])
	case l.bare >= 10 && 2*l.bareInvalid > l.bare:
		return fmt.Errorf("%d of %d numbers without a plus are nowhere in use: are they written as dialled in some country?", l.bareInvalid, l.bare)
	}
	return nil
}
