package ruleset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// network reads the lists, and which of them are trusted and denied.
func (c *compiler) network(s *settings) {
	s.network.tunnels = "deny"
	n := c.doc.Network
	if n == nil {
		return
	}
	s.network.shadow = n.Shadow.V
	s.network.private = n.Private.Or("")
	s.network.tunnels = n.Tunnels.Or("deny")
	c.gate = s.name
	for _, e := range n.Lists.Entries {
		s.network.lists = append(s.network.lists, c.list(e.Key, e.Value))
	}
	used := make(map[string]string)
	once := func(what string, w strict.Value[string]) bool {
		before, twice := used[w.V]
		if twice {
			c.src.Errorf(w.Pos, "%s: list %q stands in %s already", what, w.V, before)
		}
		used[w.V] = what
		return !twice
	}
	for _, w := range n.Trust.V {
		switch {
		case !w.Good():
		case !c.findList(w.V, w.Pos):
			c.unknownList("trust", w, nil)
		case once("trust", w):
			s.network.trust = append(s.network.trust, w.V)
		}
	}
	for _, w := range n.Deny.V {
		switch d, ok := c.denied(w); {
		case !w.Good():
		case !ok:
			c.unknownList("deny", w, denyTraits())
		case once("deny", w):
			s.network.deny = append(s.network.deny, d)
		}
	}
	if len(c.lists) > network.MaxLists {
		c.src.Errorf(n.Lists.Pos, "%d lists are too many: use at most %d", len(c.lists), network.MaxLists)
	}
	c.idleLists(s)
	c.risk(s)
}

// idleLists warns about what is said of lists to no effect.
func (c *compiler) idleLists(s *settings) {
	n := c.doc.Network
	for _, e := range n.Lists.Entries {
		if e.Value == nil || !e.Value.Required.V {
			continue
		}
		i, ok := c.listIndex(e.Key.V)
		switch denied := slices.ContainsFunc(s.network.deny, func(d denied) bool { return d.word == e.Key.V }); {
		case !ok:
		case len(c.lists[i].feeds) == 0:
			c.src.Warnf(e.Value.Required.Pos, "required has no effect: list %q is not fetched", e.Key.V)
		case !denied:
			c.src.Warnf(e.Value.Required.Pos, "required has no effect: list %q does not stand in deny", e.Key.V)
		}
	}
	if len(s.network.trust) == 0 || len(s.network.deny) > 0 {
		return
	}
	for _, name := range s.network.trust {
		i, ok := c.listIndex(name)
		if !ok || len(c.lists[i].feeds) > 0 || c.lists[i].static.Countries != nil || slices.ContainsFunc(c.lists[i].static.Prefixes, refusable) {
			return
		}
	}
	c.src.Warnf(n.Trust.Pos, "trust has no effect: nothing is denied")
}

// denied reads one word of deny: a list, what databases tell, or both.
func (c *compiler) denied(w strict.Value[string]) (denied, bool) {
	if !w.Good() {
		return denied{}, false
	}
	d := denied{word: w.V, listed: c.findList(w.V, w.Pos), traits: traitsCalled(w.V)}
	if d.listed {
		i, ok := c.listIndex(w.V)
		d.asns = ok && len(c.lists[i].static.ASNs) > 0 && (c.wiring.Unwired || c.wiring.Databases.Tells(network.ASNField))
	} else if d.traits != 0 {
		c.needTraits(w.Pos, d.traits, w.V, fmt.Sprintf("deny: %q", w.V), "or take it out of deny, or give it a list in network.lists")
	}
	return d, d.listed || d.traits != 0
}

// traitsCalled returns the traits that a word of deny stands for.
func traitsCalled(word string) network.Traits {
	if word == "proxy" {
		return network.PublicProxy | network.ResidentialProxy
	}
	if t, ok := network.ParseTrait(word); ok {
		return t
	}
	return 0
}

// denyTraits are the words of deny that stand for traits.
func denyTraits() []string {
	return append([]string{"proxy"}, network.AllTraits()...)
}

// unknownList objects to a word that is no list.
func (c *compiler) unknownList(what string, w strict.Value[string], more []string) {
	own := c.ownLists()
	var accepted []string
	for _, name := range slices.Concat(own, shippedLists(), more) {
		if !slices.Contains(accepted, name) {
			accepted = append(accepted, name)
		}
	}
	hint := "accepted: " + strings.Join(accepted, ", ")
	if near := strict.Nearest(w.V, accepted); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near) + hint
	}
	if len(own) == 0 {
		hint += "; or a list of your own, as in lists: {" + w.V + ": {file: " + w.V + ".txt}}"
	}
	c.src.Error(w.Pos, fmt.Sprintf("%s: there is no list called %q", what, w.V), hint)
}

