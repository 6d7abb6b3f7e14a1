package phone_test

import (
	"fmt"
	"strings"

	"github.com/otpgate/otpgate/ruleset/phone"
)

func ExampleParse() {
	for _, raw := range []string{"(415) 555-0123", "+1 415 555 0123", "tel:+1-415-555-0123", "+44 (0)20 7946 0123", "415 555 0123 x5"} {
		n, err := phone.Parse(raw, "US")
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(n, n.Region(), n.Type())
	}
	// Output:
	// +1********23 US fixed_line_or_mobile
	// +1********23 US fixed_line_or_mobile
	// +1********23 US fixed_line_or_mobile
	// +44********23 GB fixed_line
	// phone number has an extension
}

func ExampleNumber_Key() {
	for _, raw := range []string{"+52 1 55 1234 5678", "+52 55 1234 5678"} {
		n, err := phone.Parse(raw, "")
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(n.E164(), n.Key())
	}
	// Output:
	// +5215512345678 +525512345678
	// +525512345678 +525512345678
}

func ExampleNumber_HasPrefix() {
	prefix, err := phone.ParsePrefix("+52 (1) 55")
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := phone.Parse("+52 55 1234 5678", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(prefix, n.HasPrefix(prefix))
	// Output: +52155 true
}

func ExampleReadList() {
	file := `# seen to give numbers away
447400123456
+52 1 55 1234 5678   # one phone with two spellings
+1876555*            ; a prefix
+4479110000-+4479119999
call us!
`
	list, report, err := phone.ReadList(strings.NewReader(file), phone.ListOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Entries, report.Problems)
	lists, err := phone.NewLists([]phone.NamedList{{Name: "disposable", List: list}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, raw := range []string{"+44 7400 123456", "+52 55 1234 5678", "+1 876 555 0123", "+1 415 555 0123"} {
		n, err := phone.Parse(raw, "")
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(n, lists.Names(lists.Of(n)))
	}
	// Output:
	// 4 [line 6: not written as one phone number]
	// +44********56 [disposable]
	// +52********78 [disposable]
	// +1********23 [disposable]
	// +1********23 []
}

func ExamplePrefixes() {
	prices, err := phone.NewPrefixes(map[string]float64{"+1": 0.008, "+1876": 0.21, "+44": 0.04, "+447": 0.038})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, raw := range []string{"+1 415 555 0123", "+1 876 555 0123", "+33 6 12 34 56 78"} {
		n, err := phone.Parse(raw, "")
		if err != nil {
			fmt.Println(err)
			continue
		}
		price, ok := prices.Lookup(n)
		fmt.Println(price, ok, prices.Prefix(n))
	}
	// Output:
	// 0.008 true +1
	// 0.21 true +1876
	// 0 false
}

func ExampleDescribe() {
	for _, raw := range []string{"+1 876 555 0123", "+881 612 345 678", "+1 876 055 0123", "+1 999 555 0123"} {
		n, err := phone.Parse(raw, "")
		if err != nil {
			fmt.Println(err)
			continue
		}
		d := phone.Describe(n)
		fmt.Printf("%v: %q %q, likely %q; %v, valid %t, refused %t\n", n, d.Region, d.Country, d.Likely, d.Type, d.Valid, d.RefusedByDefault)
	}
	// Output:
	// +1********23: "JM" "Jamaica", likely "JM"; mobile, valid true, refused false
	// +881*******78: "001" "Global Mobile Satellite System", likely "001"; satellite, valid true, refused true
	// +1********23: "" "Jamaica", likely "JM"; unknown, valid false, refused false
	// +1********23: "" "", likely ""; unknown, valid false, refused false
}
