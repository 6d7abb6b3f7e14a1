package risk

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestPointer(t *testing.T) {
	// The document of RFC 6901, and what its pointers stand for.
	const document = `{"foo": ["bar", 7], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8, "~1": 9}`
	for p, want := range map[string]float64{
		"/foo/1": 7, "/": 0, "/a~1b": 1, "/c%d": 2, "/e^f": 3, "/g|h": 4, "/i\\j": 5, "/k\"l": 6, "/ ": 7, "/m~0n": 8, "/~01": 9,
	} {
		parsed, err := parsePointer(p)
		if err != nil {
			t.Errorf("%q: %v", p, err)
			continue
		}
		if got, err := read([]byte(document), parsed); got != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", p, got, err, want)
		}
	}
	for _, p := range []string{"score", "#/score", "/a~", "/a~2", "/~/b", strings.Repeat("/a", 33)} {
		if _, err := parsePointer(p); err == nil {
			t.Errorf("%q: taken for a pointer", p)
		}
	}
}

func TestRead(t *testing.T) {
	tests := []struct {
		name, answer, pointer string
		want                  float64
		err                   string
	}{
		{"number", `{"score": 87}`, "/score", 87, ""},
		{"fraction", `{"score": 0.87}`, "/score", 0.87, ""},
		{"negative", `{"score": -1.5e1}`, "/score", -15, ""},
		{"text", `{"score": "87.5"}`, "/score", 87.5, ""},
		{"yes", `{"proxy": true}`, "/proxy", 1, ""},
		{"no", `{"proxy": false}`, "/proxy", 0, ""},
		{"deep", `{"x": {"score": 1}, "data": [{"score": 1}, {"scores": {"all": 3}}]}`, "/data/1/scores/all", 3, ""},
		{"the whole answer", ` 42 `, "", 42, ""},
		{"case counts", `{"Score": 1}`, "/score", 0, errNoScore.Error()},
		{"missing", `{"other": 1}`, "/score", 0, errNoScore.Error()},
		{"null", `{"score": null}`, "/score", 0, errNoScore.Error()},
		{"through a number", `{"data": 1}`, "/data/score", 0, errNoScore.Error()},
		{"beyond a list", `[1, 2]`, "/2", 0, errNoScore.Error()},
		{"the end of a list", `[1, 2]`, "/-", 0, errNoScore.Error()},
		{"zero in front", `[1, 2]`, "/01", 0, errNoScore.Error()},
		{"object", `{"score": {"value": 1}}`, "/score", 0, "the score is an object: the JSON Pointer has to go on to a number"},
		{"list", `{"score": [1]}`, "/score", 0, "the score is a list: the JSON Pointer has to go on to a number"},
		{"text that is none", `{"score": "high"}`, "/score", 0, "the score is a text that is no number"},
		{"Infinity", `{"score": "Infinity"}`, "/score", 0, "the score is a text that is no number"},
		{"hexadecimal", `{"score": "0x10"}`, "/score", 0, "the score is a text that is no number"},
		{"white space", `{"score": "1 "}`, "/score", 0, "the score is a text that is no number"},
		{"empty text", `{"score": ""}`, "/score", 0, "the score is a text that is no number"},
		{"too large", `{"score": 1e999}`, "/score", 0, "the score is no number that can be worked with"},
		{"twice", `{"score": 1, "score": 2}`, "/score", 0, "the answer has a name twice on the way to the score"},
		{"twice, escaped", `{"score": 1, "\u0073core": 2}`, "/score", 0, "the answer has a name twice on the way to the score"},
		{"twice on the way", `{"data": {"score": 1}, "data": {}}`, "/data/score", 0, "the answer has a name twice on the way to the score"},
		{"something behind", `{"score": 1} {}`, "/score", 0, "something follows the JSON in the answer"},
		{"something behind nothing", `{} <html>`, "/score", 0, "something follows the JSON in the answer"},
		{"half", `{"score": 1`, "/score", 0, "the answer is not JSON"},
		{"empty", ``, "/score", 0, "the answer is not JSON"},
		{"HTML", `<html>`, "/score", 0, "the answer is not JSON"},
		{"broken elsewhere", `{"score": 1, "x": }`, "/score", 0, "the answer is not JSON"},
		{"not UTF-8", "{\"score\": 1, \"x\": \"\xff\"}", "/score", 0, "the answer is not UTF-8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parsePointer(test.pointer)
			if err != nil {
				t.Fatal(err)
			}
			got, err := read([]byte(test.answer), p)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if got != test.want || message != test.err {
				t.Errorf("%v, %q; want %v, %q", got, message, test.want, test.err)
			}
		})
	}
}

// Whatever comes, read finds what a plain reader finds, or nothing.
func FuzzRead(f *testing.F) {
	for _, answer := range []string{`{"score": 87}`, `{"a": {"b~": [1, "2", true, null]}}`, `{"score": 1, "score": 2}`, `[[[1]]]`, `{"score": 1} x`, `"7"`, "{\"\xff\": 1}"} {
		for _, p := range []string{"", "/score", "/a/b~0/1", "/0/0/0", "/a~1b"} {
			f.Add([]byte(answer), p)
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte, text string) {
		p, err := parsePointer(text)
		if err != nil {
			return
		}
		score, err := read(answer, p)
		if math.IsNaN(score) || math.IsInf(score, 0) || err != nil && score != 0 {
			t.Fatalf("%v, %v", score, err)
		}
		if err != nil {
			return
		}
		var v any
		if err := json.Unmarshal(answer, &v); err != nil {
			t.Fatalf("a score of %v in what is no JSON: %v", score, err)
		}
		for _, name := range p {
			switch at := v.(type) {
			case map[string]any:
				v = at[name]
			case []any:
				i, ok := index(name)
				if !ok || i >= len(at) {
					t.Fatalf("%q leads nowhere", text)
				}
				v = at[i]
			default:
				t.Fatalf("%q leads into %T", text, v)
			}
		}
		switch v := v.(type) {
		case float64:
			if v != score {
				t.Fatalf("%v, want %v", score, v)
			}
		case bool, string:
		default:
			t.Fatalf("a score of %v in %T", score, v)
		}
	})
}
