package request

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// caseOf reads "about=email; method=POST GET; path=/otp; where=json /a = b; phone=json /phone; …".
func caseOf(t testing.TB, text string) Case {
	t.Helper()
	c := Case{Methods: []string{"POST"}}
	for part := range strings.SplitSeq(text, "; ") {
		word, value, _ := strings.Cut(part, "=")
		var err error
		switch word {
		case "about":
			for a, w := range aboutWords {
				if w == value {
					c.About = About(a)
				}
			}
		case "method":
			c.Methods = strings.Fields(value)
		case "path":
			c.Path = func(r *http.Request) bool { return strings.EqualFold(r.URL.Path, value) }
		case "prefix":
			c.Path = func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, value) }
		case "where":
			var w Condition
			w, err = ParseCondition(value)
			c.Where = append(c.Where, w)
		case "handle":
			c.Handles = append(c.Handles, source(t, value))
		case "segment":
			c.Segment = int(value[0] - '0')
		case "session":
			var s Credential
			s, err = ParseCredential(value)
			c.Session = append(c.Session, s)
		case "fold":
			c.Fold = true
		case "any":
			c.AnyType = true
		case "other":
			c.OtherPhones = append(c.OtherPhones, source(t, value))
		case "alone":
			c.AloneIn = source(t, value)
		case "forms":
			c.Forms, _ = ParseNaming(value)
		case "region":
			c.Region = source(t, value)
		case "code":
			c.CountryCode = source(t, value)
		default:
			*map[string]*Source{"phone": &c.Phone, "email": &c.Email, "device": &c.Device, "proof": &c.Proof}[word] = source(t, value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func shapesOf(t testing.TB, texts ...string) *Shapes {
	t.Helper()
	var cases []Case
	for _, text := range texts {
		cases = append(cases, caseOf(t, text))
	}
	s, err := NewShapes(cases)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sent makes a request of a line "METHOD target", header lines, and a body.
func sent(line, body string, header ...string) *http.Request {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// found is what Shapes.Read says in one line.
func foundIn(t testing.TB, s *Shapes, r *http.Request, body string) string {
	t.Helper()
	f, p := s.Read(r)
	if got, err := io.ReadAll(r.Body); err != nil || string(got) != body {
		t.Fatalf("the body is not restored: %q, %v", got, err)
	}
	if p != nil {
		return outcome(Values{}, p)
	}
	text := fmt.Sprint(f.Case)
	for _, part := range []string{outcome(f.Values, nil), named("region", f.Region), named("code", f.CountryCode), named("handles", strings.Join(f.Handles, ",")), named("session", f.Session)} {
		if part != "" {
			text += " " + part
		}
	}
	return text
}

func named(word, value string) string {
	if value == "" {
		return ""
	}
	return word + "=" + value
}

const asJSON = "Content-Type: application/json"

// folding is how a server in Go that does not look at types reads.
var folding = []string{
	"path=/otp; phone=json /phone; email=json /email; proof=json /meta/token; fold; any",
	"about=email; path=/otp; phone=json /phone; email=json /email; fold; any",
}

const noShape = "400 bad_request: the request has none of the shapes that the ruleset knows"

func TestFoldingAsGoDoes(t *testing.T) {
	s := shapesOf(t, folding...)
	for _, row := range []struct{ name, body, want string }{
		{"as it is", `{"phone":"1"}`, "0 phone=1"},
		{"upper case", `{"PHONE":"1"}`, "0 phone=1"},
		{"the last of two spellings", `{"phone":"1","Phone":"2"}`, "0 phone=2"},
		{"the last of the same", `{"phone":"1","phone":"2"}`, "0 phone=2"},
		{"null does not overwrite", `{"phone":"1","phone":null}`, "0 phone=1"},
		{"null in another spelling", `{"phone":"1","PHONE":null}`, "0 phone=1"},
		{"null first", `{"PHONE":null,"phone":"1"}`, "0 phone=1"},
		{"an escaped key", `{"\u0070hone":"1"}`, "0 phone=1"},
		{"both", `{"email":"a@example.com","phone":"1"}`, "0 phone=1 email=a@example.com"},
		{"both, the phone in capitals", `{"email":"a@example.com","PHONE":"1"}`, "0 phone=1 email=a@example.com"},
		{"an empty email in another spelling", `{"email":"x","phone":"1","Email":""}`, "0 phone=1 email="},
		{"an email", `{"email":"a@example.com"}`, "1 email=a@example.com"},
		{"an email in capitals", `{"EMAIL":"a@example.com"}`, "1 email=a@example.com"},
		{"an email, the phone null", `{"email":"a@example.com","phone":null}`, "1 email=a@example.com"},
		{"an email, the phone empty", `{"email":"a@example.com","phone":""}`, "1 email=a@example.com"},
		{"an empty phone", `{"phone":""}`, "422 phone_missing: no phone at json /phone"},
		{"an email that is null", `{"email":"a@example.com","email":null}`, "1 email=a@example.com"},
		{"no email", `{"email":"a"}`, "422 phone_missing: no phone at json /phone"},
		{"neither", `{}`, "422 phone_missing: no phone at json /phone"},
		{"nothing", ``, "422 phone_missing: no phone at json /phone"},
		{"all null", `{"phone":null,"email":null}`, "422 phone_missing: no phone at json /phone"},
		{"a member of a member", `{"phone":"1","Meta":{"TOKEN":"t"}}`, "0 phone=1 proof=t"},
		{"two of them", `{"phone":"1","meta":{"token":"t"},"Meta":{"token":"u"}}`, "400 bad_request: JSON: a key stands twice in one object"},
		{"one that is null", `{"phone":"1","meta":null,"Meta":{"token":"u"}}`, "400 bad_request: JSON: a key stands twice in one object"},
		{"spelled otherwise", `{"email":"a@example.com","pho_ne":"1"}`, "400 bad_request: JSON: a key is spelled like a step of json /phone and is not it"},
		{"a list", `{"email":"a@example.com","phone":["1"]}`, "400 bad_request: JSON: phone is not one string"},
		{"a number", `{"email":"a@example.com","Phone":1}`, "400 bad_request: JSON: phone is not one string"},
		{"another key twice", `{"phone":"1","x":1,"x":2}`, "400 bad_request: JSON: a key stands twice in one object"},
		{"trailing data", `{"phone":"1"}{}`, "400 bad_request: JSON: something follows the value (byte 13)"},
		{"a mark", "\ufeff" + `{"phone":"1"}`, "400 bad_request: JSON: it begins with a byte order mark (byte 0)"},
		{"a top-level list", `[{"phone":"1"}]`, "400 bad_request: JSON: the body is not an object"},
		{"a form", `phone=1`, "400 bad_request: JSON: a value is malformed (byte 0)"},
		{"the method in the body", `{"phone":"1","_method":"PUT"}`, "400 bad_request: JSON: a key overrides the method"},
	} {
		for _, contentType := range []string{asJSON, "Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "X-None: x"} {
			if got := foundIn(t, s, sent("POST /otp", row.body, contentType), row.body); got != row.want {
				t.Errorf("%s (%s): %s\n  want %s", row.name, contentType, got, row.want)
			}
		}
	}
	for name, header := range map[string]string{"gzip": "Content-Encoding: gzip", "taken away": "Connection: content-type"} {
		r := sent("POST /otp", `{"phone":"1"}`, asJSON, header)
		if _, p := s.Read(r); p == nil {
			t.Errorf("%s: it was read", name)
		}
	}
}

func TestFirstShapeThatFits(t *testing.T) {
	s := shapesOf(t,
		"path=/resend; where=json /type = sms | phone_change; phone=json /phone",
		"about=email; path=/resend; where=json /type = signup; phone=json /phone; email=json /email",
		"about=account; method=GET; path=/login; where=query aal = aal2; session=cookie sid; session=header X-Session",
		"about=nothing; method=GET; path=/login; where=query aal absent",
		"about=account; prefix=/factors/; segment=2; session=claim sub; session=header Authorization",
		"path=/casdoor; where=form type = phone; phone=form dest; region=form country",
		"path=/keycloak; phone=form number; code=form country_code",
		"about=email; path=/both; email=json /who; phone=json /number",
		"path=/both; phone=json /who",
		"about=nothing; path=/verify; where=json /sent = true; where=json /flags exists",
		"path=/two; phone=json /phone",
		"path=/two; phone=form phone",
		"about=account; path=/two; session=cookie sid",
		"about=nothing; method=GET POST; prefix=/",
	)
	urlencodedType, jwt := "Content-Type: application/x-www-form-urlencoded", "e30."+base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"user-1"}`))+".c2lnbmF0dXJl"
	for _, row := range []struct {
		line, body string
		header     []string
		want       string
	}{
		{"POST /resend", `{"type":"sms","phone":"1"}`, []string{asJSON}, "0 phone=1"},
		{"POST /resend", `{"type":"phone_change","phone":"1"}`, []string{asJSON}, "0 phone=1"},
		{"POST /resend", `{"type":"signup","email":"a@example.com"}`, []string{asJSON}, "1 email=a@example.com"},
		{"POST /resend", `{"type":"signup","email":"a@example.com","phone":"1"}`, []string{asJSON}, noShape},
		{"POST /resend", `{"type":"sms","email":"a@example.com"}`, []string{asJSON}, "422 phone_missing: no phone at json /phone"},
		{"POST /resend", `{"type":"other","phone":"1"}`, []string{asJSON}, noShape},
		{"POST /resend", `{"TYPE":"sms","phone":"1"}`, []string{asJSON}, "400 bad_request: JSON: a key is spelled like a step of json /type and is not it"},
		{"POST /resend", `{"type":"signup","type":"sms","phone":"1"}`, []string{asJSON}, "400 bad_request: JSON: a key stands twice in one object"},
		{"POST /resend", `{"type":null,"phone":"1"}`, []string{asJSON}, "400 bad_request: JSON: where is not one string"},
		{"POST /resend", `{"type":["sms"],"phone":"1"}`, []string{asJSON}, "400 bad_request: JSON: where is not one string"},
		{"POST /resend?type=sms", `{"phone":"1"}`, []string{asJSON}, "400 bad_request: query: a field that belongs elsewhere stands here too"},
		{"POST /resend", `type=sms&phone=1`, []string{urlencodedType}, "415 bad_request: the body's content type must be application/json"},
		{"PUT /resend", `{"type":"sms","phone":"1"}`, []string{asJSON}, noShape},
		{"PUT /elsewhere", `{"type":"sms","phone":"1"}`, []string{asJSON}, noShape},
		{"GET /resend", ``, nil, "13"},
		{"POST /unknown", `{"phone":"1"}`, []string{asJSON}, "13"},
		{"HEAD /login?aal=aal2", ``, []string{"Cookie: sid=s"}, noShape},

		{"GET /login?aal=aal2&via=phone", ``, []string{"Cookie: sid=s"}, "2 session=s"},
		{"GET /login?aal=aal2", ``, []string{"X-Session: x", "Cookie: sid=s"}, "2 session=s"},
		{"GET /login?aal=aal2", ``, []string{"X-Session: x"}, "2 session=x"},
		{"GET /login?aal=aal2", ``, nil, "400 bad_request: neither a session nor a handle: cookie sid, header X-Session"},
		{"GET /login", ``, nil, "3"},
		{"GET /login?aal=aal1", ``, nil, noShape},
		{"GET /login?AAL=aal2", ``, []string{"Cookie: sid=s"}, "400 bad_request: query: a name that is spelled like that of where and is not it"},
		{"GET /login?aal=aal2&aal=aal1", ``, []string{"Cookie: sid=s"}, "400 bad_request: query: where stands there twice"},
		{"GET /login?_method=POST", ``, nil, "400 bad_request: query: a field that overrides the method"},

		{"POST /factors/f1/challenge", `{"channel":"sms"}`, []string{asJSON, "Authorization: Bearer " + jwt}, "4 handles=f1 session=claim user-1"},
		{"POST /factors/f1/challenge", ``, []string{"Authorization: bearer  " + jwt}, "4 handles=f1 session=claim user-1"},
		{"POST /factors/f1/challenge", ``, []string{"Authorization: Bearer 0123456789abcdefg"}, "4 handles=f1 session=0123456789abcdef"},
		{"POST /factors/f1/challenge", `{"channel":"sms"}`, []string{"Content-Type: text/plain"}, "415 bad_request: a body that looks like JSON and says it is something else"},
		{"POST /factors//challenge", ``, nil, "400 bad_request: the path has an empty step or one of dots"},

		{"POST /casdoor", `type=phone&dest=4155550123&country=US`, []string{urlencodedType}, "5 phone=4155550123 region=US"},
		{"POST /casdoor", `type=phone&dest=%2B14155550123`, []string{urlencodedType}, "5 phone=+14155550123"},
		{"POST /casdoor", `type=phone&dest=1&country=US&country=GB`, []string{urlencodedType}, "400 bad_request: form: region stands there twice"},
		{"POST /casdoor", `type=phone&dest=1&country=US0000000`, []string{urlencodedType}, "400 bad_request: a region or country code is longer than 8 bytes"},
		{"POST /keycloak", `number=4155550123&country_code=1`, []string{urlencodedType}, "6 phone=4155550123 code=1"},
		{"POST /keycloak", `number=1&country_code=1&_method=GET`, []string{urlencodedType}, "400 bad_request: form: a field that overrides the method"},

		{"POST /both", `{"who":"a@example.com"}`, []string{asJSON}, "7 email=a@example.com"},
		{"POST /both", `{"who":"+1"}`, []string{asJSON}, "8 phone=+1"},
		{"POST /verify", `{"sent":true,"flags":{}}`, []string{asJSON}, "9"},
		{"POST /verify", `{"sent":"true","flags":false}`, []string{asJSON}, "9"},
		{"POST /verify", `{"sent":false,"flags":{}}`, []string{asJSON}, noShape},
		{"POST /verify", `{"sent":true}`, []string{asJSON}, noShape},
		{"POST /verify", `{"sent":true,"flags":null}`, []string{asJSON}, "400 bad_request: JSON: where is not one string"},

		{"POST /two", `{"phone":"1"}`, []string{asJSON}, "10 phone=1"},
		{"POST /two", `phone=1`, []string{urlencodedType}, "11 phone=1"},
		// Nobody has looked into these bodies, so that they may hold a phone.
		{"POST /two", `<phone>1</phone>`, []string{"Content-Type: text/xml", "Cookie: sid=s"}, "415 bad_request: the body's content type must be application/json"},
		{"POST /two", `{"phone":"1"}`, []string{"Cookie: sid=s"}, "415 bad_request: the body's content type must be application/json"},
		{"POST /two", ``, []string{"Cookie: sid=s"}, "12 session=s"},
		{"POST /two", `{}`, []string{asJSON, "Cookie: sid=s"}, "422 phone_missing: no phone at json /phone"},
	} {
		if got := foundIn(t, s, sent(row.line, row.body, row.header...), row.body); got != row.want {
			t.Errorf("%s %s %q: %s\n  want %s", row.line, row.body, row.header, got, row.want)
		}
	}
}

func TestOddPaths(t *testing.T) {
	s := shapesOf(t, "about=nothing; method=GET")
	for path, odd := range map[string]bool{
		"/": false, "/a": false, "/a/": false, "/a/b.c/..d/...": false, "/a%20b/%40c/%C3%A9": false, "/a:b@c+d,e!": false,
		"//": true, "/a//b": true, "/./a": true, "/a/..": true, "/a/../b": true, "/a;b": true, `/a\b`: true, "/a%5cb": true, "/a%2fb": true,
		"/%2e%2e/a": true, "/%6ftp": true, "/%6Ftp": true, "/a%00": true, "/a%0a": true, "/a%25b": true, "/a%3bb": true, "/a%7f": true, "/a%3Fb": true,
	} {
		if _, p := s.Read(sent("GET "+path, "")); (p != nil) != odd {
			t.Errorf("%s: %v", path, p)
		}
	}
}

func TestContradictoryCases(t *testing.T) {
	for text, want := range map[string]string{
		"email=json /email":                                      "shape 1: it is about a phone, and does not say where the phone stands",
		"about=email; phone=json /phone":                         "shape 1: it is about an email address, and does not say where the address stands",
		"about=email; email=json /email":                         "shape 1: it is about an email address, and does not say where a phone would stand: only a request that has none there is not about a phone",
		"about=account; device=cookie d":                         "shape 1: it is about an account, and names neither a session nor a handle",
		"about=nothing; region=form r":                           "shape 1: a country belongs to a phone, and it is not about one",
		"method=; phone=json /p":                                 "shape 1: no method",
		"phone=json /p; email=form e":                            "shape 1: phone (json /p) and email (form e) contradict each other: a body is either JSON or a form",
		"phone=json /p; where=json /P = x":                       "shape 1: phone (json /p) and where (json /P) contradict each other: they are one place, or one is inside the other",
		"phone=form p; any":                                      "shape 1: a form is told by its type: only JSON can be read whatever the type says",
		"phone=form p; region=form r; code=form c":               "shape 1: a region and a country code: one of them says where a number belongs",
		"phone=json /p; where=json /p absent":                    "shape 1: where says of the phone's place what cannot be: json /p absent",
		"phone=json /p; where=json /a = b; where=json /a exists": "shape 1: where speaks of json /a twice",
	} {
		if _, err := NewShapes([]Case{caseOf(t, text)}); err == nil || err.Error() != want {
			t.Errorf("%s: %v\n  want %s", text, err, want)
		}
	}
	many := caseOf(t, "phone=json /p")
	for i := range slots {
		many.Where = append(many.Where, Condition{Source: source(t, fmt.Sprintf("json /w%c%c", 'a'+i/26, 'a'+i%26))})
	}
	if _, err := NewShapes([]Case{many}); err == nil || err.Error() != "shape 1: more than 32 values are asked for" {
		t.Error(err)
	}
}

func TestConditions(t *testing.T) {
	for text, want := range map[string]string{
		"json /type = sms":                 "json /type = sms",
		" json /type =  sms |phone_change": "json /type = sms | phone_change",
		"json /type = sms|phone_change":    "json /type = sms | phone_change",
		"query aal exists":                 "query aal exists",
		"header X-Kind absent":             "header X-Kind absent",
		"json /type":                       `unknown condition "json /type"`,
		"sms":                              `unknown condition "sms"`,
		"json type exists":                 `json "type": a pointer begins with "/", for example "/phone"`,
		"json /type = ":                    `unknown condition "json /type ="`,
		"json /type = a |":                 "an empty text: ask for empty, or name the text",
		"json /type = a | a":               `"a" is said twice`,
	} {
		c, err := ParseCondition(text)
		got := c.String()
		if err != nil {
			got = err.Error()
		}
		if got, _, _ = strings.Cut(got, "; accepted"); got != want {
			t.Errorf("%q: %s\n  want %s", text, got, want)
		}
	}
}

func TestCredentials(t *testing.T) {
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"u1","https://x/y":"z","n":1}`))
	object := base64.StdEncoding.EncodeToString([]byte(`{"id":"User.1","odd":"a ","secret":"xy"}`))
	for _, row := range []struct{ credential, sent, want string }{
		{"header X-Session-Token", " ory_st_0123456789ab ", "ory_st_0123456789a"},
		{"header Authorization", "Bearer abc", "abc"},
		{"header Authorization", "bearer   abc", "abc"},
		{"header Authorization", "abc", "abc"},
		{"header Authorization", "Bearer e30." + payload + ".one", "e30." + payload[:len(payload)-1]},
		{"header Authorization", "Bearer e30." + payload + ".two", "e30." + payload[:len(payload)-1]},
		{"header Authorization", "Bearer 0123456789abcdefgh", "0123456789abcdefg"},
		{"header Authorization", "Bearer 0123456789abcdefgh.c2ln%3D", "0123456789abcdefg"},
		{"header Authorization", "Bearer %30123456789abcdefgh.c2lo=", "0123456789abcdefg"},
		{"cookie sid", "0123456789abcdef.c2ln%3D", "0123456789abcdef"},
		{"cookie sid", "%30123456789abcdef.c2lo=", "0123456789abcdef"},
		{"cookie sid", "v1.secret", "v1.secret"},
		{"cookie sid", "broken%", "broken%"},
		{"claim sub", "Bearer e30." + payload + ".x", "claim u1"},
		{"claim https://x/y", "e30." + payload + ".x", "claim z"},
		{"claim n", "e30." + payload + ".x", "e30." + payload[:len(payload)-1]},
		{"claim sub", "Bearer opaque", "opaque"},
		{"claim sub", "Bearer ", "Bearer"},
		{"claim id in cookie sid", object, "claim user.1"},
		{"claim id in cookie sid", strings.ReplaceAll(object, "=", "%3D"), "claim user.1"},
		{"claim id in cookie sid", object[:4] + "!" + object[4:], ""}, // PHP passes over it
		{"claim id in cookie sid", strings.TrimRight(object, "="), ""},
		{"claim other in cookie sid", object, ""},
		{"claim odd in cookie sid", object, ""}, // some databases take it for "a"
		{"claim id in cookie sid", "opaque", ""},
	} {
		c, err := ParseCredential(row.credential)
		if err != nil {
			t.Fatal(err)
		}
		if c.String() != row.credential {
			t.Errorf("%s is written %s", row.credential, c)
		}
		if got := c.of(row.sent); got != row.want {
			t.Errorf("%s %q: %q, want %q", row.credential, row.sent, got, row.want)
		}
	}
	for text, want := range map[string]string{
		"json /sid":            "a session has no credential at json /sid; accepted: header NAME, cookie NAME, claim NAME, claim NAME in cookie NAME",
		"claim":                "claim names nothing; accepted: header NAME, cookie NAME, claim NAME, claim NAME in cookie NAME",
		"claim 0":              `claim "0" is not possible`,
		"claim id in header X": "claim id is in no cookie; accepted: header NAME, cookie NAME, claim NAME, claim NAME in cookie NAME",
		"cookie":               `source "cookie" names nothing; accepted: ` + Accepted,
	} {
		if _, err := ParseCredential(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestPreflightOfSeveral(t *testing.T) {
	s := shapesOf(t, append(folding, "about=account; method=GET; session=header X-Session; where=query aal = aal2")...)
	for _, row := range []struct {
		line   string
		header string
		want   bool
	}{
		{"OPTIONS /otp", "X-Other: x", true},
		{"OPTIONS /otp?phone=1", "X-Other: x", false},
		{"OPTIONS /otp?aal=aal2", "X-Other: x", false},
		{"OPTIONS /otp", "X-Session: x", false},
		{"OPTIONS /otp", "Authorization: Bearer x", false},
		{"GET /otp", "X-Other: x", false},
	} {
		r := sent(row.line, "", "Origin: https://example.com", "Access-Control-Request-Method: POST", row.header)
		if got := s.Preflight(r); got != row.want {
			t.Errorf("%s %s: %t", row.line, row.header, got)
		}
	}
}