func (c *compiler) ownLists() []string {
	var names []string
	if c.doc.Network != nil {
		for _, e := range c.doc.Network.Lists.Entries {
			names = append(names, e.Key.V)
		}
	}
	return names
}

func shippedLists() []string {
	var names []string
	for _, e := range feed.Catalogue() {
		names = append(names, e.Name)
	}
	return names
}

// findList reports whether there is a list of that name: one of the ruleset's
// own, or a shipped one, which is taken in.
func (c *compiler) findList(name string, pos strict.Pos) bool {
	if _, ok := c.listIndex(name); ok {
		return true
	}
	if slices.Contains(c.ownLists(), name) {
		return true // and something is wrong with it
	}
	return c.shipped(name, pos, false)
}

// shipped takes in a shipped list.
func (c *compiler) shipped(name string, pos strict.Pos, required bool) bool {
	entry, ok := feed.Lookup(name)
	if !ok {
		return false
	}
	list := listSource{name: name, required: required, static: network.List{Name: name}}
	var asnsOnly []string
	for _, e := range entry.All() {
		list.feeds = append(list.feeds, e.Feeds()...)
		list.static.ASNs = append(list.static.ASNs, e.ASNs...)
		if len(e.Sources) == 0 && len(e.ASNs) > 0 {
			asnsOnly = append(asnsOnly, e.Name)
		}
	}
	for i := range list.feeds {
		list.feeds[i].Required = required
	}
	switch {
	case len(list.feeds) == 0:
		c.needASN(pos, fmt.Sprintf("list %q, which has autonomous systems only,", name))
	case len(asnsOnly) > 0 && !c.wiring.Unwired && !c.wiring.Databases.Tells(network.ASNField):
		c.src.Warnf(pos, "list %q is without %s: their addresses are known by autonomous system only, which needs asn_db FILE in the global otp_gate options of the Caddyfile", name, strings.Join(asnsOnly, " and "))
	}
	c.lists = append(c.lists, list)
	return true
}

// list reads one list of the ruleset's own.
func (c *compiler) list(name strict.Value[string], l *listSection) listSettings {
	list := listSettings{name: name.V}
	if l == nil {
		return list // and it has been said
	}
	list.required = l.Required.V
	if !l.CIDRs.Set && !l.File.Set && !l.ASNs.Set && !l.URL.Set {
		if c.fetched(name, l) && c.shipped(name.V, name.Pos, list.required) {
			list.shipped = true
		} else if _, ok := feed.Lookup(name.V); !ok {
			c.src.Errorf(name.Pos, "list %q is empty: give it cidrs, a file, a url or asns", name.V)
		}
		return list
	}
	source := listSource{name: name.V, required: list.required, static: network.List{Name: name.V}}
	for _, v := range l.CIDRs.V {
		prefixes, err := network.ParseEntry(v.V)
		if err != nil {
			c.src.Errorf(v.Pos, "%v", err)
			continue
		}
		list.cidrs = append(list.cidrs, v.V)
		source.static.Prefixes = append(source.static.Prefixes, prefixes...)
	}
	for _, v := range l.ASNs.V {
		list.asns = append(list.asns, uint32(v.V))
	}
	source.static.ASNs = list.asns
	if len(list.asns) > 0 {
		c.needASN(l.ASNs.Pos, fmt.Sprintf("list %q, which has asns,", name.V))
	}
	switch {
	case l.File.Set && l.URL.Set:
		c.src.Errorf(l.URL.Pos, "list %q has a file and a url: give it one of them, and the other to a list beside it", name.V)
	case l.File.Set:
		list.file = l.File.V
		list.feed = c.feedOf(name, l)
		c.listFile(&source, l, list.feed)
	case l.URL.Set:
		list.feed = c.feedOf(name, l)
		list.feed.Name = c.gate + "." + name.V
		list.feed.Required = list.required
		if err := list.feed.Validate(); err != nil {
			if inner := errors.Unwrap(err); inner != nil {
				err = inner // the name is said already
			}
			c.src.Errorf(l.URL.Pos, "list %q: %v", name.V, err)
		}
		source.feeds = []feed.Feed{list.feed}
	default:
		c.fetched(name, l)
	}
	c.lists = append(c.lists, source)
	return list
}

