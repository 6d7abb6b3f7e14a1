package ruleset

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// Show writes the ruleset with every default filled in. What it writes is a
// ruleset file that means the same.
func (r *Ruleset) Show(w io.Writer) error {
	p := &printer{}
	s := r.settings
	p.line("version: 1")
	p.line("name: %s", text(s.name))
	p.line("mode: %s", s.mode)
	if len(s.shapes) > 0 {
		p.shapes(s.shapes)
	} else {
		p.section("request", func() {
			p.line("phone: %s", text(s.shape.Phone.String()))
			p.optional("email", s.shape.Email.String())
			p.optional("device", s.shape.Device.String())
			p.optional("proof", s.shape.Proof.String())
			p.optional("region", s.region)
			p.line("max_body: %s", strict.Size(s.shape.MaxBody))
		})
	}
	p.answers(&s.answers)
	p.section("network", func() {
		p.line("trust: %s", list(s.network.trust, text))
		p.line("deny: %s", list(s.network.deny, func(d denied) string { return text(d.word) }))
		p.optional("private", string(s.network.private))
		p.line("tunnels: %s", s.network.tunnels)
		if len(s.network.lists) > 0 {
			p.section("lists", func() {
				for _, l := range s.network.lists {
					p.section(text(l.name), func() { p.list(l) })
				}
			})
		}
		p.risk(s.network.risk)
		p.shadow(s.network.shadow)
	})
	p.section("geo", func() {
		p.line("countries: %s", s.geo.countries)
		p.line("match: %s", matchText(s.geo.match))
		if !s.geo.countries.any || s.geo.match != "off" {
			p.line("unknown: %s", s.geo.unknown)
		}
		p.shadow(s.geo.shadow)
	})
	p.section("number", func() {
		p.line("countries: %s", s.number.countries)
		p.line("types: %s", s.number.types)
		p.line("deny: %s", list(s.number.deny, forbidden.String))
		p.numberLists(s.number.lists)
		p.line("unknown: %s", s.number.unknown)
		p.shadow(s.number.shadow)
	})
	p.section("human", func() {
		p.line("require: %s", s.human.require)
		if _, asked := r.Turnstile(); asked {
			p.section("turnstile", func() {
				if len(s.human.hostnames) > 0 {
					p.line("hostnames: %s", list(s.human.hostnames, text))
				}
				p.optional("action", s.human.action)
				p.line("max_age: %s", formatDuration(s.human.maxAge))
			})
			p.line("fallback: %s", s.human.fallback)
		}
		p.shadow(s.human.shadow)
	})
	p.limits(s.limits)
	p.budget(s.budget)
	p.rules(s.rules)
	p.regions(s.regions)
	p.section("respond", func() {
		p.line("cooldown: %s", map[bool]cooldownWord{false: "show", true: "hide"}[s.hideCooldown])
	})
	p.line("shadow: %t", s.shadow)
	_, err := io.WriteString(w, p.String())
	return err
}

type printer struct {
	strings.Builder
	indent int
}

func (p *printer) line(format string, args ...any) {
	p.WriteString(strings.Repeat("  ", p.indent))
	fmt.Fprintf(p, format, args...)
	p.WriteByte('\n')
}

func (p *printer) section(name string, inside func()) {
	p.line("%s:", name)
	p.indent++
	inside()
	p.indent--
}

// optional writes what has no default to show only if it was said.
func (p *printer) optional(name, value string) {
	if value != "" {
		p.line("%s: %s", name, text(value))
	}
}

func (p *printer) shadow(on bool) {
	if on {
		p.line("shadow: true")
	}
}

func (p *printer) list(l listSettings) {
	if len(l.cidrs) > 0 {
		p.line("cidrs: %s", list(l.cidrs, text))
	}
	p.optional("file", l.file)
	p.feed(l.feed)
	if l.required {
		p.line("required: true")
	}
	if len(l.asns) > 0 {
		p.line("asns: %s", list(l.asns, func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }))
	}
}

func (p *printer) risk(r *riskSettings) {
	if r == nil {
		return
	}
	p.section("risk", func() {
		for _, t := range r.thresholds() {
			p.line("%s: %s", t.then, formatScore(*t.from))
		}
		p.line("away: %s", r.away)
		p.shadow(r.shadow)
	})
}

func (p *printer) numberLists(lists []numberListSettings) {
	if len(lists) == 0 {
		return
	}
	p.section("lists", func() {
		for _, l := range lists {
			p.section(text(l.name), func() {
				if l.file == "" {
					p.line("entries: %s", list(l.entries, strconv.Quote))
					return
				}
				p.line("file: %s", text(l.file))
				p.optional("column", l.column)
				p.line("prefixes: %t", l.prefixes)
			})
		}
	})
}

