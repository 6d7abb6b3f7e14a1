package phone

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func entry(t testing.TB, s string) Entry {
	t.Helper()
	e, err := ParseEntry(s, "")
	if err != nil {
		t.Fatalf("ParseEntry(%q): %v", s, err)
	}
	return e
}

func TestParseEntry(t *testing.T) {
	tests := []struct{ raw, region, want string }{
		{"+44 7400 123456", "", "=+447400123456"},
		{" 447400123456 ", "", "=+447400123456"},
		{"00447400123456", "", "=+447400123456"},
		{"07400 123456", "GB", "=+447400123456"},
		{"+52 1 55 1234 5678", "", "=+525512345678"},
		{"551187654321", "", "=+5511987654321"},
		{"+1876*", "", "+1876"},
		{"+1 (876) *", "", "+1876"},
		{"1876*", "", "+1876"},
		{"1876*", "GB", "+1876"},
		{"+4479110000-+4479119999", "", "+447911"},
		{"+4479110000 - +4479110000", "", "+4479110000"},
		{"4479110098-4479110111", "", "+4479110098 +4479110099 +447911010 +4479110110 +4479110111"},
		{"+1-876-555-0100", "", "=+18765550100"},
		{"+1-876-555-0100-+1-876-555-0199", "", "+187655501"},

		{"", "", "empty"},
		{"*", "", "empty"},
		{"+*", "", "not_a_number"},
		{"+44 7911", "", "too_short"},
		{"07400 123456", "", "no_region"},
		{"4155550123", "US", "=+14155550123"},
		{"+99912345678", "", "invalid"},
		{"+999*", "", "invalid"},
		{"07*", "", "invalid"},
		{"+44*7911", "", "not_a_number"},
		{"+4479119999-+4479110000", "", "not_an_entry"},
		{"+447911000-+4479119999", "", "not_an_entry"},
		{"+447911000-+999", "", "invalid"},
		{"4479110-447", "", "no_region"},
		{"447911-447912", "", "no_region"}, // might be one number, in two halves
		{strings.Repeat("4", 65), "", "too_long"},
		{"12345678901234567890", "", "too_long"},
	}
	for _, test := range tests {
		e, err := ParseEntry(test.raw, test.region)
		got := reason(err)
		if e.key != 0 {
			got = "=" + e.key.text()
		}
		for i, s := range e.stems {
			if i > 0 {
				got += " "
			}
			got += s.String()
		}
		if got != test.want {
			t.Errorf("ParseEntry(%q, %q) = %s, want %s", test.raw, test.region, got, test.want)
		}
	}
	if shown := fmt.Sprintf("%v %+v", entry(t, "+447400123456"), entry(t, "+447400123456")); strings.Contains(shown, "7400123456") {
		t.Error("an entry shows its number")
	}
}

// TestCover holds ranges against counting.
func TestCover(t *testing.T) {
	for low := range 300 {
		for high := low; high < 300; high++ {
			stems := cover(newStem(uint64(7000+low)), newStem(uint64(7000+high)))
			for n := range 310 {
				point := newStem(uint64(7000 + n)).first
				in := slices.ContainsFunc(stems, func(s stem) bool { return s.first <= point && point <= s.last() })
				if in != (low <= n && n <= high) {
					t.Fatalf("7%03d-7%03d holds 7%03d: %t", low, high, n, in)
				}
			}
			if len(stems) > 3*18 {
				t.Fatalf("7%03d-7%03d is %d prefixes", low, high, len(stems))
			}
		}
	}
	if got := cover(newStem(1), newStem(9)); len(got) != 9 {
		t.Errorf("1-9 is %v", got)
	}
}

func TestSizeOf(t *testing.T) {
	for v, want := uint64(1), 1; want <= maxDigits; v, want = v*10, want+1 {
		for _, x := range []uint64{v, v + 1, v*10 - 1, 5 * v} {
			if got := sizeOf(x); x != 0 && got != len(fmt.Sprint(x)) {
				t.Errorf("sizeOf(%d) = %d", x, got)
			}
		}
		if newStem(v).String() != "+"+fmt.Sprint(v) {
			t.Errorf("stem of %d is %s", v, newStem(v))
		}
	}
}

