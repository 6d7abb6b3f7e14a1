package feed

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
)

// samples is one small file of each format, with what it holds.
var samples = []struct {
	name   string
	format Format
	text   string
	want   string // networks and ASNs, in order
}{
	{"plain", Plain, "# list\n192.0.2.9/24\r\n198.51.100.7 ; note\n\n2001:db8::1 # note\n203.0.113.4-203.0.113.7\n::ffff:192.0.2.77", "192.0.2.0/24 192.0.2.77/32 198.51.100.7/32 203.0.113.4/30 2001:db8::1/128"},
	{"byte order mark", Plain, "\ufeff192.0.2.1\n", "192.0.2.1/32"},
	{"as numbers", Plain, "AS64496 # one\nas64511\nAS64496\n", "AS64496 AS64511"},
	{"spamhaus text", Plain, "; Spamhaus DROP List\n192.0.2.0/24 ; SBL000001\n", "192.0.2.0/24"},
	{"firehol", Plain, "#\n# fullbogons\n0.0.0.0/8\n10.0.0.0/8\n192.168.0.0/16\n224.0.0.0/3\n203.0.113.0/24\n", "203.0.113.0/24"},
	{"private space in the middle", Plain, "172.16.0.0/11\n", "172.0.0.0/12"},
	{"tor exit-addresses", TorExits, "ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E\nPublished 2026-01-01 10:00:00\nLastStatus 2026-01-01 11:00:00\nExitAddress 198.51.100.5 2026-01-01 10:30:00\nExitAddress 198.51.100.6 2026-01-01 10:30:01\n", "198.51.100.5/32 198.51.100.6/32"},
	{"tor from the archive", TorExits, "@type tordnsel 1.0\nDownloaded 2026-01-01 13:02:00\nExitNode FE39F07EBE7870DCE124AB30DF3ABD0700A43F75\nExitAddress 198.51.100.5 2026-01-01 10:30:00\n", "198.51.100.5/32"},
	{"geofeed", Geofeed, "# ip_prefix,alpha2code,region,city,postal\n192.0.2.0/24,US,US-NJ,Cedar Knolls,\n2001:db8::/32,gb,,,\n198.51.100.0/24,,,,", "192.0.2.0/24 198.51.100.0/24 2001:db8::/32"},
	{"csv with a header", CSV, "Name,Network,Country\n\"a, b\",192.0.2.0/24,US\nc,198.51.100.1,\n", "192.0.2.0/24 198.51.100.1/32"},
	{"csv of ranges with a header", CSV, "start_ip,end_ip,country\n192.0.2.0,192.0.2.255,US\n", "192.0.2.0/24"},
	{"csv of ranges", CSV, "192.0.2.0,192.0.2.255,US\n", "192.0.2.0/24"},
	{"aws", AWS, `{"syncToken":"1","prefixes":[{"ip_prefix":"192.0.2.1/24","region":"eu-west-1","service":"EC2","network_border_group":"eu-west-1"}],"ipv6_prefixes":[{"ipv6_prefix":"2001:db8::/32","region":"us-east-1","service":"S3","network_border_group":"us-east-1"}]}`, "192.0.2.0/24 2001:db8::/32"},
	{"google", Google, `{"prefixes":[{"ipv4Prefix":"192.0.2.0/24","service":"Google Cloud","scope":"asia-east1"},{"ipv6Prefix":"2001:db8::/32"}]}`, "192.0.2.0/24 2001:db8::/32"},
	{"azure", Azure, `{"cloud":"Public","values":[{"name":"AzureCloud","id":"AzureCloud","properties":{"region":"","systemService":"","addressPrefixes":["192.0.2.0/24","2001:db8::/32"]}},{"name":"Storage.WestEurope","properties":{"addressPrefixes":["198.51.100.0/24"],"region":"westeurope","systemService":"AzureStorage"}}]}`, "192.0.2.0/24 198.51.100.0/24 2001:db8::/32"},
	{"oracle", Oracle, `{"regions":[{"region":"us-phoenix-1","cidrs":[{"cidr":"192.0.2.0/24","tags":["OCI"]},{"cidr":"198.51.100.0/24","tags":["OSN","OBJECT_STORAGE"]}]}]}`, "192.0.2.0/24 198.51.100.0/24"},
	{"fastly", Fastly, `{"addresses":["192.0.2.0/24"],"ipv6_addresses":["2001:db8::/32"]}`, "192.0.2.0/24 2001:db8::/32"},
	{"github", GitHub, `{"verifiable_password_authentication":false,"ssh_keys":["ssh-ed25519 AAAA"],"hooks":["192.0.2.0/24"],"actions":["198.51.100.0/24"],"domains":{"website":["*.example.com"]}}`, "192.0.2.0/24 198.51.100.0/24"},
	{"cloudflare", Cloudflare, `{"result":{"ipv4_cidrs":["192.0.2.0/24"],"ipv6_cidrs":["2001:db8::/32"],"etag":"38f79d050aa027e3be3865e495dcc9bc"},"success":true,"errors":[]}`, "192.0.2.0/24 2001:db8::/32"},
	{"spamhaus", Spamhaus, "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\",\"rir\":\"apnic\"}\n{\"cidr\":\"198.51.100.0/24\",\"sblid\":\"SBL2\",\"rir\":\"arin\"}\n{\"type\":\"metadata\",\"timestamp\":1790072042,\"size\":104461,\"records\":2}\n", "192.0.2.0/24 198.51.100.0/24"},
	{"spamhaus asn", JSON, "{\"asn\":64496,\"rir\":\"ripencc\",\"asname\":\"EXAMPLE\"}\n{\"asn\":64497,\"rir\":\"arin\"}\n{\"type\":\"metadata\",\"records\":2}\n", "AS64496 AS64497"},
	{"json with fields that are not the network", JSON, `{"version":"1.2.3","modified":"2024-01-15 12:00:00","items":[{"cidr":"192.0.2.0/24","network":"192.0.2.0","mask":"255.255.255.0","parent":{"prefix":"192.0.0.0/16","more":{"ip":"192.0.0.1"}}},{"ip":"198.51.100.1"}]}`, "192.0.2.0/24 198.51.100.1/32"},
	{"json array", JSON, `["192.0.2.0/24","2001:db8::1"]`, "192.0.2.0/24 2001:db8::1/128"},
}

