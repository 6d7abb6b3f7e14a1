package authapp

import (
	"fmt"
	"strings"
)

// Trick is a request that a gate and the server behind it could read in
// different ways.
type Trick struct {
	Name string
	Request
}

// Route is one that sends a code to the number in its body.
type Route struct {
	Method string // POST if empty
	Path   string
	Query  string // what has to be there: "flow=…"
	Header string // lines
	In     string // the object of the body that the member lies in; empty for the body itself
	Key    string // of the member that holds the number
	Rest   string // the members beside it: `"password":"x"`
	Form   string // the fields beside it: "password=x"
}

func (r *Route) method() string {
	if r.Method == "" {
		return "POST"
	}
	return r.Method
}

func (r *Route) target(path string) string {
	if r.Query == "" {
		return path
	}
	return path + "?" + r.Query
}

func (r *Route) line() string { return r.method() + " " + r.target(r.Path) }

// header is that of the route, with these lines.
func (r *Route) header(lines ...string) string {
	return strings.Join(append(lines, strings.Split(strings.TrimSpace(r.Header), "\n")...), "\n")
}

const (
	typeJSON = "Content-Type: application/json"
	typeForm = "Content-Type: application/x-www-form-urlencoded"
	typeText = "Content-Type: text/plain"
)

// member is the number's member of a body, under another name and with another
// value, as JSON.
func member(key, value string) string { return fmt.Sprintf("%s:%s", quoted(key), value) }

