package answer

import "testing"

func TestParseSign(t *testing.T) {
	for _, row := range []struct{ text, want, err string }{
		{"422", "422", ""},
		{" 400-499 ", "400-499", ""},
		{"no_answer", "no_answer", ""},
		{"json /status = OK", "json /status = OK", ""},
		{"401  and json /code = A | B", "401 and json /code = A | B", ""},
		{`json /a~1b/*/c = "a and b" | "1" | x*`, `json /a~1b/*/c = "a and b" | "1" | x*`, ""},
		{`json "/a b" exists and header x-y absent and cookie sid exists`, `json "/a b" exists and header X-Y absent and cookie sid exists`, ""},
		{"location flow exists", "location flow exists", ""},
		{`header X = "*"`, `header X = "*"`, ""},

		{"", "", "nothing is said: use " + SignAccepted},
		{"99", "", `"99" is not a status: use ` + SignAccepted},
		{"600", "", `"600" is not a status: use ` + SignAccepted},
		{"499-400", "", `"499-400" is not a status: use ` + SignAccepted},
		{"sent", "", `"sent" is not a status: use ` + SignAccepted},
		{"200 and 201", "", "the status 201 has to come first, and there is one at most"},
		{"json /a exists and 201", "", "the status 201 has to come first, and there is one at most"},
		{"200 and no_answer", "", "no_answer stands alone: there is nothing more to say of an answer that never came"},
		{"200 and", "", `"" is not a condition: use ` + SignAccepted},
		{"200 and x", "", `"x" is not a condition: use ` + SignAccepted},
		{"json status = OK", "", `json "status": a pointer begins with "/", for example "/status"`},
		{"json /a/0/b exists", "", `json "/a/0/b": step "0" is an array index: write "*" for any element`},
		{"json // exists", "", `json "//": an empty step names no member`},
		{"json /a~2 exists", "", `json "/a~2": "~" must be followed by 0 (for "~") or 1 (for "/")`},
		{"json /a/b/c/d/e/f/g/h/i exists", "", `json "/a/b/c/d/e/f/g/h/i": more than 8 steps`},
		{"form a = b", "", `unknown place "form"; accepted: ` + SourceAccepted},
		{"header a:b exists", "", `header "a:b": a name has letters, digits and !#$%&'*+-.^_` + "`" + `|~ only`},
		{"header Set-Cookie exists", "", `header "Set-Cookie": a cookie is named by itself: cookie NAME`},
		{"json /a", "", `json /a: what of it? Write "= VALUE", "= VALUE | VALUE", "exists" or "absent"`},
		{"json /a ==", "", `json /a: what of it? Write "= VALUE", "= VALUE | VALUE", "exists" or "absent"`},
		{"json /a = b c", "", `json /a: "c" follows a value: put "|" between values, "and" before another condition, and quotes around a value with spaces`},
		{"json /a = b |", "", "json /a: a value is missing"},
		{"json /a = | b", "", "json /a: a value is missing"},
		{"json /a = *", "", `json /a: every value begins with nothing: write "exists"`},
		{`json /a = "b`, "", "a quoted value does not end, or has an odd escape in it"},
		{`json /a = "b"c`, "", `a space has to follow "b"`},
		{`json /a = b"c"`, "", `a quote in the middle of b"c": quote the whole value`},
	} {
		s, err := ParseSign(row.text)
		switch {
		case err == nil && (row.err != "" || s.String() != row.want):
			t.Errorf("%q: got %q, want %q%s", row.text, s, row.want, row.err)
		case err != nil && err.Error() != row.err:
			t.Errorf("%q: %v\nwant: %s", row.text, err, row.err)
		}
	}
}

func TestParseSource(t *testing.T) {
	for _, row := range []struct{ text, want, err string }{
		{"json /data/id", "json /data/id", ""},
		{"header x-id", "header X-Id", ""},
		{"json /a/*/id", "", `json "/a/*/id": "*" may be several values, and one is wanted here`},
		{"json", "", `"json" is not a place in an answer; accepted: ` + SourceAccepted},
		{"path *", "", `unknown place "path"; accepted: ` + SourceAccepted},
	} {
		s, err := ParseSource(row.text)
		if err == nil && s.String() != row.want || err != nil && err.Error() != row.err {
			t.Errorf("%q: got %q, %v", row.text, s, err)
		}
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Rules{MaxBody: 10}); err == nil || err.Error() != "an answer of 10 bytes is not possible: use 1024 to 1048576" {
		t.Errorf("got %v", err)
	}
	if _, err := New(Rules{Sent: []Sign{{NoAnswer: true}}}); err == nil || err.Error() != "no answer cannot mean that a code was sent" {
		t.Errorf("got %v", err)
	}
	s, _ := ParseSign("json /a exists")
	many := make([]Sign, maxTargets+1)
	for i := range many {
		many[i] = s
	}
	if _, err := New(Rules{Sent: many}); err == nil || err.Error() != "65 pointers: more than 64 cannot be read" {
		t.Errorf("got %v", err)
	}
}
