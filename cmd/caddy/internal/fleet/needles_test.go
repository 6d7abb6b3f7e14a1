package fleet

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

func TestNeedles(t *testing.T) {
	ip4, ip6 := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8:1:2:3:4:5:6")
	n := NeedlesOf([]Arrival{
		{Facts: Facts{Phone: "+14155550123", Email: "alice@example.com", Device: "device-1", IP: ip4}},
		{Facts: Facts{Phone: "+447700900123", Email: "bob@example.com", Device: "device-2", IP: ip6}},
	})
	for _, test := range []struct{ name, text, want string }{
		{"E.164", "{otp:gate}+14155550123", "a number"},
		{"without plus", "p:447700900123", "a number"},
		{"national", "x4155550123y", "a number"},
		{"a value", "\x00\x00\x01\x0214155550123\x00", "a number"},
		{"an integer", string(binary.LittleEndian.AppendUint64(nil, 14155550123)), "a number in binary"},
		{"email", "e:alice@example.com", "an email address"},
		{"device", "device-2", "a device"},
		{"IPv4", "ip:192.0.2.7", "an address"},
		{"IPv6", "2001:db8:1:2:3:4:5:6", "an address"},
		{"expanded", "2001:0db8:0001:0002:0003:0004:0005:0006", "an address"},
		{"net.IP", "k" + string(ip6.AsSlice()) + "z", "an address in binary"},
		{"hexadecimal", "c0000207", "an address in hexadecimal"},
		{"base64 in a name", "{otp:gate}" + base64.RawURLEncoding.EncodeToString(ip6.AsSlice()), "an address in binary"},
		{"of a reservation", "{otp:gate}h" + base64.RawURLEncoding.EncodeToString(ip6.AsSlice()), "an address in binary"},
	} {
		var found Found
		if n.Find(test.text, &found); found.Kinds[test.want] == 0 {
			t.Errorf("%s: found %v, want %s", test.name, found, test.want)
		}
	}
	var found Found
	n.Find("{otp:gate}"+base64.RawURLEncoding.EncodeToString(append(make([]byte, 12), ip4.AsSlice()...)), &found)
	n.Find("v"+string(ip4.AsSlice()), &found)
	if found.Chance != 2 {
		t.Errorf("IPv4 in binary was found %d times, want 2", found.Chance)
	}
	found = Found{}
	for range 10000 {
		b := make([]byte, 100)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		n.Find(string(b), &found)
	}
	if len(found.Kinds) > 0 {
		t.Errorf("in noise: %v", found)
	}
}
