package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/phone"
)

// numberFindings are what is known of a number.
type numberFindings struct {
	Asked string `json:"asked"`
	Error string `json:"error,omitempty"` // why it cannot be read
	*phone.Description
	Gates []answers `json:"gates"`
}

func (l *lookup) number(asked string) *numberFindings {
	out := &numberFindings{Asked: asked, Gates: []answers{}}
	n, err := phone.Parse(asked, l.region)
	for _, rules := range l.rulesets {
		about := rules.AboutNumber(asked)
		if err != nil && !about.Number.IsZero() {
			n, err = about.Number, nil // as the ruleset's region has it
		}
		a := answers{Gate: rules.Name(), Lists: some(about.Lists), Checks: some(about.Steps)}
		if about.Price.Known() {
			a.Price = about.Price.String()
		}
		out.Gates = append(out.Gates, a)
	}
	if err != nil {
		out.Error = l.unreadable(asked, err)
		return out
	}
	d := phone.Describe(n)
	out.Description = &d
	return out
}

// unreadable says why what the operator has typed is neither an address nor a
// number, and what would be.
func (l *lookup) unreadable(asked string, err error) string {
	if _, isNetwork := netip.ParsePrefix(asked); isNetwork == nil {
		return "a network: want one address, as in 192.0.2.7"
	}
	if strings.Count(asked, ".") == 3 || strings.ContainsAny(asked, ":/") || !strings.ContainsAny(asked, "0123456789") {
		return "neither an address, as in 192.0.2.7 or 2001:db8::7, nor a phone number, as in +14155550123"
	}
	if errors.Is(err, phone.ErrNoRegion) {
		return err.Error() + ": write it as in +14155550123, or say --region"
	}
	return err.Error()
}

func (f *numberFindings) good() bool    { return f.Error == "" }
func (f *numberFindings) title() string { return cmp.Or(f.Asked, `""`) }

func (f *numberFindings) rows() []row {
	var rows []row
	if f.Description == nil {
		rows = append(rows, row{"cannot be read", f.Error, ""})
	} else {
		rows = f.described()
	}
	for i := range f.Gates {
		rows = append(rows, f.Gates[i].rows()...)
	}
	return rows
}

func (f *numberFindings) described() []row {
	d := f.Description
	number := d.E164
	if d.Key != d.E164 {
		number += ", counted as " + d.Key
	}
	region := d.Region
	if region == "" && d.Likely != "" {
		region = d.Likely + ", likely"
	}
	if region == "" {
		region = "not known"
	}
	kind := d.Type.String()
	switch {
	case d.Valid && d.RefusedByDefault:
		kind += ", refused unless a ruleset says otherwise"
	case !d.Valid && d.Possible:
		kind = "not known: possible, but no such number is known to be in use"
	case !d.Valid:
		kind = "not known: no such number is possible"
	}
	source := d.Metadata.Library
	if age := d.Metadata.Age(time.Now()); age > 0 {
		source += fmt.Sprintf(" of %s, %s old", d.Metadata.Date, ago(age))
	}
	return []row{
		{"number", number, ""},
		{"range", d.Range, ""},
		{"region", joinedBy(", ", region, d.Country, fmt.Sprintf("+%d", d.CallingCode)), ""},
		{"type", kind, ""},
		{"known from", source, ""},
	}
}
