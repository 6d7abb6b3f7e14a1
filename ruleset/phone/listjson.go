package phone

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxListDepth is how deep JSON may be nested.
const maxListDepth = 16

// readJSON reads entries wherever they may stand in JSON.
func (l *listReader) readJSON(r io.Reader) error {
	d := jsonList{listReader: l, json: json.NewDecoder(r)}
	d.json.UseNumber()
	for {
		err := d.value(noColumn, 0)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// A jsonList reads JSON token by token, so that what is no entry takes no memory.
type jsonList struct {
	*listReader
	json *json.Decoder
}

func (d *jsonList) token() (json.Token, error) {
	t, err := d.json.Token()
	d.offset = d.json.InputOffset()
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("byte %d: malformed JSON", d.offset) // its text may hold a number
	case err != nil && err != io.EOF:
		return nil, fmt.Errorf("byte %d: reading failed: %w", d.offset, err)
	}
	return t, err
}

// value reads what comes next: an entry, if it stands where those do, an array
// or object that holds some, or something else.
func (d *jsonList) value(is column, depth int) error {
	t, err := d.token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == maxListDepth {
			return fmt.Errorf("byte %d: nested more than %d deep", d.offset, maxListDepth)
		}
		if t == '[' {
			err = d.array(is, depth+1)
		} else {
			err = d.object(is, depth+1)
		}
		if err == io.EOF {
			err = fmt.Errorf("byte %d: it ends too early", d.offset)
		}
		return err
	case string:
		return d.scalar(t, is)
	case json.Number:
		return d.scalar(t.String(), is)
	}
	return nil
}

func (d *jsonList) scalar(text string, is column) error {
	if is == noColumn || is == foreignColumn || text == "" {
		return nil
	}
	return d.entry(text, is == prefixColumn)
}

// array reads the rest of an array. Strings and numbers in it are entries, also
// where the field that holds it has an unknown name, unless one is asked for.
func (d *jsonList) array(is column, depth int) error {
	if is == noColumn && d.options.Column == "" {
		is = numberColumn
		if d.options.Prefixes {
			is = prefixColumn
		}
	}
	for d.json.More() {
		if err := d.value(is, depth); err != nil {
			return err
		}
	}
	_, err := d.token()
	return err
}

// object reads the rest of an object.
func (d *jsonList) object(within column, depth int) error {
	var from, to string
	for d.json.More() {
		t, err := d.token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return fmt.Errorf("byte %d: malformed JSON", d.offset)
		}
		is := foreignColumn
		if within != foreignColumn {
			is = columnOf(name, d.options)
		}
		switch {
		case is == fromColumn || is == toColumn:
			var end any
			if err := d.json.Decode(&end); err != nil {
				return fmt.Errorf("byte %d: malformed JSON", d.json.InputOffset())
			}
			if text := fmt.Sprint(end); is == fromColumn {
				from = text
			} else {
				to = text
			}
			continue
		case is == noColumn && d.options.Column == "" && entryName(name):
			if err := d.entry(name, d.options.Prefixes); err != nil {
				return err
			}
			is = foreignColumn // when it was seen, or where
		}
		if err := d.value(is, depth); err != nil {
			return err
		}
	}
	if _, err := d.token(); err != nil {
		return err
	}
	if from != "" || to != "" {
		return d.take(parseRange(from, to))
	}
	return nil
}

// entryName reports whether the name of a field is an entry itself.
func entryName(name string) bool {
	if name == "" || (name[0] < '0' || name[0] > '9') && name[0] != '+' {
		return false
	}
	return strings.Trim(name, "0123456789+*- ()") == ""
}
