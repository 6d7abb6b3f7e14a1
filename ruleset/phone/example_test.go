package phone_test

import (
	"fmt"

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