func TestListKnowsBothSpellings(t *testing.T) {
	tests := []struct{ in, number string }{
		{"+52 1 55 1234 5678", "+525512345678"},
		{"+525512345678", "+52 1 55 1234 5678"},
		{"+54 9 11 2345 6789", "+541123456789"},
		{"+541123456789", "+54 9 11 2345 6789"},
		{"+551187654321", "+5511987654321"},
		{"+5511987654321", "+551187654321"},
		{"+52155*", "+525512345678"},
		{"+5255*", "+5215512345678"},
		{"+54911*", "+541123456789"},
		{"+5411*", "+5491123456789"},
		{"+55118*", "+5511987654321"},
		{"+55119*", "+551187654321"},
		{"+55118765-+55118766", "+5511987654321"},
	}
	for _, test := range tests {
		list := NewList(entry(t, test.in))
		lists, err := NewLists([]NamedList{{"other", nil}, {"it", list}})
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range []string{test.number, parse(t, test.number).Key()} {
			if n := parse(t, raw); !list.Has(n) || lists.Of(n) != 2 {
				t.Errorf("list of %s has %s: %t, %b", test.in, raw, list.Has(n), lists.Of(n))
			}
		}
	}
	if NewList(entry(t, "+55117*")).Has(parse(t, "+5511987654321")) {
		t.Error("a prefix of no spelling matches")
	}
}

func TestListHas(t *testing.T) {
	list := NewList(entry(t, "+447400123456"), entry(t, "+447400123456"), entry(t, "+1876*"), entry(t, "+18765*"), entry(t, "+4930100*"))
	if numbers, prefixes := list.Len(); numbers != 1 || prefixes != 3 {
		t.Errorf("Len() = %d, %d", numbers, prefixes)
	}
	for raw, want := range map[string]bool{
		"+447400123456": true, "+447400123457": false, "+18765550123": true, "+14155550123": false,
		"+493010012": true,
		"+49301":     false, // its digits are those of +493010 less the zero
	} {
		n, err := Parse(raw, "")
		if err != nil {
			t.Logf("%s: %v", raw, err)
			continue
		}
		if got := list.Has(n); got != want {
			t.Errorf("has %s: %t", raw, got)
		}
	}
	var none *List
	for _, l := range []*List{none, {}, NewList()} {
		if l.Has(parse(t, "+447400123456")) {
			t.Error("nothing is in an empty list")
		}
		if numbers, prefixes := l.Len(); numbers+prefixes != 0 {
			t.Error("an empty list holds something")
		}
	}
	if list.Has(Number{}) {
		t.Error("no number is in a list")
	}
}

// TestShortNumbers: the zeros behind the digits of a short number, which the
// tree compares by, are not taken for its own.
func TestShortNumbers(t *testing.T) {
	tree := newTree([]stem{newStem(49), newStem(4930), newStem(493010), newStem(4930100), newStem(49301000)})
	for digits, want := range map[uint64]int32{49: 0, 493: 0, 4930: 1, 49301: 1, 493010: 2, 4930100: 3, 49301000: 4, 493011: 1, 48: nobody, 5: nobody, 4930100055: 4} {
		if got := tree.find(digits); got != want {
			t.Errorf("find(%d) = %d, want %d", digits, got, want)
		}
	}
}

// TestLongNumbers goes to the ends of a stem, with all digits there can be.
func TestLongNumbers(t *testing.T) {
	tree := newTree([]stem{newStem(49), newStem(4930), newStem(4930555555555555555)})
	for digits, want := range map[uint64]int32{
		4930_000000000000000: 1, 4930_999999999999999: 1, 4931_000000000000000: 0, 4929_999999999999999: 0,
		4930_555555555555555: 2, 4930_555555555555554: 1, 4930_555555555555556: 1,
		49_99999999999999999: 0, 50_00000000000000000: nobody, 48_99999999999999999: nobody, 9_999999999999999999: nobody,
	} {
		if got := tree.find(digits); got != want {
			t.Errorf("find(%d) = %d, want %d", digits, got, want)
		}
	}
}

func TestNewListsRefuses(t *testing.T) {
	many := make([]NamedList, MaxLists+1)
	for i := range many {
		many[i].Name = fmt.Sprint("list", i)
	}
	for _, test := range []struct {
		lists []NamedList
		want  string
	}{
		{many, "65 lists: want 64 at most"},
		{[]NamedList{{"a", nil}, {"", nil}}, "list 2 has no name"},
		{[]NamedList{{"a", nil}, {"a", nil}}, `list "a" is given twice`},
	} {
		if _, err := NewLists(test.lists); err == nil || err.Error() != test.want {
			t.Errorf("error %v, want %s", err, test.want)
		}
	}
	lists, err := NewLists(many[:MaxLists])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lists.Replace("none", nil); err == nil || err.Error() != `there is no list called "none"` {
		t.Error(err)
	}
	all, err := lists.Replace("list63", NewList(entry(t, "+1876*")))
	if err != nil {
		t.Fatal(err)
	}
	s := all.Of(parse(t, "+18765550123"))
	if names := all.Names(s); !slices.Equal(names, []string{"list63"}) || !s.Has(63) || s.Has(62) || s.Has(64) || s.Has(-1) {
		t.Errorf("names %v", names)
	}
	if lists.Of(parse(t, "+18765550123")) != 0 {
		t.Error("Replace has changed what it was asked of")
	}
	var none *Lists
	if none.Of(parse(t, "+18765550123")) != 0 || none.Names(1) != nil {
		t.Error("nil lists hold something")
	}
	if i, ok := all.Index("list7"); i != 7 || !ok {
		t.Errorf("Index = %d, %t", i, ok)
	}
}

