package feed

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCatalogue checks that every list can be kept as it is.
func TestCatalogue(t *testing.T) {
	var feeds []Feed
	names := make(map[string]bool)
	for _, e := range Catalogue() {
		if names[e.Name] {
			t.Errorf("%s is there twice", e.Name)
		}
		names[e.Name] = true
		if e.Description == "" || e.Licence == "" || e.Kind != Deny && e.Kind != Trust {
			t.Errorf("%s is not described", e.Name)
		}
		if len(e.Sources) == 0 && len(e.ASNs) == 0 && len(e.Includes) == 0 {
			t.Errorf("%s holds nothing", e.Name)
		}
		if len(e.Sources) > 0 && e.Every == 0 {
			t.Errorf("%s is never fetched", e.Name)
		}
		if !slices.IsSorted(e.ASNs) {
			t.Errorf("the ASNs of %s are not in order", e.Name)
		}
		if len(e.All()) != len(e.Includes)+1 {
			t.Errorf("%s includes what is not there", e.Name)
		}
		feeds = append(feeds, e.Feeds()...)
	}
	for _, f := range feeds {
		if !strings.HasPrefix(f.URL, "https://") {
			t.Errorf("%s is fetched from %s", f.Name, f.URL)
		}
	}
	if _, err := New(Config{}, feeds); err != nil {
		t.Error(err)
	}
	for _, name := range strings.Fields("tor aws gcp azure oracle digitalocean linode hetzner ovh hosting vpn spamhaus-drop icloud-relay warp google-vpn") {
		if e, ok := Lookup(name); !ok || e.Name != name {
			t.Errorf("%s is missing", name)
		}
	}
	if _, ok := Lookup("nonsense"); ok {
		t.Error("there is nonsense")
	}
}

// TestCatalogueSamples reads real files as the catalogue would.
func TestCatalogueSamples(t *testing.T) {
	folder := dataFolder(t, "feeds")
	if folder == "" {
		return
	}
	for part, path := range map[string]string{
		"aws":          "aws/ip-ranges.json",
		"gcp":          "provider-samples/providers/gcp/testdata/cloud.json",
		"azure":        "provider-samples/providers/azure/testdata/ServiceTags_Public_20221212.json",
		"oracle":       "provider-samples/providers/oci/testdata/public_ip_ranges.json",
		"digitalocean": "provider-samples/providers/digitalocean/testdata/google.csv",
		"linode":       "provider-samples/providers/linode/testdata/prefixes.csv",
		"icloud-relay": "provider-samples/providers/icloudpr/testdata/egress-ip-ranges.csv",
		"vpn-ipv4":     "x4b/output/vpn/ipv4.txt",
		"vpn-ipv6":     "x4b/output/vpn/ipv6.txt",
	} {
		for _, e := range Catalogue() {
			for _, f := range e.Feeds() {
				if f.Name != part {
					continue
				}
				file, err := os.Open(filepath.Join(folder, path))
				if err != nil {
					t.Fatal(err)
				}
				r, err := Parse(file, Options{Format: f.Format, Select: f.Select})
				file.Close()
				if err != nil {
					t.Errorf("%s: %v", part, err)
					continue
				}
				t.Logf("%s: %d networks, %d IPv4 addresses, %d countries", part, r.Len(), r.Addresses4, r.Countries.Len())
			}
		}
	}
}
