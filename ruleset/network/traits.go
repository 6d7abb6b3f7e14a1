package network

import (
	"fmt"
	"slices"
	"strings"
)

// Traits is a set of things that databases say of an address: yes or nothing.
type Traits uint16

// The traits.
const (
	Anonymous        Traits = 1 << iota // hides who uses it, in whatever way
	VPN                                 // of a provider of VPNs that hides
	PublicProxy                         // an open proxy
	ResidentialProxy                    // a proxy at somebody's home
	Tor                                 // an exit of Tor
	Relay                               // of a relay for the privacy of many, such as iCloud Private Relay
	Hosting                             // of a data center
	Anycast                             // answered in many places
	Satellite                           // of a provider by satellite
	Cellular                            // of a mobile network
)

var traitNames = []string{"anonymous", "vpn", "public_proxy", "residential_proxy", "tor", "relay", "hosting", "anycast", "satellite", "cellular"}

// Has reports whether all of t2 are in t.
func (t Traits) Has(t2 Traits) bool { return t&t2 == t2 }

// Names returns the words for the traits in t, in the order of the constants.
func (t Traits) Names() []string {
	var names []string
	for i, name := range traitNames {
		if t>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the words for the traits in t, with commas between.
func (t Traits) String() string { return strings.Join(t.Names(), ",") }

// ParseTrait returns the trait that a word means, as Names returns it.
func ParseTrait(word string) (Traits, bool) {
	i := slices.Index(traitNames, word)
	return 1 << max(i, 0), i >= 0
}

// AllTraits are the words for all traits.
func AllTraits() []string { return slices.Clone(traitNames) }

// Connection is how an address is connected, as MaxMind tells.
type Connection uint8

// The kinds of connection.
const (
	UnknownConnection Connection = iota
	CableDSL
	CellularConnection
	Corporate
	Dialup
	SatelliteConnection
)

var connectionNames = []string{"", "cable_dsl", "cellular", "corporate", "dialup", "satellite"}

// String returns the word for c: "cable_dsl"; "" if it is not known.
func (c Connection) String() string { return wordAt(connectionNames, int(c)) }

// connectionOf reads what a database says: "Cable/DSL".
func connectionOf(s string) Connection { return Connection(placeOf(connectionNames, s)) }

// User is who uses an address, as MaxMind tells.
type User uint8

// The kinds of user.
const (
	UnknownUser User = iota
	Business
	Cafe
	CellularUser
	College
	ConsumerPrivacyNetwork
	ContentDeliveryNetwork
	DialupUser
	Government
	HostingUser
	Library
	Military
	Residential
	Router
	School
	SearchEngineSpider
	Traveler
)

var userNames = []string{"", "business", "cafe", "cellular", "college", "consumer_privacy_network", "content_delivery_network", "dialup",
	"government", "hosting", "library", "military", "residential", "router", "school", "search_engine_spider", "traveler"}

// String returns the word for u: "residential"; "" if it is not known.
func (u User) String() string { return wordAt(userNames, int(u)) }

func userOf(s string) User { return User(placeOf(userNames, s)) }

// continents are the codes that databases use.
var continents = []string{"", "AF", "AN", "AS", "EU", "NA", "OC", "SA"}

func wordAt(words []string, i int) string {
	if i >= len(words) {
		return fmt.Sprintf("unknown %d", i)
	}
	return words[i]
}

// placeOf returns the place of s among words, without regard to case and with
// whatever between its parts, or 0.
func placeOf(words []string, s string) int {
	s = strings.ToLower(strings.NewReplacer("/", "_", " ", "_", "-", "_").Replace(s))
	return max(slices.Index(words, s), 0)
}