// quoted is s as JSON has it. Only what tricks have in it is escaped.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// object is a body with these members, and those beside the number.
func (r *Route) object(members ...string) string {
	if r.In != "" {
		members = []string{member(r.In, "{"+strings.Join(members, ",")+"}")}
	}
	if r.Rest != "" {
		members = append(members, r.Rest)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// field is the number's field of a form.
func (r *Route) field() string {
	if r.In != "" {
		return r.In + "." + r.Key
	}
	return r.Key
}

// form is an urlencoded body with these fields, and those beside the number.
func (r *Route) form(fields ...string) string {
	if r.Form != "" {
		fields = append(fields, r.Form)
	}
	return strings.Join(fields, "&")
}

// Fresh stands in a query for what is another thing in each request: the end of
// a flow's id.
const Fresh = "ffffffffffff"

// Renewed is r with n in the place of Fresh.
func (r Request) Renewed(n int) Request {
	id := fmt.Sprintf("%012x", n)
	r.Line, r.Body = strings.ReplaceAll(r.Line, Fresh, id), strings.ReplaceAll(r.Body, Fresh, id)
	return r
}

// Plain is the request that a person's app makes.
func (r *Route) Plain(number string) Request {
	return Request{r.line(), r.header(typeJSON), r.object(member(r.Key, quoted(number)))}
}

// Tricks returns all that have been tried on servers, for a number and another
// one.
func (r *Route) Tricks(number, other string) []Trick {
	var all []Trick
	for _, some := range [][]Trick{r.keys(number, other), r.spellings(number, other), r.types(number, other), r.encodings(number), r.forms(number, other), r.paths(number), r.wires(number, other)} {
		all = append(all, some...)
	}
	return all
}

// keys are tricks with the names of members, which Go folds, and with members
// that come twice.
func (r *Route) keys(number, other string) (tricks []Trick) {
	key, n, o := r.Key, quoted(number), quoted(other)
	upper, title := strings.ToUpper(key), strings.ToUpper(key[:1])+key[1:]
	escaped := fmt.Sprintf(`"\u%04x%s":%s`, key[0], key[1:], n)
	for _, trick := range []struct{ name, body string }{
		{"upper-case key", r.object(member(upper, n))},
		{"title-case key", r.object(member(title, n))},
		{"key with a long s or a Kelvin sign", r.object(member(strings.NewReplacer("s", "\u017f", "k", "\u212a").Replace(key), n))},
		{"escaped key", r.object(escaped)},
		{"escaped key beside the plain one", r.object(member(key, o), escaped)},
		{"key twice", r.object(member(key, o), member(key, n))},
		{"key twice, null second", r.object(member(key, n), member(key, "null"))},
		{"key twice, null first", r.object(member(key, "null"), member(key, n))},
		{"key twice, empty second", r.object(member(key, n), member(key, `""`))},
		{"key in two cases", r.object(member(key, o), member(title, n))},
		{"key in two cases, the other way round", r.object(member(title, o), member(key, n))},
		{"null in another case", r.object(member(key, n), member(upper, "null"))},
		{"key with a space", r.object(member(key+" ", n))},
		{"key with a null character", r.object(`"` + key + `\u0000":` + n)},
		{"key of a prototype", r.object(`"__proto__":{` + member(key, n) + `}`)},
		{"key of a constructor's prototype", r.object(`"constructor":{"prototype":{` + member(key, n) + `}}`)},
		{"key deeper", r.object(`"data":{` + member(key, n) + `}`)},
		{"other number deeper", r.object(`"data":{`+member(key, o)+`}`, member(key, n))},
		{"email beside the number", r.object(member("email", `"a@example.com"`), member(key, n))},
		{"empty email beside the number", r.object(member("email", `""`), member(key, n))},
		{"email emptied in another case", r.object(member("email", `"a@example.com"`), member(key, n), member("Email", `""`))},
		{"email and the number in another case", r.object(member("email", `""`), member(upper, n))},
		{"email null and the number in another case", r.object(member("email", `"a@example.com"`), member(title, n), member("EMAIL", `null`))},
		{"code beside the number", r.object(member(key, n), member("code", `"123456"`))},
		{"nothing", r.object()},
		{"nothing at all", ""},
	} {
		if trick.body != r.Plain(number).Body { // not every key has an s or a k
			tricks = append(tricks, Trick{trick.name, Request{r.line(), r.header(typeJSON), trick.body}})
		}
	}
	return tricks
}

// spellings are tricks with the value.
func (r *Route) spellings(number, other string) (tricks []Trick) {
	n, o := quoted(number), quoted(other)
	bare := strings.TrimPrefix(number, "+")
	wide := strings.NewReplacer("0", "０", "1", "１", "2", "２", "3", "３", "4", "４", "5", "５", "6", "６", "7", "７", "8", "８", "9", "９")
	for _, trick := range []struct{ name, value string }{
		{"no plus", quoted(bare)},
		{"no country", quoted(bare[1:])},
		{"zeros for the plus", quoted("00" + bare)},
		{"two pluses", quoted("+" + number)},
		{"plus apart", quoted("+ " + bare)},
		{"space before", quoted(" " + number)},
		{"space behind", quoted(number + " ")},
		{"line end behind", quoted(number + "\n")},
		{"tab inside", quoted(number[:5] + "\t" + number[5:])},
		{"spaces", quoted(number[:2] + " " + number[2:5] + " " + number[5:])},
		{"dashes", quoted(number[:2] + "-" + number[2:5] + "-" + number[5:])},
		{"brackets", quoted(number[:2] + " (" + number[2:5] + ") " + number[5:])},
		{"no-break spaces", quoted(number[:2] + "\u00a0" + number[2:])},
		{"zero-width space", quoted(number[:5] + "\u200b" + number[5:])},
		{"direction mark", quoted("\u202a" + number + "\u202c")},
		{"full-width digits", quoted("+" + wide.Replace(bare))},
		{"full-width plus", quoted("＋" + bare)},
		{"Arabic digits", quoted("+" + strings.NewReplacer("1", "١", "4", "٤", "5", "٥", "0", "٠").Replace(bare))},
		{"tel:", quoted("tel:" + number)},
		{"extension", quoted(number + ";ext=5")},
		{"extension in words", quoted(number + " ext. 5")},
		{"trunk zero", quoted("+4402079460123")},
		{"two digits", quoted("+14")},
		{"letters", quoted("hello")},
		{"letters for digits", quoted("+1 415 FLOWERS")},
		{"empty", `""`},
		{"escaped digits", `"` + number[:4] + fmt.Sprintf(`\u%04x`, number[4]) + number[5:] + `"`},
		{"escaped null behind", `"` + number + `\u0000"`},
		{"null and another behind", `"` + number + `\u0000` + other + `"`},
		{"lone surrogate behind", `"` + number + `\ud800"`},
		{"two numbers with a comma", quoted(number + "," + other)},
		{"two numbers with a semicolon", quoted(number + ";" + other)},
		{"two numbers with a space", quoted(number + " " + other)},
		{"two numbers with a line end", quoted(number + "\n" + other)},
		{"list of one", "[" + n + "]"},
		{"list of two", "[" + o + "," + n + "]"},
		{"object", `{"value":` + n + `}`},
		{"number", bare},
		{"number with a fraction", bare + ".0"},
		{"number with an exponent", bare + "e0"},
		{"true", "true"},
		{"null", "null"},
		{"bytes that are no UTF-8", `"` + number + "\xff" + `"`},
		{"too long", quoted(number + strings.Repeat(" ", 5000))},
	} {
		tricks = append(tricks, Trick{trick.name, Request{r.line(), r.header(typeJSON), r.object(member(r.Key, trick.value))}})
	}
	return tricks
}

// types are tricks with the media type of a body that is JSON.
func (r *Route) types(number, other string) (tricks []Trick) {
	body := r.object(member(r.Key, quoted(number)))
	for _, trick := range []struct{ name, header string }{
		{"text/plain", typeText},
		{"no type", ""},
		{"empty type", "Content-Type:"},
		{"type of forms on JSON", typeForm},
		{"multipart type on JSON", "Content-Type: multipart/form-data; boundary=XX"},
		{"vnd.api+json", "Content-Type: application/vnd.api+json"},
		{"jsonx", "Content-Type: application/jsonx"},
		{"upper-case type", "Content-Type: APPLICATION/JSON"},
		{"type with a charset", "Content-Type: application/json; charset=utf-8"},
		{"type with another charset", "Content-Type: application/json; charset=iso-8859-1"},
		{"type in a parameter", "Content-Type: text/plain; x=application/json"},
		{"two types in a line", "Content-Type: text/plain, application/json"},
		{"two types in a line, JSON first", "Content-Type: application/json, text/plain"},
		{"form and JSON in a line", "Content-Type: application/x-www-form-urlencoded, application/json"},
		{"JSON and form in a line", "Content-Type: application/json, application/x-www-form-urlencoded"},
		{"type after spaces", "Content-Type:  \t application/json \t"},
		{"two types", typeText + "\n" + typeJSON},
		{"two types, the other way round", typeJSON + "\n" + typeForm},
		{"octet-stream", "Content-Type: application/octet-stream"},
		{"csp-report", "Content-Type: application/csp-report"},
		{"other method in a header", typeJSON + "\nX-HTTP-Method-Override: PUT"},
	} {
		tricks = append(tricks, Trick{trick.name, Request{r.line(), r.header(trick.header), body}})
	}
	for _, trick := range []struct{ name, body string }{
		{"comment", "/* */" + body},
		{"trailing comma", strings.TrimSuffix(body, "}") + ",}"},
		{"another object behind", body + r.object(member(r.Key, quoted(other)))},
		{"rubbish behind", body + "x"},
		{"null character behind", body + "\x00"},
		{"list around", "[" + body + "]"},
		{"string around", quoted(body)},
		{"spaces around", " \r\n\t" + body + "\r\n"},
		{"long body", strings.Repeat(" ", 20<<10) + body},
		{"half a body", body[:len(body)-2]},
		{"single quotes", strings.ReplaceAll(body, `"`, "'")},
	} {
		tricks = append(tricks, Trick{trick.name, Request{r.line(), r.header(typeJSON), trick.body}})
	}
	return tricks
}

// forms are tricks with bodies that are forms, and with the query.
func (r *Route) forms(number, other string) (tricks []Trick) {
	esc := func(s string) string { return strings.ReplaceAll(s, "+", "%2B") }
	n, o, key := esc(number), esc(other), r.field()
	part := func(name, value string) string {
		return "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	multi := func(parts ...string) string {
		for field := range strings.SplitSeq(r.Form, "&") {
			if name, value, ok := strings.Cut(field, "="); ok {
				parts = append(parts, part(name, value))
			}
		}
		return strings.Join(parts, "") + "--XX--\r\n"
	}
	const typeMulti = "Content-Type: multipart/form-data; boundary=XX"
	for _, trick := range []struct{ name, header, body string }{
		{"form", typeForm, r.form(key + "=" + n)},
		{"form, field twice", typeForm, r.form(key+"="+n, key+"="+o)},
		{"form, field in two cases", typeForm, r.form(key+"="+o, strings.ToUpper(key)+"="+n)},
		{"form, plus as a space", typeForm, r.form(key + "=" + number)},
		{"form, escaped name", typeForm, r.form(fmt.Sprintf("%%%02X%s=%s", key[0], key[1:], n))},
		{"form, a[b]=c", typeForm, r.form(key + "[value]=" + n)},
		{"form, a[]=c", typeForm, r.form(key + "[]=" + n)},
		{"form, a[b]=c beside a", typeForm, r.form(key+"="+o, key+"[x]="+n)},
		{"form, a.b=c", typeForm, r.form(key + ".value=" + n)},
		{"form, nested twice", typeForm, r.form("identifier[type]=phone", "identifier[value]="+n)},
		{"form, semicolon", typeForm, r.form(key + "=" + o + ";" + key + "=" + n)},
		{"form, without a type", "", r.form(key + "=" + n)},
		{"form as JSON", typeJSON, r.form(key + "=" + n)},
		{"form in another charset", typeForm + "; charset=utf-16", r.form(key + "=" + n)},
		{"multipart", typeMulti, multi(part(key, number))},
		{"multipart, field twice", typeMulti, multi(part(key, number), part(key, other))},
		{"multipart, file", typeMulti, multi(strings.Replace(part(key, number), "\r\n\r\n", "; filename=a\r\n\r\n", 1))},
		{"multipart, two boundaries", typeMulti + "; boundary=YY", multi(part(key, number))},
		{"multipart, charset field", typeMulti, multi(part("_charset_", "utf-16"), part(key, number))},
	} {
		tricks = append(tricks, Trick{trick.name, Request{r.line(), r.header(trick.header), trick.body}})
	}
	query := r.target(r.Path)
	if strings.Contains(query, "?") {
		query += "&"
	} else {
		query += "?"
	}
	for _, trick := range []struct{ name, query, body string }{
		{"number in the query", key + "=" + n, r.object()},
		{"another in the query", key + "=" + n, r.object(member(key, quoted(other)))},
		{"another in the query, in another case", strings.ToUpper(key) + "=" + n, r.object(member(key, quoted(other)))},
		{"something in the query", "x=1", r.object(member(key, quoted(number)))},
	} {
		tricks = append(tricks, Trick{trick.name, Request{r.method() + " " + query + trick.query, r.header(typeJSON), trick.body}})
	}
	return tricks
}

// paths are tricks with the path and the method.
func (r *Route) paths(number string) (tricks []Trick) {
	plain := r.Plain(number)
	cut := strings.LastIndexByte(r.Path, '/')
	dir, last := r.Path[:cut], r.Path[cut+1:]
	first, rest, _ := strings.Cut(r.Path[1:], "/")
	if rest != "" {
		rest = "/" + rest
	}
	for _, path := range []string{
		r.Path + "/", r.Path + "//", dir + "//" + last, "/" + r.Path, "/" + first + "/" + rest,
		dir + "/x/../" + last, dir + "/x/%2e%2e/" + last, dir + "/x/%2E%2E/" + last, dir + "/x/.%2e/" + last, "/x/.." + r.Path,
		dir + "/./" + last, dir + "/%2e/" + last, dir + "/%2E/" + last, "/." + r.Path,
		dir + `\` + last, strings.ReplaceAll(r.Path, "/", `\`), dir + "%5C" + last, dir + "%5c" + last, dir + `\..\` + last, dir + `/x\..\` + last,
		dir + "%2F" + last, dir + "%2f" + last, dir + "%252F" + last,
		dir + "/" + strings.ToUpper(last), "/" + strings.ToUpper(first) + rest,
		fmt.Sprintf("%s/%%%02x%s", dir, last[0], last[1:]), fmt.Sprintf("%s/%%25%02x%s", dir, last[0], last[1:]),
		r.Path + ";a=b", dir + ";a=b/" + last, r.Path + "#f", r.Path + "%23f", r.Path + "%3fx", r.Path + "%00", r.Path + "%20", r.Path + "%09", r.Path + "%0a",
		r.Path + ".", r.Path + ".json", r.Path + "%2f", r.Path + "%2f..", r.Path + "/..", r.Path + "/.", r.Path + "/x/..", r.Path + "/%2e",
		"http://" + "example.com" + r.Path, "http://example.com/x/.." + r.Path, "*" + r.Path, r.Path[1:], "//example.com" + r.Path,
		"/" + last, dir,
	} {
		tricks = append(tricks, Trick{"path " + path, Request{r.method() + " " + r.target(path), plain.Header, plain.Body}})
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "Post", "POST1", "QUERY", "CONNECT", "TRACE"} {
		if method == r.Method {
			continue
		}
		asks := r.target(r.Path) + "?_method=" + r.method()
		if r.Query != "" {
			asks = r.target(r.Path) + "&_method=" + r.method()
		}
		override := r.header(typeJSON, "X-HTTP-Method-Override: "+r.method(), "X-Method-Override: "+r.method())
		tricks = append(tricks,
			Trick{"method " + method, Request{method + " " + r.target(r.Path), plain.Header, plain.Body}},
			Trick{"method " + method + " for another", Request{method + " " + asks, override, plain.Body}})
	}
	return tricks
}
