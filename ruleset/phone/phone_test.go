package phone

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func parse(t testing.TB, raw string) Number {
	t.Helper()
	n, err := Parse(raw, "")
	if err != nil {
		t.Fatalf("Parse(%q): %v", raw, err)
	}
	return n
}

func TestOldSpellingsAreOneKey(t *testing.T) {
	tests := []struct {
		name, raw, key string
		kind           Type
		valid          bool
	}{
		{"Mexico, old", "+52 1 55 1234 5678", "+525512345678", FixedLineOrMobile, true},
		{"Mexico, new", "+52 55 1234 5678", "+525512345678", FixedLineOrMobile, true},
		{"Argentina, mobile", "+54 9 11 2345 6789", "+541123456789", Mobile, true},
		{"Argentina, without 9", "+54 11 2345 6789", "+541123456789", FixedLine, true},
		{"Brazil, old", "+55 11 8765 4321", "+5511987654321", Mobile, true},
		{"Brazil, new", "+55 11 98765 4321", "+5511987654321", Mobile, true},
		{"Brazil, old 9", "+55 11 9765 4321", "+5511997654321", Mobile, true},
		{"Brazil, old 6", "+55 11 6765 4321", "+5511967654321", Mobile, true},
		{"Brazil, old 7", "+55 11 7365 4321", "+5511973654321", Mobile, true},
		{"Brazil, trunked radio", "+55 11 7865 4321", "+551178654321", Mobile, true},
		{"Brazil, fixed", "+55 11 2345 6789", "+551123456789", FixedLine, true},
		{"Brazil, no such area", "+55 10 8765 4321", "+551087654321", Unknown, false},
		{"elsewhere", "+1 415 555 0123", "+14155550123", FixedLineOrMobile, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := parse(t, test.raw)
			if n.Key() != test.key || n.Type() != test.kind || n.Valid() != test.valid {
				t.Errorf("key %s, type %v, valid %t; want %s, %v, %t", n.Key(), n.Type(), n.Valid(), test.key, test.kind, test.valid)
			}
			if want := strings.ReplaceAll(test.raw, " ", ""); n.E164() != want {
				t.Errorf("E164 = %s, want %s", n.E164(), want)
			}
		})
	}
	if _, err := Parse("+52 1 01 1234 5678", ""); err != ErrTooLong {
		t.Errorf("a 1 before what is no Mexican number: %v", err)
	}
}

func TestRange(t *testing.T) {
	n := parse(t, "+52 1 55 1234 5678")
	for drop, want := range map[int]string{-1: "+525512345678", 0: "+525512345678", 3: "+525512345", 4: "+52551234", 10: "+52", 11: "+52", 99: "+52"} {
		if got := n.Range(drop); got != want {
			t.Errorf("Range(%d) = %s, want %s", drop, got, want)
		}
	}
}

func TestHasPrefix(t *testing.T) {
	tests := []struct {
		raw, prefix string
		want        bool
	}{
		{"+14155550123", "+1", true},
		{"+14155550123", "+1415", true},
		{"+14155550123", "+14155550123", true},
		{"+14155550123", "+141555501230", false},
		{"+14155550123", "+1416", false},
		{"+14155550123", "1415", false},
		{"+14155550123", "+", false},
		{"+14155550123", "", false},
		{"+525512345678", "+5255", true},
		{"+525512345678", "+52155", true},
		{"+5215512345678", "+5255", true},
		{"+5215512345678", "+52155", true},
		{"+5215512345678", "+52133", false},
		{"+5491123456789", "+54911", true},
		{"+5491123456789", "+5411", true},
		{"+541123456789", "+54911", true},
		{"+541123456789", "+5411", true},
		{"+551187654321", "+55119", true},
		{"+551187654321", "+55118", true},
		{"+5511987654321", "+55118", true},
		{"+5511987654321", "+55119", true},
		{"+5511987654321", "+55117", false},
		{"+551123456789", "+55119", false},
		{"+5511898765432", "+55119", false}, // no ninth digit, so none to leave out
	}
	for _, test := range tests {
		if got := parse(t, test.raw).HasPrefix(test.prefix); got != test.want {
			t.Errorf("%s has prefix %s: %t, want %t", test.raw, test.prefix, got, test.want)
		}
	}
	if (Number{}).HasPrefix("+") {
		t.Error("no number has a prefix")
	}
}

