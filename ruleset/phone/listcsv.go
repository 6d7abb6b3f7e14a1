package phone

import (
	"errors"
	"fmt"
	"strings"
)

// A column is where entries stand in CSV.
type column uint8

const (
	noColumn column = iota
	numberColumn
	prefixColumn // what is not marked is a prefix
	fromColumn
	toColumn
	foreignColumn // in JSON: no entries here, nor in what is within
)

// columnNames are columns by their names, as columnOf folds them.
var columnNames = map[string]column{
	"number": numberColumn, "phone": numberColumn, "phonenumber": numberColumn, "msisdn": numberColumn,
	"telephone": numberColumn, "mobile": numberColumn, "e164": numberColumn,
	"prefix": prefixColumn, "range": prefixColumn,
	"from": fromColumn, "rangestart": fromColumn,
	"to": toColumn, "rangeend": toColumn,
}

var blankless = strings.NewReplacer(" ", "", "_", "", "-", "", ".", "")

// columnOf returns what a column or field of that name holds.
func columnOf(name string, o ListOptions) column {
	is := columnNames[strings.ToLower(blankless.Replace(name))]
	if o.Column != "" {
		switch {
		case name != o.Column:
			return noColumn
		case is == noColumn, is == fromColumn, is == toColumn:
			is = numberColumn
		}
	}
	if is == numberColumn && o.Prefixes {
		is = prefixColumn
	}
	return is
}

// columns say where in a line of CSV entries stand.
type columns struct {
	delimiter byte
	is        []column
	cells     []string // of the line at hand
}

// header reads a line that names columns; it returns nil if line does not.
func header(line string, o ListOptions) (*columns, error) {
	for _, delimiter := range []byte{',', ';', '\t'} {
		c := &columns{delimiter: delimiter}
		cells, err := c.split(line)
		if err != nil {
			continue
		}
		counts := make(map[column]int)
		for _, cell := range cells {
			is := columnOf(strings.Trim(cell, blanks), o)
			c.is = append(c.is, is)
			counts[is]++
		}
		if counts[noColumn] == len(cells) {
			continue
		}
		if counts[fromColumn] != counts[toColumn] || counts[fromColumn] > 1 {
			return nil, errors.New("its columns for the ends of ranges do not go together: want one from and one to")
		}
		return c, nil
	}
	if o.Column != "" {
		return nil, fmt.Errorf("there is no column called %q", o.Column)
	}
	return nil, nil
}

// read reads a line below the header.
func (c *columns) read(l *listReader, line string) error {
	cells, err := c.split(line)
	if err != nil {
		l.problem(err.Error())
		return nil
	}
	found := false
	var from, to string
	for i, is := range c.is[:min(len(c.is), len(cells))] {
		cell := strings.Trim(cells[i], blanks)
		if is == noColumn || cell == "" {
			continue
		}
		found = true
		switch is {
		case fromColumn:
			from = cell
		case toColumn:
			to = cell
		default:
			if err := l.entry(cell, is == prefixColumn); err != nil {
				return err
			}
		}
	}
	switch {
	case !found:
		l.problem("no entry")
	case from != "" || to != "":
		return l.take(parseRange(from, to))
	}
	return nil
}

// split returns the cells of a line, which are good until the next. A quoted
// cell may hold delimiters, and quotes written twice; it ends on its line.
func (c *columns) split(line string) ([]string, error) {
	c.cells = c.cells[:0]
	for {
		var cell string
		if strings.HasPrefix(line, `"`) {
			end := 1
			for {
				at := strings.IndexByte(line[end:], '"')
				if at < 0 {
					return nil, errors.New("a quote is not closed on its line")
				}
				end += at + 1
				if end == len(line) || line[end] != '"' {
					break
				}
				end++
			}
			cell, line = strings.ReplaceAll(line[1:end-1], `""`, `"`), line[end:]
			if line != "" && line[0] != c.delimiter {
				return nil, errors.New("something follows a quoted cell")
			}
		} else if at := strings.IndexByte(line, c.delimiter); at >= 0 {
			cell, line = line[:at], line[at:]
		} else {
			cell, line = line, ""
		}
		c.cells = append(c.cells, cell)
		if line == "" {
			return c.cells, nil
		}
		line = line[1:]
	}
}
