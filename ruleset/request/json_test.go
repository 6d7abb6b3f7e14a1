package request

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const number = "+14155550123"

func TestJSON(t *testing.T) {
	const (
		one    = "phone=json /phone"
		two    = "phone=json /phone, email=json /email"
		nested = "phone=json /user/phone, device=json /user/device"
	)
	const missing = "422 phone_missing: no phone at json /phone"
	for _, row := range []struct{ name, shape, body, want string }{
		{"plain", one, `{"phone":"+14155550123"}`, "phone=+14155550123"},
		{"spaces", one, " {\t\"a\" : [ 1 , -0.5e+3 , null ] ,\r\n \"phone\" : \"+14155550123\" } ", "phone=+14155550123"},
		{"escapes", one, `{"\u0070hone":"\u002b1\/\ud83d\ude00\n"}`, "phone=+1/😀\n"},
		{"empty", one, `{"phone":""}`, "phone="},
		{"two values", two, `{"email":"a@example.com","phone":"1"}`, "phone=1 email=a@example.com"},
		{"email absent", two, `{"phone":"1"}`, "phone=1"},
		{"nested", nested, `{"user":{"phone":"1","device":"d"},"phone":"2"}`, "phone=1 device=d"},
		{"the same key in another object", one, `{"phone":"1","a":{"phone":"2","PHONE":"3"},"b":{"phone":"2"}}`, "phone=1"},
		{"escaped pointer", "phone=json /a~1b~0", `{"a/b~":"1"}`, "phone=1"},
		{"NUL in another value", one, `{"phone":"1","x":"\u0000"}`, "phone=1"},
		{"constructor elsewhere", one, `{"phone":"1","x":{"constructor":1}}`, "phone=1"},
		{"null parent of an optional value", "phone=json /phone, email=json /user/email", `{"phone":"1","user":null}`, "phone=1"},

		{"no phone", one, `{}`, missing},
		{"array", one, `["phone","1"]`, missing},
		{"string", one, `"phone"`, missing},
		{"null", one, `null`, missing},
		{"only in another case", one, `{"PHONE":"1"}`, missing},
		{"long s", "phone=json /s", `{"ſ":"1"}`, "422 phone_missing: no phone at json /s"},
		{"parent is null", nested, `{"user":null}`, "422 phone_missing: no phone at json /user/phone"},
		{"parent is an array", nested, `{"user":["phone","1"]}`, "422 phone_missing: no phone at json /user/phone"},
		{"duplicates without a phone", one, `{"a":1,"a":2}`, missing},

		{"another case beside it", one, `{"phone":"1","Phone":"2"}`, "400 bad_request: JSON: a key is spelled like a step of json /phone and is not it"},
		{"another case before it", one, `{"PHONE":null,"phone":"1"}`, "400 bad_request: JSON: a key is spelled like a step of json /phone and is not it"},
		{"Kelvin sign", "phone=json /key", `{"key":"1","\u212aey":"2"}`, "400 bad_request: JSON: a key is spelled like a step of json /key and is not it"},
		{"another case with an email", two, `{"email":"a@example.com","PHONE":"1"}`, "400 bad_request: JSON: a key is spelled like a step of json /phone and is not it"},
		{"email in another case", two, `{"phone":"1","Email":"a@example.com"}`, "400 bad_request: JSON: a key is spelled like a step of json /email and is not it"},
		{"another style", "phone=json /phone_number", `{"phone_number":"1","phoneNumber":"2"}`, "400 bad_request: JSON: a key is spelled like a step of json /phone_number and is not it"},
		{"brackets", one, `{"phone":"1","phone[]":"2"}`, "400 bad_request: JSON: a key is spelled like a step of json /phone and is not it"},
		{"dotted path", nested, `{"user":{"phone":"1"},"user.phone":"2"}`, "400 bad_request: JSON: a key is spelled like a step of json /user/phone and is not it"},
		{"parent in another case", nested, `{"user":{"phone":"1"},"USER":{"phone":"2"}}`, "400 bad_request: JSON: a key is spelled like a step of json /user/phone and is not it"},
		{"twice", one, `{"phone":"1","phone":"1"}`, "400 bad_request: JSON: a key stands twice in one object"},
		{"twice by escape", one, `{"phone":"1","\u0070hone":"2"}`, "400 bad_request: JSON: a key stands twice in one object"},
		{"parent twice", nested, `{"user":{"phone":"1"},"user":{"phone":"2"}}`, "400 bad_request: JSON: a key stands twice in one object"},
		{"twice elsewhere", one, `{"phone":"1","x":[{"a":1,"b":2,"a":3}]}`, "400 bad_request: JSON: a key stands twice in one object"},
		{"null second", one, `{"phone":"1","phone":null}`, "400 bad_request: JSON: phone is not one string"},
		{"number", one, `{"phone":14155550123}`, "400 bad_request: JSON: phone is not one string"},
		{"array value", one, `{"phone":["1"]}`, "400 bad_request: JSON: phone is not one string"},
		{"object value", one, `{"phone":{"phone":"1"}}`, "400 bad_request: JSON: phone is not one string"},
		{"null value", one, `{"phone":null}`, "400 bad_request: JSON: phone is not one string"},
		{"true", one, `{"phone":true}`, "400 bad_request: JSON: phone is not one string"},
		{"email is a list", two, `{"phone":"1","email":["a@example.com"]}`, "400 bad_request: JSON: email is not one string"},
		{"NUL in the phone", one, `{"phone":"1\u0000"}`, "400 bad_request: JSON: NUL in phone"},
		{"NUL in a key", one, `{"phone":"1","phone\u0000":"2"}`, "400 bad_request: JSON: NUL in a key"},
		{"__proto__", one, `{"phone":"1","a":{"__proto__":{}}}`, "400 bad_request: JSON: a key names a prototype"},
		{"constructor", one, `{"phone":"1","constructor":{"prototype":{}}}`, "400 bad_request: JSON: a key names a prototype"},
		{"an optional value's parent", "phone=json /phone, email=json /user/email", `{"phone":"1","user":[]}`, "400 bad_request: JSON: something on the way to a value is not an object"},
		{"list for an optional value", "email=json /email", `[{"email":"a@example.com"}]`, "400 bad_request: JSON: the body is not an object"},

		{"nothing", one, ``, "400 bad_request: JSON: it ends too early (byte 0)"},
		{"only spaces", one, "  ", "400 bad_request: JSON: it ends too early (byte 2)"},
		{"byte order mark", one, "\xef\xbb\xbf{\"phone\":\"1\"}", "400 bad_request: JSON: it begins with a byte order mark (byte 0)"},
		{"not UTF-8", one, "{\"phone\":\"\xff\"}", "400 bad_request: JSON: it is not UTF-8 (byte 0)"},
		{"trailing", one, `{"phone":"1"}x`, "400 bad_request: JSON: something follows the value (byte 13)"},
		{"two documents", one, `{"phone":"1"}{"phone":"2"}`, "400 bad_request: JSON: something follows the value (byte 13)"},
		{"trailing NUL", one, "{\"phone\":\"1\"}\x00", "400 bad_request: JSON: something follows the value (byte 13)"},
		{"trailing comma", one, `{"phone":"1",}`, "400 bad_request: JSON: a key is missing (byte 13)"},
		{"comment", one, `{/**/"phone":"1"}`, "400 bad_request: JSON: a key is missing (byte 1)"},
		{"single quotes", one, `{'phone':'1'}`, "400 bad_request: JSON: a key is missing (byte 1)"},
		{"no quotes", one, `{phone:"1"}`, "400 bad_request: JSON: a key is missing (byte 1)"},
		{"raw NUL", one, "{\"phone\":\"1\x00\"}", "400 bad_request: JSON: a control character in a string (byte 11)"},
		{"raw line break", one, "{\"phone\":\"1\n\"}", "400 bad_request: JSON: a control character in a string (byte 11)"},
		{"unknown escape", one, `{"phone":"\x41"}`, "400 bad_request: JSON: an unknown escape in a string (byte 10)"},
		{"high surrogate alone", one, `{"phone":"\ud800"}`, "400 bad_request: JSON: a lone surrogate (byte 10)"},
		{"low surrogate alone", one, `{"a":"\udc00","phone":"1"}`, "400 bad_request: JSON: a lone surrogate (byte 6)"},
		{"two high surrogates", one, `{"phone":"\ud800\ud800"}`, "400 bad_request: JSON: a lone surrogate (byte 10)"},
		{"leading zero", one, `{"phone":"1","a":01}`, "400 bad_request: JSON: a comma or the end of an object is missing (byte 18)"},
		{"NaN", one, `{"phone":"1","a":NaN}`, "400 bad_request: JSON: a value is malformed (byte 17)"},
		{"plus", one, `{"phone":"1","a":+1}`, "400 bad_request: JSON: a value is malformed (byte 17)"},
		{"deep", one, `{"phone":"1","a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "400 bad_request: JSON: it is nested too deep (byte 80)"},
		{"long phone", one, `{"phone":"` + strings.Repeat("1", 65) + `"}`, "400 bad_request: phone (json /phone) is longer than 64 bytes"},
	} {
		v, p := read(t, shape(t, row.shape), post("application/json", "", row.body), row.body)
		if got := outcome(v, p); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func TestJSONKeysOfLargeObjects(t *testing.T) {
	s := shape(t, "phone=json /phone")
	for _, twice := range []bool{false, true} {
		var b strings.Builder
		b.WriteString(`{"phone":"1"`)
		for i := range 500 {
			b.WriteString(`,"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `":[{"a":1}]`)
		}
		if twice {
			b.WriteString(`,"kx\u0062a":0`) // i = 1
		}
		b.WriteString("}")
		want := "phone=1"
		if twice {
			want = "400 bad_request: JSON: a key stands twice in one object"
		}
		v, p := read(t, s, post("application/json", "", b.String()), b.String())
		if got := outcome(v, p); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestJSONTestSuite(t *testing.T) {
	dir := data(t, "json-test-suite/test_parsing")
	if dir == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, maxBody := range []int64{0, 1 << 20} {
		s := shape(t, "phone=json /phone")
		s.MaxBody = maxBody
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, p := read(t, s, post("application/json", "", string(body)), string(body))
			switch name := filepath.Base(file); {
			case p == nil:
				t.Errorf("%s: accepted, and there is no phone in it", name)
			case name[0] == 'n' && (p.Status != 400 || p.Code != BadRequest):
				t.Errorf("%s: %d %v, want 400 bad_request", name, p.Status, p)
			case name[0] == 'y' && p.Code != PhoneMissing:
				t.Errorf("%s: %d %v, want phone_missing", name, p.Status, p)
			}
			if name := filepath.Base(file); name[0] == 'y' && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
				continue
			}
			// Where no value stands in the body, what is well-formed passes.
			any := &Shape{MaxBody: maxBody}
			if _, p := read(t, any, post("application/json", "", string(body)), string(body)); filepath.Base(file)[0] == 'y' && p != nil {
				t.Errorf("%s: %v, want it to pass", filepath.Base(file), p)
			}
		}
	}
}

// TestJSONSpellingsAreOneValue: however a string is escaped, it is one value.
func TestJSONSpellingsAreOneValue(t *testing.T) {
	s := shape(t, "phone=json /phone")
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.StringN(0, 12, 60).Filter(func(s string) bool { return !strings.Contains(s, "\x00") && utf8.ValidString(s) }).Draw(rt, "value")
		quoted, err := json.Marshal(want)
		if err != nil {
			rt.Fatal(err)
		}
		body := `{"phone":` + string(quoted) + `}`
		v, p := read(t, s, post("application/json", "", body), body)
		if p != nil || v.Phone != want {
			rt.Fatalf("%s: %q, %v", body, v.Phone, p)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"phone":"+14155550123"}`, `{"PHONE":"1"}`, `{"phone":"1","phone":null}`, `{"\u0070hone":"\ud83d\ude00"}`, `{"a":[1,{"b":null}],"phone":""}`,
		`{"ſ":1,"phone":"1"}`, `[[]]`, `{"phone":"1","a":{"phone":"2"}}`, "\ufeff{}", `{"phone":"1"} x`, `-0.1e+5`, `{"phone":"\ud800"}`, `{"phone":{}}`} {
		f.Add([]byte(s))
	}
	if dir := data(f, "json-test-suite/test_parsing"); dir != "" {
		files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
		for _, file := range files {
			if body, err := os.ReadFile(file); err == nil && len(body) < 4096 {
				f.Add(body)
			}
		}
	}
	s := shape(f, "phone=json /phone, email=json /e/mail")
	open := new(Shape)
	f.Fuzz(func(t *testing.T, body []byte) {
		v, p := read(t, s, post("application/json", "", string(body)), string(body))
		if _, p := open.Read(post("application/json", "", string(body))); len(body) > 0 && p == nil && !json.Valid(body) {
			t.Fatalf("encoding/json finds %q malformed", body)
		}
		if p != nil {
			if p.Status == http.StatusOK || p.Detail == "" {
				t.Fatalf("%+v", p)
			}
			return
		}
		var folded struct {
			Phone string
			E     *struct{ Mail string }
		}
		if err := json.Unmarshal(body, &folded); err != nil || folded.Phone != v.Phone {
			t.Fatalf("a struct reads %q, %v; Read %q", folded.Phone, err, v.Phone)
		}
		if v.HasEmail && (folded.E == nil || folded.E.Mail != v.Email) || !v.HasEmail && folded.E != nil && folded.E.Mail != "" {
			t.Fatalf("a struct reads %+v; Read %+v", folded.E, v)
		}
		var exact map[string]any
		if err := json.Unmarshal(body, &exact); err != nil || exact["phone"] != any(v.Phone) {
			t.Fatalf("a map reads %q, %v; Read %q", exact["phone"], err, v.Phone)
		}
		for k := range exact {
			if k != "phone" && strings.EqualFold(k, "phone") {
				t.Fatalf("%q is accepted beside it", k)
			}
		}
		var first struct{ Phone string } // what a reader of the first document gets
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&first); err != nil || first.Phone != v.Phone {
			t.Fatalf("a decoder reads %q, %v; Read %q", first.Phone, err, v.Phone)
		}
	})
}
