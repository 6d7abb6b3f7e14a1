package feed

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dataFolder returns a folder of the real material that some tests compare
// with, which is not part of the repository. It returns "" when it is not here,
// and says so.
func dataFolder(tb testing.TB, name string) string {
	tb.Helper()
	const root = "../../.."
	base := os.Getenv("OTPGATE_DATA")
	if base == "" {
		base = "../shared/data"
	}
	if !filepath.IsAbs(base) {
		base = filepath.Join(root, base)
	}
	folder := filepath.Join(base, name)
	if _, err := os.Stat(folder); err != nil {
		tb.Logf("not compared with %s, which is not here: set OTPGATE_DATA to the folder that holds it", name)
		return ""
	}
	return folder
}

// providerFiles says how to find the entries of each provider's sample without
// any knowledge of its format: by what stands before them. minus are matches
// that are not the provider's own.
var providerFiles = []struct {
	path       string
	format     Format
	before     string // a regular expression; "" is the start of a line
	minus      string // likewise; what it finds is taken away once for each match
	unreadable int
}{
	{path: "akamai/testdata/prefixes.txt", format: Plain},
	{path: "alibaba/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "atlassian/testdata/ip-ranges.json", format: JSON, before: `"cidr": "`},
	{path: "aws/testdata/ip-ranges.json", format: AWS, before: `"ip(?:v6)?_prefix": "`},
	{path: "azure/testdata/ServiceTags_Public_20221212.json", format: Azure, before: `\n          "`},
	{path: "bingbot/testdata/bingbot.json", format: Google, before: `"ipv[46]Prefix": "`},
	{path: "bunny/testdata/edgeserverlist.json", format: JSON, before: `\n  "`},
	{path: "bunny/testdata/edgeserverlist_ipv6.json", format: JSON, before: `\n  "`},
	{path: "cdn77/testdata/prefixes.json", format: JSON, before: `\n  "`},
	{path: "cloudflare/testdata/ips-v4", format: Plain},
	{path: "cloudflare/testdata/ips-v6", format: Plain},
	{path: "contabo/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "datadog/testdata/ip-ranges.json", format: JSON, before: `[\[ ]"`},
	{path: "digitalocean/testdata/google.csv", format: Geofeed},
	{path: "fastly/testdata/fastly.json", format: Fastly, before: `\n    "`},
	{path: "flyio/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "gcp/testdata/cloud.json", format: Google, before: `"ipv[46]Prefix": "`},
	{path: "github/testdata/meta.json", format: GitHub, before: `\["`},
	{path: "google/testdata/goog.json", format: Google, before: `"ipv[46]Prefix": "`},
	{path: "googlebot/testdata/googlebot.json", format: Google, before: `"ipv[46]Prefix": "`},
	{path: "googlesc/testdata/special-crawlers.json", format: Google, before: `"ipv[46]Prefix": "`},
	{path: "googleutf/testdata/user-triggered-fetchers.json", format: Google, before: `"ipv[46]Prefix": "`},
	{path: "hetzner/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "ibmcloud/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "icloudpr/testdata/egress-ip-ranges.csv", format: Geofeed},
	{path: "imperva/testdata/ips.json", format: JSON, before: `\n    "`},
	{path: "leaseweb/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "linode/testdata/prefixes.csv", format: Geofeed},
	{path: "m247/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "oci/testdata/public_ip_ranges.json", format: Oracle, before: `"cidr": "`},
	{path: "ovh/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "render/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "scaleway/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "stripe/testdata/ips_api.json", format: JSON, before: `\n    "`},
	{path: "stripe/testdata/ips_webhooks.json", format: JSON, before: `\n    "`},
	{path: "tencent/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "url/testdata/ip-file-1.txt", format: Plain},
	{path: "url/testdata/ip-file-2.txt", format: Plain, unreadable: 1},
	{path: "vultr/testdata/prefixes.json", format: JSON, before: `"prefix": "`, minus: `"parent": \{\s*"prefix": "`},
	{path: "zscaler/testdata/doc.json", format: JSON, before: `"range": "`},
}

// TestProviders loads every sample without telling its format, and compares
// what comes out with what a regular expression finds in the raw text.
func TestProviders(t *testing.T) {
	folder := dataFolder(t, "feeds/provider-samples/providers")
	if folder == "" {
		return
	}
	found, err := filepath.Glob(filepath.Join(folder, "*/testdata/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		short, _ := filepath.Rel(folder, path)
		if short == "azure/testdata/initial.html" {
			continue // a web page; see TestLink
		}
		i := 0
		for i < len(providerFiles) && providerFiles[i].path != filepath.ToSlash(short) {
			i++
		}
		if i == len(providerFiles) {
			t.Errorf("%s is not in the table", short)
			continue
		}
		file := providerFiles[i]
		t.Run(file.path, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := parse(t, data, Options{})
			if got.Format != file.format {
				t.Errorf("recognised as %s, want %s", got.Format, file.format)
			}
			if got.Unreadable != file.unreadable || got.Reserved != 0 || got.Unselected != 0 {
				t.Errorf("%d unreadable (%s), %d reserved, %d unselected", got.Unreadable, got.Unread, got.Reserved, got.Unselected)
			}
			compare(t, got, scan(data, file.before, file.minus))
		})
	}
	if want := len(providerFiles) + 1; len(found) != want {
		t.Errorf("%d samples, want %d", len(found), want)
	}
}

// TestWholeFiles loads the large files in full.
func TestWholeFiles(t *testing.T) {
	folder := dataFolder(t, "feeds")
	if folder == "" {
		return
	}
	files := map[string]string{"aws/ip-ranges.json": `"ip(?:v6)?_prefix": "`}
	for _, pattern := range []string{"ranges-cc0/*/ipv*.txt", "x4b/output/*/ipv?.txt", "x4b/input/vpn/ips/[amp]*.txt", "x4b/input/datacenter/ips/p*.txt"} {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no file fits %s: %v", pattern, err)
		}
		for _, path := range paths {
			short, _ := filepath.Rel(folder, path)
			files[short] = ""
		}
	}
	total := 0
	for short, before := range files {
		data, err := os.ReadFile(filepath.Join(folder, short))
		if err != nil {
			t.Fatal(err)
		}
		got := parse(t, data, Options{})
		if got.Unreadable != 0 || got.Reserved != 0 {
			t.Errorf("%s: %d unreadable (%s), %d reserved", short, got.Unreadable, got.Unread, got.Reserved)
		}
		compare(t, got, scan(data, before, ""))
		total += got.Entries
	}
	t.Logf("%d entries in %d files", total, len(files))

	for _, short := range []string{"x4b/input/datacenter/ASN.txt", "x4b/input/vpn/ASN.txt"} {
		data, err := os.ReadFile(filepath.Join(folder, short))
		if err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile(`(?m)^AS\d+`).FindAll(data, -1)
		if got := parse(t, data, Options{}); got.Entries != len(want) || len(got.ASNs) == 0 || len(got.Prefixes) != 0 {
			t.Errorf("%s: %d entries, %d ASNs, %d networks, want %d ASNs", short, got.Entries, len(got.ASNs), len(got.Prefixes), len(want))
		}
	}
}

// scan finds entries by what stands before them, and masks them by itself.
func scan(data []byte, before, minus string) []netip.Prefix {
	const address = `([0-9a-fA-F:.]{2,}(?:\\?/\d+)?)`
	find := func(before string) []netip.Prefix {
		var ps []netip.Prefix
		for _, m := range regexp.MustCompile(`(?m)`+before+address).FindAllSubmatch(data, -1) {
			text := strings.ReplaceAll(string(m[1]), `\`, "")
			if p, err := netip.ParsePrefix(text); err == nil {
				ps = append(ps, p.Masked())
			} else if a, err := netip.ParseAddr(text); err == nil {
				ps = append(ps, netip.PrefixFrom(a, a.BitLen()))
			}
		}
		return ps
	}
	if before == "" {
		before = "^"
	}
	ps := find(before)
	if minus != "" {
		for _, p := range find(minus) {
			i := slices.Index(ps, p)
			ps = slices.Delete(ps, i, i+1)
		}
	}
	return ps
}

func compare(t *testing.T, got *Result, want []netip.Prefix) {
	t.Helper()
	if got.Entries != len(want) || len(want) == 0 {
		t.Errorf("%d entries, want %d", got.Entries, len(want))
	}
	want = slices.Clone(want)
	slices.SortFunc(want, netip.Prefix.Compare)
	if want = slices.Compact(want); !slices.Equal(got.Prefixes, want) {
		t.Errorf("%d networks, want %d others", len(got.Prefixes), len(want))
	}
}

func parse(tb testing.TB, data []byte, o Options) *Result {
	tb.Helper()
	r, err := Parse(bytes.NewReader(data), o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}
