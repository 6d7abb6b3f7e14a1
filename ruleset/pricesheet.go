package ruleset

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/currency"
)

// priceSheet reads a file of prices: comma separated, a line for each price. A
// first line may name the columns; then there may be others beside the two that
// count. Without it there are just these two.
type priceSheet struct {
	*compiler
	at       place // of what is being read
	currency string
	all      priceRows

	of, price int  // columns
	width     int  // how many columns there are
	bare      bool // prefixes stand without their plus
	failed    int
}

// maxSheetProblems is after how many problems a sheet is not read further: it
// is something else then.
const maxSheetProblems = 20

// Names of the columns, in lower case.
var (
	destinationColumns = []string{"prefix", "region", "iso2", "iso", "prefix or region"}
	countryColumn      = "country" // only if there is none of those: often the name of the country
	priceColumn        = "price"   // or price_usd, price_usd_per_sms
)

// read takes in the whole sheet and reports whether nothing was wrong.
func (s *priceSheet) read(text string) bool {
	text = strings.TrimPrefix(text, "\ufeff")
	for line := range strings.Lines(text) {
		s.at.line++
		cells, ok := s.cells(strings.TrimRight(line, "\r\n"))
		switch {
		case !ok || len(cells) == 0:
		case s.width == 0 && slices.ContainsFunc(cells, cell.namesColumn):
			if !s.header(cells) {
				return false // what the rows mean is not known
			}
		default:
			s.row(cells)
		}
		if s.failed >= maxSheetProblems {
			s.fail(1, "there may be more: the rest has not been read")
			return false
		}
	}
	return s.failed == 0
}

func (s *priceSheet) fail(column int, format string, args ...any) {
	s.failed++
	at := s.at
	at.column = column
	s.objectAt(at, false, format, args...)
}

// cell is one field of a row.
type cell struct {
	text   string
	column int // from 1, in characters
}

// cells splits a line into its fields. A number sign begins a comment, at the
// beginning of the line or behind a space. There are none in an empty line.
func (s *priceSheet) cells(line string) (cells []cell, ok bool) {
	rest := []rune(line)
	at := 0
	blanks := func() {
		for at < len(rest) && (rest[at] == ' ' || rest[at] == '\t') {
			at++
		}
	}
	for {
		blanks()
		c := cell{column: at + 1}
		if at < len(rest) && rest[at] == '"' {
			var b strings.Builder
			for at++; ; at++ {
				if at >= len(rest) {
					s.fail(c.column, "a quote that does not end in its line")
					return nil, false
				}
				if rest[at] == '"' {
					if at++; at >= len(rest) || rest[at] != '"' {
						break
					}
				}
				b.WriteRune(rest[at])
			}
			c.text = b.String()
			blanks()
		} else {
			start := at
			for at < len(rest) && rest[at] != ',' && (rest[at] != '#' || at > 0 && !unicode.IsSpace(rest[at-1])) {
				at++
			}
			c.text = strings.TrimSpace(string(rest[start:at]))
		}
		end := at >= len(rest) || rest[at] == '#'
		if len(cells) > 0 || c.text != "" || !end {
			cells = append(cells, c)
		}
		switch {
		case end:
			return cells, true
		case rest[at] != ',':
			s.fail(at+1, "want a comma behind the closing quote")
			return nil, false
		}
		at++
	}
}

func (c cell) lower() string { return strings.ToLower(c.text) }

// namesColumn reports whether c can only be the head of a column.
func (c cell) namesColumn() bool {
	return slices.Contains(destinationColumns, c.lower()) || c.lower() == countryColumn || c.isPrice()
}

func (c cell) isPrice() bool {
	return c.lower() == priceColumn || strings.HasPrefix(c.lower(), priceColumn+"_")
}

// header finds out which columns count.
func (s *priceSheet) header(cells []cell) bool {
	one := func(what string, is func(cell) bool) int {
		found := -1
		for i, c := range cells {
			switch {
			case !is(c):
			case found >= 0:
				s.fail(c.column, "column %q also is %s, and %q stands before it: rename one of them", c.text, what, cells[found].text)
			default:
				found = i
			}
		}
		return found
	}
	s.width = len(cells)
	s.price = one("the price", cell.isPrice)
	s.of = one("what the price is of", func(c cell) bool { return slices.Contains(destinationColumns, c.lower()) })
	if s.of < 0 {
		s.of = one("what the price is of", func(c cell) bool { return c.lower() == countryColumn })
	}
	switch {
	case s.failed > 0:
	case s.of < 0:
		s.fail(1, "no column says what the prices are of: name it prefix, region or iso2")
	case s.price < 0:
		s.fail(1, "no column says what a code costs: name it price")
	default:
		s.bare = cells[s.of].lower() == "prefix"
		s.checkCurrency(cells[s.price])
	}
	return s.failed == 0
}

// checkCurrency objects to a column such as price_usd where the budget is in
// another currency.
func (s *priceSheet) checkCurrency(head cell) {
	words := strings.Split(strings.ToUpper(head.text), "_")
	if len(words) < 2 || s.currency == "" {
		return
	}
	if unit, err := currency.ParseISO(words[1]); err == nil && unit.String() != s.currency {
		s.fail(head.column, "these prices are in %s, and budget.currency is %s", unit, s.currency)
	}
}

// row takes in one price.
func (s *priceSheet) row(cells []cell) {
	if s.width == 0 {
		s.of, s.price, s.width = 0, 1, 2
	}
	if len(cells) != s.width {
		hint := ""
		if s.width == 2 && len(cells) == 3 {
			hint = "; a fraction is written with a point, as in 0.0079"
		}
		s.fail(1, "want %d columns, got %d%s", s.width, len(cells), hint)
		return
	}
	of, price := cells[s.of], cells[s.price]
	if s.bare && of.text != "" && strings.Trim(of.text, "0123456789") == "" {
		of.text = "+" + of.text
	}
	var amount Money
	wrong := amount.ParseText(price.text)
	if wrong != nil {
		s.fail(price.column, "%v", wrong)
	}
	at := s.at
	at.column = of.column
	switch destination, err := parseDestination(of.text); {
	case errors.Is(err, errNoNumbers):
		s.objectAt(at, true, "%v", err)
	case err != nil && s.width == 2 && len(s.all.rows) == 0:
		s.fail(of.column, "%v; if this line names the columns, call them region and price", err)
	case err != nil:
		s.fail(of.column, "%v", err)
	case wrong == nil && !s.all.add(s.compiler, priceRow{destination, amount, at}):
		s.failed++
	}
}
