package answer

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// reader makes a reader of lines such as "sent: 200 and json /ok = true".
func reader(t testing.TB, lines ...string) *Reader {
	t.Helper()
	var rules Rules
	for _, line := range lines {
		what, text, _ := strings.Cut(line, ": ")
		if what == "handle" {
			s, err := ParseSource(text)
			if err != nil {
				t.Fatal(err)
			}
			rules.Handles = append(rules.Handles, s)
			continue
		}
		s, err := ParseSign(text)
		if err != nil {
			t.Fatal(err)
		}
		to := map[string]*[]Sign{"sent": &rules.Sent, "unknown": &rules.Unknown, "not_sent": &rules.NotSent}[what]
		*to = append(*to, s)
	}
	r, err := New(rules)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read reads one answer, whose header is written as in HTTP.
func read(r *Reader, code int, header, body string) Result {
	h := make(http.Header)
	for line := range strings.SplitSeq(header, "\n") {
		if name, value, found := strings.Cut(line, ": "); found {
			h.Add(name, value)
		}
	}
	var g Reading
	g.Begin(r, code, h, noon)
	g.Write([]byte(body))
	return g.End()
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

// What auth servers really answer, and what could be made of it.
func TestMeaning(t *testing.T) {
	kratos := []string{"sent: 400 and json /ui/messages/*/id = 1010014 | 1040005", "not_sent: 400-499"}
	better := []string{"sent: 200-299", "sent: 401 and json /code = PHONE_NUMBER_NOT_VERIFIED", "not_sent: 400-499"}
	tokens := []string{"sent: 200 and json /status = OK", "not_sent: 200 and json /status = GENERAL_ERROR | SIGN_IN_UP_NOT_ALLOWED", "not_sent: 400-499"}
	browser := []string{"sent: 303 and location flow exists and cookie session absent", "not_sent: 303 and header Location = /error*"}
	supabase := []string{"sent: 200", "unknown: 422 and json /error_code = sms_send_failed", "not_sent: 400-499"}
	absent := []string{"not_sent: 400 and json /sent absent"}
	const sent = `{"id":"c2","ui":{"nodes":[{"id":1040005}],"messages":[{"id":1010014,"text":"A code was sent"}]}}`
	const wrong = `{"id":"c2","ui":{"messages":[{"id":4010008,"text":"wrong"}]},"id2":1010014}`
	for _, row := range []struct {
		name   string
		rules  []string
		code   int
		header string
		body   string
		want   Meaning
	}{
		{"sent with 400", kratos, 400, "", sent, Sent},
		{"wrong code", kratos, 400, "", wrong, NotSent},
		{"the id elsewhere", kratos, 400, "", `{"ui":{"messages":{"id":1010014}},"messages":[{"id":1010014}]}`, NotSent},
		{"the id as a string", kratos, 400, "", `{"ui":{"messages":[{"id":"1010014"}]}}`, Sent},
		{"the id spelled otherwise", kratos, 400, "", `{"ui":{"messages":[{"id":1.010014e6}]}}`, Sent},
		{"the second of two messages", kratos, 400, "", `{"ui":{"messages":[{"id":4000001},{},[],null,{"id":1040005}]}}`, Sent},
		{"spaces and escapes", kratos, 400, "", " {\n\"\\u0075i\" : { \"mess\\u0061ges\" : [ { \"id\" : 1010014 } ] } } ", Sent},
		{"another status is told by itself", kratos, 410, "", "<html>", NotSent},
		{"and another", kratos, 500, "", sent, Unknown},
		{"303", kratos, 303, "", sent, Unknown},

		{"no body", kratos, 400, "", "", Unknown},
		{"a page", kratos, 400, "Content-Type: application/json", "<html></html>", Unknown},
		{"cut", kratos, 400, "", wrong[:len(wrong)-1], Unknown},
		{"two values", kratos, 400, "", wrong + "{}", Unknown},
		{"not UTF-8", kratos, 400, "", strings.Replace(wrong, "wrong", "\xff", 1), Unknown},
		{"a byte order mark", kratos, 400, "", "\xef\xbb\xbf" + wrong, Unknown},
		{"a name twice", kratos, 400, "", `{"ui":{"messages":[{"id":1010014}]},"ui":{}}`, Unknown},
		{"a name twice, escaped", kratos, 400, "", `{"ui":{"messages":[],"m\u0065ssages":[{"id":1010014}]}}`, Unknown},
		{"a name twice in a message", kratos, 400, "", `{"ui":{"messages":[{"id":1,"id":1010014}]}}`, Unknown},
		{"another name twice", kratos, 400, "", `{"a":1,"a":1,"ui":{}}`, NotSent},
		{"a part of an answer", kratos, 400, "Content-Range: bytes 0-9/99", wrong, Unknown},
		{"206", []string{"not_sent: json /a exists"}, 206, "", `{"a":1}`, Unknown},
		{"large", kratos, 400, "", `{"a":"` + strings.Repeat("a", DefaultMaxBody) + `"}`, Unknown},
		{"large, as it says itself", kratos, 400, "Content-Length: 65537", wrong, Unknown},
		{"as large as can be", kratos, 400, "", wrong + strings.Repeat(" ", DefaultMaxBody-len(wrong)), NotSent},
		{"deep", kratos, 400, "", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), Unknown},

		{"gzip", kratos, 400, "Content-Encoding: gzip", zipped(sent), Sent},
		{"gzip, wrong code", kratos, 400, "Content-Encoding: GZIP", zipped(wrong), NotSent},
		{"gzip in two parts", kratos, 400, "Content-Encoding: gzip", zipped(wrong[:9]) + zipped(wrong[9:]), NotSent},
		{"gzip, cut", kratos, 400, "Content-Encoding: gzip", zipped(wrong)[:60], Unknown},
		{"gzip without its sum", kratos, 400, "Content-Encoding: gzip", zipped(wrong)[:len(zipped(wrong))-8], Unknown},
		{"gzip and more", kratos, 400, "Content-Encoding: gzip", zipped(wrong) + "x", Unknown},
		{"gzip that is none", kratos, 400, "Content-Encoding: gzip", wrong, Unknown},
		{"gzip twice", kratos, 400, "Content-Encoding: gzip, gzip", zipped(zipped(wrong)), Unknown},
		{"gzip in two lines", kratos, 400, "Content-Encoding: gzip\nContent-Encoding: gzip", zipped(wrong), Unknown},
		{"a bomb", kratos, 400, "Content-Encoding: gzip", zipped(wrong + strings.Repeat(" ", 50<<20)), Unknown},
		{"br", kratos, 400, "Content-Encoding: br", wrong, Unknown},
		{"identity", kratos, 400, "Content-Encoding: identity", wrong, NotSent},

		{"401 that sent", better, 401, "", `{"code":"PHONE_NUMBER_NOT_VERIFIED"}`, Sent},
		{"401 that did not", better, 401, "", `{"code":"INVALID_PHONE_NUMBER_OR_PASSWORD"}`, NotSent},
		{"401 in another case", better, 401, "", `{"Code":"PHONE_NUMBER_NOT_VERIFIED"}`, NotSent},
		{"401 of a proxy", better, 401, "", ``, Unknown},
		{"400 of a proxy", better, 400, "", `<html>`, NotSent},
		{"200 with no body", better, 200, "", ``, Sent},

		{"200 OK", tokens, 200, "", `{"status":"OK"}`, Sent},
		{"200 and an error", tokens, 200, "", `{"status":"GENERAL_ERROR"}`, NotSent},
		{"200 and another error", tokens, 200, "", `{"status":"NEW_ERROR"}`, Unknown},
		{"both", tokens, 200, "", `{"status":"OK","status":"GENERAL_ERROR"}`, Unknown},
		{"an object in place of a word", tokens, 200, "", `{"status":{"GENERAL_ERROR":1}}`, Unknown},

		{"an exception", supabase, 422, "", `{"error_code":"sms_send_failed"}`, Unknown},
		{"no exception", supabase, 422, "", `{"error_code":"otp_disabled"}`, NotSent},
		{"an exception that cannot be read", supabase, 422, "", `{`, Unknown},

		{"redirected", browser, 303, "Location: https://example.com/login?flow=c2&x=1", "", Sent},
		{"redirected, and logged in", browser, 303, "Location: /login?flow=c2\nSet-Cookie: session=1; Path=/", "", Unknown},
		{"a cookie that is taken away", browser, 303, "Location: /login?flow=c2\nSet-Cookie: session=; Max-Age=0", "", Sent},
		{"a cookie that is over", browser, 303, "Location: /login?flow=c2\nSet-Cookie: session=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "", Sent},
		{"a cookie given and taken", browser, 303, "Location: /login?flow=c2\nSet-Cookie: session=x\nSet-Cookie: session=; Max-Age=0", "", Unknown},
		{"an error", browser, 303, "Location: /error?id=1", "", NotSent},
		{"both signs", browser, 303, "Location: /error?flow=1", "", Sent},
		{"two Locations", browser, 303, "Location: /error\nLocation: /login?flow=1", "", Unknown},
		{"a flow twice", browser, 303, "Location: /error?flow=1&flow=2", "", Unknown},
		{"a Location that is none", browser, 303, "Location: http://a b/%zz", "", Unknown},
		{"no Location", browser, 303, "", "", Unknown},

		{"absent", absent, 400, "", `{}`, NotSent},
		{"null is absent", absent, 400, "", `{"sent":null}`, NotSent},
		{"false is not", absent, 400, "", `{"sent":false}`, Unknown},
		{"absent from a list", absent, 400, "", `[{"sent":1}]`, NotSent},
		{"absent from nothing", absent, 400, "", ``, Unknown},
		{"101", absent, 101, "", ``, Unknown},
		{"no status", absent, 0, "", ``, Unknown},
		{"an odd status", absent, 999, "", ``, Unknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := read(reader(t, row.rules...), row.code, row.header, row.body); got.Meaning != row.want {
				t.Errorf("got %s, want %s", got.Meaning, row.want)
			}
		})
	}
}

// What stands in the careful order holds, whatever else does.
func TestMeaningOrder(t *testing.T) {
	all := []string{"unknown: json /u exists", "sent: json /s exists", "not_sent: json /n exists"}
	for body, want := range map[string]Meaning{
		`{}`: Unknown, `{"n":1}`: NotSent, `{"s":1,"n":1}`: Sent, `{"u":1,"s":1,"n":1}`: Unknown, `{"u":1,"n":1}`: Unknown,
		`{"s":1,"n":1,"n":1}`: Sent, `{"s":1,"s":1,"n":1}`: Unknown, `{"u":1,"u":1,"s":1}`: Unknown, `{"n":1,"n":1}`: Unknown,
	} {
		if got := read(reader(t, all...), 200, "", body).Meaning; got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

func TestHandles(t *testing.T) {
	r := reader(t, "sent: 200-299", "sent: 303", "not_sent: 400-499", "handle: json /data/id", "handle: header X-Flow", "handle: json /n", "handle: cookie sid", "handle: location flow")
	for _, row := range []struct {
		name         string
		code         int
		header, body string
		want         string
	}{
		{"all", 200, "X-Flow: f\nSet-Cookie: sid=s; HttpOnly\nLocation: /x?flow=l", `{"data":{"id":"d"},"n":7}`, "d f 7 s l"},
		{"gzip", 200, "Content-Encoding: gzip", zipped(`{"data":{"id":"d"}}`), "d"},
		{"none", 200, "", `{}`, ""},
		{"not sent", 422, "X-Flow: f", `{"data":{"id":"d"}}`, ""},
		{"unknown", 500, "X-Flow: f", `{"data":{"id":"d"}}`, "d f"},
		{"redirected", 303, "Location: https://app.example.com/login?flow=l#top", ``, "l"},
		{"twice", 200, "X-Flow: a\nX-Flow: b", `{"data":{"id":"d"},"data":{"id":"e"}}`, ""},
		{"null", 200, "", `{"data":{"id":null},"n":null}`, ""},
		{"of another type", 200, "", `{"data":{"id":true},"n":[1]}`, ""},
		{"a number that is spelled in several ways", 200, "", `{"n":1e3,"data":{"id":0.5}}`, ""},
		{"a number that some round", 200, "", `{"n":12345678901234567890}`, ""},
		{"odd characters", 200, "X-Flow: a b", `{"data":{"id":"a\u0000"}}`, ""},
		{"long", 200, "", `{"n":"` + strings.Repeat("a", MaxHandle) + `","data":{"id":"` + strings.Repeat("a", MaxHandle+1) + `"}}`, strings.Repeat("a", MaxHandle)},
		{"a cookie that is taken away", 200, "Set-Cookie: sid=s; Max-Age=0", ``, ""},
		{"101", 101, "X-Flow: f", ``, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := strings.Join(read(r, row.code, row.header, row.body).Handles, " "); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// Nothing is read of answers whose status tells all.
func TestReadsOnlyWhatMatters(t *testing.T) {
	r := reader(t, "sent: 200-299", "sent: 401 and json /code = X", "unknown: 202 and header X-Queued exists", "not_sent: 400-499", "not_sent: 201 and json /a exists")
	for code, want := range map[int][2]bool{200: {}, 201: {}, 202: {true, false}, 401: {false, true}, 400: {}, 500: {}, 101: {}} {
		if st := r.of(code); [2]bool{st.header, st.body} != want {
			t.Errorf("%d: reads header %v, body %v", code, st.header, st.body)
		}
	}
	for code, want := range map[int]Meaning{200: Sent, 201: Sent, 202: Unknown, 401: Unknown, 400: NotSent, 500: Unknown, 0: Unknown} {
		if got := r.Status(code); got != want {
			t.Errorf("%d means %s, want %s", code, got, want)
		}
	}
	if !r.ReadsBody() || r.ReadsStatus() {
		t.Error("a body is read")
	}
	if plain := reader(t, "sent: 200-299", "not_sent: 400-499"); plain.ReadsBody() || !plain.ReadsStatus() {
		t.Error("nothing is read")
	}
	if r := reader(t, "not_sent: 400-499", "handle: header X-Id"); r.ReadsBody() || r.ReadsStatus() {
		t.Error("a header is read")
	}
}

func TestNoAnswer(t *testing.T) {
	r := reader(t, "sent: 200-299", "sent: 401 and json /code = X", "unknown: 409", "not_sent: 400-499", "not_sent: no_answer")
	for code, want := range map[int]Meaning{0: NotSent, 200: Unknown, 401: Unknown, 409: Unknown, 422: NotSent, 500: NotSent} {
		if got := r.NoAnswer(code); got != want {
			t.Errorf("%d that breaks off means %s, want %s", code, got, want)
		}
	}
	if got := reader(t, "not_sent: no_answer", "unknown: no_answer").NoAnswer(0); got != Unknown {
		t.Errorf("both: %s", got)
	}
	if got := reader(t, "sent: 200").NoAnswer(0); got != Unknown {
		t.Errorf("neither: %s", got)
	}
}

// The first header is the answer's; trailers and what handlers add are none.
func TestBeginOnce(t *testing.T) {
	r := reader(t, "not_sent: header X-Refused exists", "handle: header X-Id")
	var g Reading
	h := http.Header{}
	g.Begin(r, 200, h, noon)
	h.Set("X-Refused", "1")
	h.Set("X-Id", "1")
	g.Begin(r, 200, h, noon)
	if got := g.End(); got.Meaning != Unknown || got.Handles != nil {
		t.Errorf("got %v", got)
	}
	if got := new(Reading).End(); got.Meaning != Unknown {
		t.Errorf("no answer at all: %v", got)
	}
}

func TestAcceptEncoding(t *testing.T) {
	for _, row := range [][2]string{
		{"", ""}, {"gzip, deflate, br, zstd", "gzip"}, {"br", "identity"}, {"br, GZIP;q=0.5", "gzip"}, {"gzip;q=0, br", "identity"}, {"gzip;q=x", "identity"}, {"*", "identity"},
	} {
		h := http.Header{}
		if row[0] != "" {
			h.Set("Accept-Encoding", row[0])
		}
		AcceptEncoding(h)
		if got := h.Get("Accept-Encoding"); got != row[1] {
			t.Errorf("%q: got %q, want %q", row[0], got, row[1])
		}
	}
}