// TestTooManyWays: 17 lists can overlap in 131071 ways, and do.
func TestTooManyWays(t *testing.T) {
	var named []NamedList
	for bit := range 17 {
		var b listBuilder
		for n := range uint64(1 << 17) {
			if n>>bit&1 != 0 {
				b.keys = append(b.keys, scatter(447400000000+n))
			}
		}
		named = append(named, NamedList{fmt.Sprint(bit), b.list()})
	}
	if _, err := NewLists(named); err == nil || err.Error() != "the lists overlap in more than 65536 ways" {
		t.Error(err)
	}
	if lists, err := NewLists(named[:16]); err != nil || lists.Of(parse(t, fmt.Sprintf("+%d", 447400000000+54321))) != 54321 {
		t.Error(err)
	}
}

// drawnEntry returns an entry near the numbers of examples, and as text for the
// oracle what it holds.
func drawnEntry(t *rapid.T, examples []string) (Entry, func(Number) bool) {
	e164 := rapid.SampledFrom(examples).Draw(t, "example")
	n, err := Parse(e164, "")
	if err != nil {
		t.Skip()
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		e, err := ParseEntry(e164, "")
		if err != nil {
			t.Fatal(err)
		}
		return e, func(m Number) bool { return m.Key() == n.Key() }
	case 1:
		prefix := e164[:rapid.IntRange(min(4, len(e164)), len(e164)).Draw(t, "size")]
		e, err := ParseEntry(prefix+"*", "")
		if err != nil {
			t.Skip()
		}
		return e, func(m Number) bool { return m.HasPrefix(prefix) }
	}
	size := rapid.IntRange(min(6, len(e164)), len(e164)).Draw(t, "size")
	first := e164[:size]
	last := []byte(first)
	for i := size - 2; i < size; i++ {
		last[i] = byte(rapid.IntRange(int(last[i]), '9').Draw(t, "digit"))
	}
	e, err := ParseEntry(first+"-"+string(last), "")
	if err != nil {
		t.Skip()
	}
	return e, func(m Number) bool {
		for _, spelling := range []string{m.Key(), m.other().text()} {
			if len(spelling) >= size && first <= spelling[:size] && spelling[:size] <= string(last) {
				return true
			}
		}
		return false
	}
}

// TestListsOracle draws lists and numbers near them, and holds List, Lists and
// Replace against looking at every entry.
func TestListsOracle(t *testing.T) {
	examples := []string{"+447400123456", "+18765550123", "+525512345678", "+5215512345678", "+5491123456789", "+541123456789",
		"+551187654321", "+5511987654321", "+551178654321", "+4930123456", "+49301234567890", "+870301234567", "+441215550100"}
	rapid.Check(t, func(t *rapid.T) {
		holders := make([][]func(Number) bool, rapid.IntRange(1, 5).Draw(t, "lists"))
		named := make([]NamedList, len(holders))
		draw := func(i int) *List {
			holders[i] = nil
			var entries []Entry
			for range rapid.IntRange(0, 6).Draw(t, "entries") {
				e, holds := drawnEntry(t, examples)
				entries, holders[i] = append(entries, e), append(holders[i], holds)
			}
			return NewList(entries...)
		}
		for i := range named {
			named[i] = NamedList{fmt.Sprint("list", i), draw(i)}
		}
		lists, err := NewLists(named)
		if err != nil {
			t.Fatal(err)
		}
		if again := rapid.IntRange(-1, len(named)-1).Draw(t, "replaced"); again >= 0 {
			named[again].List = draw(again)
			if lists, err = lists.Replace(named[again].Name, named[again].List); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			raw := []byte(rapid.SampledFrom(examples).Draw(t, "number"))
			for range rapid.IntRange(0, 2).Draw(t, "changes") {
				raw[rapid.IntRange(3, len(raw)-1).Draw(t, "at")] = byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
			}
			n, err := Parse(string(raw), "")
			if err != nil {
				continue
			}
			var want Set
			for i, fits := range holders {
				if slices.ContainsFunc(fits, func(holds func(Number) bool) bool { return holds(n) }) {
					want |= 1 << i
				}
			}
			if got := lists.Of(n); got != want {
				t.Fatalf("%s is in %b, want %b", raw, got, want)
			}
			for i := range named {
				if named[i].List.Has(n) != want.Has(i) {
					t.Fatalf("%s is in list %d: %t", raw, i, !want.Has(i))
				}
			}
		}
	})
}

