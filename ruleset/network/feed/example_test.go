package feed_test

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

func ExampleParse() {
	file := strings.NewReader(`{"prefixes": [
		{"ip_prefix": "192.0.2.0/24", "region": "eu-west-1", "service": "EC2"},
		{"ip_prefix": "198.51.100.0/24", "region": "us-east-1", "service": "S3"}]}`)
	r, err := feed.Parse(file, feed.Options{Select: feed.Selection{Services: []string{"EC2"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Format, r.Prefixes, r.Unselected, "not selected")
	// Output: aws [192.0.2.0/24] 1 not selected
}

func ExampleResult_List() {
	file := strings.NewReader("192.0.2.0/24,US,US-NJ,Cedar Knolls,\n192.0.2.128/25,CA,,,\n")
	r, err := feed.Parse(file, feed.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	lists, err := network.NewLists([]network.List{r.List("relay")})
	if err != nil {
		fmt.Println(err)
		return
	}
	person := netip.MustParseAddr("192.0.2.200")
	in := lists.Of(person, 0)
	fmt.Println(lists.Names(in), lists.Country(person, in))
	// Output: [relay] CA
}

func ExampleLookup() {
	e, _ := feed.Lookup("hosting")
	for _, e := range e.All() {
		fmt.Println(e.Name, len(e.Feeds()), e.ASNs)
	}
	// Output:
	// hosting 0 []
	// aws 1 [14618 16509]
	// gcp 1 [396982]
	// azure 1 []
	// oracle 1 [31898]
	// digitalocean 1 [14061 62567]
	// linode 1 [63949]
	// hetzner 0 [24940 212317 213230 215859]
	// ovh 0 [16276 35540]
}
