package network

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestRealLists reads every plain list there is among the real material: no
// line may be a problem, and none may be lost.
func TestRealLists(t *testing.T) {
	folder := dataFolder(t, "feeds")
	if folder == "" {
		return
	}
	var given []List
	total := 0
	for _, pattern := range []string{"ranges-cc0/*/ipv?.txt", "x4b/output/*/ipv?.txt"} {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no lists in %s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := 0
			for line := range bytes.Lines(data) {
				if len(bytes.TrimSpace(line)) > 0 && line[0] != '#' {
					lines++
				}
			}
			prefixes, problems := ParseList(path, bytes.NewReader(data))
			if len(problems) > 0 {
				t.Errorf("%v and %d more problems", problems[0], len(problems)-1)
			}
			if len(prefixes) != lines {
				t.Errorf("%s: %d networks in %d lines", path, len(prefixes), lines)
			}
			given = append(given, List{Name: path, Prefixes: prefixes})
			total += lines
		}
	}
	l := lists(t, given...)
	t.Logf("%d networks in %d lists, of which the table keeps %d", total, len(given), l.Len())
	for i, list := range given {
		for _, p := range list.Prefixes {
			if !l.Of(p.Addr(), 0).Has(i) || !l.Of(lastOf(p), 0).Has(i) {
				t.Fatalf("%s of %s is not found in it", p, list.Name)
			}
		}
	}
}

// realLists returns the plain lists there are among the real material, and
// those of AWS by service, as lists of their own.
func realLists(tb testing.TB) []List {
	folder := dataFolder(tb, "feeds")
	if folder == "" {
		return nil
	}
	var given []List
	for _, pattern := range []string{"ranges-cc0/*/ipv?.txt", "x4b/output/*/ipv?.txt"} {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				tb.Fatal(err)
			}
			prefixes, _ := ParseList(path, bytes.NewReader(data))
			given = append(given, List{Name: path, Prefixes: prefixes})
		}
	}
	data, err := os.ReadFile(filepath.Join(folder, "aws/ip-ranges.json"))
	if err != nil {
		tb.Fatal(err)
	}
	aws := List{Name: "aws"}
	for _, found := range regexp.MustCompile(`"ip(?:v6)?_prefix": "([^"]+)"`).FindAllSubmatch(data, -1) {
		aws.Prefixes = append(aws.Prefixes, netip.MustParsePrefix(string(found[1])))
	}
	return append(given, aws)
}

// BenchmarkRealLists asks real lists for addresses of which half are in some,
// and tells what a prefix takes, with the prefixes themselves.
func BenchmarkRealLists(b *testing.B) {
	given := realLists(b)
	if given == nil {
		b.SkipNow()
	}
	prefixes := 0
	for _, l := range given {
		prefixes += len(l.Prefixes)
	}
	l, grown := builtWith(b, given)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, ipv4 := range []bool{true, false} {
		addrs := make([]netip.Addr, 0, 4096)
		for len(addrs) < cap(addrs) {
			in := given[rng.IntN(len(given))].Prefixes
			if p := in[rng.IntN(len(in))]; p.Addr().Is4() == ipv4 {
				addrs = append(addrs, p.Addr(), randomAddr(rng, ipv4))
			}
		}
		b.Run(fmt.Sprintf("prefixes=%d/ipv4=%v", prefixes, ipv4), func(b *testing.B) {
			b.ReportAllocs()
			var some Set
			i := 0
			for b.Loop() {
				some = some.Or(l.Of(addrs[i%len(addrs)], 64496))
				i++
			}
			if some.IsEmpty() {
				b.Fatal("no address is in any list")
			}
			b.ReportMetric(grown/float64(prefixes)+32, "B/prefix")
		})
	}
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			lists(b, given...)
		}
	})
}
