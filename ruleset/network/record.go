package network

import (
	"fmt"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// Bounds on what is read from one record. Real ones stay far below: MaxMind's
// Enterprise records have some 15 keys, and organisations some 60 letters.
const (
	maxKeys = 1024
	maxText = 4096
)

// readMap calls entry for each key of the map at c; entry reads or skips the
// value and returns what follows it. A value that is not a map is skipped: it
// has none of the keys.
func readMap(c mmdbdata.Cursor, entry func(key []byte, value mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil {
		return c, err
	}
	if kind != mmdbdata.KindMap {
		return c.Skip()
	}
	m, err := c.Map()
	if err != nil {
		return c, err
	}
	if m.Size() > maxKeys {
		return c, fmt.Errorf("a map has %d keys: want %d at most", m.Size(), maxKeys)
	}
	var at mmdbdata.Cursor
	for {
		key, value, ok := m.Next(at)
		if !ok {
			return m.End()
		}
		if at, err = entry(key, value); err != nil {
			return c, err
		}
	}
}

// text is a field that holds a string.
type text struct {
	s     string
	found bool
}

// read reads a string, and skips what is none.
func (f *text) read(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil {
		return c, err
	}
	if kind != mmdbdata.KindString {
		return c.Skip()
	}
	s, next, err := c.ReadStringMaxSize(maxText)
	f.s, f.found = s, err == nil
	return next, err
}