func TestParsePrefix(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"+1900", "+1900"},
		{"+1 (876) 555-0", "+18765550"},
		{"+8", "+8"},
		{"+88", "+88"},
		{"+44 7700 900", "+447700900"},
		{"+39 06", "+3906"},
		{"+521", "+521"},
		{"1900", "no_region"},
		{"+", "not_a_number"},
		{"", "empty"},
		{"+0", "invalid"},
		{"+999", "invalid"},
		{"+4407", "invalid"},
		{"+44 (0)7", "invalid"},
		{"+1900x", "extension"},
		{"+1*", "not_a_number"},
		{"+" + strings.Repeat("1", 20), "too_long"},
	}
	for _, test := range tests {
		got, err := ParsePrefix(test.raw)
		if got += reason(err); got != test.want {
			t.Errorf("ParsePrefix(%q) = %s, want %s", test.raw, got, test.want)
		}
	}
}

func TestTypes(t *testing.T) {
	types := Types()
	if len(types) != len(typeNames) || types[len(types)-1] != Unknown {
		t.Errorf("Types() = %v", types)
	}
	for _, kind := range types {
		if got, ok := ParseType(kind.String()); got != kind || !ok {
			t.Errorf("ParseType(%q) = %v, %t", kind, got, ok)
		}
	}
	if got, ok := ParseType("Mobile"); got != Unknown || ok {
		t.Errorf("ParseType of a word that is none = %v, %t", got, ok)
	}
	if got := Type(200).String(); got != "unknown" {
		t.Errorf("Type(200) = %s", got)
	}
}

func TestRegions(t *testing.T) {
	codes := Regions()
	if !slices.IsSorted(codes) || len(slices.Compact(slices.Clone(codes))) != len(codes) || len(codes) < 240 {
		t.Errorf("Regions() is not sorted, not unique or too short: %v", codes)
	}
	for _, code := range codes {
		if !IsRegion(code) {
			t.Errorf("IsRegion(%q) is false", code)
		}
		if got := CallingCode(code); (got == 0) != (code == nowhere) {
			t.Errorf("CallingCode(%q) = %d", code, got)
		}
	}
	for _, code := range []string{"", "us", "UK", "EU", "ZZ", "USA", "01"} {
		if IsRegion(code) || CallingCode(code) != 0 {
			t.Errorf("%q is a region", code)
		}
	}
	if CallingCode("GB") != 44 || CallingCode("CA") != 1 || CallingCode("VA") != 39 {
		t.Error("wrong calling codes")
	}
	if n := parse(t, "+800 1234 5678"); n.Region() != "001" || n.Type() != TollFree || n.CallingCode() != 800 {
		t.Errorf("+800 is %s %v", n.Region(), n.Type())
	}
}

// TestMasked prints a number in every way that comes to mind.
func TestMasked(t *testing.T) {
	n := parse(t, "+447400123456")
	if got := n.String(); got != "+44********56" {
		t.Errorf("String() = %s", got)
	}
	var out bytes.Buffer
	type exported struct{ N Number }
	type hidden struct{ n Number }
	values := []any{n, &n, exported{n}, &exported{n}, hidden{n}, &hidden{n}, []Number{n}, map[Number]int{n: 1}, map[string]Number{"n": n}, fmt.Errorf("with %v", n)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%e", "%t", "%p", "%10.3v", "%z"} {
		for _, v := range values {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, values...)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("n", "n", n, "in", exported{n}, "hidden", hidden{n})
	slog.New(slog.NewTextHandler(&out, nil)).Info("n", "n", n, "in", exported{n}, "hidden", hidden{n})
	if err := json.NewEncoder(&out).Encode(values[:7]); err != nil {
		t.Fatal(err)
	}
	for at := 0; at+5 <= len("447400123456"); at++ {
		if part := "447400123456"[at : at+5]; strings.Contains(out.String(), part) {
			t.Errorf("shows %s of the number", part)
		}
	}
	if got := fmt.Sprintf("%v|%q|%x|%d", n, n, n, n); got != `+44********56|"+44********56"|+44********56|+44********56` {
		t.Error(got)
	}
	if got := fmt.Sprint(Number{}); got != "" {
		t.Errorf("none is shown as %q", got)
	}
}

func TestZero(t *testing.T) {
	var n Number
	if !n.IsZero() || n.E164() != "" || n.Key() != "" || n.Region() != "" || n.Type() != Unknown || n.CallingCode() != 0 || n.Range(3) != "" || n.Valid() {
		t.Errorf("the zero Number is something: %#v", n)
	}
	if parse(t, "+14155550123").IsZero() {
		t.Error("a number is zero")
	}
}

// TestPromises draws valid numbers of all plans and holds what is promised of
// each.
func TestPromises(t *testing.T) {
	examples := seeds()
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte(rapid.SampledFrom(examples).Draw(t, "example"))
		for at := max(4, len(raw)-6); at < len(raw); at++ {
			raw[at] = byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
		}
		if n, err := Parse(string(raw), ""); err == nil {
			holds(t, n)
		}
	})
}

