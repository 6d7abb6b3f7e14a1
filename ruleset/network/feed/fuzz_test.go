package feed

import (
	"bytes"
	"net/netip"
	"testing"
)

// FuzzParse holds Parse to what it promises of every file: no panic, and if it
// is taken, nothing private and nothing broad.
func FuzzParse(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s.text), "", "")
	}
	f.Add([]byte(aws), "EC2", "eu-west-1")
	f.Fuzz(func(t *testing.T, data []byte, service, region string) {
		var o Options
		if service != "" {
			o.Select.Services = []string{service}
		}
		if region != "" {
			o.Select.Regions = []string{region}
		}
		r, err := Parse(bytes.NewReader(data), o)
		if err != nil {
			if reasonOf(err, "") == "" {
				t.Errorf("no reason: %v", err)
			}
			return
		}
		checkResult(t, r)
	})
}

// FuzzCSV is for rows, which the general target seldom reaches.
func FuzzCSV(f *testing.F) {
	for _, s := range samples {
		if s.format == CSV || s.format == Geofeed {
			f.Add(s.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := &collector{}
		table := &csvReader{c: c}
		for i, line := range bytes.Split([]byte(text), []byte("\n")) {
			if err := table.line(i+1, string(bytes.Trim(line, blanks))); err != nil {
				return
			}
		}
		if r, err := c.finish(); err == nil {
			checkResult(t, r)
		}
	})
}

// FuzzFindLink must only find what was described.
func FuzzFindLink(f *testing.F) {
	f.Add([]byte(`<a href="https://download.microsoft.com/download/7/1/D/x/ServiceTags_Public_20260101.json">`))
	f.Fuzz(func(t *testing.T, page []byte) {
		u, err := findLink(page, "download.microsoft.com/ServiceTags_Public_*.json")
		if err == nil && (u.Scheme != "https" || u.Host != "download.microsoft.com" || u.User != nil) {
			t.Errorf("found %s", u)
		}
	})
}

func checkResult(t *testing.T, r *Result) {
	t.Helper()
	if r.Len() == 0 || r.Entries > MaxEntries {
		t.Errorf("%d networks and ASNs of %d entries", r.Len(), r.Entries)
	}
	var last netip.Prefix
	for _, p := range r.Prefixes {
		if p != p.Masked() || p.Addr().Is4In6() || p == last {
			t.Errorf("%s after %s is not in order", p, last)
		}
		last = p
		if a := p.Addr(); a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
			t.Errorf("%s is reserved", p)
		}
		if a := netip.MustParseAddr("10.1.2.3"); p.Contains(a) {
			t.Errorf("%s holds %s", p, a)
		}
	}
}
