package phone

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadList(t *testing.T) {
	const uk, jm, us = "+447400123456", "+18765550123", "+14155550123"
	tests := []struct {
		name, text        string
		options           ListOptions
		format            string
		numbers, prefixes int
		in, out           string // numbers
		unreadable        int
		firstProblem      string
	}{
		{"lines", "# disposable\n+44 7400 123456 # a comment\n; another\n\n+1876* ; Jamaica\n", ListOptions{}, "lines", 1, 1, uk + " " + jm, us, 0, ""},
		{"byte order mark, CRLF, no end", "\ufeff447400123456\r\n18765550123\r\n14155550123", ListOptions{}, "lines", 3, 0, uk + " " + jm + " " + us, "", 0, ""},
		{"national", "07400 123456\n(020) 7946 0123\n", ListOptions{Region: "GB"}, "lines", 2, 0, uk, us, 0, ""},
		{"bare prefixes", "1876\n+1 649\n447400123*\n4474000-4474001\n1876555-1876556\n", ListOptions{Prefixes: true}, "lines", 0, 7, uk + " " + jm, us, 0, ""},
		{"range", "+1876555-+1876559\n", ListOptions{}, "lines", 0, 5, jm, us, 0, ""},
		{"one line in four is none", "447400123456\n18765550123\n14155550123\ncall me\n", ListOptions{}, "lines", 3, 0, uk, "", 1, "line 4: not written as one phone number"},
		{"columns without names", "447400123456,x\n447400123457\n447400123458\n447400123459\n", ListOptions{}, "lines", 3, 0, "", "", 1, "line 1: several columns: the first line must name them, and one of them number, prefix or range"},
		{"extension", "447400123456\n447400123457\n447400123458\n+447400123459x5\n", ListOptions{}, "lines", 3, 0, "", "", 1, "line 4: phone number has an extension"},
		{"prefix too short for a feed", "447400123456\n447400123457\n447400123458\n+44*\n", ListOptions{MinPrefix: 4}, "lines", 3, 0, "", "", 1, "line 4: prefix of fewer than 4 digits"},
		{"prefix shorter than a calling code", "447400123456\n447400123457\n447400123458\n+4*\n", ListOptions{}, "lines", 3, 0, "", "", 1, "line 4: prefix is shorter than a calling code"},

		{"CSV", "date,Phone Number,source\n2024-01-01,447400123456,\"a, \"\"b\"\"\"\n# no\n2024-01-02,\"+1 876 555 0123\"\n", ListOptions{}, "csv", 2, 0, uk + " " + jm, us, 0, ""},
		{"CSV of one column", "msisdn\n447400123456\n", ListOptions{}, "csv", 1, 0, uk, us, 0, ""},
		{"semicolons, both kinds", "number;prefix\n447400123456;\n;1876\n", ListOptions{}, "csv", 1, 1, uk + " " + jm, us, 0, ""},
		{"tabs, first cell empty", "source\tprefix\n\t1876\n\t+447400*\n", ListOptions{}, "csv", 0, 2, uk + " " + jm, us, 0, ""},
		{"from and to", "from,to,price\n447400000000,447400999999,1\n+1 876 5550,+1 876 5559,2\n", ListOptions{}, "csv", 0, 2, uk + " " + jm, us, 0, ""},
		{"range column", "range\n4474001-4474009\n4474000\n", ListOptions{}, "csv", 0, 10, uk, us, 0, ""},
		{"named column", "number,tel\n1,447400123456\n", ListOptions{Column: "tel"}, "csv", 1, 0, uk, us, 0, ""},
		{"named column with quotes", "number,\"the \"\"tel\"\"\"\n1,447400123456\n", ListOptions{Column: `the "tel"`}, "csv", 1, 0, uk, us, 0, ""},
		{"named column of prefixes", "number,dial\n1,1876\n", ListOptions{Column: "dial", Prefixes: true}, "csv", 0, 1, jm, us, 0, ""},
		{"CSV problems", "number,x\n447400123456,\n447400123457\n447400123458\n,1\n", ListOptions{}, "csv", 3, 0, uk, "", 1, "line 5: no entry"},
		{"CSV quote", "x,number\n1,447400123456\n1,447400123457\n1,447400123458\n\"1,447400123458\n", ListOptions{}, "csv", 3, 0, uk, "", 1, "line 5: a quote is not closed on its line"},
		{"CSV half a range", "from,to\n447400,447401\n447402,447403\n447404,447405\n447404,\n", ListOptions{}, "csv", 0, 6, "", "", 1, "line 5: no phone number"},

		{"JSON names with dates", "{\n  \"447400123456\": \"2023-12-20\",\n  \"18765550123\": [\"x\", {\"number\": \"y\"}]\n}\n", ListOptions{}, "json", 2, 0, uk + " " + jm, us, 0, ""},
		{"JSON array", `["+44 7400 123456", 18765550123, "+1415*"]`, ListOptions{}, "json", 2, 1, uk + " " + jm + " " + us, "", 0, ""},
		{"JSON objects", `{"data": [{"id": 14155550123, "number": "447400123456"}, {"prefix": 1876}, {"number": null}]}`, ListOptions{}, "json", 1, 1, uk + " " + jm, us, 0, ""},
		{"JSON named field", `{"data": [{"number": 14155550123, "tel": "447400123456"}], "tel": [18765550123], "14155550123": 1}`, ListOptions{Column: "tel"}, "json", 2, 0, uk + " " + jm, us, 0, ""},
		{"JSON ranges", `[{"from": "447400000000", "to": 447400999999}]`, ListOptions{}, "json", 0, 1, uk, us, 0, ""},
		{"JSON one behind the other", `{"phone": "447400123456"}` + "\n" + `{"phone": "18765550123"}`, ListOptions{}, "json", 2, 0, uk + " " + jm, us, 0, ""},
		{"JSON problem", `["447400123456", "447400123457", "447400123458", "me"]`, ListOptions{}, "json", 3, 0, uk, us, 1, "byte 53: not written as one phone number"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, report, err := ReadList(iotest.OneByteReader(strings.NewReader(test.text)), test.options)
			if err != nil {
				t.Fatal(err)
			}
			if numbers, prefixes := list.Len(); numbers != test.numbers || prefixes != test.prefixes || report.Format != test.format {
				t.Errorf("%s of %d numbers and %d prefixes, want %s of %d and %d", report.Format, numbers, prefixes, test.format, test.numbers, test.prefixes)
			}
			for _, raw := range strings.Fields(test.in) {
				if !list.Has(parse(t, raw)) {
					t.Errorf("%s is not in it", raw)
				}
			}
			for _, raw := range strings.Fields(test.out) {
				if list.Has(parse(t, raw)) {
					t.Errorf("%s is in it", raw)
				}
			}
			first := ""
			if len(report.Problems) > 0 {
				first = report.Problems[0].Error()
			}
			if report.Unreadable != test.unreadable || first != test.firstProblem {
				t.Errorf("%d unreadable, %q; want %d, %q", report.Unreadable, first, test.unreadable, test.firstProblem)
			}
		})
	}
}

