package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// addressFindings are what is known of an address.
type addressFindings struct {
	Asked     string          `json:"asked"`
	Address   netip.Addr      `json:"address"`
	Kind      string          `json:"kind"`
	Inner     *netip.Addr     `json:"inner,omitempty"` // the one it carries, and is judged as
	Known     fields          `json:"known"`           // all databases taken together
	Lists     []listFinding   `json:"lists"`
	Databases []databaseFound `json:"databases"`
	Gates     []answers       `json:"gates"`
}

// listFinding is a list that an address is in.
type listFinding struct {
	List    string     `json:"list"`
	Gate    string     `json:"gate,omitempty"`   // if it stands in the ruleset of one, or beside it
	Feed    string     `json:"feed,omitempty"`   // the part of it that is fetched
	Source  string     `json:"source,omitempty"` // path or URL
	ASN     uint32     `json:"asn,omitempty"`    // if it is for that
	Age     float64    `json:"age_seconds,omitempty"`
	Stale   bool       `json:"stale,omitempty"`
	Changed *time.Time `json:"changed,omitempty"`
}

// databaseFound is what one database says.
type databaseFound struct {
	Path  string     `json:"path"`
	Type  string     `json:"type"`
	Built *time.Time `json:"built,omitempty"`
	Known fields     `json:"known"`
}

func (l *lookup) address(asked string, a netip.Addr) *addressFindings {
	sources := network.Sources{Databases: network.DatabasesOf(l.databases...)}
	facts := sources.Facts(a)
	out := &addressFindings{Asked: asked, Address: facts.Addr, Kind: facts.Kind.String(), Known: fieldsOf(&facts),
		Lists: l.listsOf(&facts), Databases: []databaseFound{}, Gates: []answers{}}
	if facts.Inner.IsValid() {
		out.Inner = &facts.Inner
	}
	for _, d := range l.databases {
		one := network.Sources{Databases: network.DatabasesOf(d)}
		says, info := one.Facts(a), d.Info()
		found := databaseFound{Path: info.Path, Type: info.Type, Known: fieldsOf(&says)}
		if !info.Built.IsZero() {
			found.Built = &info.Built
		}
		out.Databases = append(out.Databases, found)
	}
	for _, rules := range l.rulesets {
		about := rules.AboutAddress(a)
		gate := answers{Gate: rules.Name(), Lists: []string{}, Checks: some(about.Steps)}
		for _, in := range about.Lists {
			gate.Lists = append(gate.Lists, in.Name)
			if in.Own {
				out.Lists = append(out.Lists, ownFinding(rules, in))
			}
		}
		out.Gates = append(out.Gates, gate)
	}
	return out
}

// listsOf returns the lists that an address is in, by itself or by the
// autonomous system it belongs to.
func (l *lookup) listsOf(f *network.Facts) []listFinding {
	found := []listFinding{}
	for _, one := range l.lists() {
		for _, part := range one.feeds {
			table := l.tables[part.Name]
			if table == nil {
				continue
			}
			in := table.Of(f.Addr, f.ASN)
			if f.Inner.IsValid() {
				in = in.Or(table.Of(f.Inner, f.ASN))
			}
			if !in.IsEmpty() {
				found = append(found, fetchedFinding(one.Name, l.state(part.Name)))
			}
		}
		if f.ASN != 0 && slices.Contains(one.ASNs, f.ASN) {
			found = append(found, listFinding{List: one.Name, ASN: f.ASN})
		}
	}
	return found
}

func fetchedFinding(list string, s feed.State) listFinding {
	return listFinding{List: list, Feed: s.Name, Source: s.Source, Age: s.Age.Seconds(), Stale: s.Stale, Changed: &s.Changed}
}

// ownFinding is of a list that stands in a ruleset, or in a file beside it.
func ownFinding(rules *ruleset.Ruleset, in ruleset.InList) listFinding {
	found := listFinding{List: in.Name, Gate: rules.Name(), Source: in.File}
	if found.Source == "" {
		found.Source = rules.Files()[0]
	}
	if info, err := os.Stat(found.Source); err == nil {
		changed := info.ModTime()
		found.Changed, found.Age = &changed, time.Since(changed).Seconds()
	}
	return found
}