// fetched objects to words that are about a file where there is none. It reports
// whether there are none.
func (c *compiler) fetched(name strict.Value[string], l *listSection) bool {
	ok := true
	object := func(word string, set bool, pos strict.Pos, need string) {
		if set {
			c.src.Errorf(pos, "list %q: %s has no effect without %s", name.V, word, need)
			ok = false
		}
	}
	none := !l.File.Set && !l.URL.Set
	object("every", l.Every.Set && !l.URL.Set, l.Every.Pos, "a url")
	object("max_age", l.MaxAge.Set && !l.URL.Set, l.MaxAge.Pos, "a url")
	object("format", l.Format.Set && none, l.Format.Pos, "a file or a url")
	object("sha256", l.SHA256.Set && none, l.SHA256.Pos, "a file or a url")
	object("max_size", l.MaxSize.Set && none, l.MaxSize.Pos, "a file or a url")
	if l.Select != nil {
		object("select", none, l.Select.Pos, "a file or a url")
	}
	return ok
}

// feedOf returns what is said of the file of a list, without the feed's name.
func (c *compiler) feedOf(name strict.Value[string], l *listSection) feed.Feed {
	c.fetched(name, l)
	f := feed.Feed{
		URL: l.URL.V, Every: time.Duration(l.Every.V), MaxAge: time.Duration(l.MaxAge.V),
		Format: feed.Format(l.Format.Or("")), SHA256: l.SHA256.V, MaxBytes: int64(l.MaxSize.V),
	}
	if l.Select == nil {
		return f
	}
	for _, words := range []struct {
		given strict.Value[[]strict.Value[string]]
		to    *[]string
	}{{l.Select.Services, &f.Select.Services}, {l.Select.Regions, &f.Select.Regions}, {l.Select.Tags, &f.Select.Tags}} {
		for _, w := range words.given.V {
			*words.to = append(*words.to, w.V)
		}
	}
	if f.Select.Empty() {
		c.src.Errorf(l.Select.Pos, "list %q: select selects nothing: say what, as in {services: [EC2]}", name.V)
	}
	return f
}

// listFile reads the file of a list. One that is written by the operator's own
// hand has to be right in every line, and may name private networks; one in a
// format of others is read as a feed is.
func (c *compiler) listFile(list *listSource, l *listSection, f feed.Feed) {
	file := l.File
	c.watch(file.V)
	text, err := c.readFile(file.V)
	if err != nil {
		c.src.Errorf(file.Pos, "reading list %q: %v", list.name, err)
		return
	}
	if sum := sha256.Sum256(text); f.SHA256 != "" && !strings.EqualFold(f.SHA256, hex.EncodeToString(sum[:])) {
		c.src.Errorf(l.SHA256.Pos, "list %q: %s has another checksum: %x", list.name, file.V, sum)
		return
	}
	if f.MaxBytes > 0 && int64(len(text)) > f.MaxBytes {
		c.src.Errorf(l.MaxSize.Pos, "list %q: %s is larger than that: it has %d bytes", list.name, file.V, len(text))
		return
	}
	plain := f.Format == feed.Plain || f.Format == "" && !slices.Contains([]string{".json", ".csv", ".ndjson"}, strings.ToLower(filepath.Ext(file.V)))
	if plain && f.Select.Empty() {
		prefixes, problems := network.ParseList(file.V, bytes.NewReader(text))
		for _, p := range problems {
			c.src.Errorf(file.Pos, "list %q: %v", list.name, p)
		}
		if len(problems) == 0 && len(prefixes) == 0 {
			c.src.Errorf(file.Pos, "list %q: %s holds no address: an empty list would let everybody through; take the list out if that is what you want", list.name, file.V)
		}
		list.static.Prefixes = append(list.static.Prefixes, prefixes...)
		return
	}
	result, err := feed.Parse(bytes.NewReader(text), feed.Options{Format: f.Format, Select: f.Select, MaxBytes: f.MaxBytes})
	if err != nil {
		c.src.Errorf(file.Pos, "list %q: %s: %v", list.name, file.V, err)
		return
	}
	if result.Unreadable > 0 {
		c.src.Warnf(file.Pos, "list %q: %s: %d entries cannot be read: %s", list.name, file.V, result.Unreadable, result.Unread)
	}
	list.static = merged(list.static, []*feed.Result{result})
}

// watch notes that the ruleset is made of this file as well.
func (c *compiler) watch(file string) {
	if !slices.Contains(c.files, file) {
		c.files = append(c.files, file)
	}
}

func (c *compiler) listIndex(name string) (int, bool) {
	i := slices.IndexFunc(c.lists, func(l listSource) bool { return l.name == name })
	return i, i >= 0
}