func TestReadListRefuses(t *testing.T) {
	national := strings.Builder{}
	for n := range 20 {
		fmt.Fprintf(&national, "66655501%02d\n", n)
	}
	tests := []struct {
		name, text string
		options    ListOptions
		want       string
	}{
		{"nothing", "", ListOptions{}, "it holds no phone numbers"},
		{"comments", "# none\n; at all\n\n", ListOptions{}, "it holds no phone numbers"},
		{"a header", "number,source\n", ListOptions{}, "it holds no phone numbers"},
		{"empty JSON", "[]", ListOptions{}, "it holds no phone numbers"},
		{"JSON of other things", `{"error": "quota"}`, ListOptions{}, "it holds no phone numbers"},
		{"web page", " <!doctype html>\n<p>447400123456", ListOptions{}, "it is a web page or XML, not a list"},
		{"gzip", "\x1f\x8b\x08", ListOptions{}, "it is compressed: unpack it first"},
		{"UTF-16", "\xff\xfe4\x004\x00", ListOptions{}, "it is UTF-16: save it as UTF-8"},
		{"prose", "Too many requests,\nplease wait.\n", ListOptions{}, "2 of 2 entries are no phone numbers; line 1: several columns: the first line must name them, and one of them number, prefix or range"},
		{"too large", "447400123456\n447400123457\n", ListOptions{MaxBytes: 25}, "it is larger than 25 bytes"},
		{"too large JSON", `["447400123456", "447400123457"]`, ListOptions{MaxBytes: 25}, "it is larger than 25 bytes"},
		{"too many", "447400123456\n447400123457\n", ListOptions{MaxEntries: 1}, "it holds more than 1 numbers and prefixes"},
		{"too many in a range", "+447400000001-+447499999998\n", ListOptions{MaxEntries: 50}, "it holds more than 50 numbers and prefixes"},
		{"long line", strings.Repeat("4", 70000), ListOptions{}, "line 1 is longer than 65536 bytes"},
		{"no such region", "1\n", ListOptions{Region: "UK"}, `"UK" is not the code of a country`},
		{"no such column", "number,x\n1,2\n", ListOptions{Column: "tel"}, `there is no column called "tel"`},
		{"from without to", "from,x\n1,2\n", ListOptions{}, "its columns for the ends of ranges do not go together: want one from and one to"},
		{"half of JSON", `["447400123456", "4474`, ListOptions{}, "byte 17: reading failed: unexpected EOF"},
		{"half of JSON between values", `["447400123456"`, ListOptions{}, "byte 15: it ends too early"},
		{"half of JSON in an object", `{"447400123456": 1`, ListOptions{}, "byte 18: it ends too early"},
		{"malformed JSON", `["447400123456" 447]`, ListOptions{}, "byte 16: malformed JSON"},
		{"deep JSON", strings.Repeat("[", 100), ListOptions{}, "byte 17: nested more than 16 deep"},
		{"national numbers", national.String(), ListOptions{}, "20 of 20 numbers without a plus are nowhere in use: are they written as dialled in some country?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, report, err := ReadList(strings.NewReader(test.text), test.options)
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if list != nil || report == nil {
				t.Error("a list beside an error, or no report")
			}
		})
	}
	if _, _, err := ReadList(strings.NewReader(""), ListOptions{}); !errors.Is(err, ErrNoEntries) {
		t.Error("not ErrNoEntries")
	}
	broken := errors.New("cut off")
	for _, begin := range []string{"447400123456\n", "[447400123456,"} {
		r := iotest.OneByteReader(&brokenReader{strings.NewReader(begin), broken})
		if _, _, err := ReadList(r, ListOptions{}); !errors.Is(err, broken) {
			t.Errorf("after %q: %v", begin, err)
		}
	}
}

