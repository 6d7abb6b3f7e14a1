package phone

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

var benchmarks = []struct {
	name, raw, region string
	want              string // key, or reason
}{
	{"e164", "+14155550123", "", "+14155550123"},
	{"national", "02079460123", "GB", "+442079460123"},
	{"spaced", "+44 (0)20 7946-0123", "US", "+442079460123"},
	{"argentina", "011 15 2345-6789", "AR", "+541123456789"},
	{"junk", "call me: 415 555", "US", "not_a_number"},
}

// BenchmarkParse reads a number and asks for its region and type.
func BenchmarkParse(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, err := Parse(bm.raw, bm.region)
				if err == nil && (!n.Valid() || n.Region() == "" || n.Type() == Unknown) {
					b.Fatal("not valid")
				}
				if (err == nil) == (bm.want[0] != '+') {
					b.Fatal(err)
				}
			}
			n, err := Parse(bm.raw, bm.region)
			if got := n.Key() + reason(err); got != bm.want {
				b.Fatalf("got %s, want %s", got, bm.want)
			}
		})
	}
}

// BenchmarkLibrary does the same work by the library.
func BenchmarkLibrary(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, err := phonenumbers.Parse(bm.raw, bm.region)
				if err != nil {
					continue
				}
				if phonenumbers.IsValidNumber(n) && (phonenumbers.GetRegionCodeForNumber(n) == "" || phonenumbers.GetNumberType(n) == phonenumbers.UNKNOWN) {
					b.Fatal("valid, but of no region or type")
				}
			}
		})
	}
}

// BenchmarkKey spells a number out for the ledger.
func BenchmarkKey(b *testing.B) {
	n, err := Parse("+14155550123", "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if n.Key() != "+14155550123" {
			b.Fatal("wrong key")
		}
	}
}

// reason returns the reason of err, and "" for none.
func reason(err error) string {
	if e, ok := err.(*Error); ok {
		return e.Reason()
	}
	return ""
}

// BenchmarkReadList reads two million disposable numbers from lines, CSV and
// JSON, and puts them together with others.
func BenchmarkReadList(b *testing.B) {
	const many = 2_000_000
	numbers := someNumbers(many)
	for _, bm := range []struct{ name, begin, format, end string }{
		{"lines", "", "%d\n", ""},
		{"csv", "number,source\n", "%d,https://example.com/\n", ""},
		{"json", "{\n", "\"%d\": \"2023-12-20\",\n", "\"447700900123\": 1}"},
	} {
		text := []byte(bm.begin)
		for _, n := range numbers {
			text = fmt.Appendf(text, bm.format, n)
		}
		text = append(text, bm.end...)
		b.Run(bm.name, func(b *testing.B) {
			for b.Loop() {
				list, report, err := ReadList(bytes.NewReader(text), ListOptions{})
				if err != nil {
					b.Fatal(err)
				}
				if got, _ := list.Len(); got < many || report.Unreadable > 0 {
					b.Fatalf("%d numbers, %+v", got, report)
				}
			}
		})
	}
	var built listBuilder
	for _, n := range numbers {
		built.add(Entry{key: veiled(n ^ veil)})
	}
	list := built.list()
	b.Run("replace", func(b *testing.B) {
		lists, err := NewLists([]NamedList{{"a", nil}, {"b", list}})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if lists, err = lists.Replace("b", list); err != nil {
				b.Fatal(err)
			}
		}
		if got, _ := lists.Len(); got != many {
			b.Fatalf("%d numbers", got)
		}
	})
}

// someNumbers returns different American numbers in no order.
func someNumbers(many int) []uint64 {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := make(map[uint64]bool, many)
	numbers := make([]uint64, 0, many)
	areas := []uint64{201, 202, 212, 305, 310, 404, 415, 512, 602, 702, 713, 804, 917}
	for len(numbers) < many {
		n := 1e10 + areas[rng.IntN(len(areas))]*1e7 + 2e6 + rng.Uint64N(8e6)
		if !seen[n] {
			seen[n] = true
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// BenchmarkLists asks in which of two lists a number is: of two million
// numbers, of 200,000 prefixes, spread over the world or all of one country's
// range, and of numbers and prefixes together. What is asked is in one of them,
// or is not.
func BenchmarkLists(b *testing.B) {
	all := someNumbers(2_000_000)
	rng := rand.New(rand.NewPCG(3, 4))
	var numbers, spread, dense listBuilder
	for _, n := range all {
		numbers.add(Entry{key: veiled(n ^ veil)})
	}
	codes := []uint64{7, 20, 33, 34, 49, 52, 86, 91, 234, 254, 256, 263, 371, 375, 380, 381, 882, 992, 998}
	for range 200_000 {
		code := codes[rng.IntN(len(codes))]
		spread.stems = append(spread.stems, newStem(code*1e6+1e5+rng.Uint64N(9e5)))
		dense.stems = append(dense.stems, newStem(44791*1e6+rng.Uint64N(1e6)))
	}
	lists := map[string]*List{"numbers": numbers.list(), "spread": spread.list(), "dense": dense.list()}
	number := func(i int) uint64 { return all[i*10] }
	american := func(int) uint64 { return 1_808_2000000 + rng.Uint64N(8e6) }
	for _, bm := range []struct {
		name, lists string
		draw        func(i int) uint64
		listed      bool
	}{
		{"numbers/listed", "numbers", number, true},
		{"numbers/not", "numbers", american, false},
		{"prefixes/listed", "spread", func(i int) uint64 { return lists["spread"].stems()[i*2].first / 1e8 }, true},
		{"prefixes/not", "spread", american, false},
		{"dense/listed", "dense", func(i int) uint64 { return lists["dense"].stems()[i*2].first / 1e7 }, true},
		{"dense/not", "dense", american, false},
		{"both/listed", "numbers spread", number, true},
		{"both/not", "numbers spread", american, false},
	} {
		var named []NamedList
		for _, name := range strings.Fields(bm.lists) {
			named = append(named, NamedList{name, lists[name]})
		}
		of, err := NewLists(named)
		if err != nil {
			b.Fatal(err)
		}
		asked := make([]Number, 1<<16)
		for i := range asked {
			digits := veiled(bm.draw(i) ^ veil)
			code, _ := lookup(values(digits.text()[1:]))
			asked[i] = Number{written: digits, key: digits, code: code}
		}
		rng.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if (of.Of(asked[i%len(asked)]) != 0) != bm.listed {
					b.Fatal("wrong answer")
				}
				i++
			}
		})
	}
}

// BenchmarkPrefixes looks for a price among 100,000.
func BenchmarkPrefixes(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	values := make(map[string]int64)
	for code, at := range planOf {
		for range 500 {
			if at != 0 {
				values[fmt.Sprintf("+%d%d", code, 1+rng.Uint64N(99999))] = int64(code)
			}
		}
	}
	table, err := NewPrefixes(values)
	if err != nil {
		b.Fatal(err)
	}
	var asked []Number
	for _, e164 := range seeds() {
		if n, err := Parse(e164, ""); err == nil {
			asked = append(asked, n)
		}
	}
	rng.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		n := asked[i%len(asked)]
		if price, ok := table.Lookup(n); ok && price != int64(n.code) {
			b.Fatal("the price of another country")
		}
		i++
	}
}
