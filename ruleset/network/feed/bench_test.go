package feed

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	const many = 200_000
	var plain, geofeed bytes.Buffer
	for i := range many {
		a := netip.AddrFrom4([4]byte{20 + byte(i>>16), byte(i >> 8), byte(i), 0})
		fmt.Fprintf(&plain, "%s/24\n", a)
		fmt.Fprintf(&geofeed, "%s/24,US,US-NJ,Cedar Knolls,\n", a)
	}
	run := func(name string, data []byte, want int, o Options) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if r, err := Parse(bytes.NewReader(data), o); err != nil || r.Entries-r.Unselected != want {
					b.Fatalf("%v, %+v", err, r)
				}
			}
		})
	}
	run("plain=200k", plain.Bytes(), many, Options{})
	run("geofeed=200k", geofeed.Bytes(), many, Options{})
	folder := dataFolder(b, "feeds/aws")
	if folder == "" {
		return
	}
	data, err := os.ReadFile(filepath.Join(folder, "ip-ranges.json"))
	if err != nil {
		b.Fatal(err)
	}
	entries := len(scan(data, `"ip(?:v6)?_prefix": "`, ""))
	run(fmt.Sprintf("aws=%d", entries), data, entries, Options{})
	ec2, err := Parse(bytes.NewReader(data), Options{Select: Selection{Services: []string{"EC2"}}})
	if err != nil {
		b.Fatal(err)
	}
	run("aws service=EC2", data, ec2.Entries-ec2.Unselected, Options{Select: Selection{Services: []string{"EC2"}}})
}
