package network

import (
	"errors"
	"net/netip"
)

// Facts are what is known of an address. The zero Facts are those of an address
// of which nothing is known, not even itself.
type Facts struct {
	Addr    netip.Addr // canonical; the zero Addr when there is none
	Country string     // ISO 3166-1 in capitals, as CountryDB.Country tells it; "" when not known
	ASN     uint32     // 0 when not known
	Org     string     // the organisation behind ASN, as the database spells it; "" when not known
	Lists   Set        // the lists it is in

	// Err tells which look-ups failed. What they would have told is not known;
	// everything else stands.
	Err error
}

// Sources are where facts come from. Each may be nil, and then tells nothing.
// Sources must not change while in use: to replace one, make new Sources and
// swap the pointer, so that one request sees one state of the world.
type Sources struct {
	Country *CountryDB
	ASN     *ASNDB
	Lists   *Lists
}

// Facts returns what is known of a. It is called once for each request, takes
// less than a microsecond, and does not allocate once a record has been seen.
func (s *Sources) Facts(a netip.Addr) Facts {
	f := Facts{Addr: Canonical(a)}
	if s == nil || !f.Addr.IsValid() {
		return f
	}
	var errCountry, errASN error
	if s.Country != nil {
		f.Country, errCountry = s.Country.Country(f.Addr)
	}
	if s.ASN != nil {
		f.ASN, f.Org, errASN = s.ASN.ASN(f.Addr)
	}
	f.Lists = s.Lists.Of(f.Addr, f.ASN)
	f.Err = errors.Join(errCountry, errASN)
	return f
}