func TestParse(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			for _, told := range []Format{"", s.format} {
				got := parse(t, []byte(s.text), Options{Format: told})
				if got.Format != s.format || write(got) != s.want {
					t.Errorf("told %q:\n got %s %s\nwant %s %s", told, got.Format, write(got), s.format, s.want)
				}
			}
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, _ = w.Write([]byte(s.text))
			w.Close()
			if got := parse(t, packed.Bytes(), Options{}); write(got) != s.want {
				t.Errorf("packed: %s", write(got))
			}
		})
	}
}

func write(r *Result) string {
	var words []string
	for _, p := range r.Prefixes {
		words = append(words, p.String())
	}
	for _, asn := range r.ASNs {
		words = append(words, fmt.Sprintf("AS%d", asn))
	}
	return strings.Join(words, " ")
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		name, text string
		o          Options
		reason     Reason
		want       string
	}{
		{"nothing", "", Options{}, Empty, "it is empty"},
		{"blanks", " \n\n", Options{}, Empty, "it is empty"},
		{"only comments", "# all quiet\n", Options{}, Empty, "it holds no addresses"},
		{"no entries in json", `{"prefixes":[]}`, Options{}, Empty, "it holds no addresses"},
		{"only private addresses", "10.0.0.0/8\n192.168.1.1\n", Options{}, Empty, "it holds no addresses but private and reserved ones"},
		{"a web page", "\ufeff\n<!DOCTYPE html><html>192.0.2.1</html>", Options{}, NotAList, "it is a web page or XML, not a list"},
		{"an archive", "PK\x03\x04abc", Options{}, NotAList, "it is an archive, a database or another binary file, not a list"},
		{"utf-16", "\xff\xfe1\x009\x00", Options{}, NotAList, "it is UTF-16: want UTF-8"},
		{"prose", "Sorry this list has moved.\nPlease see our site.\n", Options{}, NotAList, `2 of 2 entries are no addresses; line 1: "Sorry this list has moved." is not an address: want 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1-192.0.2.9`},
		{"a long line", "192.0.2.1\n" + strings.Repeat("x", 5000), Options{}, NotAList, "line 2 is longer than 4096 bytes"},
		{"half a line", "192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4\n192.0.", Options{}, Truncated, "it ends in the middle of line 5"},
		{"half a json", `{"prefixes":[{"ip_prefix":"192.0.2.0/24"},{"ip_pre`, Options{}, Truncated, "its JSON ends in the middle"},
		{"json that ends between values", `{"prefixes":[{"ip_prefix":"192.0.2.0/24"}`, Options{}, Truncated, "its JSON ends in the middle"},
		{"json with something behind", `{"a":["192.0.2.0/24"]} oops`, Options{}, NotAList, "its JSON is malformed at byte 23: invalid character 'o' looking for beginning of value"},
		{"deep json", strings.Repeat("[", 40) + strings.Repeat("]", 40), Options{}, NotAList, "its JSON is nested more than 32 deep"},
		{"spamhaus without its last line", `{"cidr":"192.0.2.0/24","sblid":"SBL1"}`, Options{}, Truncated, "its last line, which counts the others, is missing"},
		{"spamhaus with too few lines", `{"cidr":"192.0.2.0/24","sblid":"SBL1"}` + "\n" + `{"type":"metadata","records":1692}`, Options{}, Truncated, "it holds 1 of its 1692 records"},
		{"half a packed file", "\x1f\x8b\x08\x00", Options{}, Truncated, "unpacking: unexpected EOF"},
		{"all of IPv4", "192.0.2.1\n0.0.0.0/0\n", Options{}, TooBroad, "it lists 0.0.0.0/0: no feed may hold a network wider than /6 (IPv6: /16)"},
		{"half of IPv4", "128.0.0.0/1\n", Options{}, TooBroad, "it lists 128.0.0.0/1: no feed may hold a network wider than /6 (IPv6: /16)"},
		{"a large part of IPv6", `["2000::/8"]`, Options{}, TooBroad, "it lists 2000::/8: no feed may hold a network wider than /6 (IPv6: /16)"},
		{"all of IPv6 in JSON", `["::/0"]`, Options{}, TooBroad, "it lists ::/0: no feed may hold a network wider than /6 (IPv6: /16)"},
		{"half of IPv4 in pieces", all8(), Options{}, TooBroad, "it covers 86 % of all IPv4 addresses: 50 % is the most"},
		{"another format", "192.0.2.1\n", Options{Format: AWS}, NotAList, "it is a file of the format plain, not aws"},
		{"too large", strings.Repeat("192.0.2.1\n", 100), Options{MaxBytes: 500}, TooLarge, "it is larger than 500 bytes"},
		{"unknown service", aws, Options{Select: Selection{Services: []string{"EC3"}}}, NothingSelected, `it has no service "EC3"; it has "EC2", "S3"`},
		{"one unknown service of two", aws, Options{Select: Selection{Services: []string{"S3", "EC3"}}}, NothingSelected, `it has no service "EC3"; it has "EC2", "S3"`},
		{"unknown region", aws, Options{Select: Selection{Regions: []string{"mars"}}}, NothingSelected, `it has no region "mars"; it has "eu-west-1", "us-east-1"`},
		{"tags where there are none", aws, Options{Select: Selection{Tags: []string{"x"}}}, NothingSelected, `it has no tag "x"; it has none`},
		{"nothing fits both", aws, Options{Select: Selection{Services: []string{"S3"}, Regions: []string{"eu-west-1"}}}, NothingSelected, "none of its 2 entries fits all of the selection"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Parse(strings.NewReader(test.text), test.o)
			if err == nil {
				t.Fatalf("it holds %s", write(r))
			}
			if err.Error() != test.want || reasonOf(err, "") != test.reason {
				t.Errorf("%s: %v\nwant %s: %s", reasonOf(err, ""), err, test.reason, test.want)
			}
		})
	}
}

