package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// readText reads a format that has lines: which, the first line with something
// on it tells.
func (c *collector) readText(in *bufio.Reader) (Format, error) {
	var format Format
	var table *csvReader
	err := eachLine(in, func(number int, line string, ended bool) error {
		if format == "" {
			if format = formatOfLine(line); format == "" {
				return nil
			}
			if format == CSV {
				table = &csvReader{c: c}
			}
		}
		before := c.result.Unreadable
		var err error
		switch format {
		case CSV:
			err = table.line(number, line)
		case TorExits:
			err = c.torLine(number, line)
		default:
			err = c.plainLine(number, line)
		}
		switch {
		case err != nil:
			return err
		case !ended && c.result.Unreadable > before:
			return because(Truncated, "it ends in the middle of line %d", number)
		case c.result.Unreadable >= 1000 && c.mostlyUnreadable():
			return io.EOF // finish says why
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if table != nil && table.geofeed {
		format = Geofeed
	}
	if format == "" {
		format = Plain // nothing but comments
	}
	return format, nil
}

// eachLine calls do with each line, without its end, and whether it had one. It
// stops at the end, at an error, and without one when do returns io.EOF.
func eachLine(in *bufio.Reader, do func(number int, line string, ended bool) error) error {
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return because(NotAList, "line %d is longer than %d bytes", number, maxLine)
		}
		if err != nil && err != io.EOF {
			return err
		}
		ended := err == nil
		if bytes.IndexByte(line, 0) >= 0 {
			return because(NotAList, "line %d holds a zero byte", number)
		}
		if e := do(number, string(bytes.Trim(line, blanks)), ended); e != nil {
			if e == io.EOF {
				return nil
			}
			return e
		}
		if !ended {
			return nil
		}
	}
}

// formatOfLine judges by a line. It returns "" if there is nothing on it.
func formatOfLine(line string) Format {
	switch {
	case strings.HasPrefix(line, "ExitNode "), strings.HasPrefix(line, "@type tordnsel "):
		return TorExits
	case withoutComment(line) == "":
		return ""
	case strings.Contains(withoutComment(line), ","):
		return CSV
	}
	return Plain
}

func withoutComment(line string) string {
	if i := strings.IndexAny(line, "#;"); i >= 0 {
		return strings.TrimRight(line[:i], blanks)
	}
	return line
}

func (c *collector) plainLine(number int, line string) error {
	if line = withoutComment(line); line == "" {
		return nil
	}
	return c.text(line, number, labels{})
}

// torLine reads the lines that bear an address: "ExitAddress 192.0.2.1 2026-01-01 00:00:00".
func (c *collector) torLine(number int, line string) error {
	rest, ok := strings.CutPrefix(line, "ExitAddress ")
	if !ok {
		return nil
	}
	address, _, _ := strings.Cut(rest, " ")
	return c.text(address, number, labels{})
}
