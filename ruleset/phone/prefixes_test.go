package phone

import (
	"testing"
)

// Longest agrees with HasPrefix, which looks at one prefix after the other.
func TestLongestPrefix(t *testing.T) {
	var table Prefixes[string]
	prefixes := []string{"+1", "+1415", "+14155550", "+44", "+447", "+4477009", "+52", "+521", "+5255", "+54", "+549", "+5411", "+55", "+55119", "+55118", "+551187"}
	for _, p := range prefixes {
		table.Set(p, p)
	}
	for _, raw := range []string{
		"+14155550123", "+12125550123", "+18765550123", "+447700900123", "+442079460000", "+4915123456789",
		"+525512345678", "+5215512345678", "+541123456789", "+5491123456789", "+551187654321", "+5511987654321",
	} {
		n := parse(t, raw)
		want := ""
		for _, p := range prefixes {
			if n.HasPrefix(p) && len(p) > len(want) {
				want = p
			}
		}
		got, ok := table.Longest(n)
		if ok != (want != "") || len(got) != len(want) || ok && !n.HasPrefix(got) {
			t.Errorf("%s: got %q, want %q or one as long", raw, got, want)
		}
	}
	if got, ok := table.Longest(Number{}); ok {
		t.Errorf("no number has %q", got)
	}
	var none Prefixes[string]
	if got, ok := none.Longest(parse(t, "+14155550123")); ok {
		t.Errorf("without prefixes: %q", got)
	}
}

// Old and new spelling of a number find the same.
func TestLongestPrefixOfAllSpellings(t *testing.T) {
	var table Prefixes[int]
	for i, p := range []string{"+521", "+5255", "+549", "+5411", "+551198", "+551187"} {
		table.Set(p, i)
	}
	for _, spellings := range [][2]string{{"+525512345678", "+5215512345678"}, {"+541123456789", "+5491123456789"}, {"+551187654321", "+5511987654321"}} {
		a, _ := table.Longest(parse(t, spellings[0]))
		b, _ := table.Longest(parse(t, spellings[1]))
		if a != b {
			t.Errorf("%s finds %d, %s finds %d", spellings[0], a, spellings[1], b)
		}
	}
}

func TestLongestPrefixDoesNotAllocate(t *testing.T) {
	var table Prefixes[int64]
	table.Set("+1415", 7)
	table.Set("+521", 8)
	for _, raw := range []string{"+14155550123", "+525512345678", "+447700900123"} {
		n := parse(t, raw)
		if allocs := testing.AllocsPerRun(100, func() { table.Longest(n) }); allocs != 0 {
			t.Errorf("%s: %v allocations", raw, allocs)
		}
	}
}

func BenchmarkLongestPrefix(b *testing.B) {
	var table Prefixes[int64]
	for _, p := range []string{"+1415", "+14155", "+1876", "+521", "+447700"} {
		table.Set(p, int64(len(p)))
	}
	n := parse(b, "+14155550123")
	for b.Loop() {
		if v, ok := table.Longest(n); !ok || v != 6 {
			b.Fatal(v)
		}
	}
}
