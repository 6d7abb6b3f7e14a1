package ruleset

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/phone"
)

// priceSource is where a ruleset has its prices: in a file, or in itself.
type priceSource struct {
	file   strict.Value[string]
	inline strict.Map[strict.Value[Money]]
}

// UnmarshalNode implements [strict.NodeUnmarshaler].
func (p *priceSource) UnmarshalNode(d *strict.Decoder, n strict.Node) {
	if n.Kind == strict.Section {
		d.Decode(n, &p.inline)
	} else {
		d.Decode(n, &p.file)
	}
}

// Alternatives implements [strict.Alternator].
func (priceSource) Alternatives() []any { return []any{"", strict.Map[Money]{}} }

// prices say what a code to a number costs: by the longest prefix that the
// number has or, if there is none, by its region or, if there is none, the
// default.
type prices struct {
	file     string     // where they come from; empty if they stand in the ruleset
	rows     []priceRow // as they were written
	prefixes *phone.Prefixes[Money]
	regions  map[string]Money
	others   Money // the default
	complete bool  // there is a default
}

// priceRow is one line of a list of prices.
type priceRow struct {
	of    string // +1876, US or default
	price Money
	at    place
}

const defaultPrice = "default"

// whom says who gets the codes that r is the price of.
func (r priceRow) whom() string {
	if r.of == defaultPrice {
		return "any other number"
	}
	return r.of
}

// place is where a price stands: in the ruleset itself, or in a file that the
// ruleset names at pos.
type place struct {
	pos          strict.Pos
	file         string
	line, column int
}

// objectAt reports what is wrong with a price.
func (c *compiler) objectAt(at place, warning bool, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if at.file != "" {
		message = fmt.Sprintf("%s:%d:%d: %s", at.file, at.line, at.column, message)
	}
	c.src.Report(strict.Problem{Pos: at.pos, Warning: warning, Message: "prices: " + message})
}

// priceRows collects prices.
type priceRows struct {
	rows  []priceRow
	lines map[string]int // where the price of a thing stands
}

// add takes in one price. It objects to the second one of the same thing.
func (p *priceRows) add(c *compiler, r priceRow) bool {
	if line, twice := p.lines[r.of]; twice {
		c.objectAt(r.at, false, "%s has several prices: the first is in line %d", r.of, line)
		return false
	}
	if r.price == 0 {
		c.objectAt(r.at, true, "a code to %s costs nothing: no budget stops it", r.whom())
	}
	if p.lines == nil {
		p.lines = make(map[string]int)
	}
	p.lines[r.of] = r.at.line
	p.rows = append(p.rows, r)
	return true
}

// errNoNumbers says that a country has no numbers of its own, so that what is
// said of it is of no effect.
var errNoNumbers = errors.New("has no phone numbers of its own: the price has no effect")

// parseDestination reads what a price is of.
func parseDestination(s string) (string, error) {
	if s == defaultPrice {
		return s, nil
	}
	if strings.HasPrefix(s, "+") {
		p, err := phone.ParsePrefix(s)
		if err != nil {
			return "", fmt.Errorf("%q is not the beginning of a phone number: %w", shortened(s), err)
		}
		return p, nil
	}
	var r region
	err := r.ParseText(s)
	if canonical, is := iso3166(s); err != nil && is && canonical == s {
		return "", fmt.Errorf("%s %w", s, errNoNumbers)
	}
	if err != nil && len(s) == 2 {
		return "", err
	}
	if err != nil {
		if _, number := strconv.ParseUint(s, 10, 64); number == nil {
			return "", fmt.Errorf("%q is not a region: a prefix begins with a plus, as in +%s", shortened(s), shortened(s))
		}
		return "", fmt.Errorf("%q is neither a prefix such as +1876, nor a region such as US, nor %s", shortened(s), defaultPrice)
	}
	return s, nil
}

// pricesOf makes prices of rows, all of which are of different things.
func (c *compiler) pricesOf(pos strict.Pos, rows []priceRow) *prices {
	p := &prices{rows: rows, regions: make(map[string]Money)}
	prefixes := make(map[string]Money)
	for _, r := range rows {
		switch {
		case r.of == defaultPrice:
			p.others, p.complete = r.price, true
		case r.of[0] == '+':
			prefixes[r.of] = r.price
		default:
			p.regions[r.of] = r.price
		}
	}
	var err error
	if p.prefixes, err = phone.NewPrefixes(prefixes); err != nil {
		c.src.Errorf(pos, "prices: %v", err)
		return nil
	}
	return p
}

// of returns what a code to n costs. It is false if the prices do not say.
func (p *prices) of(n phone.Number) (Money, bool) {
	if m, ok := p.prefixes.Lookup(n); ok {
		return m, true
	}
	if m, ok := p.regions[n.LikelyRegion()]; ok {
		return m, true
	}
	return p.others, p.complete && !n.IsZero()
}

// covers reports whether every number of a region has a price other than the
// default.
func (p *prices) covers(region string) bool {
	if _, ok := p.regions[region]; ok {
		return true
	}
	code := phone.CallingCode(region)
	return code != 0 && slices.ContainsFunc(p.rows, func(r priceRow) bool {
		return r.of[0] == '+' && strings.HasPrefix("+"+strconv.Itoa(code), r.of)
	})
}

// prices reads the prices of a budget, wherever they stand. It returns nil if
// that fails, and says why.
func (c *compiler) prices(v strict.Value[priceSource], currency string) *prices {
	switch {
	case !v.Set || v.Bad && !v.V.inline.Set:
		return nil
	case v.V.file.Set:
		return c.priceFile(v.V.file, currency)
	}
	var all priceRows
	ok := !v.Bad
	for _, e := range v.V.inline.Entries {
		if e.Key.Bad {
			continue // and it has been said
		}
		at := place{pos: e.Key.Pos, line: e.Key.Pos.Line}
		of, err := parseDestination(e.Key.V)
		switch {
		case errors.Is(err, errNoNumbers):
			c.objectAt(at, true, "%v", err)
		case err != nil:
			c.objectAt(at, false, "%v", err)
			ok = false
		default:
			ok = e.Value.Good() && all.add(c, priceRow{of, e.Value.V, at}) && ok
		}
	}
	if len(v.V.inline.Entries) == 0 && ok {
		c.src.Errorf(v.Pos, "prices is empty: say what a code costs, as in {US: 0.0079, default: 0.10}")
		ok = false
	}
	if !ok {
		return nil
	}
	return c.pricesOf(v.Pos, all.rows)
}

// priceFile reads the prices of a file.
func (c *compiler) priceFile(file strict.Value[string], currency string) *prices {
	c.watch(file.V)
	text, err := c.readFile(file.V)
	if err != nil {
		c.src.Errorf(file.Pos, "reading prices: %v", err)
		return nil
	}
	sheet := priceSheet{compiler: c, at: place{pos: file.Pos, file: file.V}, currency: currency}
	if !sheet.read(string(text)) {
		return nil
	}
	if len(sheet.all.rows) == 0 {
		c.src.Errorf(file.Pos, "prices: %s holds no price: want lines of a prefix or region, a comma and a price, as in US, 0.0079", file.V)
		return nil
	}
	p := c.pricesOf(file.Pos, sheet.all.rows)
	if p != nil {
		p.file = file.V
	}
	return p
}
