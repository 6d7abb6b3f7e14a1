package feed

import (
	"fmt"
	"slices"
	"time"
)

// Kind says what a list of the catalogue is mostly for.
type Kind string

// The kinds of list.
const (
	Deny  Kind = "deny"  // machines, and people who hide: not where people sign in from
	Trust Kind = "trust" // people, behind addresses that other lists take for machines: to be looked at first
)

// Entry is a list that can be used by its name alone.
type Entry struct {
	Name        string
	Description string
	Kind        Kind
	Sources     []Source
	ASNs        []uint32 // where the addresses belong as well, as far as a system holds nothing else
	Includes    []string // names of other entries, for a list that is a union
	Every       time.Duration
	Licence     string // what is known of the terms of use
}

// Source is one file that a list consists of.
type Source struct {
	Part   string // "" if there is but one
	URL    string
	Link   string // see Feed.Link
	Format Format
	Select Selection
}

// catalogue holds the shipped lists. A URL stands here only if its publisher
// names it, or many others are seen to fetch it. A network belongs to whom
// announces it: where no file is published, the AS numbers have to do.
var catalogue = []Entry{
	{
		Name: "tor", Kind: Deny, Every: time.Hour,
		Description: "exits of the Tor network",
		Sources:     []Source{{URL: "https://check.torproject.org/torbulkexitlist", Format: Plain}},
		Licence:     "published by the Tor Project for this use; no terms",
	},
	{
		Name: "aws", Kind: Deny, Every: 24 * time.Hour,
		Description: "Amazon Web Services",
		Sources:     []Source{{URL: "https://ip-ranges.amazonaws.com/ip-ranges.json", Format: AWS}},
		ASNs:        []uint32{14618, 16509},
		Licence:     "published by the provider for this use; no terms",
	},
	{
		Name: "gcp", Kind: Deny, Every: 24 * time.Hour,
		Description: "Google Cloud, without Google's own services",
		Sources:     []Source{{URL: "https://www.gstatic.com/ipranges/cloud.json", Format: Google}},
		ASNs:        []uint32{396982}, // 15169 is all of Google, VPN and proxies for people included
		Licence:     "published by the provider for this use; no terms",
	},
	{
		// The file has a new address every week, which its page of download tells.
		// AS 8075 is all of Microsoft, its offices included, and so is not here.
		Name: "azure", Kind: Deny, Every: 24 * time.Hour,
		Description: "Microsoft Azure, public cloud",
		Sources: []Source{{
			URL:    "https://www.microsoft.com/en-us/download/details.aspx?id=56519",
			Link:   "download.microsoft.com/ServiceTags_Public_*.json",
			Format: Azure, Select: Selection{Tags: []string{"AzureCloud"}},
		}},
		Licence: "published by the provider for this use; Microsoft's terms of download",
	},
	{
		Name: "oracle", Kind: Deny, Every: 24 * time.Hour,
		Description: "Oracle Cloud",
		Sources:     []Source{{URL: "https://docs.oracle.com/en-us/iaas/tools/public_ip_ranges.json", Format: Oracle}},
		ASNs:        []uint32{31898},
		Licence:     "published by the provider for this use; no terms",
	},
	{
		Name: "digitalocean", Kind: Deny, Every: 24 * time.Hour,
		Description: "DigitalOcean",
		Sources:     []Source{{URL: "https://www.digitalocean.com/geo/google.csv", Format: Geofeed}},
		ASNs:        []uint32{14061, 62567},
		Licence:     "geofeed published by the provider; no terms",
	},
	{
		Name: "linode", Kind: Deny, Every: 24 * time.Hour,
		Description: "Linode (Akamai Cloud)",
		Sources:     []Source{{URL: "https://geoip.linode.com/", Format: Geofeed}},
		ASNs:        []uint32{63949},
		Licence:     "geofeed published by the provider; no terms",
	},
	{
		Name: "hetzner", Kind: Deny,
		Description: "Hetzner: no file is published, its AS numbers need an ASN database",
		ASNs:        []uint32{24940, 212317, 213230, 215859},
		Licence:     "facts; no file is fetched",
	},
	{
		Name: "ovh", Kind: Deny,
		Description: "OVHcloud: no file is published, its AS numbers need an ASN database",
		ASNs:        []uint32{16276, 35540},
		Licence:     "facts; no file is fetched",
	},
	{
		Name: "hosting", Kind: Deny,
		Description: "all the hosting providers here",
		Includes:    []string{"aws", "gcp", "azure", "oracle", "digitalocean", "linode", "hetzner", "ovh"},
		Licence:     "see each of them",
	},
	{
		// It holds the relays of Apple too: trust icloud-relay beside it.
		Name: "vpn", Kind: Deny, Every: 24 * time.Hour,
		Description: "commercial VPN providers, by X4BNet",
		Sources: []Source{
			{Part: "ipv4", URL: "https://raw.githubusercontent.com/X4BNet/lists_vpn/main/output/vpn/ipv4.txt", Format: Plain},
			{Part: "ipv6", URL: "https://raw.githubusercontent.com/X4BNet/lists_vpn/main/output/vpn/ipv6.txt", Format: Plain},
		},
		Licence: "MIT",
	},
	{
		// Spamhaus asks for once an hour at the most; once a day is enough.
		Name: "spamhaus-drop", Kind: Deny, Every: 24 * time.Hour,
		Description: "networks in the hands of criminals, by Spamhaus (Don't Route Or Peer)",
		Sources: []Source{
			{Part: "ipv4", URL: "https://www.spamhaus.org/drop/drop_v4.json", Format: Spamhaus},
			{Part: "ipv6", URL: "https://www.spamhaus.org/drop/drop_v6.json", Format: Spamhaus},
			{Part: "asn", URL: "https://www.spamhaus.org/drop/asndrop.json", Format: JSON},
		},
		Licence: "free of charge under Spamhaus' fair use policy; keep the credit to Spamhaus",
	},
	{
		Name: "icloud-relay", Kind: Trust, Every: 24 * time.Hour,
		Description: "Apple's iCloud Private Relay, with the country of the person",
		Sources:     []Source{{URL: "https://mask-api.icloud.com/egress-ip-ranges.csv", Format: Geofeed}},
		Licence:     "published by Apple for this use; no terms",
	},
	{
		Name: "warp", Kind: Trust, Every: 24 * time.Hour,
		Description: "Cloudflare WARP, Zero Trust and the relays it runs, with the country of the person",
		Sources:     []Source{{URL: "https://api.cloudflare.com/local-ip-ranges.csv", Format: Geofeed}},
		Licence:     "geofeed published by the provider; no terms",
	},
	{
		Name: "google-vpn", Kind: Trust, Every: 24 * time.Hour,
		Description: "VPN by Google, with the country of the person",
		Sources:     []Source{{URL: "https://www.gstatic.com/vpn/geofeed", Format: Geofeed}},
		Licence:     "geofeed published by the provider; no terms",
	},
}

// Catalogue returns all shipped lists.
func Catalogue() []Entry { return slices.Clone(catalogue) }

// Lookup returns the shipped list called name.
func Lookup(name string) (Entry, bool) {
	i := slices.IndexFunc(catalogue, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false
	}
	return catalogue[i], true
}

// All returns e and the entries it includes: what its name stands for.
func (e Entry) All() []Entry {
	all := []Entry{e}
	for _, name := range e.Includes {
		if included, ok := Lookup(name); ok {
			all = append(all, included.All()...)
		}
	}
	return all
}

// Feeds returns what has to be fetched for e, without what it includes. A feed
// is named like e, followed by the part: "vpn-ipv4".
func (e Entry) Feeds() []Feed {
	var feeds []Feed
	for _, s := range e.Sources {
		name := e.Name
		if s.Part != "" {
			name = fmt.Sprintf("%s-%s", e.Name, s.Part)
		}
		feeds = append(feeds, Feed{Name: name, URL: s.URL, Link: s.Link, Format: s.Format, Select: s.Select, Every: e.Every})
	}
	return feeds
}
