package network

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSampleIsGenerated holds that the databases in testdata are what the
// generator makes of the tables.
func TestSampleIsGenerated(t *testing.T) {
	out := t.TempDir()
	gen := exec.Command("go", "run", "./testdata/internal/geogen", "-out", out)
	gen.Dir = root
	if output, err := gen.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, name := range []string{"country.mmdb", "asn.mmdb", "anonymous.mmdb"} {
		made, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, sample(t, "geo/"+name)) {
			t.Errorf("testdata/geo/%s is not what the tables make: run go run ./testdata/internal/geogen", name)
		}
	}
}

// TestSampleTable holds every row of the table in testdata/geo/README.md.
func TestSampleTable(t *testing.T) {
	s := sampleSources(t)
	rows := 0
	for line := range strings.Lines(string(sample(t, "geo/README.md"))) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 {
			continue
		}
		for i, c := range cells {
			cells[i] = strings.TrimSpace(c)
			if c := cells[i]; c == "none" || c == "not found" {
				cells[i] = ""
			}
		}
		for word := range strings.SplitSeq(cells[0], ", ") {
			a, err := netip.ParseAddr(word)
			if err != nil { // the heading
				continue
			}
			rows++
			f := s.Facts(a)
			asn := ""
			if f.ASN != 0 {
				asn = fmt.Sprint(f.ASN)
			}
			got := []string{cells[0], f.Country, asn, f.Org, strings.Join(s.Lists.Names(f.Lists), ", ")}
			if strings.Join(got, "|") != strings.Join(cells, "|") || f.Err != nil {
				t.Errorf("%s: got %q, %v, want %q", a, got[1:], f.Err, cells[1:])
			}
		}
	}
	if rows < 25 {
		t.Errorf("only %d addresses in the table", rows)
	}
}
