package ruleset

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func TestMoney(t *testing.T) {
	for text, want := range map[string]Money{
		"0": 0, "150": 150_000_000, "0.0075": 7_500, "0.000001": 1, "1.10": 1_100_000, "4503599627.370496": ledger.MaxAmount,
	} {
		var m Money
		if err := m.ParseText(text); err != nil || m != want {
			t.Errorf("%s: got %d, %v; want %d", text, m, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                     `want an amount such as 150 or 0.0075, got ""`,
		"-1":                   `want an amount such as 150 or 0.0075, got "-1"; nothing costs less than 0`,
		"0,0075":               `want an amount such as 150 or 0.0075, got "0,0075"; write 0.0075 for a fraction, and nothing between thousands`,
		"$150":                 `want an amount such as 150 or 0.0075, got "$150"; write 150 alone: the currency is that of the budget`,
		"150 EUR":              `want an amount such as 150 or 0.0075, got "150 EUR"; write 150 alone: the currency is that of the budget`,
		"0.0000001":            `want an amount such as 150 or 0.0075, got "0.0000001"; at most 6 digits can follow the point`,
		"1e3":                  `want an amount such as 150 or 0.0075, got "1e3"`,
		".5":                   `want an amount such as 150 or 0.0075, got ".5"`,
		"5.":                   `want an amount such as 150 or 0.0075, got "5."`,
		"007":                  `want an amount such as 150 or 0.0075, got "007"`,
		"+5":                   `want an amount such as 150 or 0.0075, got "+5"; write 5 alone: the currency is that of the budget`,
		"4503599627.370497":    `"4503599627.370497" is too much: 4503599627 is the most that can be counted`,
		"99999999999999999999": `"99999999999999999999" is too much: 4503599627 is the most that can be counted`,
	} {
		var m Money
		if err := m.ParseText(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v\nwant %s", text, err, want)
		}
	}
}

// An amount that is written reads as the same amount.
func TestMoneyIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Money(rapid.Int64Range(0, ledger.MaxAmount).Draw(t, "amount"))
		var got Money
		if err := got.ParseText(want.String()); err != nil || got != want {
			t.Fatalf("%d is written %s and read %d, %v", want, want, got, err)
		}
	})
}

func TestZones(t *testing.T) {
	for _, name := range []string{"UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Etc/GMT+5"} {
		var z zone
		if err := z.ParseText(name); err != nil || z.String() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "Local", "New York", "+02:00", "../UTC", "america/nowhere"} {
		var z zone
		if err := z.ParseText(name); err == nil {
			t.Errorf("%q is a zone: %v", name, z)
		}
	}
}

func TestCurrencies(t *testing.T) {
	for text, want := range map[string]string{
		"USD": "", "EUR": "", "INR": "",
		"usd":    `"usd" is not a currency; did you mean "USD"?`,
		"UDS":    `"UDS" is not a currency: use an ISO 4217 code such as USD or EUR`,
		"dollar": `"dollar" is not a currency: use an ISO 4217 code such as USD or EUR`,
	} {
		var c currencyCode
		err := c.ParseText(text)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