func (f *addressFindings) good() bool    { return true }
func (f *addressFindings) title() string { return f.Asked }

func (f *addressFindings) rows() []row {
	kind := strings.ReplaceAll(f.Kind, "_", "-")
	rows := []row{{"kind", kind, ""}}
	if f.Address.String() != f.Asked {
		rows = append(rows, row{"is", f.Address.String(), ""})
	}
	if f.Inner != nil {
		rows = append(rows, row{"carries", f.Inner.String() + ", and is judged as that", ""})
	}
	for _, l := range f.Lists {
		switch {
		case l.ASN != 0:
			rows = append(rows, row{"lists", l.List, fmt.Sprintf("AS%d is in it", l.ASN)})
		default:
			source := l.Source
			if l.Gate != "" {
				source = shortPath(source)
			}
			from := fmt.Sprintf("%s, %s old", source, ago(time.Duration(l.Age*float64(time.Second))))
			if l.Stale {
				from += ", which is too old"
			}
			rows = append(rows, row{"lists", l.List, from})
		}
	}
	if len(f.Lists) == 0 {
		rows = append(rows, row{"lists", "none", ""})
	}
	for _, d := range f.Databases {
		from := joinedBy(", ", shortPath(d.Path), d.Type, builtOn(d.Built))
		if len(d.Known) == 0 {
			rows = append(rows, row{"databases", "nothing", from})
		}
		for i, k := range d.Known {
			if i > 0 {
				from = ""
			}
			rows = append(rows, row{"databases", k.name + " " + k.String(), from})
		}
	}
	for i := range f.Gates {
		rows = append(rows, f.Gates[i].rows()...)
	}
	return rows
}

func builtOn(t *time.Time) string {
	if t == nil {
		return ""
	}
	return "built " + t.UTC().Format(time.DateOnly)
}

// joinedBy joins those words that there are.
func joinedBy(sep string, words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), sep)
}

// some is s, but never null in JSON.
func some[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// known is one fact: a text, a number, or several texts.
type known struct {
	name  string
	value any
}

func (k known) String() string {
	switch v := k.value.(type) {
	case []string:
		return strings.Join(v, ", ")
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	default:
		return fmt.Sprint(v)
	}
}

// fields are facts in an order; in JSON they are an object.
type fields []known

// MarshalJSON writes the object.
func (f fields) MarshalJSON() ([]byte, error) {
	object := make(map[string]any, len(f))
	for _, k := range f {
		object[k.name] = k.value
	}
	return json.Marshal(object)
}

// fieldsOf are the facts that databases tell, as far as they are known, under
// the names of their fields.
func fieldsOf(f *network.Facts) (all fields) {
	all = fields{}
	text := func(name network.Field, value string) {
		if value != "" {
			all = append(all, known{string(name), value})
		}
	}
	number := func(name network.Field, value float32) {
		if value != 0 {
			all = append(all, known{string(name), value})
		}
	}
	text(network.CountryField, f.Country)
	number(network.CountryConfidenceField, float32(f.CountryConfidence))
	text(network.SubdivisionField, f.Subdivision)
	text(network.RegisteredField, f.Registered)
	text(network.RepresentedField, f.Represented)
	text(network.ContinentField, f.Continent)
	if f.ASN != 0 {
		all = append(all, known{string(network.ASNField), f.ASN})
	}
	text(network.OrgField, f.Org)
	text(network.ISPField, f.ISP)
	text(network.ProviderField, f.Provider)
	text(network.ConnectionField, f.Connection.String())
	text(network.UserField, f.User.String())
	if names := f.Traits.Names(); len(names) > 0 {
		all = append(all, known{string(network.TraitsField), names})
	}
	number(network.AnonymizerConfidenceField, float32(f.AnonymizerConfidence))
	number(network.StaticScoreField, f.StaticScore)
	number(network.RiskField, f.Risk)
	return all
}
