package request

import (
	"net/url"
	"strings"
	"testing"
)

const urlencoded = "application/x-www-form-urlencoded"

func TestForm(t *testing.T) {
	const one = "phone=form phone"
	const spelt = "400 bad_request: form: a name that is spelled like that of phone and is not it"
	for _, row := range []struct{ name, shape, body, want string }{
		{"plain", one, "phone=%2B14155550123&x=1", "phone=+14155550123"},
		{"plus is a space", one, "phone=+1", "phone= 1"},
		{"escaped name", one, "%70hone=1", "phone=1"},
		{"empty", one, "phone=", "phone="},
		{"equals sign in a value", one, "phone=1=2", "phone=1=2"},
		{"empty pairs", one, "&&phone=1&", "phone=1"},
		{"nested", "phone=form user[phone], email=form user[email]", "user%5Bphone%5D=1&user[email]=a&user[x]=2", "phone=1 email=a"},
		{"others repeated", one, "phone=1&a=1&a=2&b[]=1&b[]=2", "phone=1"},

		{"nothing", one, "", "422 phone_missing: no phone at form phone"},
		{"no such field", one, "a=1", "422 phone_missing: no phone at form phone"},
		{"twice", one, "phone=1&phone=1", "400 bad_request: form: phone stands there twice"},
		{"no value", one, "phone", "400 bad_request: form: phone has no value"},
		{"list", one, "phone[]=1", spelt},
		{"list beside", one, "phone=1&phone[]=2", spelt},
		{"index", one, "phone=1&phone[0]=2", spelt},
		{"dotted", one, "phone=1&phone.x=2", spelt},
		{"only brackets", one, "phone=1&[phone]=2", spelt},
		{"open bracket", one, "phone=1&phone[=2", spelt},
		{"case", one, "phone=1&PHONE=2", spelt},
		{"case alone", one, "Phone=1", spelt},
		{"leading space", one, "phone=1&+phone=2", spelt},
		{"trailing space", one, "phone=1&phone%20=2", spelt},
		{"no-break space", one, "phone=1&phone%C2%A0=2", spelt},
		{"zero-width space", one, "phone=1&pho%E2%80%8Bne=2", spelt},
		{"full-width", one, "phone=1&%EF%BD%90hone=2", spelt},
		{"Spring's default", one, "phone=1&!phone=2", spelt},
		{"Spring's marker", one, "phone=1&_phone=2", spelt},
		{"PHP makes a dot an underscore", "phone=form user_phone", "user_phone=1&user.phone=2", spelt},
		{"PHP makes a bracket an underscore", "phone=form user_phone", "user_phone=1&user[phone=2", spelt},
		{"style", "phone=form phone_number", "phone_number=1&phoneNumber=2", spelt},
		{"parent of a nested name", "phone=form user[phone]", "user[phone]=1&user=2", spelt},
		{"dots for brackets", "phone=form user[phone]", "user[phone]=1&user.phone=2", spelt},
		{"child of a nested name", "phone=form user[phone]", "user[phone]=1&user[phone][]=2", spelt},

		{"bad escape", one, "phone=1&x=%G1", "400 bad_request: form: a broken percent escape"},
		{"short escape", one, "phone=1%2", "400 bad_request: form: a broken percent escape"},
		{"percent u", one, "phone=%u0031", "400 bad_request: form: a broken percent escape"},
		{"semicolon", one, "phone=1;phone=2", "400 bad_request: form: a semicolon"},
		{"Express looks for a bracket", one, "x=[phone]=2&phone=1", "400 bad_request: form: a bracket and an equals sign in a value"},
		{"the same, escaped", one, "x=%5Bphone%5d=2&phone=1", "400 bad_request: form: a bracket and an equals sign in a value"},
		{"not UTF-8", one, "phone=1&x=%ff", "400 bad_request: form: a value that is not UTF-8"},
		{"name not UTF-8", one, "phone=1&%ff=1", "400 bad_request: form: a name that is not UTF-8"},
		{"NUL", one, "phone=1%00", "400 bad_request: form: NUL in a value"},
		{"NUL in a name", one, "phone=1&phone%00x=2", "400 bad_request: form: a control character in a name"},
		{"line break", one, "phone=1\r\n", "400 bad_request: form: a character that must be escaped"},
		{"raw space", one, "phone=1 2", "400 bad_request: form: a character that must be escaped"},
		{"raw UTF-8", one, "phone=1&x=ü", "400 bad_request: form: a character that must be escaped"},
		{"JSON and form at once", one, `{"phone":"2","x":"&phone=1&y="}`, "400 bad_request: form: a character that must be escaped"},
		{"OGNL", one, "phone=1&['phone']=2", spelt},
		{"Zope", one, "phone=1&phone:list=2", spelt},
		{"charset field", one, "phone=1&_charset_=utf-7", "400 bad_request: form: _charset_ is not accepted"},
		{"prototype", one, "phone=1&__proto__[phone]=2", "400 bad_request: form: a name of a prototype"},
		{"constructor", one, "phone=1&constructor[prototype][phone]=2", "400 bad_request: form: a name of a prototype"},
		{"many fields", one, "phone=1" + strings.Repeat("&a=1", 256), "400 bad_request: form: more than 256 fields"},
	} {
		v, p := read(t, shape(t, row.shape), post(urlencoded, "", row.body), row.body)
		if got := outcome(v, p); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func TestQuery(t *testing.T) {
	const jsonType = "application/json"
	const elsewhere = "400 bad_request: query: a field that belongs elsewhere stands here too"
	for _, row := range []struct{ name, shape, contentType, query, body, want string }{
		{"query", "phone=query phone", "", "phone=%2B1&x=2", "", "phone=+1"},
		{"query twice", "phone=query phone", "", "phone=1&phone=1", "", "400 bad_request: query: phone stands there twice"},
		{"query in another case", "phone=query phone", "", "phone=1&Phone=2", "", "400 bad_request: query: a name that is spelled like that of phone and is not it"},
		{"query absent", "phone=query phone", "", "", "", "422 phone_missing: no phone at query phone"},
		{"body and query", "phone=json /phone, device=query id", jsonType, "id=d", `{"phone":"1"}`, "phone=1 device=d"},
		{"an unrelated query", "phone=json /phone", jsonType, "next=%2Fhome", `{"phone":"1"}`, "phone=1"},
		{"a malformed query", "phone=json /phone", jsonType, "next=%", `{"phone":"1"}`, "400 bad_request: query: a broken percent escape"},
		{"the phone in the query too", "phone=json /phone", jsonType, "phone=2", `{"phone":"1"}`, elsewhere},
		{"in another case", "phone=json /phone", jsonType, "PHONE=2", `{"phone":"1"}`, elsewhere},
		{"as a list", "phone=json /phone", jsonType, "phone[]=2", `{"phone":"1"}`, elsewhere},
		{"by its last step", "phone=json /user/phone", jsonType, "phone=2", `{"user":{"phone":"1"}}`, elsewhere},
		{"by its first step", "phone=json /user/phone", jsonType, "user[phone]=2", `{"user":{"phone":"1"}}`, elsewhere},
		{"dotted", "phone=json /user/phone", jsonType, "user.phone=2", `{"user":{"phone":"1"}}`, elsewhere},
		{"flat", "phone=json /user/phone", jsonType, "user_phone=2", `{"user":{"phone":"1"}}`, elsewhere},
		{"form and query", "phone=form phone", urlencoded, "phone=2", "phone=1", elsewhere},
		{"nested form and query", "phone=form user[phone]", urlencoded, "phone=2", "user[phone]=1", elsewhere},
		{"a query's field in JSON", "phone=query phone", jsonType, "phone=1", `{"phone":"2"}`, "400 bad_request: JSON: a field of the query stands in the body too"},
		{"in another case in JSON", "phone=query phone", jsonType, "phone=1", `{"a":1,"Phone":"2"}`, "400 bad_request: JSON: a field of the query stands in the body too"},
		{"a query's field in a form", "phone=query phone", urlencoded, "phone=1", `phone=2`, "400 bad_request: form: a field that belongs elsewhere stands here too"},
		{"a query's field in a multipart form", "phone=query phone", "multipart/form-data; boundary=b", "phone=1",
			"--b\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n2\r\n--b--", "400 bad_request: form: a field that belongs elsewhere stands here too"},
		{"an unrelated body", "phone=query phone", jsonType, "phone=1", `[1,{"phone":2}]`, "phone=1"},
		{"a malformed body", "phone=query phone", jsonType, "phone=1", `{`, "400 bad_request: JSON: it ends too early (byte 1)"},
		{"duplicates in a body", "phone=query phone", jsonType, "phone=1", `{"a":1,"a":2}`, "400 bad_request: JSON: a key stands twice in one object"},
		{"a typed empty body", "phone=query phone", jsonType, "phone=1", ``, "phone=1"},
		{"another type", "phone=query phone", "application/octet-stream", "phone=1", "\x00\xff", "phone=1"},
		{"text", "phone=query phone", "text/plain", "phone=1", "hello", "phone=1"},
		{"JSON that says it is text", "phone=query phone", "text/plain", "phone=1", ` {"phone":"2"}`, "415 bad_request: a body that looks like JSON and says it is something else"},
		{"JSON with a mark that says it is text", "phone=query phone", "text/plain", "phone=1", "\xef\xbb\xbf{}", "415 bad_request: a body that looks like JSON and says it is something else"},
		{"nearly JSON", "phone=query phone", "application/jsonx", "phone=1", "x", "415 bad_request: a content type that is nearly that of JSON or of a form"},
		{"untyped", "phone=query phone", "", "phone=1", "x", "415 bad_request: a body without a content type"},
	} {
		v, p := read(t, shape(t, row.shape), post(row.contentType, row.query, row.body), row.body)
		if got := outcome(v, p); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{"phone=%2B1", "phone=1&phone=2", "PHONE=1", "phone[]=1", "a=1;phone=2", "%70hone=+1", "x=[phone]=2", "phone", "&&=&phone=1", "phone%00=1", "a%", "user[x]=1&phone=2"} {
		f.Add(s)
	}
	inBody, inQuery := shape(f, "phone=form phone"), shape(f, "phone=query phone")
	f.Fuzz(func(t *testing.T, raw string) {
		v, p := read(t, inBody, post(urlencoded, "", raw), raw)
		q, qp := read(t, inQuery, post("", raw, ""), "")
		if (p == nil) != (qp == nil) || v != q {
			if len(raw) <= DefaultMaxBody {
				t.Fatalf("form: %s; query: %s", outcome(v, p), outcome(q, qp))
			}
		}
		if p != nil {
			return
		}
		std, err := url.ParseQuery(raw)
		if err != nil || len(std["phone"]) != 1 || std["phone"][0] != v.Phone {
			t.Fatalf("url.ParseQuery reads %q, %v; Read %q", std["phone"], err, v.Phone)
		}
		for name := range std {
			if name != "phone" && (strings.EqualFold(strings.TrimSpace(name), "phone") || strings.HasPrefix(name, "phone[") || strings.HasPrefix(name, "phone.")) {
				t.Fatalf("%q is accepted beside it", name)
			}
		}
	})
}