const aws = `{"prefixes":[{"ip_prefix":"192.0.2.0/24","region":"eu-west-1","service":"EC2"}],"ipv6_prefixes":[{"region":"us-east-1","service":"S3","ipv6_prefix":"2001:db8::/32"}]}`

// all8 is every network of /8 there is.
func all8() string {
	var b strings.Builder
	for i := range 256 {
		fmt.Fprintf(&b, "%d.0.0.0/8\n", i)
	}
	return b.String()
}

// TestParseTooMany reads a stream that never ends.
func TestParseTooMany(t *testing.T) {
	_, err := Parse(endless("192.0.2.1\n"), Options{})
	if reasonOf(err, "") != TooLarge {
		t.Errorf("got %v", err)
	}
	_, err = Parse(io.MultiReader(strings.NewReader("[0"), endless(",0")), Options{MaxBytes: 1 << 20})
	if reasonOf(err, "") != TooLarge {
		t.Errorf("JSON: got %v", err)
	}
}

// endless repeats a text for ever.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	if n == 0 {
		n = copy(p, e)
	}
	return n, nil
}

// TestParseBreaksOff gives an error of the reader a reason.
func TestParseBreaksOff(t *testing.T) {
	broken := errors.New("the cable is cut")
	for _, start := range []string{"", "192.0.2.1\n", `["192.0.2.1",`} {
		_, err := Parse(io.MultiReader(strings.NewReader(start), &failing{broken}), Options{})
		if !errors.Is(err, broken) || reasonOf(err, "") != Truncated {
			t.Errorf("after %q: %v", start, err)
		}
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestSelection(t *testing.T) {
	text := make(map[string]string)
	for _, s := range samples {
		text[s.name] = s.text
	}
	for _, test := range []struct {
		file string
		s    Selection
		want string
	}{
		{"aws", Selection{Services: []string{"EC2"}}, "192.0.2.0/24"},
		{"aws", Selection{Services: []string{"S3"}, Regions: []string{"us-east-1"}}, "2001:db8::/32"},
		{"google", Selection{Regions: []string{"asia-east1"}}, "192.0.2.0/24"},
		{"azure", Selection{Tags: []string{"AzureCloud"}}, "192.0.2.0/24 2001:db8::/32"},
		{"azure", Selection{Services: []string{"AzureStorage"}, Regions: []string{"westeurope"}}, "198.51.100.0/24"},
		{"oracle", Selection{Tags: []string{"OBJECT_STORAGE"}}, "198.51.100.0/24"},
		{"oracle", Selection{Regions: []string{"us-phoenix-1"}, Tags: []string{"OCI"}}, "192.0.2.0/24"},
		{"github", Selection{Services: []string{"actions"}}, "198.51.100.0/24"},
		{"geofeed", Selection{Regions: []string{"US"}}, "192.0.2.0/24"},
		{"geofeed", Selection{Regions: []string{"US-NJ"}, Tags: []string{"Cedar Knolls"}}, "192.0.2.0/24"},
		{"csv with a header", Selection{Tags: []string{"a, b"}}, "192.0.2.0/24"},
	} {
		got := parse(t, []byte(text[test.file]), Options{Select: test.s})
		if write(got) != test.want {
			t.Errorf("%s %v: %s, want %s", test.file, test.s, write(got), test.want)
		}
		if got.Unselected == 0 || got.Unselected >= got.Entries {
			t.Errorf("%s %v: %d of %d are not selected", test.file, test.s, got.Unselected, got.Entries)
		}
	}
}

func TestCounts(t *testing.T) {
	got := parse(t, []byte("192.0.2.0/24\n192.0.2.1\n192.0.2.0/24\n10.1.2.3\n2001:db8::1\n2001:db8::2\n2001:db8:1::/48\nnonsense\n"), Options{})
	want := Result{Entries: 7, Reserved: 1, Unreadable: 1, Addresses4: 256, Networks6: 1<<16 + 1}
	if got.Entries != want.Entries || got.Reserved != want.Reserved || got.Unreadable != want.Unreadable || got.Addresses4 != want.Addresses4 || got.Networks6 != want.Networks6 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if want := `line 8: "nonsense" is not an address: want 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1-192.0.2.9`; got.Unread != want {
		t.Errorf("got %s, want %s", got.Unread, want)
	}
}

func TestCountries(t *testing.T) {
	got := parse(t, []byte("192.0.2.0/24,US,,,\n192.0.2.128/25,CA,,,\n192.0.2.128/25,MX,,,\n198.51.100.0/24,,,,\n2001:db8::/32,gb,,,\n10.0.0.0/8,FR,,,\n"), Options{}).Countries
	for address, want := range map[string]string{
		"192.0.2.1": "US", "192.0.2.200": "CA", "::ffff:192.0.2.200": "CA", "192.0.3.0": "", "192.0.1.255": "",
		"198.51.100.1": "", "2001:db8::1": "GB", "2001:db9::": "", "10.0.0.1": "", "255.255.255.255": "", "::": "",
	} {
		if code := got.Of(netip.MustParseAddr(address)); code != want {
			t.Errorf("%s: %q, want %q", address, code, want)
		}
	}
	if got.Len() != 3 {
		t.Errorf("%d countries", got.Len())
	}
}

// TestParseTooManyNetworks reads small files that would need much memory.
func TestParseTooManyNetworks(t *testing.T) {
	const wide = "2001:db8::1-2001:db8:ffff:ffff:ffff:ffff:ffff:fffe" // 190 networks
	var words strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&words, `"t%d",`, i)
	}
	for name, test := range map[string]struct {
		text string
		o    Options
		want Reason
	}{
		"ranges":            {strings.Repeat(wide+"\n", 20_000), Options{}, TooLarge},
		"reserved parts":    {strings.Repeat("::/16\n", 30_000), Options{}, TooLarge},
		"ranges, selected":  {`[0` + strings.Repeat(`,"`+wide+`"`, 20_000) + "]", Options{Select: Selection{Tags: []string{"x"}}}, TooLarge},
		"many tags of many": {`{"tags":[` + words.String() + `"x"],"of":[0` + strings.Repeat(`,{"ip":"192.0.2.1"}`, 100_000) + `]}`, Options{Select: Selection{Tags: []string{"x"}}}, ""},
	} {
		if _, err := Parse(strings.NewReader(test.text), test.o); reasonOf(err, "") != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
