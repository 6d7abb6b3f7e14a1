package request

import (
	"net/http"
	"strings"
	"testing"
)

func TestParseSource(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"json /phone", "json /phone"},
		{"  json   /a~1b/c~0d ", "json /a~1b/c~0d"},
		{"form user[phone]", "form user[phone]"},
		{"query phone", "query phone"},
		{"header X-Phone", "header X-Phone"},
		{"cookie sid", "cookie sid"},

		{"", `unknown source ""; accepted: json POINTER, form FIELD, query NAME, header NAME, cookie NAME`},
		{"none x", `unknown source "none"; accepted: json POINTER, form FIELD, query NAME, header NAME, cookie NAME`},
		{"jsn /phone", `unknown source "jsn"; accepted: json POINTER, form FIELD, query NAME, header NAME, cookie NAME`},
		{"json", `source "json" names nothing; accepted: json POINTER, form FIELD, query NAME, header NAME, cookie NAME`},
		{"json phone", `json "phone": a pointer begins with "/", for example "/phone"`},
		{"json /", `json "/": an empty step names no member`},
		{"json /a//b", `json "/a//b": an empty step names no member`},
		{"json /a/0", `json "/a/0": step "0" is an array index; only members of objects can be named`},
		{"json /a/-", `json "/a/-": step "-" is an array index; only members of objects can be named`},
		{"json /a~2", `json "/a~2": "~" must be followed by 0 (for "~") or 1 (for "/")`},
		{"json /a~", `json "/a~": "~" must be followed by 0 (for "~") or 1 (for "/")`},
		{"json /__proto__/a", `json "/__proto__/a": step "__proto__" is never read`},
		{"json /___", `json "/___": a name needs a letter or a digit`},
		{"json /" + strings.Repeat("a/", 8) + "a", `json "/a/a/a/a/a/a/a/a/a": more than 8 steps`},
		{"json /a\x01", `json "/a\x01": a name has no control characters`},
		{"form a b", `form "a b": a name has no quotes, spaces or any of \ % ; & = +`},
		{"form a%41", `form "a%41": a name has no quotes, spaces or any of \ % ; & = +`},
		{"form é", `form "é": a name is printable ASCII`},
		{"query constructor", `query "constructor": this name is never read`},
		{"header X Phone", `header "X Phone": a name has letters, digits and !#$%&'*+-.^_` + "`" + `|~ only`},
		{"header X_Phone", `header "X_Phone": headers with "_" are dropped by the server; write "-"`},
		{"header host", `header "host": this header never reaches the gate as it was sent`},
		{"header X-Otp-Gate-Phone", `header "X-Otp-Gate-Phone": this header never reaches the gate as it was sent`},
		{"cookie a=b", `cookie "a=b": a name has letters, digits and !#$%&'*+-.^_` + "`" + `|~ only`},
		{"cookie " + strings.Repeat("a", 65), `cookie "` + strings.Repeat("a", 65) + `": longer than 64 bytes`},
	} {
		s, err := ParseSource(row.text)
		got := s.String()
		if err != nil {
			got = err.Error()
			if !s.IsZero() {
				t.Errorf("%q: a source beside an error", row.text)
			}
		}
		if got != row.want {
			t.Errorf("%q:\n got %s\nwant %s", row.text, got, row.want)
		}
	}
	if text, err := source(t, "query phone").MarshalText(); err != nil || string(text) != "query phone" {
		t.Errorf("%s, %v", text, err)
	}
	if a, b := source(t, "json /phone"), source(t, " json  /phone"); a != b || a.Kind() != JSON || a.Name() != "/phone" || !a.InBody() {
		t.Errorf("%v, %v", a, b)
	}
}

