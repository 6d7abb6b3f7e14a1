package ruleset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/phone"
)

// sheetOf reads a sheet of prices in USD, and what is said of it.
func sheetOf(text string) (*prices, string) {
	src := strict.NewSource("rules.yaml", []byte("prices: p.csv"))
	c := &compiler{src: src, readFile: func(string) ([]byte, error) { return []byte(text), nil }}
	p := c.priceFile(strict.Value[string]{V: "p.csv", Set: true, Pos: strict.Pos{Line: 1, Column: 9}}, "USD")
	return p, src.Problems().Render()
}

func TestPriceSheets(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"plain", "+1876, 0.12\nUS, 0.0079\ndefault, 0.10\n"},
		{"no spaces, no end of line, comments", "# to,price\n+1876,0.12 # mobile, and others\n\nUS,0.0079\ndefault,0.10"},
		{"CR LF and a byte order mark", "\ufeff+1876,0.12\r\nUS,0.0079\r\ndefault,0.10\r\n"},
		{"quoted", "\"+1876\",\"0.12\"\n \"US\" , \"0.0079\"\n\"default\",0.10\n"},
		{"a header", "Prefix or region,Price\n+1 876, 0.12\nUS, 0.0079\ndefault, 0.10\n"},
		{"columns in any order", "price,carriers,region\n0.12,\"Digicel, Flow\",+1876\n0.0079,\"AT\"\"T\",US\n0.10,,default\n"},
		{"a country's name beside its code", "country,iso2,price_usd_per_sms\nUnited States,US,0.0079\nJamaica,+1876,0.12\nOthers,default,0.10\n"},
		{"countries by code", "country,price_usd\nUS,0.0079\n+1876,0.12\ndefault,0.10\n"},
		{"prefixes without plus", "prefix,price\n1876,0.12\nUS,0.0079\ndefault,0.10\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, problems := sheetOf(test.text)
			if p == nil || problems != "" {
				t.Fatalf("refused:\n%s", problems)
			}
			for number, want := range map[string]Money{"+18765550123": 120_000, "+14155550123": 7_900, "+447400123456": 100_000} {
				n, err := phone.Parse(number, "")
				if err != nil {
					t.Fatal(err)
				}
				if got, ok := p.of(n); !ok || got != want {
					t.Errorf("%s costs %s, want %s", n, got, want)
				}
			}
		})
	}
}

func TestPriceSheetsRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a header without a price", "region,cost\nUS,1\n", "p.csv:1:1: no column says what a code costs: name it price"},
		{"a header of prices alone", "cost,price\nUS,1\n", "p.csv:1:1: no column says what the prices are of: name it prefix, region or iso2"},
		{"a header of other words", "destination,cost\nUS,1\n", `p.csv:1:1: "destination" is neither a prefix such as +1876, nor a region such as US, nor default; if this line names the columns, call them region and price`},
		{"several prices by another spelling", "+1 876,1\n+1876,1\n", "p.csv:2:1: +1876 has several prices: the first is in line 1"},
		{"a region twice", "US,1\nCA,1\nUS,1\n", "p.csv:3:1: US has several prices: the first is in line 1"},
		{"a decimal comma", "US,0,0079\n", "p.csv:1:1: want 2 columns, got 3; a fraction is written with a point, as in 0.0079"},
		{"semicolons", "US;0.0079\n", "p.csv:1:1: want 2 columns, got 1"},
		{"a row too short", "iso2,carrier,price\nUS,0.0079\n", "p.csv:2:1: want 3 columns, got 2"},
		{"no price", "US,\n", `p.csv:1:4: want an amount such as 150 or 0.0075, got ""`},
		{"a negative price", "ö,1\nUS, -1\n", `p.csv:2:5: want an amount such as 150 or 0.0075, got "-1"; nothing costs less than 0`},
		{"a currency", "US, $0.01\n", `p.csv:1:5: want an amount such as 150 or 0.0075, got "$0.01"; write 0.01 alone: the currency is that of the budget`},
		{"another currency", "iso2,price_eur\nUS,1\n", "p.csv:1:6: these prices are in EUR, and budget.currency is USD"},
		{"a lower-case region", "US,1\nca,1\n", `p.csv:2:1: "ca" is not a region of phone numbers; did you mean "CA"?`},
		{"nothing to price", ",1\n", `p.csv:1:1: "" is neither a prefix such as +1876, nor a region such as US, nor default`},
		{"an open quote", "\"US,1\n", "p.csv:1:1: a quote that does not end in its line"},
		{"behind a quote", "\"US\"x,1\n", "p.csv:1:5: want a comma behind the closing quote"},
		{"comments only", "# none\n", "p.csv holds no price"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, problems := sheetOf(test.text)
			if p != nil || !strings.Contains(problems, test.want) {
				t.Errorf("got\n%s\nwant %q in it", problems, test.want)
			}
		})
	}
	t.Run("something else", func(t *testing.T) {
		p, problems := sheetOf(strings.Repeat("\x00\xff\n", 1000))
		if p != nil || strings.Count(problems, "p.csv:") != maxSheetProblems+1 {
			t.Errorf("%d problems, want %d and a last one", strings.Count(problems, "p.csv:"), maxSheetProblems)
		}
	})
}

// A list of prices as somebody publishes it is read as it is.
func TestPublishedPrices(t *testing.T) {
	folder := os.Getenv("OTPGATE_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "data")
	}
	text, err := os.ReadFile(filepath.Join(folder, "prices", "sms_pricing_by_country_2026.csv"))
	if err != nil {
		t.Logf("published prices are not looked at: set OTPGATE_DATA to a folder with prices/sms_pricing_by_country_2026.csv (%v)", err)
		return
	}
	p, problems := sheetOf(string(text))
	if p == nil || problems != "" {
		t.Fatalf("refused:\n%s", problems)
	}
	if len(p.rows) < 30 || p.regions["DE"] != 85_000 || p.regions["TR"] != 20_000 {
		t.Errorf("%d prices; DE costs %s and TR %s", len(p.rows), p.regions["DE"], p.regions["TR"])
	}
}

// FuzzPriceSheet holds that a sheet is either read whole, every price of
// something that numbers can have, or refused with a place in it.
func FuzzPriceSheet(f *testing.F) {
	f.Add("+1876, 0.12\nUS, 0.0079\ndefault, 0.10 # others\n")
	f.Add("country,iso2,price_usd_per_sms\n\"a \"\"b\"\"\",US,0.008\n")
	f.Add("prefix,price\n1876,0.12\n")
	f.Add("\"\n,#,\"\"")
	f.Fuzz(func(t *testing.T, text string) {
		p, problems := sheetOf(text)
		if p == nil {
			if problems == "" {
				t.Fatal("refused without a reason")
			}
			return
		}
		seen := make(map[string]bool)
		for _, r := range p.rows {
			if of, err := parseDestination(r.of); err != nil || of != r.of || seen[of] {
				t.Errorf("%q has a price: twice %t, %v", r.of, seen[of], err)
			}
			seen[r.of] = true
			var m Money
			if err := m.ParseText(r.price.String()); err != nil || m != r.price {
				t.Errorf("%s costs %d: %v", r.of, r.price, err)
			}
			if r.at.line < 1 || r.at.line > strings.Count(text, "\n")+1 || r.at.column < 1 {
				t.Errorf("%s stands at %d:%d", r.of, r.at.line, r.at.column)
			}
		}
	})
}
