package answer

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
)

// Whatever an answer is, what is certain of it is what another parser finds in
// it too, in how many pieces it ever comes.
func FuzzReading(f *testing.F) {
	for _, body := range []string{
		`{"status":"no","list":[{"id":1},{"id":2}],"id":"h"}`, `{"status":"yes","status":"no"}`, `{"list":[{"id":3,"id":2}]}`,
		`[{"status":"no"}]`, `{"st\u0061tus":"n\u006f"}`, `{"status":null}`, `{"status":{"status":"no"}}`, `{"list":[[{"id":2}]]}`, ` { "status" : "no" } `,
		`{"list":[{"id":2.0},{"id":20e-1}]}`, `{"a":"]}\"","status":"no"}`, "", "{", "\xff",
	} {
		f.Add([]byte(body), false, uint8(3))
		f.Add([]byte(zipped(body)), true, uint8(7))
	}
	r := reader(f, "sent: json /status = yes", "sent: json /list/*/id = 1", "not_sent: json /status = no", "not_sent: json /list/*/id = 2", "unknown: json /maybe exists", "handle: json /id")
	f.Fuzz(func(t *testing.T, body []byte, packed bool, piece uint8) {
		h := http.Header{}
		if packed {
			h.Set("Content-Encoding", "gzip")
		}
		follow := func(piece int) Result {
			var g Reading
			g.Begin(r, 200, h, noon)
			for p := range slices.Chunk(body, piece) {
				g.Write(p)
			}
			return g.End()
		}
		got := follow(max(1, len(body)))
		if again := follow(int(piece) + 1); again.Meaning != got.Meaning || !slices.Equal(again.Handles, got.Handles) {
			t.Fatalf("in pieces %v, at once %v", again, got)
		}
		if packed {
			if body, _ = unpack(body, DefaultMaxBody); got.Meaning == NotSent && body == nil {
				t.Fatal("not sent, and not gzip either")
			}
		}
		var doc any
		err := json.Unmarshal(body, &doc)
		object, _ := doc.(map[string]any)
		says := func(status string, id float64) bool {
			if object["status"] == status {
				return true
			}
			list, _ := object["list"].([]any)
			return slices.ContainsFunc(list, func(e any) bool {
				m, _ := e.(map[string]any)
				return m["id"] == id
			})
		}
		switch {
		case err != nil && (got.Meaning != Unknown || got.Handles != nil):
			t.Fatalf("%v, though it is no JSON: %v", got, err)
		case got.Meaning == NotSent && (!says("no", 2) || says("yes", 1) || object["maybe"] != nil):
			t.Fatalf("not sent: %q", body)
		case got.Meaning == Sent && !says("yes", 1):
			t.Fatalf("sent: %q", body)
		}
		if len(got.Handles) > 0 {
			if text, ok := object["id"].(string); ok && text != got.Handles[0] {
				t.Fatalf("handle %q of %q", got.Handles, body)
			}
		}
	})
}

func FuzzParseSign(f *testing.F) {
	for _, text := range []string{"200", "400-499", "no_answer", "401 and json /a/*/b = c | \"d e\" | f*", "header X exists", "cookie a absent and location b = c", `json "/a b" = "\u0000"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSign(text)
		if err != nil {
			return
		}
		again, err := ParseSign(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q is written as %q, which reads as %q: %v", text, s, again, err)
		}
	})
}
