package ruleset

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/otpgate/otpgate/ruleset/network"
)

// fact is one name that a condition may use.
type fact struct {
	name string
	typ  *cel.Type
	doc  string
	get  func(*condition) ref.Val

	// What a database has to tell for it; nothing if it needs none.
	field  network.Field
	traits network.Traits
}

// condition is what the facts are read from while a rule is asked.
type condition struct {
	*Facts
	rules *Ruleset
}

// facts are all names, in the order of the reference.
var facts = []fact{
	word("phone.number", "the whole number, +14155550123", func(c *condition) string { return c.Phone.E164() }),
	word("phone.country", "region of the whole number, US; of a number that is only possible the likely one; empty if unknown", func(c *condition) string { return c.Phone.LikelyRegion() }),
	word("phone.type", "mobile, fixed_line, voip and so on; unknown of a number that is only possible", func(c *condition) string { return c.Phone.Type().String() }),
	whole("phone.calling_code", "country calling code, 1", func(c *condition) int { return c.Phone.CallingCode() }),
	word("phone.range", "the number less its last three digits", func(c *condition) string { return c.Phone.Range(rangeLess) }),
	yesNo("phone.possible", "whether there are numbers of so many digits", func(c *condition) bool { return c.Phone.Possible() }),
	yesNo("phone.valid", "whether numbers that begin so are in use; only where number.unknown lets others pass can it be false", func(c *condition) bool { return c.Phone.Valid() }),
	textList("phone.lists", "names of the lists of numbers that the number is in", func(c *condition) []string { return c.rules.numbers.Names(c.PhoneLists) }),

	word("ip.address", "the client's address, 203.0.113.7", func(c *condition) string { return c.IP.Addr.String() }),
	yesNo("ip.is_v6", "whether it is an IPv6 address", func(c *condition) bool { return c.IP.Addr.Is6() }),
	word("ip.kind", "what it is by its form: public, private, loopback, 6to4 and so on", func(c *condition) string { return kindOf(&c.IP).String() }),
	textList("ip.lists", "names of the lists that the address is in", func(c *condition) []string { return c.rules.lists.Names(c.IP.Lists) }),

	told(network.CountryField, word("ip.country", "ISO 3166 code of the address, US; empty if unknown. Of a trusted relay it is the person's", func(c *condition) string { return c.IP.Country })),
	told(network.CountryConfidenceField, whole("ip.country_confidence", "how sure that is, in percent; 0 if unknown", func(c *condition) int { return int(c.IP.CountryConfidence) })),
	word("ip.relay_country", "the person's country, as a list of trust tells it; empty if none does", func(c *condition) string { return c.IP.RelayCountry }),
	told(network.RegisteredField, word("ip.registered_country", "country where the network is registered; empty if unknown", func(c *condition) string { return c.IP.Registered })),
	told(network.RepresentedField, word("ip.represented_country", "country that its users represent, as an embassy's; empty if none", func(c *condition) string { return c.IP.Represented })),
	told(network.ContinentField, word("ip.continent", "AF, AN, AS, EU, NA, OC or SA; empty if unknown", func(c *condition) string { return c.IP.Continent })),
	told(network.SubdivisionField, word("ip.subdivision", "ISO 3166-2 code, GB-ENG; empty if unknown", func(c *condition) string { return c.IP.Subdivision })),
	told(network.ASNField, whole("ip.asn", "autonomous system, 64500; 0 if unknown", func(c *condition) int { return int(c.IP.ASN) })),
	told(network.OrgField, word("ip.org", "who runs that system; empty if unknown", func(c *condition) string { return c.IP.Org })),
	told(network.ISPField, word("ip.isp", "who provides the access; empty if unknown", func(c *condition) string { return c.IP.ISP })),
	told(network.ProviderField, word("ip.provider", "who runs the VPN, proxy or relay; empty if unknown", func(c *condition) string { return c.IP.Provider })),
	told(network.ConnectionField, word("ip.connection", "cable_dsl, cellular, corporate, dialup or satellite; empty if unknown", func(c *condition) string { return c.IP.Connection.String() })),
	told(network.UserField, word("ip.user", "who uses it: residential, business, hosting and so on; empty if unknown", func(c *condition) string { return c.IP.User.String() })),
	told(network.TraitsField, textList("ip.traits", "all that hold of the following, by their names without ip.", func(c *condition) []string { return c.IP.Traits.Names() })),
	trait("ip.anonymous", "hides who uses it, in whatever way", network.Anonymous),
	trait("ip.vpn", "of a VPN that hides", network.VPN),
	trait("ip.proxy", "a proxy: public or residential", network.PublicProxy|network.ResidentialProxy),
	trait("ip.public_proxy", "an open proxy", network.PublicProxy),
	trait("ip.residential_proxy", "a proxy at somebody's home", network.ResidentialProxy),
	trait("ip.tor", "an exit of Tor", network.Tor),
	trait("ip.relay", "of a relay for the privacy of many", network.Relay),
	trait("ip.hosting", "of a data center", network.Hosting),
	trait("ip.anycast", "answered in many places", network.Anycast),
	trait("ip.satellite", "of a provider by satellite", network.Satellite),
	trait("ip.cellular", "of a mobile network", network.Cellular),
	told(network.AnonymizerConfidenceField, whole("ip.anonymizer_confidence", "how sure the database is that it is a VPN or proxy, in percent; 0 if unknown", func(c *condition) int { return int(c.IP.AnonymizerConfidence) })),
	told(network.StaticScoreField, number("ip.static_score", "how long one customer has the address, up to 100; 0 if unknown", func(c *condition) float64 { return float64(c.IP.StaticScore) })),
	told(network.RiskField, number("ip.risk", "the database's score of the address, up to 100; 0 if unknown", func(c *condition) float64 { return float64(c.IP.Risk) })),

	yesNo("email.given", "whether there is an email address", func(c *condition) bool { return !c.Email.IsZero() }),
	word("email.domain", "its domain, example.com; empty if none", func(c *condition) string { return c.Email.Domain() }),
	yesNo("device.given", "whether there is a device", func(c *condition) bool { return c.Device != "" }),
	yesNo("proof.given", "whether a proof came with the request; it has not been looked into", func(c *condition) bool { return c.Proof != "" }),
	word("request.shape", "name of the request's shape; empty where there is one for all", func(c *condition) string { return c.Shape }),
	word("request.method", "POST", func(c *condition) string { return c.Method }),
	word("request.host", "the host asked for", func(c *condition) string { return c.Host }),
	word("request.path", "the path asked for", func(c *condition) string { return c.Path }),
	word("request.user_agent", "what the client calls itself", func(c *condition) string { return c.UserAgent }),
	word("mode", "normal or guarded", func(c *condition) string { return string(c.rules.mode) }),
	{name: "now", typ: cel.TimestampType, doc: "when the request came", get: func(c *condition) ref.Val { return types.Timestamp{Time: c.At} }},
}