// TestPrefixesOracle holds the table against trying every prefix.
func TestPrefixesOracle(t *testing.T) {
	examples := []string{"+447400123456", "+18765550123", "+525512345678", "+5215512345678", "+5491123456789", "+541123456789",
		"+551187654321", "+5511987654321", "+4930123456", "+49301234567890"}
	rapid.Check(t, func(t *rapid.T) {
		values := make(map[string]string)
		for range rapid.IntRange(0, 15).Draw(t, "prefixes") {
			e164 := rapid.SampledFrom(examples).Draw(t, "example")
			prefix := e164[:rapid.IntRange(2, len(e164)).Draw(t, "size")]
			values[prefix] = prefix
		}
		table, err := NewPrefixes(values)
		if err != nil {
			t.Fatal(err)
		}
		if table.Len() != len(values) {
			t.Fatalf("Len() = %d of %d", table.Len(), len(values))
		}
		for _, e164 := range examples {
			n, err := Parse(e164, "")
			if err != nil {
				t.Fatal(err)
			}
			want, left := "", 99
			spellings := []string{n.E164(), n.Key()}
			if other := n.other(); other != 0 {
				spellings = append(spellings, other.text())
			}
			for _, spelling := range spellings { // as written first
				for prefix := range values {
					if strings.HasPrefix(spelling, prefix) && len(spelling)-len(prefix) < left {
						want, left = prefix, len(spelling)-len(prefix)
					}
				}
			}
			got, ok := table.Lookup(n)
			if got != want || ok != (want != "") || table.Prefix(n) != want {
				t.Fatalf("%s of %v: %q, %q, want %q", e164, values, got, table.Prefix(n), want)
			}
		}
	})
}

func TestPrefixes(t *testing.T) {
	if _, err := NewPrefixes(map[string]int{"+1876": 1, "+1 876": 2}); err == nil || err.Error() != "prefix +1876 is there twice" {
		t.Error(err)
	}
	if _, err := NewPrefixes(map[string]int{"1876": 1}); err == nil || err.Error() != `prefix "1876": phone number has no country code` {
		t.Error(err)
	}
	var none *Prefixes[int]
	for _, p := range []*Prefixes[int]{none, {}} {
		if v, ok := p.Lookup(parse(t, "+18765550123")); ok || v != 0 || p.Len() != 0 || p.Prefix(parse(t, "+18765550123")) != "" {
			t.Error("an empty table holds something")
		}
	}
	table, err := NewPrefixes(map[string]int{"+1": 1, "+1876": 2, "+54911": 3, "+5411": 4})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]int{"+14155550123": 1, "+18765550123": 2, "+5491123456789": 3, "+541123456789": 4, "+447400123456": 0} {
		if got, ok := table.Lookup(parse(t, raw)); got != want || ok != (want != 0) {
			t.Errorf("%s: %d, want %d", raw, got, want)
		}
	}
	if _, ok := table.Lookup(Number{}); ok {
		t.Error("no number has a value")
	}
}

func TestListsDoNotAllocate(t *testing.T) {
	lists, err := NewLists([]NamedList{{"a", NewList(entry(t, "+447400123456"), entry(t, "+52155*"))}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := NewPrefixes(map[string]int{"+52": 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{"+447400123456", "+525512345678", "+5511987654321"} {
		n := parse(t, raw)
		if got := testing.AllocsPerRun(100, func() {
			_ = lists.Of(n)
			_, _ = table.Lookup(n)
		}); got != 0 {
			t.Errorf("%s: %v allocations", raw, got)
		}
	}
}

// TestMemory holds the promise of bytes for each number.
func TestMemory(t *testing.T) {
	const many = 500_000
	rng := rand.New(rand.NewPCG(1, 2))
	before := heap()
	var b listBuilder
	for range many {
		b.add(Entry{key: veiled((447000000000 + rng.Uint64N(1e9)) ^ veil)})
	}
	list := b.list()
	b = listBuilder{}
	numbers, _ := list.Len()
	if each := float64(heap()-before) / float64(numbers); each > 9 {
		t.Errorf("a list takes %.2f bytes for each number", each)
	}
	middle := heap()
	lists, err := NewLists([]NamedList{{"a", list}, {"b", NewList(entry(t, "+1876*"))}})
	if err != nil {
		t.Fatal(err)
	}
	if each := float64(heap()-middle) / float64(numbers); each > 11 {
		t.Errorf("lists take %.2f bytes for each number", each)
	}
	runtime.KeepAlive(list)
	runtime.KeepAlive(lists)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
