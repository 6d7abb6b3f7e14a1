package feed

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/otpgate/otpgate/ruleset/network"
)

// jsonReader reads every kind of JSON by one set of rules, token by token, so
// that memory does not grow with the file:
//
//   - a string that is an address, a network or a range is an entry;
//   - of the fields of one object, addresses count only where no field is a
//     network: {"cidr": "192.0.2.0/24", "ip": "192.0.2.0", "mask": "255.255.255.0"}
//     is one entry. Elements of arrays all count;
//   - what stands under "parent" belongs to somebody else;
//   - service, region and tags are those of the object or of one around it;
//   - a file may consist of several values, one after another (NDJSON).
//
// What the file is called follows from the keys it uses.
type jsonReader struct {
	c     *collector
	dec   *json.Decoder
	depth int

	values   int // at the top
	networks int // read
	format   Format
	asns     []uint32 // of whole lines; they count in NDJSON only
	sblids   bool     // there are lines with an sblid
	meta     struct { // the last line of NDJSON that has one
		seen    bool
		records int // 0 if it does not say
	}
}

// object is one that is being read.
type object struct {
	key    string // under which it stands
	top    bool
	groups []group
	fields []single
	labels labels
	asn    uint32
	sblid  bool
	meta   bool
}

// group is entries that have the same labels.
type group struct {
	entries [][]netip.Prefix
	keys    []string // under which they stand, the innermost first
	labels
}

// single is an entry that is a field, not an element of an array.
type single struct {
	key      string
	network  bool // or a range
	prefixes []netip.Prefix
}

func (c *collector) readJSON(in *bufio.Reader) (Format, error) {
	r := &jsonReader{c: c, dec: json.NewDecoder(in), format: JSON}
	r.dec.UseNumber()
	for {
		token, err := r.dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", r.broken(err)
		}
		r.values++
		root := &object{top: true}
		if err := r.value(token, "", root, false); err != nil {
			return "", err
		}
		if err := r.close(root, nil); err != nil {
			return "", err
		}
	}
	return r.format, r.finish()
}