// holds checks what is true of every number.
func holds(t interface{ Fatalf(string, ...any) }, n Number) {
	e164, key := n.E164(), n.Key()
	if again, err := Parse(e164, ""); again != n || err != nil {
		t.Fatalf("%s is read as %s: %v", e164, again.E164(), err)
	}
	if again, err := Parse(key, ""); err == nil && again.Key() != key {
		t.Fatalf("key %s of %s has key %s", key, e164, again.Key())
	}
	if again, err := Parse(key, ""); n.Valid() && key != e164 && n.code != argentina && (err != nil || !again.Valid()) {
		t.Fatalf("key %s of valid %s is not: %v", key, e164, err)
	}
	if (n.Region() == "") != (n.Type() == Unknown) || (n.Region() != "") != n.Valid() {
		t.Fatalf("%s is of region %q and type %v", e164, n.Region(), n.Type())
	}
	if !n.HasPrefix(e164) || !n.HasPrefix(key) || !n.HasPrefix(n.Range(3)) {
		t.Fatalf("%s does not begin with itself", e164)
	}
	if other := n.other(); n.written != n.key && n.written != other {
		t.Fatalf("%s is neither key %s nor other spelling %s", e164, key, other.text())
	} else if other != 0 {
		if again, err := Parse(other.text(), ""); err != nil || again.Key() != key {
			t.Fatalf("other spelling %s of %s has key %s: %v", other.text(), e164, again.Key(), err)
		}
	}
	if !n.Possible() || n.Valid() && n.LikelyRegion() != n.Region() {
		t.Fatalf("%s is likely of %q", e164, n.LikelyRegion())
	}
	masked := fmt.Sprintf("%v %+v %#v %s %q %x", n, n, n, n, n, n)
	for at := 1; at+5 <= len(e164); at++ {
		if strings.Contains(masked, e164[at:at+5]) {
			t.Fatalf("%s is masked as %s", e164, masked)
		}
	}
}

// dataDir returns where the shared test data is, "" if it is not there.
func dataDir(t *testing.T) string {
	dir := os.Getenv("OTPGATE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Logf("test data not found: set OTPGATE_DATA to its folder to compare with recorded example numbers (%v)", err)
		return ""
	}
	return dir
}

// TestRecordedExamples compares with what libphonenumber said elsewhere of
// example numbers of all regions and types.
func TestRecordedExamples(t *testing.T) {
	files := []string{filepath.Join("testdata", "examples.tsv")}
	if dir := dataDir(t); dir != "" {
		files = append(files, filepath.Join(dir, "phone_examples.tsv"))
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		column := make(map[string]int)
		for i, name := range strings.Split(lines[0], "\t") {
			column[name] = i
		}
		for _, line := range lines[1:] {
			fields := strings.Split(line, "\t")
			at := func(name string) string { return fields[column[name]] }
			n, err := Parse(at("e164"), "")
			kind, _ := ParseType(strings.ToLower(at("go_type")))
			if err != nil || n.E164() != at("e164") || n.Region() != at("go_region") || fmt.Sprint(n.CallingCode()) != at("calling_code") ||
				n.Type() != ourType(at("e164"), kind) || fmt.Sprint(n.Valid()) != at("go_valid") {
				t.Errorf("%s: %s: region %q, type %v, valid %t, %v", file, line, n.Region(), n.Type(), n.Valid(), err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range countries {
		f.Add("+"+c.code+c.number, "")
		f.Add(c.home, c.region)
		f.Add(c.international+c.code+c.number, c.region)
		f.Add("+"+c.code+" (0)"+c.number, c.region)
	}
	for _, raw := range []string{"", "+", "(((", "tel:+1", "+5215512345678", "+551187654321", "＋１", "+\u0661", "\xff", "180020 07400 123456"} {
		f.Add(raw, "US")
		f.Add(raw, "GB")
	}
	f.Fuzz(func(t *testing.T, raw, region string) {
		n, err := Parse(raw, region)
		if err != nil {
			if reason(err) == "" || !n.IsZero() {
				t.Fatalf("number %v beside error %v", n, err)
			}
			return
		}
		holds(t, n)
	})
}

// FuzzLibrary looks for digits that we read differently from the library.
func FuzzLibrary(f *testing.F) {
	for _, c := range countries {
		f.Add("+"+c.code+c.number, "")
		f.Add(c.home, c.region)
		f.Add(c.international+c.code+c.number, c.region)
	}
	f.Fuzz(func(t *testing.T, raw, region string) {
		digits := strings.TrimPrefix(raw, "+")
		if len(digits) == 0 || len(digits) > 30 || strings.Trim(digits, "0123456789") != "" || region != "" && find(region) == nil {
			return
		}
		if err := disagrees(raw, region); err != nil {
			t.Fatal(err)
		}
	})
}
