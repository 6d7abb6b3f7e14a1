package fleet

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Limit is a limit as the gates are told of it, and as the judge holds them to
// it.
type Limit struct {
	Name     string
	Per      []string // phone, email, device, ip, ip/48, range, country; none counts everything
	Distinct string   // count different values of this, not requests
	Max      int
	Window   time.Duration
	Count    string // sends, unverified or requests; empty is sends
	Ban      time.Duration
	Across   bool   // the gates of all rulesets that have it share it
	Away     string // share, local or deny; empty leaves the word out

	// Prices make it the stop of a budget: Max is cents, each request costs
	// what the country of its number does, and what is counted is the day in
	// UTC. Only is the country it is for; empty is all.
	Prices map[string]int
	Only   string
}

// Ruleset is one ruleset, which every process of the fleet serves at /Name/send.
type Ruleset struct {
	Name   string
	Limits []Limit
	Pick   Pick // what clients ask it for
}

// yaml writes the ruleset file.
func (r *Ruleset) yaml() string {
	var s strings.Builder
	fmt.Fprintf(&s, `version: 1
name: %s
request: {phone: json /phone, email: json /email, device: header X-Device-Id, region: US}
number: {countries: any, types: any}
human: {require: never}
%slimits:
`, r.Name, r.budget())
	for i := range r.Limits {
		if l := &r.Limits[i]; l.Prices == nil {
			s.WriteString("  - " + l.yaml() + "\n")
		}
	}
	return s.String()
}

// budget writes the section of that name, if the ruleset has one.
func (r *Ruleset) budget() string {
	var s, countries strings.Builder
	for i := range r.Limits {
		l := &r.Limits[i]
		switch {
		case l.Prices == nil:
			continue
		case l.Only == "":
			s.WriteString("budget:\n  currency: USD\n  prices: {")
			for _, c := range slices.Sorted(maps.Keys(l.Prices)) {
				fmt.Fprintf(&s, "%s: %s, ", c, dollars(l.Prices[c]))
			}
			fmt.Fprintf(&s, "default: 1}\n  day: {stop: %s}\n", dollars(l.Max))
			if l.Away != "" {
				fmt.Fprintf(&s, "  away: %s\n", l.Away)
			}
		default:
			fmt.Fprintf(&countries, "    %s: {day: {stop: %s}}\n", l.Only, dollars(l.Max))
		}
	}
	if countries.Len() > 0 {
		s.WriteString("  countries:\n" + countries.String())
	}
	return s.String()
}

func dollars(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func (l *Limit) yaml() string {
	words := []string{"name: " + l.Name}
	add := func(format string, value any) { words = append(words, fmt.Sprintf(format, value)) }
	if len(l.Per) > 0 {
		add("per: [%s]", strings.Join(l.Per, ", "))
	}
	if l.Distinct != "" {
		add("distinct: %s", l.Distinct)
	}
	add("max: %d", l.Max)
	add("in: %ds", int(l.Window.Seconds()))
	if l.Count != "" {
		add("count: %s", l.Count)
	}
	if l.Ban > 0 {
		add("ban: %ds", int(l.Ban.Seconds()))
	}
	if l.Across {
		add("across: %s", "all")
	}
	if l.Away != "" {
		add("away: %s", l.Away)
	}
	return "{" + strings.Join(words, ", ") + "}"
}

// Facts are what a client says of itself and asks for.
type Facts struct {
	Phone  string // E.164
	Email  string
	Device string
	IP     netip.Addr
}

// key returns what l counts f for.
func (l *Limit) key(f *Facts) string {
	parts := make([]string, len(l.Per))
	for i, per := range l.Per {
		parts[i] = f.of(per)
	}
	return strings.Join(parts, " ")
}

// of returns what f says of a fact. It is as the README of the ruleset says,
// and on purpose not what the gate itself has for that.
func (f *Facts) of(per string) string {
	network := func(v4, v6 int) string {
		a := f.IP.Unmap()
		bits := v6
		if a.Is4() {
			bits = v4
		}
		p, err := a.Prefix(bits)
		if err != nil {
			panic(err)
		}
		return p.String()
	}
	switch per {
	case "phone":
		return f.Phone
	case "range":
		return f.Phone[:len(f.Phone)-3]
	case "country":
		return country(f.Phone)
	case "email":
		return f.Email
	case "device":
		return f.Device
	case "ip":
		return network(32, 64)
	case "ip/48":
		return network(32, 48)
	}
	panic("the judge does not know " + per)
}
