package ruleset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network"
)

// network reads the lists, and which of them are trusted and denied.
func (c *compiler) network(s *settings) {
	n := c.doc.Network
	if n == nil {
		return
	}
	s.network.shadow = n.Shadow.V
	positions := make(map[string]strict.Pos)
	for _, e := range n.Lists.Entries {
		positions[e.Key.V] = e.Key.Pos
		list := c.list(e.Key, e.Value)
		s.network.lists = append(s.network.lists, list)
		c.lists = append(c.lists, network.List{Name: list.name, Prefixes: list.prefixes, ASNs: list.asns})
	}
	if len(c.lists) > network.MaxLists {
		c.src.Errorf(n.Lists.Entries[network.MaxLists].Key.Pos, "%d lists are too many: use at most %d", len(c.lists), network.MaxLists)
	}
	used := make(map[string]string)
	names := func(what string, v strict.Value[[]strict.Value[string]]) []string {
		var names []string
		for _, w := range v.V {
			if _, ok := c.listIndex(w.V); !ok {
				hint := "lists has none yet: add one, as in lists: {" + w.V + ": {file: " + w.V + ".txt}}"
				if len(c.lists) > 0 {
					hint = "lists: " + strings.Join(c.listNames(), ", ")
				}
				c.src.Error(w.Pos, fmt.Sprintf("%s: there is no list called %q", what, w.V), hint)
				continue
			}
			if before, ok := used[w.V]; ok {
				c.src.Errorf(w.Pos, "%s: list %q stands in %s already", what, w.V, before)
				continue
			}
			used[w.V] = what
			names = append(names, w.V)
		}
		return names
	}
	s.network.trust = names("trust", n.Trust)
	s.network.deny = names("deny", n.Deny)
	if len(s.network.trust) > 0 && len(s.network.deny) == 0 {
		c.src.Warnf(n.Trust.Pos, "trust has no effect: nothing is denied")
	}
}

// list reads one list.
func (c *compiler) list(name strict.Value[string], l *listSection) listSettings {
	list := listSettings{name: name.V}
	if l == nil {
		return list // and it has been said
	}
	if !l.CIDRs.Set && !l.File.Set && !l.ASNs.Set {
		c.src.Errorf(name.Pos, "list %q is empty: give it cidrs, a file or asns", name.V)
		return list
	}
	for _, v := range l.CIDRs.V {
		prefixes, err := network.ParseEntry(v.V)
		if err != nil {
			c.src.Errorf(v.Pos, "%v", err)
			continue
		}
		list.cidrs = append(list.cidrs, v.V)
		list.prefixes = append(list.prefixes, prefixes...)
	}
	for _, v := range l.ASNs.V {
		list.asns = append(list.asns, uint32(v.V))
	}
	if len(list.asns) > 0 {
		c.needASN(l.ASNs.Pos, fmt.Sprintf("list %q, which has asns,", name.V))
	}
	if l.File.Set {
		list.file = l.File.V
		c.listFile(&list, l.File)
	}
	return list
}

func (c *compiler) listFile(list *listSettings, file strict.Value[string]) {
	if !slices.Contains(c.files, file.V) {
		c.files = append(c.files, file.V)
	}
	text, err := c.readFile(file.V)
	if err != nil {
		c.src.Errorf(file.Pos, "reading list %q: %v", list.name, err)
		return
	}
	prefixes, problems := network.ParseList(file.V, bytes.NewReader(text))
	for _, p := range problems {
		c.src.Errorf(file.Pos, "list %q: %v", list.name, p)
	}
	if len(problems) == 0 && len(prefixes) == 0 {
		c.src.Errorf(file.Pos, "list %q: %s holds no address: an empty list would let everybody through; take the list out if that is what you want", list.name, file.V)
	}
	list.prefixes = append(list.prefixes, prefixes...)
}

func (c *compiler) listIndex(name string) (int, bool) {
	i := slices.IndexFunc(c.lists, func(l network.List) bool { return l.Name == name })
	return i, i >= 0
}

func (c *compiler) listNames() []string {
	var names []string
	for _, l := range c.lists {
		names = append(names, l.Name)
	}
	return names
}
