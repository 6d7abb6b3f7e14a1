package authapp

import (
	"fmt"
	"strings"
)

// Session is a session that a server began.
type Session struct {
	Name  string // of its cookie
	Value string // as the server spells it
}

// SessionOf returns the session that a server begins with a reply in a cookie
// whose name ends so. It is none if it begins none.
func SessionOf(reply *Reply, name string) (s Session) {
	for _, line := range reply.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		if key, value, _ := strings.Cut(pair, "="); strings.HasSuffix(key, name) && value != "" {
			return Session{key, value}
		}
	}
	return s
}

// Cookie is the header that a browser sends.
func (s Session) Cookie() string { return "Cookie: " + s.Name + "=" + s.Value }

// Token is the value without its signature.
func (s Session) Token() string {
	token, _, _ := strings.Cut(s.Value, ".")
	return token
}

// signed is the value without escapes.
func (s Session) signed() string {
	return strings.NewReplacer("%2F", "/", "%2B", "+", "%3D", "=").Replace(s.Value)
}

// Tricks returns requests of the session that could be taken for requests of
// others: its credential is spelled in another way, stands in another place, or
// has another one beside it. What is to be asked for is the same in all.
func (s Session) Tricks(r Request) (tricks []Trick) {
	n, v, signed := s.Name, s.Value, s.signed()
	first := fmt.Sprintf("%%%02x", v[0])
	all := ""
	for i := range len(signed) {
		all += fmt.Sprintf("%%%02X", signed[i])
	}
	// The last character of a signature has bits that stand for nothing.
	at := len(signed) - 2
	bits := signed[:at] + string(signed[at]+1) + "="
	upper := strings.ToUpper(n[:1]) + n[1:]
	for _, trick := range []struct{ name, header string }{
		{"in lower case", "cookie: " + n + "=" + v},
		{"two lines", "Cookie: a=b\nCookie: " + n + "=" + v},
		{"two lines, another first", "Cookie: " + n + "=made-up\nCookie: " + n + "=" + v},
		{"two lines, another second", "Cookie: " + n + "=" + v + "\nCookie: " + n + "=made-up"},
		{"twice", "Cookie: " + n + "=" + v + "; " + n + "=" + v},
		{"another first", "Cookie: " + n + "=made-up; " + n + "=" + v},
		{"another second", "Cookie: " + n + "=" + v + "; " + n + "=made-up"},
		{"an empty one first", "Cookie: " + n + "=; " + n + "=" + v},
		{"in quotes", "Cookie: " + n + `="` + v + `"`},
		{"half in quotes", "Cookie: " + n + `="` + v + "x"},
		{"spaces around the equals sign", "Cookie: " + n + " = " + v},
		{"tabs around the equals sign", "Cookie: " + n + "\t=\t" + v},
		{"no-break space behind the name", "Cookie: " + n + "\xa0=" + v},
		{"no-break space before the name", "Cookie: \xa0" + n + "=" + v},
		{"no-break spaces around the value", "Cookie: " + n + "=\xa0" + v + "\xa0"},
		{"no-break space behind the name, another beside it", "Cookie: " + n + "\xa0=" + v + "; " + n + "=made-up"},
		{"form feed behind the name", "Cookie: " + n + "\f=" + v},
		{"version", `Cookie: $Version="1"; ` + n + "=" + v + "; $Path=/"},
		{"behind a comma", "Cookie: a=b, " + n + "=" + v},
		{"behind a space", "Cookie: a=b " + n + "=" + v},
		{"behind what is no cookie", "Cookie: x;" + n + "=" + v},
		{"behind an empty name", "Cookie: =;" + n + "=" + v},
		{"behind an empty cookie", "Cookie: ;;" + n + "=" + v},
		{"semicolon behind", "Cookie: " + n + "=" + v + ";"},
		{"others around", "Cookie: a=b; " + n + "=" + v + "; c=d"},
		{"escaped name", "Cookie: " + strings.Replace(n, ".", "%2E", 1) + "=" + v},
		{"name in another case", "Cookie: " + upper + "=" + v},
		{"name in another case beside it", "Cookie: " + upper + "=made-up; " + n + "=" + v},
		{"__Secure-", "Cookie: __Secure-" + n + "=" + v},
		{"__Host-", "Cookie: __Host-" + n + "=" + v},
		{"__Secure- beside it", "Cookie: __Secure-" + n + "=made-up; " + n + "=" + v},
		{"a part of it", "Cookie: " + n + ".0=" + v},
		{"no escapes", "Cookie: " + n + "=" + signed},
		{"one more escape", "Cookie: " + n + "=" + first + v[1:]},
		{"all escaped", "Cookie: " + n + "=" + all},
		{"escaped twice", "Cookie: " + n + "=" + strings.ReplaceAll(v, "%", "%25")},
		{"an escape that is none", "Cookie: " + n + "=" + v + "%zz"},
		{"other bits of the signature", "Cookie: " + n + "=" + bits},
		{"no signature", "Cookie: " + n + "=" + s.Token()},
		{"something behind", "Cookie: " + n + "=" + v + ".x"},
		{"another sign-in beside it", "Cookie: " + n + "=" + v + "; " + strings.Replace(n, "session_token", "two_factor", 1) + "=made-up"},
		{"another sign-in before it", "Cookie: better-auth.two_factor=made-up; " + n + "=" + v},
		{"cached data beside it", "Cookie: " + n + "=" + v + "; better-auth.session_data=made-up"},
		{"made up, the data alone", "Cookie: better-auth.session_data=" + v},
		{"nothing", ""},
		{"in the query", "Cookie: a=b"},
		{"in Authorization", "Authorization: Bearer " + signed},
		{"in Authorization, escaped", "Authorization: Bearer " + v},
		{"in Authorization, one more escape", "Authorization: Bearer " + first + signed[1:]},
		{"in Authorization, no signature", "Authorization: Bearer " + s.Token()},
		{"in Authorization, in another case", "authorization: bEARER " + signed},
		{"in Authorization, spaces", "Authorization: Bearer    " + signed},
		{"in Authorization, no-break space", "Authorization: Bearer \xa0" + signed},
		{"in Authorization, other bits", "Authorization: Bearer " + bits},
		{"in Authorization, another cookie beside it", "Authorization: Bearer " + signed + "\nCookie: " + n + "=made-up"},
		{"in Authorization, another sign-in beside it", "Authorization: Bearer " + signed + "\nCookie: " + strings.Replace(n, "session_token", "two_factor", 1) + "=made-up"},
		{"another in Authorization", "Authorization: Bearer made-up.x\nCookie: " + n + "=" + v},
		{"something else in Authorization", "Authorization: Basic YTpi\nCookie: " + n + "=" + v},
		{"two of Authorization", "Authorization: Basic YTpi\nAuthorization: Bearer " + signed},
		{"two of Authorization, the other way round", "Authorization: Bearer " + signed + "\nAuthorization: Bearer made-up.x"},
		{"Authorization in another spelling", "Authorization_: x\nAuthorization: Bearer " + signed},
		{"key of an API beside it", "X-Api-Key: made-up\nCookie: " + n + "=" + v},
	} {
		line := r.Line
		if trick.name == "in the query" {
			line += "?" + n + "=" + v + "&token=" + s.Token()
		}
		tricks = append(tricks, Trick{trick.name, Request{line, trick.header + "\n" + r.Header, r.Body}})
	}
	return tricks
}
