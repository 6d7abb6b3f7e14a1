package request

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

// tricks are requests that real parsers were seen to read differently (Koa,
// Express, Fastify, Hono, Go), and what is made of them with the phone in JSON.
var tricks = map[string]struct {
	contentType, encoding, body, want string
}{
	"plain":         {"application/json", "", `{"phone":"+1"}`, "phone=+1"},
	"vnd":           {"application/vnd.api+json", "", `{"phone":"+1"}`, "phone=+1"},
	"gzip":          {"application/json", "gzip", gzipped(`{"phone":"+1"}`), "415 bad_request"},
	"deflate":       {"application/json", "deflate", "x", "415 bad_request"},
	"br":            {"application/json", "br", "x", "415 bad_request"},
	"utf16":         {"application/json; charset=utf-16", "", "\xff\xfe{\x00}\x00", "415 bad_request"},
	"utf16le_nobom": {"application/json", "", "{\x00}\x00", "400 bad_request"},
	"bom":           {"application/json", "", "\xef\xbb\xbf{\"phone\":\"+1\"}", "400 bad_request"},
	"dup":           {"application/json", "", `{"phone":"+1","phone":"+2"}`, "400 bad_request"},
	"case":          {"application/json", "", `{"Phone":"+1"}`, "422 phone_missing"},
	"csp":           {"application/csp-report", "", `{"phone":"+1"}`, "415 bad_request"},
	"jsonx":         {"application/jsonx", "", `{"phone":"+1"}`, "415 bad_request"},
	"textplain":     {"text/plain", "", `{"phone":"+1"}`, "415 bad_request"},
	"noct":          {"", "", `{"phone":"+1"}`, "415 bad_request"},
	"form":          {urlencoded, "", "phone=%2B1", "415 bad_request"},
	"formdup":       {urlencoded, "", "phone=%2B1&phone=%2B2", "415 bad_request"},
	"formnested":    {urlencoded, "", "identifier[type]=phone&identifier[value]=1", "415 bad_request"},
	"formarr":       {urlencoded, "", "phone[]=%2B1", "415 bad_request"},
	"plusspace":     {urlencoded, "", "phone=+1415", "415 bad_request"},
	"formgzip":      {urlencoded, "gzip", gzipped("phone=%2B1"), "415 bad_request"},
	"trailing":      {"application/json", "", `{"phone":"+1"} {}`, "400 bad_request"},
	"number":        {"application/json", "", `{"phone":14155550101}`, "400 bad_request"},
	"bignum":        {"application/json", "", `{"phone":14155550101.0}`, "400 bad_request"},
	"proto":         {"application/json", "", `{"__proto__":{"phone":"+1"}}`, "422 phone_missing"},
}

func TestTricks(t *testing.T) {
	for name, trick := range tricks {
		r := post(trick.contentType, "", trick.body)
		if trick.encoding != "" {
			r.Header.Set("Content-Encoding", trick.encoding)
		}
		v, p := read(t, shape(t, "phone=json /phone"), r, trick.body)
		got := outcome(v, p)
		if p != nil {
			got = httpStatus(p.Status) + " " + p.Code
		}
		if got != trick.want {
			t.Errorf("%s: %s, want %s", name, outcome(v, p), trick.want)
		}
	}
}

// TestEveryMeasuredTrickIsTried: the recordings name no trick that is not above.
func TestEveryMeasuredTrickIsTried(t *testing.T) {
	dir := data(t, "auth-pairs")
	if dir == "" {
		return
	}
	text, err := os.ReadFile(filepath.Join(dir, "body-parsers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var measured map[string]any
	if err := json.Unmarshal(text, &measured); err != nil || len(measured) == 0 {
		t.Fatalf("%d tricks, %v", len(measured), err)
	}
	for name := range measured {
		if _, tried := tricks[name]; !tried {
			t.Errorf("%s is not tried", name)
		}
	}
}
