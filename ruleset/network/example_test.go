package network_test

import (
	"fmt"
	"log"
	"net/netip"
	"strings"

	"github.com/otpgate/otpgate/ruleset/network"
)

func ExampleSources_Facts() {
	databases, err := network.OpenDatabases(
		network.DatabaseFile{Path: "../../testdata/geo/country.mmdb", Wanted: []network.Field{network.CountryField}},
		network.DatabaseFile{Path: "../../testdata/geo/asn.mmdb"},
	)
	if err != nil {
		log.Fatal(err)
	}
	lists, err := network.NewLists([]network.List{
		{Name: "hosting", ASNs: []uint32{64500}},
		{Name: "relay", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.192/28")}},
	})
	if err != nil {
		log.Fatal(err)
	}
	sources := &network.Sources{Databases: databases, Lists: lists}

	addr, err := network.ParseAddr("[::ffff:192.0.2.200]:50123")
	if err != nil {
		log.Fatal(err)
	}
	f := sources.Facts(addr)
	fmt.Println(f.Addr, f.Kind, f.Country, f.ASN, f.Org, lists.Names(f.Lists))
	// Output: 192.0.2.200 documentation US 64500 Example Hosting [hosting relay]
}

func ExampleParseList() {
	file := `# exits
192.0.2.66
192.0.2.77/30   # host bits are masked
example.com
198.51.100.8 - 198.51.100.11
`
	prefixes, problems := network.ParseList("exits.txt", strings.NewReader(file))
	fmt.Println(prefixes)
	for _, p := range problems {
		fmt.Println(p)
	}
	// Output:
	// [192.0.2.66/32 192.0.2.76/30 198.51.100.8/30]
	// exits.txt:4:1: "example.com" is not an address: want 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1-192.0.2.9
}

func ExampleKeyPrefix() {
	fmt.Println(network.KeyPrefix(netip.MustParseAddr("::ffff:192.0.2.7"), 0, 0))
	fmt.Println(network.KeyPrefix(netip.MustParseAddr("2001:db8:1:2:aaaa::1"), 0, 0))
	fmt.Println(network.KeyPrefix(netip.MustParseAddr("2001:db8:1:2:aaaa::1"), 24, 48))
	// Output:
	// 192.0.2.7/32
	// 2001:db8:1:2::/64
	// 2001:db8:1::/48
}
