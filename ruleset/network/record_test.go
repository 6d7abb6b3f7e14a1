package network

import (
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// told returns what a database of that type with one record tells.
func told(t *testing.T, databaseType string, record mmdbtype.DataType) Facts {
	t.Helper()
	d, err := newDatabase(makeDatabase(t, databaseType, []entry{{"192.0.2.0/24", record}, {"198.51.100.0/24", m{"country_code": mmdbtype.String("AQ")}}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := known(d, "192.0.2.1")
	f.Addr, f.Kind = netip.Addr{}, 0
	return f
}

func TestLayouts(t *testing.T) {
	yes, no := mmdbtype.Bool(true), mmdbtype.Bool(false)
	text := func(s string) mmdbtype.String { return mmdbtype.String(s) }
	for _, tt := range []struct {
		name, databaseType string
		record             m
		want               Facts
	}{
		{"MaxMind Country", "GeoIP2-Country", m{
			"continent": m{"code": text("EU")}, "country": m{"iso_code": text("GB"), "is_in_european_union": no},
			"registered_country": m{"iso_code": text("FR")}, "represented_country": m{"iso_code": text("US"), "type": text("military")},
			"traits": m{"is_anycast": yes},
		}, Facts{Country: "GB", Continent: "EU", Registered: "FR", Represented: "US", Traits: Anycast}},
		{"MaxMind Country of old", "GeoIP2-Country", m{"traits": m{"is_anonymous_proxy": yes, "is_satellite_provider": yes}},
			Facts{Traits: Anonymous | Satellite}},
		{"MaxMind Enterprise", "GeoIP2-Enterprise", m{
			"city":    m{"confidence": mmdbtype.Uint16(50)},
			"country": m{"confidence": mmdbtype.Uint16(95), "iso_code": text("GB")},
			"subdivisions": mmdbtype.Slice{
				m{"confidence": mmdbtype.Uint16(70), "iso_code": text("ENG")}, m{"iso_code": text("WBK")},
			},
			"traits": m{
				"autonomous_system_number": mmdbtype.Uint32(64496), "autonomous_system_organization": text("Example"), "isp": text("Example Mobile"),
				"connection_type": text("Cellular"), "user_type": text("cellular"), "static_ip_score": mmdbtype.Float64(0.27),
				"ip_risk_snapshot": mmdbtype.Float64(12.5),
			},
		}, Facts{Country: "GB", CountryConfidence: 95, Subdivision: "GB-ENG", ASN: 64496, Org: "Example", ISP: "Example Mobile",
			Connection: CellularConnection, User: CellularUser, StaticScore: 0.27, Risk: 12.5, Traits: Cellular}},
		{"MaxMind Anonymous-IP", "GeoIP2-Anonymous-IP", m{"is_anonymous": yes, "is_anonymous_vpn": yes, "is_hosting_provider": yes,
			"is_public_proxy": yes, "is_residential_proxy": yes, "is_tor_exit_node": yes},
			Facts{Traits: Anonymous | VPN | Hosting | PublicProxy | ResidentialProxy | Tor}},
		{"MaxMind Anonymous-Plus", "GeoIP-Anonymous-Plus", m{"anonymizer_confidence": mmdbtype.Uint16(30), "is_anonymous": yes, "is_anonymous_vpn": yes,
			"network_last_seen": text("2025-04-14"), "provider_name": text("foo")},
			Facts{Traits: Anonymous | VPN, AnonymizerConfidence: 30, Provider: "foo"}},
		{"MaxMind Residential-Proxy", "GeoIP-Residential-Proxy", m{"anonymizer_confidence": mmdbtype.Uint16(82), "provider_name": text("foo")},
			Facts{Traits: Anonymous | ResidentialProxy, AnonymizerConfidence: 82, Provider: "foo"}},
		{"MaxMind IP-Risk", "GeoIP2-IP-Risk", m{"ip_risk": mmdbtype.Float64(75), "is_anonymous": yes, "is_residential_proxy": yes},
			Facts{Traits: Anonymous | ResidentialProxy, Risk: 75}},
		{"MaxMind Static-IP-Score", "GeoIP2-Static-IP-Score", m{"score": mmdbtype.Float64(99.99)}, Facts{StaticScore: 99.99}},
		{"a score of something else", "Test-Weather", m{"score": mmdbtype.Float64(99.99), "isp": text("Example")}, Facts{ISP: "Example"}},
		{"MaxMind Connection-Type", "GeoIP2-Connection-Type", m{"connection_type": text("Cable/DSL")}, Facts{Connection: CableDSL}},
		{"MaxMind Connection-Type, satellite", "GeoIP2-Connection-Type", m{"connection_type": text("Satellite")}, Facts{Connection: SatelliteConnection, Traits: Satellite}},
		{"MaxMind ISP", "GeoIP2-ISP", m{"isp": text("Example Mobile"), "autonomous_system_number": mmdbtype.Uint32(64496), "organization": text("Other")},
			Facts{ISP: "Example Mobile", ASN: 64496}},
		{"user type of a relay", "GeoIP2-Enterprise", m{"traits": m{"user_type": text("consumer_privacy_network")}},
			Facts{User: ConsumerPrivacyNetwork, Traits: Relay}},
		{"user type of a data center", "GeoIP2-Enterprise", m{"traits": m{"user_type": text("hosting")}}, Facts{User: HostingUser, Traits: Hosting}},
		{"DB-IP City Lite", "DBIP-City-Lite", m{
			"city": m{"names": m{"en": text("Example")}}, "continent": m{"code": text("NA"), "names": m{"en": text("North America")}},
			"country": m{"is_in_european_union": no, "iso_code": text("US")}, "subdivisions": mmdbtype.Slice{m{"names": m{"en": text("New York")}}},
		}, Facts{Country: "US", Continent: "NA"}},
		{"IPinfo Lite", "ipinfo generic_bundle_lite", m{
			"as_domain": text("example.com"), "as_name": text("Example"), "asn": text("AS64496"),
			"continent": text("Europe"), "continent_code": text("EU"), "country": text("Germany"), "country_code": text("DE"),
		}, Facts{Country: "DE", Continent: "EU", ASN: 64496, Org: "Example"}},
		{"IPinfo country_asn of old", "ipinfo country_asn.mmdb", m{
			"as_domain": text("example.com"), "as_name": text("Example"), "asn": text("AS64496"),
			"continent": text("EU"), "continent_name": text("Europe"), "country": text("DE"), "country_name": text("Germany"),
		}, Facts{Country: "DE", Continent: "EU", ASN: 64496, Org: "Example"}},
		{"IPinfo Core", "ipinfo bundle_core", m{
			"asn": text("AS64496"), "as_name": text("Example"), "country": text("Germany"), "country_code": text("DE"), "region": text("Hessen"), "region_code": text("HE"),
			"is_anonymous": no, "is_anycast": yes, "is_hosting": yes, "is_mobile": no, "is_satellite": yes,
		}, Facts{Country: "DE", Subdivision: "DE-HE", ASN: 64496, Org: "Example", Traits: Anycast | Hosting | Satellite}},
		{"IPinfo privacy in text", "ipinfo privacy.mmdb", m{"hosting": text("true"), "proxy": text(""), "relay": text("true"), "service": text("Example Relay"), "tor": text(""), "vpn": text("")},
			Facts{Traits: Anonymous | Hosting | Relay, Provider: "Example Relay"}},
		{"IPinfo privacy in booleans", "ipinfo privacy.mmdb", m{"hosting": no, "proxy": yes, "relay": no, "tor": yes, "vpn": yes},
			Facts{Traits: Anonymous | PublicProxy | Tor | VPN}},
		{"IPinfo residential proxies", "ipinfo residential_proxy", m{"service": text("foo"), "last_seen": text("2026-01-01"), "percent_days_seen": mmdbtype.Uint16(14)},
			Facts{Traits: Anonymous | ResidentialProxy, Provider: "foo"}},
		{"ip-location-db ASN", "Test", m{"autonomous_system_number": mmdbtype.Uint32(64496), "autonomous_system_organization": text("Example")}, Facts{ASN: 64496, Org: "Example"}},
		{"nonsense", "GeoIP2-Enterprise", m{
			"country": m{"confidence": mmdbtype.Uint16(95), "iso_code": text("EU")}, "registered_country": text("US"), "continent": text("Europe"),
			"subdivisions": mmdbtype.Slice{m{"iso_code": text("ENG")}}, "is_anonymous": text("maybe"), "vpn": mmdbtype.Uint16(1), "tor": m{}, "isp": yes,
			"traits": m{"connection_type": text("Carrier pigeon"), "user_type": text(""), "static_ip_score": mmdbtype.Float64(math.NaN()),
				"ip_risk": mmdbtype.Float64(101), "anonymizer_confidence": mmdbtype.Int32(-1)},
		}, Facts{}},
		{"subdivisions that are none", "Test", m{"country_code": text("US"), "subdivisions": mmdbtype.Slice{m{"iso_code": text("N/Y")}}}, Facts{Country: "US"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := told(t, tt.databaseType, tt.record); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// A record with more keys than any real one is damage.
func TestTooManyKeys(t *testing.T) {
	record := m{}
	for i := range maxKeys + 1 {
		record[mmdbtype.String(fmt.Sprint(i))] = mmdbtype.Bool(true)
	}
	_, err := newDatabase(makeDatabase(t, "Test", []entry{{"192.0.2.0/24", record}}), nil)
	if want := "is damaged: reading the record at "; !strings.HasPrefix(message(err), want) || !strings.HasSuffix(message(err), "a record has more than 1024 keys") {
		t.Errorf("got %v", err)
	}
}

// The first database that knows a field tells it, and what belongs together
// comes from one.
func TestPrecedence(t *testing.T) {
	text := func(s string) mmdbtype.String { return mmdbtype.String(s) }
	make := func(record m) *Database {
		return database(t, makeDatabase(t, "Test", []entry{{"192.0.2.0/24", record}}))
	}
	first := make(m{
		"country": m{"iso_code": text("US")}, "asn": text("AS64496"), "vpn": mmdbtype.Bool(false), "tor": mmdbtype.Bool(true), "isp": text("First"),
	})
	second := make(m{
		"country": m{"iso_code": text("CA"), "confidence": mmdbtype.Uint16(90)}, "subdivisions": mmdbtype.Slice{m{"iso_code": text("QC")}},
		"continent": text("NA"), "asn": text("AS64497"), "as_name": text("Second"), "vpn": mmdbtype.Bool(true), "hosting": mmdbtype.Bool(true), "isp": text("Second"),
	})
	third := make(m{
		"country": m{"iso_code": text("US")}, "subdivisions": mmdbtype.Slice{m{"iso_code": text("NY")}}, "asn": text("AS64496"), "as_name": text("Third"),
	})
	a := netip.MustParseAddr("192.0.2.1")
	facts := func(databases ...*Database) Facts {
		f := (&Sources{Databases: DatabasesOf(databases...)}).Facts(a)
		f.Addr, f.Kind = netip.Addr{}, 0
		return f
	}
	want := Facts{Country: "US", Subdivision: "US-NY", Continent: "NA", ASN: 64496, Org: "Third", ISP: "First", Traits: Anonymous | Tor | Hosting}
	if got := facts(first, second, nil, third); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	want = Facts{Country: "CA", CountryConfidence: 90, Subdivision: "CA-QC", Continent: "NA", ASN: 64497, Org: "Second", ISP: "Second", Traits: Anonymous | Tor | Hosting | VPN}
	if got := facts(second, first, third); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// All of MaxMind's test databases are recognised, or refused for a reason.
func TestMaxMindFields(t *testing.T) {
	folder := dataFolder(t, "maxmind-db/test-data")
	if folder == "" {
		return
	}
	geo := []Field{CountryField, RegisteredField, RepresentedField, ContinentField}
	country := append(geo[:4:4], TraitsField)
	city := []Field{CountryField, RegisteredField, RepresentedField, ContinentField, SubdivisionField, TraitsField}
	enterprise := []Field{CountryField, RegisteredField, RepresentedField, ContinentField, SubdivisionField, CountryConfidenceField, ASNField, OrgField, ISPField,
		TraitsField, ConnectionField, UserField, StaticScoreField}
	want := map[string][]Field{
		"GeoIP2-Country-Test": country, "GeoIP2-Country-Shield-Test": country, "GeoLite2-Country-Test": geo,
		"GeoIP2-City-Test": city, "GeoIP2-City-Shield-Test": city, "GeoIP2-City-Test-Broken-Double-Format": city, "GeoLite2-City-Test": city[:5],
		"GeoIP2-Enterprise-Test": enterprise, "GeoIP2-Enterprise-Shield-Test": enterprise,
		"GeoIP2-Precision-Enterprise-Test": enterprise, "GeoIP2-Precision-Enterprise-Shield-Test": enterprise,
		"GeoLite2-ASN-Test": {ASNField, OrgField}, "GeoIP2-ISP-Test": {ASNField, OrgField, ISPField},
		"GeoIP2-Anonymous-IP-Test":     {TraitsField},
		"GeoIP-Anonymous-Plus-Test":    {ProviderField, TraitsField, AnonymizerConfidenceField},
		"GeoIP-Residential-Proxy-Test": {ProviderField, TraitsField, AnonymizerConfidenceField},
		"GeoIP2-IP-Risk-Test":          {ProviderField, TraitsField, RiskField, AnonymizerConfidenceField},
		"GeoIP2-Connection-Type-Test":  {TraitsField, ConnectionField},
		"GeoIP2-Static-IP-Score-Test":  {StaticScoreField},
	}
	for _, path := range databasesIn(t, folder) {
		name := strings.TrimSuffix(filepath.Base(path), ".mmdb")
		d, err := OpenDatabase(path)
		switch {
		case err != nil && want[name] == nil:
			t.Log(strings.TrimPrefix(err.Error(), "opening database "+folder+"/"))
		case err != nil:
			t.Error(err)
		case !reflect.DeepEqual(d.Info().Fields, want[name]):
			t.Errorf("%s tells %v, want %v", name, d.Info().Fields, want[name])
		}
	}
}

// Answers agree with what MaxMind's databases were made from.
func TestMaxMindTraits(t *testing.T) {
	folder := dataFolder(t, "maxmind-db")
	if folder == "" {
		return
	}
	type source struct {
		Anonymous   bool   `json:"is_anonymous"`
		VPN         bool   `json:"is_anonymous_vpn"`
		Hosting     bool   `json:"is_hosting_provider"`
		Public      bool   `json:"is_public_proxy"`
		Residential bool   `json:"is_residential_proxy"`
		Tor         bool   `json:"is_tor_exit_node"`
		Confidence  uint8  `json:"anonymizer_confidence"`
		Provider    string `json:"provider_name"`
		Connection  string `json:"connection_type"`
	}
	for _, name := range []string{"GeoIP2-Anonymous-IP-Test", "GeoIP-Anonymous-Plus-Test", "GeoIP2-Connection-Type-Test"} {
		d, err := OpenDatabase(filepath.Join(folder, "test-data", name+".mmdb"))
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		networks := expected[source](t, filepath.Join(folder, "source-data", name+".json"))
		for p, s := range networks {
			var want Facts
			for trait, yes := range map[Traits]bool{Anonymous: s.Anonymous, VPN: s.VPN, Hosting: s.Hosting, PublicProxy: s.Public,
				ResidentialProxy: s.Residential, Tor: s.Tor, Cellular: s.Connection == "Cellular", Satellite: s.Connection == "Satellite"} {
				if yes {
					want.Traits |= trait
				}
			}
			want.AnonymizerConfidence, want.Provider, want.Connection = s.Confidence, s.Provider, connectionOf(s.Connection)
			if s.Connection != "" && want.Connection == UnknownConnection {
				t.Errorf("%s: the connection %q is not known", name, s.Connection)
			}
			for _, a := range ends(networks, p) {
				// The sources write IPv4 as ::a.b.c.d, which is how it is stored.
				if b := a.As16(); a.Is6() && [12]byte(b[:12]) == [12]byte{} {
					a = netip.AddrFrom4([4]byte(b[12:]))
				}
				got := known(d, a.String())
				if Inner(a).IsValid() {
					continue // told of what the tunnel carries
				}
				got.Addr, got.Kind = netip.Addr{}, 0
				asked++
				if got != want {
					t.Errorf("%s: %s in %s: got %+v, want %+v", name, a, p, got, want)
				}
			}
		}
		t.Logf("%s: %d addresses of %d networks agree", name, asked, len(networks))
	}
}
