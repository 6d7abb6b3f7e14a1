package phone

import (
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