// feed writes how the file of a list is had and read.
func (p *printer) feed(f feed.Feed) {
	p.optional("url", f.URL)
	if f.Every > 0 {
		p.line("every: %s", formatDuration(f.Every))
	}
	p.optional("format", string(f.Format))
	if !f.Select.Empty() {
		p.section("select", func() {
			for _, words := range []struct {
				name  string
				words []string
			}{{"services", f.Select.Services}, {"regions", f.Select.Regions}, {"tags", f.Select.Tags}} {
				if len(words.words) > 0 {
					p.line("%s: %s", words.name, list(words.words, text))
				}
			}
		})
	}
	p.optional("sha256", f.SHA256)
	if f.MaxAge > 0 {
		p.line("max_age: %s", formatDuration(f.MaxAge))
	}
	if f.MaxBytes > 0 {
		p.line("max_size: %s", strict.Size(f.MaxBytes))
	}
}

func (p *printer) limits(limits []limit) {
	if len(limits) == 0 {
		p.line("limits: []")
		return
	}
	p.line("limits:")
	for _, l := range limits {
		p.line("  - {%s}", l)
	}
}

// String writes l as a ruleset does.
func (l limit) String() string {
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if l.name != l.describe() {
		say("name: %s", text(l.name))
	}
	switch len(l.per) {
	case 0:
	case 1:
		say("per: %s", l.per[0])
	default:
		say("per: %s", list(l.per, per.String))
	}
	if len(l.distinct) > 0 {
		say("distinct: %s", l.distinct[0])
	}
	say("max: %d, in: %s, count: %s", l.max, formatDuration(l.window), l.count)
	if l.across {
		say("across: all")
	}
	say("away: %s", l.away)
	if l.ban > 0 {
		say("ban: %s", formatDuration(l.ban))
	}
	if l.shadow {
		say("shadow: true")
	}
	return strings.Join(words, ", ")
}

func (p *printer) budget(b *budgetSettings) {
	if b == nil {
		return
	}
	p.section("budget", func() {
		p.line("currency: %s", b.currency)
		p.line("zone: %s", text(b.zone.String()))
		if b.prices.file != "" {
			p.line("prices: %s", text(b.prices.file))
		} else {
			p.section("prices", func() {
				for _, r := range b.prices.rows {
					p.line("%s: %s", text(r.of), r.price)
				}
			})
		}
		p.spendings(b.overall)
		if len(b.countries) > 0 {
			p.section("countries", func() {
				for _, of := range b.countries {
					p.section(text(of.country), func() { p.spendings(of) })
				}
			})
		}
		p.line("away: %s", b.away)
		if b.across {
			p.line("across: all")
		}
		p.shadow(b.shadow)
	})
}

func (p *printer) spendings(of spendings) {
	for _, period := range []struct {
		word string
		spending
	}{{"day", of.day}, {"month", of.month}} {
		var words []string
		if period.alert > 0 {
			words = append(words, "alert: "+period.alert.String())
		}
		if period.stop > 0 {
			words = append(words, "stop: "+period.stop.String())
		}
		if len(words) > 0 {
			p.line("%s: {%s}", period.word, strings.Join(words, ", "))
		}
	}
}

func (p *printer) rules(rules []rule) {
	if len(rules) == 0 {
		p.line("rules: []")
		return
	}
	p.line("rules:")
	for _, r := range rules {
		p.line("  - name: %s", text(r.name))
		if r.source != "" {
			p.line("    if: %s", strconv.Quote(r.source))
		}
		p.line("    then: %s", r.then)
		if r.shadow {
			p.line("    shadow: true")
		}
	}
}

func (p *printer) regions(regions []regionSettings) {
	if len(regions) == 0 {
		return
	}
	p.section("regions", func() {
		for _, r := range regions {
			p.section(text(r.region), func() { p.region(r) })
		}
	})
}

func (p *printer) region(r regionSettings) {
	if r.countries != nil || r.match != nil || r.unknown != nil {
		p.section("geo", func() {
			if r.countries != nil {
				p.line("countries: %s", *r.countries)
			}
			if r.match != nil {
				p.line("match: %s", matchText(*r.match))
			}
			if r.unknown != nil {
				p.line("unknown: %s", *r.unknown)
			}
		})
	}
	if r.types != nil {
		p.section("number", func() { p.line("types: %s", *r.types) })
	}
	if r.require != nil {
		p.section("human", func() { p.line("require: %s", *r.require) })
	}
	if r.hasLimits {
		p.limits(r.limits)
	}
}

func (a anyOf) String() string {
	if a.any {
		return "any"
	}
	return list(a.words, text)
}

// matchText quotes off, which older YAML takes for false.
func matchText(m matchWord) string {
	if m == "off" {
		return `"off"`
	}
	return string(m)
}

func list[T any](items []T, text func(T) string) string {
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = text(item)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// text writes s so that every reader of YAML takes it for text.
func text(s string) string {
	plain := s != "" && !strings.ContainsAny(s, ":#{}[],&*!|>'\"%@`\\\n\t") && s[0] != '-' && s[0] != '?' && s[0] != ' ' && s[len(s)-1] != ' '
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		plain = false
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "~", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}
