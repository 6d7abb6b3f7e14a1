package network

import "net/netip"

// Facts are what is known of an address. The zero Facts are those of an address
// of which nothing is known, not even itself. The package's comment has a table
// of them.
type Facts struct {
	Addr  netip.Addr // canonical; the zero Addr when there is none
	Kind  Kind       // what it is by its form
	Inner netip.Addr // the IPv4 address that it carries and is judged as; the zero Addr when it carries none

	Lists Set // the lists it is in

	Country      string // ISO 3166-1 in capitals: the person's, where RelayCountry is known, and else the network's, as are the next ones
	RelayCountry string // what a list in Sources.Trust says
	Registered   string // country in which the network is registered
	Represented  string // country that the network's users represent: an embassy's, an army's
	Continent    string // AF AN AS EU NA OC SA
	Subdivision  string // ISO 3166-2: "GB-ENG"

	ASN      uint32 // 0 when not known
	Org      string // the organisation behind ASN, as the database spells it
	ISP      string
	Provider string // of the VPN, proxy or relay

	Traits     Traits
	Connection Connection
	User       User

	CountryConfidence    uint8   // in percent, 1 to 100; 0 when not known
	AnonymizerConfidence uint8   // likewise
	StaticScore          float32 // how long one customer has the address: above 0, to 100; 0 when not known
	Risk                 float32 // above 0, to 100; 0 when not known

	// Err tells which databases could not be asked: they have never been read.
	// What they would have told is not known; everything else stands.
	Err error
}

// merge adds what r tells and f does not yet know. The country and what goes
// with it come from one record, and so do the system and its name.
func (f *Facts) merge(d *Database, r *record, known Traits) Traits {
	if r.country != 0 && f.Country == "" {
		f.Country = countryOf(r.country)
		f.CountryConfidence = r.countryConfidence
	}
	if r.subdivision != 0 && f.Subdivision == "" && f.Country == countryOf(r.country) {
		f.Subdivision = d.texts[r.subdivision]
	}
	if r.asn != 0 {
		if f.ASN == 0 {
			f.ASN = r.asn
		}
		if f.Org == "" && f.ASN == r.asn {
			f.Org = d.texts[r.org]
		}
	}
	if f.Registered == "" {
		f.Registered = countryOf(r.registered)
	}
	if f.Represented == "" {
		f.Represented = countryOf(r.represent)
	}
	if f.Continent == "" {
		f.Continent = continents[r.continent]
	}
	if f.ISP == "" {
		f.ISP = d.texts[r.isp]
	}
	if f.Provider == "" {
		f.Provider = d.texts[r.provider]
	}
	if f.Connection == UnknownConnection {
		f.Connection = r.connection
	}
	if f.User == UnknownUser {
		f.User = r.user
	}
	if f.AnonymizerConfidence == 0 {
		f.AnonymizerConfidence = r.anonymizerConfidence
	}
	if f.StaticScore == 0 {
		f.StaticScore = float32(r.static) / 100
	}
	if f.Risk == 0 {
		f.Risk = float32(r.risk) / 100
	}
	f.Traits |= r.yes &^ known
	return known | r.known
}

// Sources are where facts come from. Each may be nil, and then tells nothing.
// Sources do not change; what they point to may, and each call of Facts sees one
// state of each.
type Sources struct {
	Databases *Databases
	Lists     *Lists

	// Trust are the lists that speak for an address: those of relays. Where one of
	// them has countries, that is where the person is.
	Trust Set
}

// Facts returns what is known of a. It is called once for each request, takes
// well under a microsecond, and does not allocate.
//
// An address that carries one of IPv4 is judged as that one by the databases, and
// is in the lists of both. But who comes through a tunnel is in no list of Trust
// for what the tunnel carries: relays of 6to4 and Teredo are anybody's, and could
// make up the address inside.
func (s *Sources) Facts(a netip.Addr) Facts {
	f := Facts{Addr: Canonical(a)}
	if !f.Addr.IsValid() {
		return f
	}
	f.Kind = KindOf(f.Addr)
	judged := f.Addr
	if f.Inner = inner(f.Addr, f.Kind); f.Inner.IsValid() {
		judged = f.Inner
	}
	if s == nil {
		return f
	}
	if opened := s.Databases.state(); opened != nil {
		var known Traits
		for _, d := range opened.databases {
			known = f.merge(d, d.record(judged), known)
		}
		f.Err = opened.missing
	}
	now := s.Lists.state()
	if now == nil {
		return f
	}
	f.Lists = now.of(judged, f.ASN)
	if f.Inner.IsValid() {
		if f.Kind.IsTunnel() {
			f.Lists, judged = f.Lists.Without(s.Trust), f.Addr
		}
		f.Lists = f.Lists.Or(now.of(f.Addr, 0))
	}
	if speaking := f.Lists.And(s.Trust); !speaking.IsEmpty() {
		f.RelayCountry = now.country(judged, speaking)
		if f.RelayCountry != "" && f.RelayCountry != f.Country {
			// What databases say is about the relay's machines.
			f.Country, f.CountryConfidence, f.Continent, f.Subdivision = f.RelayCountry, 0, "", ""
		}
	}
	return f
}
