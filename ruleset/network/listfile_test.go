package network

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseList(t *testing.T) {
	const want = ": want 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1-192.0.2.9"
	for _, tt := range []struct {
		name, in string
		want     string
		problems []string
	}{
		{name: "empty file"},
		{name: "only comments", in: "# none\n; none either\n\n  \t\n"},
		{name: "both families", in: "192.0.2.1\n2001:db8::/32\n", want: "192.0.2.1/32 2001:db8::/32"},
		{name: "no end of the last line", in: "192.0.2.1\n192.0.2.2", want: "192.0.2.1/32 192.0.2.2/32"},
		{name: "CRLF", in: "192.0.2.1\r\n\r\n192.0.2.2\r\n", want: "192.0.2.1/32 192.0.2.2/32"},
		{name: "byte order mark", in: "\ufeff192.0.2.1\n", want: "192.0.2.1/32"},
		{name: "byte order mark and nothing", in: "\ufeff"},
		{name: "comments behind", in: "192.0.2.1# a\n192.0.2.2 ; b # c\n\t192.0.2.3\t#\n", want: "192.0.2.1/32 192.0.2.2/32 192.0.2.3/32"},
		{name: "ranges", in: "192.0.2.0-192.0.2.3\n192.0.2.8 - 192.0.2.15 # b\n", want: "192.0.2.0/30 192.0.2.8/29"},
		{name: "mapped", in: "::ffff:192.0.2.77/120\n", want: "192.0.2.0/24"},
		{name: "twice stays twice", in: "192.0.2.1\n192.0.2.1\n", want: "192.0.2.1/32 192.0.2.1/32"},
		{
			name: "all problems at once, and what is right is kept",
			in:   "192.0.2.1\n\texample.com # no\n192.0.2.300\n192.0.2.2 192.0.2.3\n0.0.0.0/0\n192.0.2.4\n",
			want: "192.0.2.1/32 192.0.2.4/32",
			problems: []string{
				`l.txt:2:2: "example.com" is not an address` + want,
				`l.txt:3:1: "192.0.2.300" is not an address` + want,
				`l.txt:4:11: "192.0.2.3" follows the address: want one on each line, and # before a comment`,
				`l.txt:5:1: "0.0.0.0/0" holds every address there is: leave it out, or write the networks that are meant`,
			},
		},
		{name: "UTF-16", in: "\xff\xfe1\x00", problems: []string{"l.txt:1:1: file is UTF-16: save it as UTF-8"}},
		{
			name:     "byte order mark inside",
			in:       "192.0.2.1\n\ufeff192.0.2.2\n",
			want:     "192.0.2.1/32",
			problems: []string{`l.txt:2:1: "\ufeff192.0.2.2" is not an address` + want},
		},
		{
			name:     "long line",
			in:       "192.0.2.1\n# " + strings.Repeat("x", 3*maxListLine) + "\n192.0.2.2\n",
			want:     "192.0.2.1/32 192.0.2.2/32",
			problems: []string{"l.txt:2:1: line is longer than 4096 bytes: want one address or network on each line"},
		},
		{
			name:     "long last line",
			in:       strings.Repeat("x", 2*maxListLine),
			problems: []string{"l.txt:1:1: line is longer than 4096 bytes: want one address or network on each line"},
		},
		{
			name:     "web page",
			in:       "<!doctype html>\n",
			problems: []string{`l.txt:1:11: "html>" follows the address: want one on each line, and # before a comment`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				prefixes, problems := ParseList("l.txt", r)
				if join(prefixes) != tt.want {
					t.Errorf("got %s, want %s", join(prefixes), tt.want)
				}
				var got []string
				for _, p := range problems {
					got = append(got, p.Error())
				}
				if strings.Join(got, "\n") != strings.Join(tt.problems, "\n") {
					t.Errorf("problems\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.problems, "\n"))
				}
			}
		})
	}
}

func TestParseListReadsNoFurther(t *testing.T) {
	_, problems := ParseList("l.txt", strings.NewReader(strings.Repeat("junk\n", 1000)))
	if len(problems) != maxListProblems+1 {
		t.Fatalf("%d problems", len(problems))
	}
	if got, want := problems[maxListProblems].Error(), "l.txt:20:1: too many problems: the rest has not been read"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseListBreaksOff(t *testing.T) {
	r := io.MultiReader(strings.NewReader("192.0.2.1\n192.0.2.2\n"), iotest.ErrReader(errors.New("disk on fire")))
	prefixes, problems := ParseList("l.txt", r)
	if len(prefixes) != 2 || len(problems) != 1 || problems[0].Error() != "l.txt:3:1: reading failed: disk on fire" {
		t.Errorf("got %v, %v", prefixes, problems)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("192.0.2.1\n")
	f.Add("\ufeff192.0.2.0/24 # x\r\n;\n::ffff:192.0.2.0/120\n1-2")
	f.Add("192.0.2.1-192.0.2.9\n\xff\xfe\n" + strings.Repeat("9", 5000))
	f.Fuzz(func(t *testing.T, s string) {
		prefixes, problems := ParseList("f", strings.NewReader(s))
		if len(problems) > maxListProblems+1 {
			t.Fatalf("%d problems", len(problems))
		}
		lines := strings.Count(s, "\n") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
				t.Fatalf("%q has problem %+v", s, p)
			}
		}
		if _, err := NewLists([]List{{Name: "f", Prefixes: prefixes}}); err != nil {
			t.Fatalf("%q is not accepted as a list: %v", s, err)
		}
	})
}