// finish checks what can only be known at the end.
func (r *jsonReader) finish() error {
	switch lines := r.values - 1; {
	case r.sblids && !r.meta.seen:
		return because(Truncated, "its last line, which counts the others, is missing")
	case r.meta.records > 0 && r.meta.records != lines:
		return because(Truncated, "it holds %d of its %d records", lines, r.meta.records)
	}
	if r.values > 1 {
		for _, asn := range r.asns {
			if err := r.c.asn(asn, labels{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// value reads the value that begins with token. It stands under key in o,
// or in an array that does.
func (r *jsonReader) value(token json.Token, key string, o *object, inArray bool) error {
	switch v := token.(type) {
	case json.Delim:
		if r.depth++; r.depth > maxDepth {
			return because(NotAList, "its JSON is nested more than %d deep", maxDepth)
		}
		defer func() { r.depth-- }()
		if v == '[' {
			return r.array(key, o)
		}
		return r.object(key, o)
	case string:
		return r.text(v, key, o, inArray)
	case json.Number:
		r.number(v, key, o)
	}
	return nil
}

func (r *jsonReader) array(key string, o *object) error {
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return r.broken(err)
		}
		if err := r.value(token, key, o, true); err != nil {
			return err
		}
	}
	return r.end()
}

func (r *jsonReader) object(key string, parent *object) error {
	o := &object{key: key}
	if key == "parent" {
		o = &object{} // read, and forgotten
	}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return r.broken(err)
		}
		name, _ := token.(string)
		if token, err = r.dec.Token(); err != nil {
			return r.broken(err)
		}
		if key == "parent" {
			name = "parent"
		}
		if err := r.value(token, name, o, false); err != nil {
			return err
		}
	}
	if err := r.end(); err != nil || key == "parent" {
		return err
	}
	if parent.top && r.depth == 1 {
		r.line(o)
	}
	return r.close(o, parent)
}

func (r *jsonReader) end() error {
	if _, err := r.dec.Token(); err != nil {
		return r.broken(err)
	}
	return nil
}

// text reads a string.
func (r *jsonReader) text(s, key string, o *object, inArray bool) error {
	switch key {
	case "parent", "mask", "netmask":
		return nil
	case "service", "systemService", "product":
		o.labels.services = r.c.wanted.label(byService, o.labels.services, s)
	case "region", "scope", "network_border_group":
		o.labels.regions = r.c.wanted.label(byRegion, o.labels.regions, s)
	case "tag", "tags", "name":
		o.labels.tags = r.c.wanted.label(byTag, o.labels.tags, s)
	case "sblid":
		o.sblid = true
	case "type":
		o.meta = o.meta || s == "metadata"
	}
	if !looksLikeEntry(s) {
		return nil
	}
	isNetwork := strings.ContainsAny(s, "/-")
	prefixes, err := network.ParseEntry(s)
	if err != nil {
		if p, e := netip.ParsePrefix(s); e == nil && p.Bits() == 0 {
			return tooBroad(p)
		}
		if isMeantAsNetwork(s) {
			r.c.unreadable("byte", r.dec.InputOffset(), err)
		}
		return nil
	}
	if r.networks += len(prefixes); r.networks > MaxEntries {
		return tooMany() // they may have to be kept until the file ends
	}
	if r.format == JSON {
		r.format = formatOfKey(key, o)
	}
	if inArray {
		o.add(key, prefixes)
	} else {
		o.fields = append(o.fields, single{key: key, network: isNetwork, prefixes: prefixes})
	}
	return nil
}

func (r *jsonReader) number(n json.Number, key string, o *object) {
	switch key {
	case "asn":
		if asn, err := strconv.ParseUint(n.String(), 10, 32); err == nil {
			o.asn = uint32(asn)
		}
	case "records":
		if records, err := strconv.Atoi(n.String()); err == nil && o.meta {
			r.meta.records = records
		}
	}
}

// line looks at an object that is a value at the top, as the lines of NDJSON are.
func (r *jsonReader) line(o *object) {
	if o.sblid {
		r.format, r.sblids = Spamhaus, true
	}
	r.meta.seen = r.meta.seen || o.meta
	if o.asn != 0 && len(o.fields) == 0 && len(o.groups) == 0 && len(r.asns) <= MaxEntries {
		r.asns = append(r.asns, o.asn)
	}
}

// add puts an entry into the group of those under the same key.
func (o *object) add(key string, prefixes []netip.Prefix) {
	// A group that came up from an object within has several keys, or labels.
	if n := len(o.groups); n > 0 && o.groups[n-1].own(key) {
		o.groups[n-1].entries = append(o.groups[n-1].entries, prefixes)
		return
	}
	o.groups = append(o.groups, group{entries: [][]netip.Prefix{prefixes}, keys: []string{key}})
}

func (g *group) own(key string) bool {
	return len(g.keys) == 1 && g.keys[0] == key && g.services == nil && g.regions == nil && g.tags == nil
}

// close gives the entries of o what o says of them, and hands them on to the
// object around it, or to the collector if nothing more can be said.
func (r *jsonReader) close(o, parent *object) error {
	networks := slices.ContainsFunc(o.fields, func(s single) bool { return s.network })
	for _, field := range o.fields {
		if field.network || !networks {
			o.groups = append(o.groups, group{entries: [][]netip.Prefix{field.prefixes}, keys: []string{field.key}})
		}
	}
	for _, g := range o.groups {
		if parent != nil && r.c.wanted != nil {
			parent.groups = append(parent.groups, g.within(o))
			continue
		}
		if len(g.services) == 0 && (r.format == JSON || r.format == GitHub) {
			g.services = g.keys
		}
		for _, entry := range g.entries {
			if err := r.c.networks(entry, g.labels); err != nil {
				return err
			}
		}
	}
	return nil
}

// within returns g with what o says of it: the services and regions only if
// nothing nearer has said any.
func (g group) within(o *object) group {
	if g.services == nil {
		g.services = o.labels.services
	}
	if g.regions == nil {
		g.regions = o.labels.regions
	}
	g.tags = slices.Concat(g.tags, o.labels.tags)
	if o.key != "" {
		g.keys = append(slices.Clip(g.keys), o.key)
	}
	return g
}

// formatOfKey tells whose file it is by the key that the first entry stands
// under.
func formatOfKey(key string, o *object) Format {
	switch key {
	case "ip_prefix", "ipv6_prefix":
		return AWS
	case "ipv4Prefix", "ipv6Prefix":
		return Google
	case "addressPrefixes":
		return Azure
	case "ipv4_cidrs", "ipv6_cidrs":
		return Cloudflare
	case "cidr":
		if o.key == "cidrs" {
			return Oracle
		}
	case "addresses", "ipv6_addresses":
		if o.key == "" {
			return Fastly
		}
	case "hooks", "web", "git", "actions":
		if o.key == "" {
			return GitHub
		}
	}
	return JSON
}

// looksLikeEntry tells quickly that most strings are no entries.
func looksLikeEntry(s string) bool {
	const longest = 2*45 + 3 // a range of two long addresses
	if len(s) < 2 || len(s) > longest {
		return false
	}
	separated := false
	for i := range len(s) {
		switch b := s[i]; {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'f', b >= 'A' && b <= 'F', b == '/', b == '-', b == ' ':
		case b == '.', b == ':':
			separated = true
		default:
			return false
		}
	}
	return separated
}

// isMeantAsNetwork tells a network with a mistake from times and other things
// that only resemble one.
func isMeantAsNetwork(s string) bool {
	_, bits, ok := strings.Cut(s, "/")
	_, err := strconv.ParseUint(bits, 10, 8)
	return ok && err == nil && !strings.Contains(s, " ")
}

// broken says what is wrong with the JSON.
func (r *jsonReader) broken(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return because(Truncated, "its JSON ends in the middle")
	case errors.As(err, &syntax):
		if strings.Contains(syntax.Error(), "unexpected end") {
			return because(Truncated, "its JSON ends in the middle")
		}
		return because(NotAList, "its JSON is malformed at byte %d: %w", r.dec.InputOffset(), err)
	}
	return err
}