func TestValidate(t *testing.T) {
	for _, row := range []struct {
		name, phone, email, device string
		maxBody                    int64
		want                       string
	}{
		{"good", "json /phone", "json /email", "header X-Device-Id", 1 << 20, ""},
		{"nothing is asked for", "", "", "", 0, ""},
		{"siblings", "json /user/phone", "json /user/email", "", 0, ""},
		{"JSON and form", "json /phone", "form email", "", 0, "phone (json /phone) and email (form email) contradict each other: a body is either JSON or a form"},
		{"one place", "json /a", "json /a", "", 0, "phone (json /a) and email (json /a) contradict each other: they are one place, or one is inside the other"},
		{"one place but for case", "form a", "form A", "", 0, "phone (form a) and email (form A) contradict each other: they are one place, or one is inside the other"},
		{"inside", "json /a", "", "json /a/b", 0, "phone (json /a) and device (json /a/b) contradict each other: they are one place, or one is inside the other"},
		{"one header", "header X-A", "", "header x-a", 0, "phone (header X-A) and device (header x-a) contradict each other: they are one place, or one is inside the other"},
		{"query and body", "json /user/id", "", "query id", 0, "phone (json /user/id) and device (query id) contradict each other: the same name in query and body is always refused"},
		{"body and query", "query phone", "form phone", "", 0, "phone (query phone) and email (form phone) contradict each other: the same name in query and body is always refused"},
		{"header and body", "json /phone", "", "header phone", 0, ""},
		{"too large", "json /phone", "", "", 16<<20 + 1, "max_body: between 1 and 16777216 bytes are accepted"},
		{"negative", "json /phone", "", "", -1, "max_body: between 1 and 16777216 bytes are accepted"},
	} {
		s := Shape{Phone: source(t, row.phone), Email: source(t, row.email), Device: source(t, row.device), MaxBody: row.maxBody}
		got := ""
		if err := s.Validate(); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

// TestShapesAreValues: a shape that was never validated, or was changed since,
// reads what it says.
func TestShapesAreValues(t *testing.T) {
	s := Shape{Phone: source(t, "json /phone")}
	if got := outcome(s.Read(post("application/json", "", `{"phone":"1"}`))); got != "phone=1" {
		t.Error(got)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	s.Phone = source(t, "json /tel")
	if got := outcome(s.Read(post("application/json", "", `{"phone":"1","tel":"2"}`))); got != "phone=2" {
		t.Error(got)
	}
	s.Email = source(t, "form email")
	if _, p := s.Read(post("application/json", "", `{"tel":"2"}`)); p == nil || p.Code != BadRequest {
		t.Error("a contradiction was read")
	}
}

func TestCanonical(t *testing.T) {
	for want, names := range map[string][]string{
		"phone":           {"phone", "PHONE", "pho_ne", " phone", "phone\u00a0", "ｐhone", "[phone]", "phone[]", "!phone", "_phone", "pho\u200bne"},
		"kiss":            {"kiss", "\u212aiſs", "KİSS", "kıss"},
		"user\x1fphone":   {"user.phone", "user[phone]", "user[phone][]", "User.Phone", "user[[phone"},
		"cfturnstile":     {"cf-turnstile", "cfTurnstile"},
		"σσ":              {"σς", "ΣΣ"},
		"":                {"", "__", "[]", "-"},
		"phone\x1f0\x1fx": {"phone[0].x"},
	} {
		for _, name := range names {
			got := string(canonical(nil, []byte(name)))
			if folded := string(canonical(nil, []byte(want))); got != want && got != folded {
				t.Errorf("canonical(%q) = %q, want %q", name, got, want)
			}
		}
	}
}

func TestPreflight(t *testing.T) {
	real := func() *http.Request {
		r := get("Origin", "https://example.com", "Access-Control-Request-Method", "POST")
		r.Method = "OPTIONS"
		return r
	}
	source := func(text string) Source { s, _ := ParseSource(text); return s }
	shape := Shape{Phone: source("form phone"), Device: source("header X-Device"), Proof: source("query proof")}
	for _, row := range []struct {
		name   string
		change func(*http.Request)
		want   bool
	}{
		{"real", func(*http.Request) {}, true},
		{"with a query", func(r *http.Request) { r.URL.RawQuery = "a=b" }, true},
		{"POST", func(r *http.Request) { r.Method = "POST" }, false},
		{"options in lower case", func(r *http.Request) { r.Method = "options" }, false},
		{"no origin", func(r *http.Request) { r.Header.Del("Origin") }, false},
		{"two origins", func(r *http.Request) { r.Header.Add("Origin", "https://example.com") }, false},
		{"no method asked for", func(r *http.Request) { r.Header.Del("Access-Control-Request-Method") }, false},
		{"body", func(r *http.Request) { r.ContentLength = 1 }, false},
		{"chunked body", func(r *http.Request) { r.ContentLength = -1; r.TransferEncoding = []string{"chunked"} }, false},
		{"content type", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, false},
		{"override in a header", func(r *http.Request) { r.Header.Set("X-HTTP-Method-Override", "POST") }, false},
		{"override in a header with underscores", func(r *http.Request) { r.Header["X_http_method_override"] = []string{"POST"} }, false},
		{"override in the query", func(r *http.Request) { r.URL.RawQuery = "_method=POST" }, false},
		{"override in another case", func(r *http.Request) { r.URL.RawQuery = "a=1&_Method=POST" }, false},
		{"override as a list", func(r *http.Request) { r.URL.RawQuery = "_method[]=POST" }, false},
		{"override by the header's name", func(r *http.Request) { r.URL.RawQuery = "x-http-method-override=POST" }, false},
		{"malformed query", func(r *http.Request) { r.URL.RawQuery = "a=%" }, false},
		{"semicolon", func(r *http.Request) { r.URL.RawQuery = "a=1;_method=POST" }, false},
		{"phone in the query", func(r *http.Request) { r.URL.RawQuery = "phone=1" }, false},
		{"phone in the query, spelled otherwise", func(r *http.Request) { r.URL.RawQuery = "?Phone[]=1" }, false},
		{"a value's header", func(r *http.Request) { r.Header.Set("X-Device", "1") }, false},
		{"a value's query", func(r *http.Request) { r.URL.RawQuery = "proof=1" }, false},
		{"cookie", func(r *http.Request) { r.Header.Set("Cookie", "a=b") }, false},
	} {
		r := real()
		row.change(r)
		if got := shape.Preflight(r); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestStrip(t *testing.T) {
	h := http.Header{
		"X-Http-Method-Override": {"GET"}, "X-Http-Method": {"GET"}, "X-Method-Override": {"GET"}, "x_http_method_override": {"GET"},
		"X-Otp-Gate-Phone": {"1"}, "X-Otp-Gate-": {"1"}, "x-otp-gate-id": {"1"}, "X_Otp_Gate_Id": {"1"}, "X-Canonical": {"1"}, "X_canonical": {"1"},
		"Accept": {"*/*"}, "X-Otp": {"1"}, "X-Http-Methods": {"1"},
	}
	Strip(h, "x-canonical")
	if n := testing.AllocsPerRun(10, func() { Strip(h, "x-canonical") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if len(h) != 3 || h["Accept"] == nil || h["X-Otp"] == nil || h["X-Http-Methods"] == nil {
		t.Errorf("left: %v", h)
	}
}
