package ruleset

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for machines that have no time zones of their own

	"golang.org/x/text/currency"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Money is an amount in millionths of a currency, never negative.
type Money int64

// Price is what a code to a number costs. The zero Price is not known.
type Price struct {
	Amount   Money
	Currency string // ISO 4217: USD
}

// Known reports whether there is a price. It may be nothing.
func (p Price) Known() bool { return p.Currency != "" }

// String returns p as people write it, "0.0079 USD", or "unknown".
func (p Price) String() string {
	if !p.Known() {
		return "unknown"
	}
	return p.Amount.String() + " " + p.Currency
}

const (
	unit     = 1_000_000 // of Money in one of the currency
	decimals = 6
)

var (
	moneyForm  = regexp.MustCompile(moneyPattern)
	looseMoney = regexp.MustCompile(`^[^0-9.]{0,4}([0-9]{1,9}([.][0-9]{1,6})?)[^0-9.]{0,4}$`)
)

const moneyPattern = `^(0|[1-9][0-9]*)([.][0-9]{1,6})?$`

// ParseText reads an amount such as 150 or 0.0075, to the last digit.
func (m *Money) ParseText(s string) error {
	if !moneyForm.MatchString(s) {
		hint := ""
		switch whole, fraction, _ := strings.Cut(s, "."); {
		case len(fraction) > decimals && moneyForm.MatchString(whole) && moneyForm.MatchString(whole+"."+fraction[:decimals]):
			hint = fmt.Sprintf("; at most %d digits can follow the point", decimals)
		case strings.HasPrefix(s, "-"):
			hint = "; nothing costs less than 0"
		case strings.Contains(s, ",") && moneyForm.MatchString(strings.Replace(s, ",", ".", 1)):
			hint = fmt.Sprintf("; write %s for a fraction, and nothing between thousands", strings.Replace(s, ",", ".", 1))
		default:
			if bare := looseMoney.FindStringSubmatch(s); bare != nil && moneyForm.MatchString(bare[1]) {
				hint = fmt.Sprintf("; write %s alone: the currency is that of the budget", bare[1])
			}
		}
		return fmt.Errorf("want %s, got %q%s", m.Describe(), shortened(s), hint)
	}
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil || n > ledger.MaxAmount {
		return fmt.Errorf("%q is too much: %s is the most that can be counted", shortened(s), Money(ledger.MaxAmount/unit*unit))
	}
	*m = Money(n)
	return nil
}

// ReadsNumbers lets 0.0075 stand without quotes.
func (Money) ReadsNumbers() {}

// Describe names the type to people.
func (Money) Describe() string { return "an amount such as 150 or 0.0075" }

// SchemaPattern is the form of the text, for the JSON Schema.
func (Money) SchemaPattern() string { return moneyPattern }

// String returns m as it can be written in a ruleset: 150, 0.0075.
func (m Money) String() string {
	s := strconv.FormatInt(int64(m/unit), 10)
	if m%unit != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%0*d", decimals, int64(m%unit)), "0")
	}
	return s
}

// shortened bounds what is quoted from a file.
func shortened(s string) string {
	const most = 60
	if r := []rune(s[:min(len(s), 4*most)]); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// currencyCode is the code of a currency.
type currencyCode string

func (c *currencyCode) ParseText(s string) error {
	if _, err := currency.ParseISO(s); err != nil || s != strings.ToUpper(s) {
		if err == nil {
			return fmt.Errorf("%q is not a currency; did you mean %q?", s, strings.ToUpper(s))
		}
		return fmt.Errorf("%q is not a currency: use an ISO 4217 code such as USD or EUR", shortened(s))
	}
	*c = currencyCode(s)
	return nil
}

func (currencyCode) Describe() string { return "a currency such as USD" }

func (currencyCode) SchemaPattern() string { return `^[A-Z]{3}$` }

// zone is a time zone, whose midnights begin days and months.
type zone struct{ *time.Location }

func (z *zone) ParseText(s string) error {
	l, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		return fmt.Errorf("%q is not a time zone: use an IANA name such as America/New_York, or UTC", shortened(s))
	}
	z.Location = l
	return nil
}

func (zone) Describe() string { return "a time zone such as America/New_York" }

func (zone) SchemaPattern() string { return `^(UTC|[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*)$` }