// A brokenReader ends in an error.
type brokenReader struct {
	r   *strings.Reader
	err error
}

func (b *brokenReader) Read(p []byte) (int, error) {
	if b.r.Len() == 0 {
		return 0, b.err
	}
	return b.r.Read(p)
}

func TestReadListTellsTwentyProblems(t *testing.T) {
	text := strings.Repeat("447400123456\n", 200) + strings.Repeat("+447400123456789012345\n", 40)
	_, report, err := ReadList(strings.NewReader(text), ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Unreadable != 40 || len(report.Problems) != 20 || report.Problems[19].Error() != "line 220: phone number is too long" {
		t.Errorf("%d unreadable, %d problems", report.Unreadable, len(report.Problems))
	}
	if strings.Contains(fmt.Sprint(report), "7400123") {
		t.Error("the report holds a number")
	}
}

// TestReadRecorded reads all recorded examples as a list, in all formats.
func TestReadRecorded(t *testing.T) {
	file := filepath.Join("testdata", "examples.tsv")
	if dir := dataDir(t); dir != "" {
		file = filepath.Join(dir, "phone_examples.tsv")
	}
	table, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	keys, column := make(map[string]bool), 0
	var lines, json bytes.Buffer
	for i, line := range strings.Split(strings.TrimSpace(string(table)), "\n") {
		if i == 0 {
			column = slices.Index(strings.Split(line, "\t"), "e164")
			continue
		}
		e164 := strings.Split(line, "\t")[column]
		keys[parse(t, e164).Key()] = true
		fmt.Fprintln(&lines, e164[1:])
		fmt.Fprintf(&json, "%q: {}\n,", e164[1:])
	}
	for name, text := range map[string]string{"tsv": string(table), "lines": lines.String(), "json": "{" + strings.TrimSuffix(json.String(), ",") + "}"} {
		list, report, err := ReadList(strings.NewReader(text), ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if numbers, _ := list.Len(); numbers != len(keys) || report.Unreadable != 0 || report.Invalid != 0 {
			t.Errorf("%s: %d of %d numbers, %+v", name, numbers, len(keys), report)
		}
		for key := range keys {
			if n, err := Parse(key, ""); err == nil && !list.Has(n) {
				t.Errorf("%s: %s is missing", name, key)
			}
		}
	}
}

func FuzzReadList(f *testing.F) {
	for _, text := range []string{"+447400123456\n1876*\n", "number;prefix\n1;2\n", "{\"447400123456\": 1}", "[1,\"+1*\"]", "from,to\n4474,4475", "+4479110000-+4479119999", "\ufeff\"number\",x\n\"1\"\"\",2", "{\"from\":1,\"to\":2}{}"} {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, prefixes bool) {
		list, report, err := ReadList(strings.NewReader(text), ListOptions{Prefixes: prefixes, MaxEntries: 1000})
		if (list == nil) == (err == nil) || report == nil {
			t.Fatalf("list %v beside error %v", list, err)
		}
		if err != nil {
			return
		}
		numbers, stems := list.Len()
		if numbers+stems == 0 || numbers+stems > 1000 || report.Entries == 0 {
			t.Fatalf("%d numbers, %d prefixes, %+v", numbers, stems, report)
		}
		// The same lists, in whichever way they are put together.
		lists, err := NewLists([]NamedList{{"a", list}, {"b", list}})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range list.keys() {
			if _, ok := lists.numbers.find(unscatter(key)); !ok {
				t.Fatal("a number got lost")
			}
		}
	})
}

// unscatter undoes scatter.
func unscatter(key uint64) uint64 {
	inverse := uint64(0x9e3779b97f4a7c15) // by Newton
	for range 5 {
		inverse *= 2 - 0x9e3779b97f4a7c15*inverse
	}
	key *= inverse
	return key ^ key>>32
}

func TestScatterLosesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		if n := rng.Uint64(); unscatter(scatter(n)) != n {
			t.Fatalf("%d comes back as %d", n, unscatter(scatter(n)))
		}
	}
}
