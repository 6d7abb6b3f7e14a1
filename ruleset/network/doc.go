// Package network tells what is known of a client's address: what kind it is,
// its country, its autonomous system (ASN), what databases say of those who use
// it, and the named lists it stands in.
//
// Sources brings them together, and its Facts are all there is to ask. They
// answer from memory: a look-up does no I/O, takes no lock, does not allocate and
// is safe for concurrent use. Lists and databases can be replaced meanwhile; what
// was there before stays until the last look-up has let go of it. There is nothing
// to close, so nobody can be left reading what has been closed.
//
// # Facts
//
// A database is recognised by its fields, whoever made it, and can tell several.
// Of several databases the first that knows a field tells it.
//
//	fact                  from                                        read in the database's field
//	Kind, Inner           the address itself
//	Lists                 the lists
//	RelayCountry          geofeeds among the lists of Sources.Trust
//	Country               RelayCountry, or MaxMind and DB-IP          country.iso_code
//	                      Country, City, Enterprise;
//	                      ip-location-db, IPinfo                      country_code, country
//	CountryConfidence     MaxMind Enterprise                          country.confidence
//	Registered            MaxMind Country, City, Enterprise           registered_country.iso_code
//	Represented           the same                                    represented_country.iso_code
//	Continent             the same, DB-IP, IPinfo                     continent.code, continent_code, continent
//	Subdivision           MaxMind City, Enterprise; IPinfo Core       subdivisions[0].iso_code, region_code
//	ASN                   MaxMind and DB-IP ASN, MaxMind ISP,         autonomous_system_number
//	                      ip-location-db;
//	                      IPinfo; MaxMind Enterprise                  asn; traits.autonomous_system_number
//	Org                   the same                                    autonomous_system_organization, as_name, name
//	ISP                   MaxMind ISP, Enterprise                     isp, traits.isp
//	Provider              MaxMind Anonymous-Plus, IP-Risk,            provider_name
//	                      Residential-Proxy; IPinfo privacy           service
//	AnonymizerConfidence  MaxMind Anonymous-Plus, IP-Risk,            anonymizer_confidence
//	                      Residential-Proxy
//	Connection            MaxMind Connection-Type, Enterprise         connection_type
//	User                  MaxMind Enterprise                          traits.user_type
//	StaticScore           MaxMind Static-IP-Score, Enterprise         score, traits.static_ip_score
//	Risk                  MaxMind IP-Risk, Enterprise                 ip_risk, traits.ip_risk_snapshot
//	Traits: Anonymous     MaxMind Anonymous-IP, Anonymous-Plus,       is_anonymous, is_anonymous_proxy;
//	                      IP-Risk; IPinfo Core                        or any of the next five
//	  VPN                 the same; IPinfo privacy                    is_anonymous_vpn, is_vpn, vpn
//	  PublicProxy         the same                                    is_public_proxy, is_proxy, proxy
//	  ResidentialProxy    the same, the Residential-Proxy of both     is_residential_proxy, is_res_proxy; any record
//	  Tor                 the same                                    is_tor_exit_node, is_tor, tor
//	  Relay               IPinfo privacy; MaxMind Enterprise          is_relay, relay; user_type
//	  Hosting             MaxMind Anonymous-IP; IPinfo                is_hosting_provider, is_hosting, hosting; user_type
//	  Anycast             MaxMind Country, City; IPinfo Core          is_anycast, traits.is_anycast
//	  Satellite           IPinfo Core; MaxMind                        is_satellite, is_satellite_provider; connection_type
//	  Cellular            IPinfo Core; MaxMind                        is_mobile; connection_type, user_type
//
// What is not known is not an error: a country is "", an ASN and a score 0, a
// trait not there. What that means for a request is for the ruleset to say. An
// error in Facts says that a database could not be asked, because there has never
// been a good one; it is for the ruleset, too, to say what then.
//
// # Addresses within addresses
//
// ::ffff:a.b.c.d is a.b.c.d, everywhere. Addresses of NAT64 are those of clients
// that a translator of the operator's own stands before: they are judged and
// counted as the IPv4 address they carry. So are those of 6to4 and Teredo, but
// with these the relays on the way are anybody's, and whoever runs one can make up
// what they carry: it speaks against a client, never for it. Nobody needs such a
// tunnel any more, and a ruleset does well to deny both kinds.
//
// It is the only home of the database reader (maxminddb).
package network
