package scenario

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// withStory is a story of these steps, the first of which stands in line 5.
func withStory(steps string) string {
	return "-- rules.yaml --\nversion: 1\n-- a.http --\nGET / HTTP/1.1\n-- story --\n" + steps
}

func TestUnknownWords(t *testing.T) {
	const header = "0s send a.http ip=192.0.2.7 => x\n"
	for _, test := range []struct {
		name, step, want string
	}{
		{"verb", "0s aks a", `s.txtar:7:4: unknown verb "aks"; accepted: ask, send, app, verified, wrong, rules, gate, feed, secret, ledger, count`},
		{"time", "soon ask", `s.txtar:7:1: want a time such as 60s, 15m, 24h or 7d, got "soon"`},
		{"no verb", "0s", `s.txtar:7:1: a step is a time, a verb and what is expected; as in 0s ask phone=+14155550123 => allow`},
		{"word of ask", "0s ask a phone=1 tel=2", `s.txtar:7:18: unknown word "tel"; accepted: phone, ip, device, email, proof, ua, method, host, path, shape, handle, session, gate, times, every`},
		{"bare word", "0s ask a phone=1 b", `s.txtar:7:18: unknown word "b"; accepted: phone, ip, device, email, proof, ua, method, host, path, shape, handle, session, gate, times, every`},
		{"word of send", "0s send a.http phone=1", `s.txtar:7:16: unknown word "phone"; accepted: ip, gate, times, every`},
		{"said twice", "0s ask phone=1 phone=2", `s.txtar:7:16: phone is said twice`},
		{"address", "0s ask ip=192.0.2.999", `s.txtar:7:11: "192.0.2.999" is not an address, or none`},
		{"proof", "0s ask proof=good", `s.txtar:7:14: "good" is not a proof; accepted: pass, fail, spent, away, broken, once-WORD`},
		{"method", "0s ask method=A,B", `s.txtar:7:15: "A,B" is not a method`},
		{"path", "0s ask path=x", `s.txtar:7:13: "x" is not a path: it begins with /`},
		{"times", "0s ask times=0", `s.txtar:7:14: "0" is not a number of times: use 1 to 100000`},
		{"every", "0s ask times=2 every=2", `s.txtar:7:22: want a time such as 60s, 15m, 24h or 7d, got "2"; a number needs its unit: 2s`},
		{"braces", "0s ask phone={1..2", `s.txtar:7:14: "{1..2" has braces that do not pair, or more than one pair; quote the value to have it taken as it is`},
		{"one value", "0s ask phone={1}", `s.txtar:7:14: {1} is only one value: write {00..19} or {a,b,c}`},
		{"backwards range", "0s ask phone={9..1}", `s.txtar:7:14: {9..1} is not a range: write {00..19}, the smaller number first`},
		{"huge range", "0s ask phone={0..999999999}", `s.txtar:7:14: {0..999999999} is more than 100000 values`},
		{"uneven", "0s ask phone={1..2} device={1..3}", `s.txtar:7:28: 3 values, where another word has 2: they have to be as many`},
		{"times and braces", "0s ask phone={1..2} times=2", `s.txtar:7:21: times does not go with values in braces, which say how often themselves`},
		{"quote", `0s ask phone="1`, `s.txtar:7:14: a quoted value that does not end, or has an escape that is none of Go's`},
		{"after quote", `0s ask phone="1"2`, `s.txtar:7:14: something follows the closing quote`},
		{"no section", "0s send b.http", `s.txtar:7:9: there is no section "b.http"`},
		{"nothing sent", "0s send", `s.txtar:7:1: the section to send is missing; as in send signup.http ip=192.0.2.7`},
		{"unknown name", "0s app b 200", `s.txtar:7:8: no request before is called "b"`},
		{"name twice", "0s ask a\n0s ask a", `s.txtar:8:8: a request is called "a" already`},
		{"no name", "0s verified", `s.txtar:7:1: the name of a request is missing; as in app a 200`},
		{"app", "0s ask a\n0s app a 99", `s.txtar:8:10: "99" is no answer of an app; accepted: a status from 200 to 599, none, refused`},
		{"app's answer", "0s ask a\n0s app a", `s.txtar:8:1: something is missing; see the verb in the documentation of stories`},
		{"one more", "0s ask a\n0s wrong a b", `s.txtar:8:12: nothing is expected here; the answer stands behind =>`},
		{"ledger", "0s ledger gone", `s.txtar:7:11: unknown word "gone"; accepted: away, back`},
		{"rules", "0s rules", `s.txtar:7:1: the ruleset's file is missing; as in rules rules2.yaml`},
		{"word of rules", "0s rules a.yaml b=c", `s.txtar:7:17: unknown word "b"; accepted: gate`},
		{"secret", "0s secret also=a", `s.txtar:7:1: the secret is missing; as in secret new also=old`},
		{"word of secret", "0s secret a beside=b", `s.txtar:7:13: unknown word "beside"; accepted: also, gate`},
		{"too late", "4000d count", `s.txtar:7:1: a story lasts ten years at most`},
		{"too long", "0s ask times=100000 every=1h", `s.txtar:7:1: a story lasts ten years at most`},
		{"column of characters", "0s ask ua=\"äöü\" phone=1 b", `s.txtar:7:25: unknown word "b"; accepted: phone, ip, device, email, proof, ua, method, host, path, shape, handle, session, gate, times, every`},
		{"backwards", "5s count\n4s count", `s.txtar:8:1: time runs backwards: the story is at 5s already`},
		{"backwards after many", "0s ask times=9 every=1s\n7s count", `s.txtar:8:1: time runs backwards: the story is at 8s already`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := parse("s.txtar", []byte(withStory(header+test.step+"\n")))
			if len(problems) != 1 {
				t.Fatalf("%d problems:\n%s", len(problems), problems.Render())
			}
			got, _, _ := strings.Cut(problems[0].String(), "\n")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUnknownSections(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
	}{
		{"no story", "words\n", `s.txtar: the file has no story; add a section -- story -- with the steps`},
		{"name", "-- story --\n-- geos --\n", `s.txtar:2:4: unknown section "geos"; accepted: story, geo, NAME.yaml (a ruleset), NAME.txt, NAME.csv, NAME.json (a list, or prices), NAME.http (a request)`},
		{"no name", "-- story --\n-- --\n", `s.txtar:2:1: a section without a name; accepted: story, geo, NAME.yaml (a ruleset), NAME.txt, NAME.csv, NAME.json (a list, or prices), NAME.http (a request)`},
		{"twice", "-- story --\n-- story --\n", `s.txtar:2:4: section "story" stands there twice`},
		{"word", "-- story --\n0s gate r.yaml\n0s send a.http\n-- r.yaml --\n-- a.http hex --\nGET / HTTP/1.1\n", `s.txtar:5:4: unknown word "hex" behind the name of section a.http; accepted: crlf, escaped`},
		{"word of story", "-- story now --\n", `s.txtar:1:4: unknown word "now" behind the name of section story; nothing is accepted behind the name`},
		{"unused", "-- story --\n-- other.yaml --\n", `s.txtar:2:4: section "other.yaml" is never used`},
		{"no gate", "-- story --\n0s ask\n", `s.txtar:2:1: there is no gate yet; add a section -- rules.yaml --, or begin with 0s gate FILE`},
		{"no request", "-- rules.yaml --\n-- a.http --\nGET\n-- story --\n0s send a.http\n", `s.txtar:3:1: no server would read this as a request: malformed HTTP request "GET"`},
		{"escape", "-- rules.yaml --\n-- a.http escaped --\nGET / HTTP/1.1\\q\n-- story --\n0s send a.http\n", `s.txtar:3:1: a backslash that begins none of Go's escapes; write \\ for a backslash`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := parse("s.txtar", []byte(test.text))
			if len(problems) != 1 {
				t.Fatalf("%d problems:\n%s", len(problems), problems.Render())
			}
			if got, _, _ := strings.Cut(problems[0].String(), "\n"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		value string
		want  []string
	}{
		{"+1415555{08..11}", []string{"+141555508", "+141555509", "+141555510", "+141555511"}},
		{"192.0.2.{9..11}", []string{"192.0.2.9", "192.0.2.10", "192.0.2.11"}},
		{"{a,b}@example.com", []string{"a@example.com", "b@example.com"}},
		{"plain", []string{"plain"}},
	} {
		t.Run(test.value, func(t *testing.T) {
			s, err := parseSpread(test.value)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range test.want {
				got = append(got, s.at(i))
			}
			if !slices.Equal(got, test.want) || len(s.words) > 0 && len(s.words) != len(test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRaw(t *testing.T) {
	for _, test := range []struct {
		name, text string
		words      []string
		want, body string
	}{
		{"plain", "POST / HTTP/1.1\nA: b\n\n{\n}\n\n", nil, "POST / HTTP/1.1\r\nA: b\r\nContent-Length: 3\r\n\r\n{\n}", "{\n}"},
		{"crlf", "POST / HTTP/1.1\n\na\nb\n", []string{crlf}, "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na\r\nb", "a\r\nb"},
		{"escaped", "POST / HTTP/1.1\n\n\\xff\\u00e9\\\\\"\\n\n", []string{escaped}, "POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n\xffé\\\"\n", "\xffé\\\"\n"},
		{"own length", "POST / HTTP/1.1\ncontent-length: 9\n\nabc\n", nil, "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc", "abc"},
		{"chunks", "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n0123456789\n", nil, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n0123456\r\n3\r\n789\r\n0\r\n\r\n", "0123456789"},
		{"no body", "GET / HTTP/1.1\n", nil, "GET / HTTP/1.1\r\n\r\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &section{name: "a.http", words: test.words, text: []byte(test.text)}
			r, problem := s.request()
			if problem != nil {
				t.Fatal(problem.message)
			}
			if string(r.wire) != test.want || string(r.body) != test.body {
				t.Errorf("got  %q, body %q\nwant %q, body %q", r.wire, r.body, test.want, test.body)
			}
		})
	}
}

// FuzzParse holds that every file is read or refused, and that rewriting the
// answers of one that is read changes nothing else.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob("../../testdata/scenarios/*.txtar")
	if len(paths) == 0 {
		f.Fatal("no stories to begin with")
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(withStory("0s ask a phone=\"=>\" =>\r\n1s app a 200\n2s count => => x"))
	f.Fuzz(func(t *testing.T, text string) {
		before, problems := parse("s.txtar", []byte(text))
		if len(problems) > 0 {
			for _, p := range problems {
				if p.Pos.IsZero() && before.sections[storySection] != nil {
					t.Errorf("%q has no place", p.Message)
				}
			}
			return
		}
		answers := make(map[int]string)
		for _, s := range before.steps {
			answers[s.line] = "an answer"
		}
		after, problems := parse("s.txtar", []byte(rewrite(text, answers)))
		if len(problems) > 0 || len(after.steps) != len(before.steps) {
			t.Fatalf("a rewritten story reads otherwise: %d steps, were %d\n%s", len(after.steps), len(before.steps), problems.Render())
		}
		for i, s := range after.steps {
			if was := before.steps[i]; s.want != "an answer" || s.text != was.text || s.at != was.at || s.line != was.line {
				t.Errorf("line %d: %q => %q, was %q", s.line, s.text, s.want, was.text)
			}
		}
	})
}
