package network

import (
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func TestASNLayouts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		record m
		want   system
	}{
		{"MaxMind ASN, DB-IP, ip-location-db", m{
			"autonomous_system_number": mmdbtype.Uint32(64496), "autonomous_system_organization": mmdbtype.String("Example"),
		}, system{64496, "Example"}},
		{"no organisation", m{"autonomous_system_number": mmdbtype.Uint32(64496)}, system{64496, ""}},
		{"MaxMind ISP", m{
			"autonomous_system_number": mmdbtype.Uint32(64496), "autonomous_system_organization": mmdbtype.String("Example"),
			"isp": mmdbtype.String("Other"), "organization": mmdbtype.String("Another"),
		}, system{64496, "Example"}},
		{"MaxMind Enterprise", m{
			"country": m{"iso_code": mmdbtype.String("CA")},
			"traits": m{
				"autonomous_system_number": mmdbtype.Uint32(64496), "autonomous_system_organization": mmdbtype.String("Example"),
				"isp": mmdbtype.String("Other"),
			},
		}, system{64496, "Example"}},
		{"IPinfo Lite", m{
			"asn": mmdbtype.String("AS64496"), "as_name": mmdbtype.String("Example"), "as_domain": mmdbtype.String("example.com"),
			"country_code": mmdbtype.String("CA"), "country": mmdbtype.String("Canada"),
		}, system{64496, "Example"}},
		{"IPinfo ASN", m{
			"asn": mmdbtype.String("AS64496"), "name": mmdbtype.String("Example"), "domain": mmdbtype.String("example.com"),
			"route": mmdbtype.String("192.0.2.0/24"), "type": mmdbtype.String("isp"),
		}, system{64496, "Example"}},
		{"narrow number", m{"autonomous_system_number": mmdbtype.Uint16(64496)}, system{64496, ""}},
		{"wide number", m{"autonomous_system_number": mmdbtype.Uint64(4200000000)}, system{4200000000, ""}},
		{"number in asn", m{"asn": mmdbtype.Uint32(64496)}, system{64496, ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := database(t, makeDatabase(t, "Test", []entry{{"192.0.2.0/24", tt.record}, {"2001:db8::/32", tt.record}}))
			for addr, want := range map[string]system{
				"192.0.2.1": tt.want, "::ffff:192.0.2.1": tt.want, "2001:db8::1": tt.want,
				"198.51.100.1": {}, "2001:db9::1": {},
			} {
				if got := asn(d, addr); got != want {
					t.Errorf("%s: got %v, want %v", addr, got, want)
				}
			}
			if info := d.Info(); !info.Tells(ASNField) || info.Records != 1 || info.Networks != 2 {
				t.Errorf("info is %+v", info)
			}
		})
	}
}

// What cannot be an ASN is none, and its organisation is not told either.
func TestASNNotKnown(t *testing.T) {
	d := database(t, makeDatabase(t, "Test", []entry{
		{"192.0.2.0/28", m{"asn": mmdbtype.String("as64496")}},
		{"192.0.2.16/28", m{"asn": mmdbtype.String("AS"), "as_name": mmdbtype.String("Example")}},
		{"192.0.2.32/28", m{"asn": mmdbtype.String(""), "as_name": mmdbtype.String("Example")}},
		{"192.0.2.48/28", m{"asn": mmdbtype.String("AS4294967296")}},
		{"192.0.2.64/28", m{"asn": mmdbtype.String("AS-1")}},
		{"192.0.2.80/28", m{"autonomous_system_number": mmdbtype.Uint64(1 << 32)}},
		{"192.0.2.96/28", m{"autonomous_system_number": mmdbtype.Int32(-1)}},
		{"192.0.2.112/28", m{"autonomous_system_number": mmdbtype.Uint32(0), "autonomous_system_organization": mmdbtype.String("Example")}},
		{"192.0.2.128/28", m{"autonomous_system_organization": mmdbtype.String("Example")}},
	}))
	if got := asn(d, "192.0.2.1"); got != (system{64496, ""}) {
		t.Errorf("192.0.2.1: got %v", got)
	}
	for _, addr := range []string{
		"192.0.2.17", "192.0.2.33", "192.0.2.49", "192.0.2.65", "192.0.2.81", "192.0.2.97", "192.0.2.113", "192.0.2.129",
	} {
		if got := asn(d, addr); got != (system{}) {
			t.Errorf("%s: got %v", addr, got)
		}
	}
}

func TestParseASN(t *testing.T) {
	for in, want := range map[string]uint32{
		"AS64496": 64496, "as64496": 64496, "64496": 64496, "AS4294967295": 4294967295,
		"": 0, "AS": 0, "A": 0, "AS64496 Example": 0, "ASAS1": 0, "AS+1": 0, "AS-1": 0, "4294967296": 0, "AS 1": 0, "1.1": 0,
		strings.Repeat("9", 99): 0,
	} {
		if got := parseASN(in); got != want {
			t.Errorf("%q: got %d, want %d", in, got, want)
		}
	}
}