func word(name, doc string, get func(*condition) string) fact {
	return fact{name: name, typ: cel.StringType, doc: doc, get: func(c *condition) ref.Val { return types.String(get(c)) }}
}

func whole(name, doc string, get func(*condition) int) fact {
	return fact{name: name, typ: cel.IntType, doc: doc, get: func(c *condition) ref.Val { return types.Int(get(c)) }}
}

func number(name, doc string, get func(*condition) float64) fact {
	return fact{name: name, typ: cel.DoubleType, doc: doc, get: func(c *condition) ref.Val { return types.Double(get(c)) }}
}

func yesNo(name, doc string, get func(*condition) bool) fact {
	return fact{name: name, typ: cel.BoolType, doc: doc, get: func(c *condition) ref.Val { return types.Bool(get(c)) }}
}

func textList(name, doc string, get func(*condition) []string) fact {
	return fact{name: name, typ: cel.ListType(cel.StringType), doc: doc, get: func(c *condition) ref.Val {
		return types.NewStringList(types.DefaultTypeAdapter, get(c))
	}}
}

// trait is a fact that holds where one of t is told of the address.
func trait(name, doc string, t network.Traits) fact {
	f := yesNo(name, doc, func(c *condition) bool { return c.IP.Traits&t != 0 })
	f.traits = t
	return f
}

// told is a fact that a database has to tell.
func told(field network.Field, f fact) fact {
	f.field = field
	return f
}

var factIndex = func() map[string]int {
	m := make(map[string]int, len(facts))
	for i, f := range facts {
		m[f.name] = i
	}
	return m
}()

// domains are the words that a fact can be equal to.
var domains = map[string]func(string) error{
	"phone.type":             func(s string) error { var t numberType; return t.ParseText(s) },
	"phone.country":          func(s string) error { var r region; return r.ParseText(s) },
	"ip.country":             isCountry,
	"ip.relay_country":       isCountry,
	"ip.registered_country":  isCountry,
	"ip.represented_country": isCountry,
	"ip.continent":           func(s string) error { return oneOf("continent", s, []string{"AF", "AN", "AS", "EU", "NA", "OC", "SA"}) },
	"ip.kind":                func(s string) error { return oneOf("kind of address", s, addressKinds()) },
	"ip.connection":          func(s string) error { return oneOf("connection", s, wordsUpTo(network.SatelliteConnection)) },
	"ip.user":                func(s string) error { return oneOf("user of addresses", s, wordsUpTo(network.Traveler)) },
	"mode":                   func(s string) error { return oneOf("mode", s, Mode("").Words()) },
}

func isCountry(s string) error { var c country; return c.ParseText(s) }

// addressKinds are the words of ip.kind.
func addressKinds() []string {
	var words []string
	for _, k := range network.Kinds() {
		words = append(words, k.String())
	}
	return words
}

// wordsUpTo returns the words of a type that counts from what is not known.
func wordsUpTo[T interface {
	~uint8
	String() string
}](last T) []string {
	var words []string
	for v := T(1); v <= last; v++ {
		words = append(words, v.String())
	}
	return words
}
