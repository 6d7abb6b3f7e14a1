package request

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestForms(t *testing.T) {
	const urlencoded, multipart = "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=b"
	dots := shapesOf(t,
		"where=json /method = code; phone=json /traits/phone; proof=json /transient_payload/token; handle=query flow; forms=dots",
		"about=nothing; where=json /method = password; phone=json /traits/phone; forms=dots")
	brackets := shapesOf(t, "where=json /user/kind = sms; phone=json /user/phone; forms=brackets")
	flat := shapesOf(t, "phone=json /phone; region=json /country; forms=flat", "about=email; phone=json /phone; email=json /email; forms=flat")
	part := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for _, row := range []struct {
		name         string
		shapes       *Shapes
		header, body string
		want         string
	}{
		{"JSON", dots, asJSON, `{"method":"code","traits":{"phone":"1"},"transient_payload":{"token":"t"}}`, "0 phone=1 proof=t"},
		{"a form", dots, urlencoded, `method=code&traits.phone=1&transient_payload.token=t`, "0 phone=1 proof=t"},
		{"a form in parts", dots, multipart, part("method", "code") + part("traits.phone", "1") + "--b--\r\n", "0 phone=1"},
		{"another shape", dots, urlencoded, `method=password&traits.name=x`, "1"},
		{"another shape, with the phone", dots, urlencoded, `method=password&traits.phone=1`, noShape},
		{"in brackets", dots, urlencoded, `method=code&traits[phone]=1`, "400 bad_request: form: a name that is spelled like that of phone and is not it"},
		{"escaped", dots, urlencoded, `method=code&traits%2Ephone=1`, "0 phone=1"},
		{"what holds it", dots, urlencoded, `method=code&traits.phone=1&traits=%7B%7D`, "400 bad_request: form: a name that is spelled like that of phone and is not it"},
		{"a condition's field twice, as of a hidden field and a button", dots, urlencoded, `method=code&traits.phone=1&method=code`, "0 phone=1"},
		{"twice, and not the same", dots, urlencoded, `method=code&traits.phone=1&method=password`, "400 bad_request: form: where stands there twice"},
		{"twice", dots, urlencoded, `method=code&traits.phone=1&traits.phone=2`, "400 bad_request: form: phone stands there twice"},
		{"a list", dots, urlencoded, `method=code&traits.phone.0=1`, "400 bad_request: form: a name that is spelled like that of phone and is not it"},
		{"a pointer as a field", dots, urlencoded, `method=code&/traits/phone=1`, "422 phone_missing: no phone at form traits.phone"},
		{"dots in JSON", dots, asJSON, `{"method":"code","traits.phone":"1"}`, "400 bad_request: JSON: a key is spelled like a step of json /traits/phone and is not it"},
		{"a file", dots, multipart, part("method", "code") + "--b\r\nContent-Disposition: form-data; name=\"traits.phone\"; filename=\"f\"\r\n\r\n1\r\n--b--\r\n", "400 bad_request: form: phone is a file"},
		{"JSON that says it is a form", dots, urlencoded, `{"method":"code","traits":{"phone":"1"}}`, "400 bad_request: form: a character that must be escaped"},
		{"a form that says it is JSON", dots, asJSON, `method=code&traits.phone=1`, "400 bad_request: JSON: a value is malformed (byte 0)"},
		{"text", dots, "Content-Type: text/plain", `method=code&traits.phone=1`, "415 bad_request: the body's content type must be application/json"},
		{"no type", dots, "X-None: x", `method=code&traits.phone=1`, "415 bad_request: the body's content type must be application/json"},

		{"brackets", brackets, urlencoded, `user[kind]=sms&user[phone]=1`, "0 phone=1"},
		{"escaped brackets", brackets, urlencoded, `user%5Bkind%5D=sms&user%5Bphone%5D=1`, "0 phone=1"},
		{"in dots", brackets, urlencoded, `user[kind]=sms&user.phone=1`, "400 bad_request: form: a name that is spelled like that of phone and is not it"},
		{"one step only", brackets, urlencoded, `user[kind]=sms&phone=1`, "422 phone_missing: no phone at form user[phone]"},

		{"flat", flat, urlencoded, `phone=1&country=US`, "0 phone=1 region=US"},
		{"flat, in JSON", flat, asJSON, `{"phone":"1","country":"US"}`, "0 phone=1 region=US"},
		{"an email in a form", flat, urlencoded, `email=a%40example.com`, "1 email=a@example.com"},
		{"an email and a phone in a form", flat, urlencoded, `email=a%40example.com&phone=1`, "0 phone=1"},
		{"an email and an empty phone in a form", flat, urlencoded, `email=a%40example.com&phone=`, "1 email=a@example.com"},
		{"nothing", flat, urlencoded, ``, "422 phone_missing: no phone at form phone"},
	} {
		if got := foundIn(t, row.shapes, sent("POST /", row.body, row.header), row.body); got != row.want {
			t.Errorf("%s: %s\n  want %s", row.name, got, row.want)
		}
	}
	r := sent("POST /?traits.phone=1", `method=code`, urlencoded)
	if got, want := foundIn(t, dots, r, `method=code`), "400 bad_request: query: a field that belongs elsewhere stands here too"; got != want {
		t.Errorf("the phone in the query: %s\n  want %s", got, want)
	}
}

