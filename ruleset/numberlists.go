package ruleset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/phone"
)

// numberList reads one list of numbers.
func (c *compiler) numberList(name strict.Value[string], l *numberListSection) numberListSettings {
	list := numberListSettings{name: name.V}
	if name.Good() && !listName.MatchString(name.V) {
		c.src.Errorf(name.Pos, "%q is not a name for a list of numbers: use letters, digits, _ and -, with a letter first", name.V)
	}
	if l == nil {
		return list // and it has been said
	}
	switch {
	case !l.Entries.Set && !l.File.Set:
		c.src.Errorf(name.Pos, "list %q is empty: give it entries or a file", name.V)
	case l.Entries.Set && l.File.Set:
		c.src.Errorf(l.File.Pos, "list %q has entries and a file: give it one of them, and the other to a list beside it", name.V)
	case l.Column.Set && !l.File.Set:
		c.src.Errorf(l.Column.Pos, "list %q: column has no effect without a file", name.V)
	case l.Prefixes.Set && !l.File.Set:
		c.src.Errorf(l.Prefixes.Pos, "list %q: prefixes has no effect without a file: end them in a star", name.V)
	}
	named := phone.NamedList{Name: name.V}
	var parsed []phone.Entry
	for _, v := range l.Entries.V {
		e, err := phone.ParseEntry(v.V, "")
		if err != nil {
			c.src.Errorf(v.Pos, "list %q: %v: want a number such as +14155550123, a prefix such as +1876*, or a range such as +4479110000-+4479119999", name.V, err)
			continue
		}
		list.entries = append(list.entries, v.V)
		parsed = append(parsed, e)
	}
	if l.File.Set {
		list.file, list.column, list.prefixes = l.File.V, l.Column.V, l.Prefixes.V
		named.List = c.numberFile(name.V, l)
	} else {
		named.List = phone.NewList(parsed...)
	}
	c.numbers = append(c.numbers, named)
	return list
}

// numberFile reads the file of a list of numbers. What cannot be read in it is
// doubtful only: no request could be about such a number.
func (c *compiler) numberFile(name string, l *numberListSection) *phone.List {
	c.watch(l.File.V)
	text, err := c.readFile(l.File.V)
	if err != nil {
		c.src.Errorf(l.File.Pos, "reading list %q: %v", name, err)
		return nil
	}
	list, report, err := phone.ReadList(bytes.NewReader(text), phone.ListOptions{Column: l.Column.V, Prefixes: l.Prefixes.V})
	if err != nil {
		c.src.Errorf(l.File.Pos, "list %q: %s: %v", name, l.File.V, err)
		return nil
	}
	for _, p := range report.Problems {
		c.src.Warnf(l.File.Pos, "list %q: %s: %v", name, l.File.V, p)
	}
	if more := report.Unreadable - len(report.Problems); more > 0 {
		c.src.Warnf(l.File.Pos, "list %q: %s: and %d more", name, l.File.V, more)
	}
	return list
}

// forbid takes in one word of number.deny.
func (c *compiler) forbid(s *settings, f strict.Value[forbidden]) {
	if f.V.list != "" {
		if names := c.numberListNames(); !slices.Contains(names, f.V.list) {
			hint := "lists has none yet: add one, as in lists: {" + f.V.list + ": {file: " + f.V.list + ".txt}}"
			if len(names) > 0 {
				hint = "accepted: " + strings.Join(names, ", ")
			}
			if near := strict.Nearest(f.V.list, names); near != "" {
				hint = fmt.Sprintf("did you mean %q? ", near) + hint
			}
			c.src.Error(f.Pos, fmt.Sprintf("number.deny: there is no list of numbers called %q", f.V.list), hint)
			return
		}
	}
	for _, other := range s.number.deny {
		switch {
		case other == f.V:
			return // and it has been said
		case f.V.prefix != "" && other.prefix != "" && strings.HasPrefix(f.V.prefix, other.prefix):
			c.src.Warnf(f.Pos, "prefix %s has no effect: %s already covers it", f.V.prefix, other.prefix)
		}
	}
	s.number.deny = append(s.number.deny, f.V)
}

// numberListNames are the names of the ruleset's lists of numbers.
func (c *compiler) numberListNames() []string {
	var names []string
	if c.doc.Number != nil {
		for _, e := range c.doc.Number.Lists.Entries {
			names = append(names, e.Key.V)
		}
	}
	return names
}