func TestFormsThatCannotBe(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"phone=json /user/phone; forms=flat", "json /user/phone has no field in a form: it lies within something, and fields of such forms do not"},
		{"phone=json /user.phone; forms=dots", "json /user.phone has no field in a form: a step has a dot or a bracket, which would stand between steps"},
		{"phone=json /a[b]; forms=brackets", "json /a[b] has no field in a form: a step has a dot or a bracket, which would stand between steps"},
		{"phone=json /a b; forms=dots", "json /a b has no field in a form: a name has no quotes, spaces or any of \\ % ; & = +"},
		{"phone=form phone; forms=dots", "forms: dots names the fields of a form after places in JSON: write all places as they are in JSON"},
		{"phone=query phone; forms=brackets", "forms: brackets names the fields of a form after places in JSON, and there are none"},
		{"phone=json /phone; any; forms=dots", "a form is told by its type: an app that takes every body for JSON takes no forms"},
		{"phone=json /" + strings.Repeat("a", 40) + "/" + strings.Repeat("b", 40) + "; forms=dots", "json /" + strings.Repeat("a", 40) + "/" + strings.Repeat("b", 40) + " has no field in a form: longer than 64 bytes"},
	} {
		_, err := NewShapes([]Case{caseOf(t, row.text)})
		if err == nil || err.Error() != "shape 1: "+row.want {
			t.Errorf("%s: %v\n  want %s", row.text, err, row.want)
		}
	}
}

// A shape with forms takes what the same shape written twice would take.
func TestFormsAreTwins(t *testing.T) {
	once := shapesOf(t,
		"where=json /method = code; where=json /resend absent; phone=json /traits/phone; email=json /traits/email; proof=json /captcha; handle=query flow; forms=dots",
		"about=email; where=json /method exists; phone=json /traits/phone; email=json /traits/email; forms=dots",
		"about=account; where=json /resend = code; phone=json /traits/phone; handle=query flow; forms=dots")
	twice := shapesOf(t,
		"where=json /method = code; where=json /resend absent; phone=json /traits/phone; email=json /traits/email; proof=json /captcha; handle=query flow",
		"where=form method = code; where=form resend absent; phone=form traits.phone; email=form traits.email; proof=form captcha; handle=query flow",
		"about=email; where=json /method exists; phone=json /traits/phone; email=json /traits/email",
		"about=email; where=form method exists; phone=form traits.phone; email=form traits.email",
		"about=account; where=json /resend = code; phone=json /traits/phone; handle=query flow",
		"about=account; where=form resend = code; phone=form traits.phone; handle=query flow")
	fits := 0
	for _, c := range twice.cases {
		c.plan.repeats = true // as the one with forms has it
	}
	rapid.Check(t, func(t *rapid.T) {
		text := func(what string, texts ...string) string { return rapid.SampledFrom(texts).Draw(t, what) }
		var body, header string
		names := []string{"method", "resend", "captcha", "traits.phone", "traits.phone", "traits.email", "traits[phone]", "Method", "x"}
		values := []string{"code", "code", "1", "a%40example.com", "", "%00"}
		switch text("body", "form", "json", "parts") {
		case "form":
			header = "Content-Type: application/x-www-form-urlencoded"
			pairs := []string{text("base", "method=code&traits.phone=1", "method=code&traits.email=a%40example.com", "resend=code", "x")}
			for range rapid.IntRange(0, 4).Draw(t, "pairs") {
				pairs = append(pairs, text("name", names...)+"="+text("value", values...))
			}
			body = strings.Join(pairs, "&")
		case "parts":
			header = "Content-Type: multipart/form-data; boundary=b"
			for range rapid.IntRange(0, 4).Draw(t, "parts") {
				body += "--b\r\nContent-Disposition: form-data; name=\"" + text("name", names...) + "\"\r\n\r\n" + text("value", values...) + "\r\n"
			}
			body += "--b--\r\n"
		default:
			header = asJSON
			members := []string{text("base", `"method":"code","traits":{"phone":"1"}`, `"method":"code","traits":{"email":"a@example.com"}`, `"resend":"code"`, `"x":1`)}
			for range rapid.IntRange(0, 4).Draw(t, "members") {
				members = append(members, text("member", `"method":"code"`, `"resend":"code"`, `"captcha":"t"`, `"traits":{"phone":"1"}`, `"traits":{"email":"a@example.com"}`, `"traits":{}`, `"Traits":{}`, `"x":1`, `"method":null`))
			}
			body = "{" + strings.Join(members, ",") + "}"
		}
		if !rapid.Bool().Draw(t, "type as it is") {
			header = text("type", asJSON, "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=b", "Content-Type: text/plain", "X-None: x")
		}
		line := text("line", "POST /?flow=f", "POST /?flow=f", "POST /", "POST /?flow=f&flow=g", "POST /?traits.phone=1")
		a, p := once.Read(sent(line, body, header))
		b, q := twice.Read(sent(line, body, header))
		if (p == nil) != (q == nil) {
			t.Fatalf("%s, %s: %q: once %v, twice %v", line, header, body, p, q)
		}
		if p != nil {
			return
		}
		fits++
		if a.Case != b.Case/2 || a.Values != b.Values || strings.Join(a.Handles, ",") != strings.Join(b.Handles, ",") {
			t.Fatalf("%s, %s: %q: once %+v, twice %+v", line, header, body, a, b)
		}
	})
	if fits == 0 {
		t.Error("nothing fits")
	}
}
