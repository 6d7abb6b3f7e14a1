package request

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// maxParams bounds the parameters of a media type.
const maxParams = 8

type bodyKind uint8

const (
	untypedBody bodyKind = iota // no Content-Type
	jsonBody
	urlencodedBody
	multipartBody
	otherBody
)

// media is a Content-Type as far as it matters here.
type media struct {
	kind     bodyKind
	name     string // lower case, of otherBody only
	boundary string // of multipartBody only
}

// bodyType reads how the body is encoded.
//
// Compressed bodies are refused: Express and Koa unpack them, Go and Fastify do
// not. So is every charset but UTF-8 (Express reads UTF-16), and a second
// Content-Type.
func bodyType(h http.Header) (media, *Problem) {
	if isEncoded(h) {
		return media{}, unsupported("a content encoding")
	}
	lines := h["Content-Type"]
	if len(lines) > 1 {
		return media{}, unsupported("more than one content type")
	}
	var m media
	if len(lines) == 1 {
		var why string
		if m, why = parseMedia(lines[0]); why != "" {
			return media{}, unsupported("content type: %s", why)
		}
	}
	return m, nil
}

func isEncoded(h http.Header) bool {
	enc := h["Content-Encoding"]
	return len(enc) > 1 || len(enc) == 1 && !strings.EqualFold(enc[0], "identity")
}

func (m media) isForm() bool { return m.kind == urlencodedBody || m.kind == multipartBody }

// mismatch says that a body is not encoded as the values need it to be: JSON,
// Form, or None where they stand elsewhere.
func (m media) mismatch(format Kind) *Problem {
	switch {
	case format == JSON && m.kind != jsonBody:
		return unsupported("the body's content type must be application/json")
	case format == Form && !m.isForm():
		return unsupported("the body's content type must be application/x-www-form-urlencoded or multipart/form-data")
	}
	return nil
}

// parseMedia reads a Content-Type strictly: no empty, repeated or continued
// parameters, no comma, and beside a form's boundary and charset no others,
// since PHP takes the first "boundary" it finds anywhere in the line.
func parseMedia(line string) (m media, why string) {
	switch line { // what is sent nearly always
	case "application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8":
		return media{kind: jsonBody}, ""
	case "application/x-www-form-urlencoded":
		return media{kind: urlencodedBody}, ""
	}
	name, rest, more := strings.Cut(line, ";")
	name = strings.ToLower(strings.TrimRight(name, " \t"))
	kind, sub, _ := strings.Cut(name, "/")
	if !allToken(kind) || !allToken(sub) {
		return media{}, "malformed"
	}
	m = media{kind: kindOfMedia(name), name: name}
	var seen []string
	for more {
		var param string
		if param, rest, more = cutParam(rest); param == "" {
			return media{}, "malformed parameter"
		}
		key, value, _ := strings.Cut(param, "=")
		key = strings.ToLower(key)
		value, ok := unquote(value)
		if !ok || !allToken(key) || strings.Contains(key, "*") {
			return media{}, "malformed parameter"
		}
		if slices.Contains(seen, key) {
			return media{}, "a parameter twice"
		}
		if seen = append(seen, key); len(seen) > maxParams {
			return media{}, "too many parameters"
		}
		switch {
		case key == "charset":
			if !strings.EqualFold(value, "utf-8") {
				return media{}, "only the charset utf-8 is accepted"
			}
		case key == "boundary" && m.kind == multipartBody:
			m.boundary = value
		case m.kind != otherBody && m.kind != jsonBody, strings.Contains(key, "boundary"):
			return media{}, "unexpected parameter"
		}
	}
	if m.kind == multipartBody && !goodBoundary(m.boundary) {
		return media{}, "no usable boundary"
	}
	return m, ""
}

func kindOfMedia(name string) bodyKind {
	switch sub, ok := strings.CutPrefix(name, "application/"); {
	case name == "application/json":
		return jsonBody
	case name == "application/x-www-form-urlencoded":
		return urlencodedBody
	case name == "multipart/form-data":
		return multipartBody
	case ok && strings.HasSuffix(sub, "+json") && strings.Count(sub, "+") == 1 && !strings.Contains(sub, "form"):
		return jsonBody
	}
	return otherBody
}

// cutParam takes one parameter off rest, which begins after a semicolon.
// Spaces may stand around the parameter and not inside it.
func cutParam(rest string) (param, after string, more bool) {
	rest = strings.TrimLeft(rest, " \t")
	end := strings.IndexByte(rest, ';')
	if q := strings.IndexByte(rest, '"'); q >= 0 && (end < 0 || q < end) {
		closing := strings.IndexByte(rest[q+1:], '"')
		if closing < 0 {
			return "", "", false
		}
		closing += q + 2
		if end = strings.IndexByte(rest[closing:], ';'); end >= 0 {
			end += closing
		}
	}
	if end < 0 {
		return strings.TrimRight(rest, " \t"), "", false
	}
	return strings.TrimRight(rest[:end], " \t"), rest[end+1:], true
}

// unquote takes the quotes off a parameter's value. Backslashes are refused:
// parsers differ on them.
func unquote(v string) (string, bool) {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		v = v[1 : len(v)-1]
		for i := range len(v) {
			if c := v[i]; c == '"' || c == '\\' || c < ' ' || c >= 0x7f {
				return "", false
			}
		}
		return v, true
	}
	return v, allToken(v)
}

func allToken(s string) bool {
	for i := range len(s) {
		if !isToken(s[i]) {
			return false
		}
	}
	return s != ""
}

// goodBoundary holds to those boundaries of RFC 2046 that need no quoting.
func goodBoundary(b string) bool {
	for i := range len(b) {
		c := b[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("'+_-.", c) >= 0) {
			return false
		}
	}
	return len(b) >= 1 && len(b) <= 70
}

// checkOther lets a body pass in which no value stands and which is neither
// JSON nor a form, unless some app could still take it for one: Hono and Go
// servers parse JSON whatever its type says.
func checkOther(m media, body []byte) *Problem {
	for _, word := range []string{"json", "form", "multipart"} {
		if strings.Contains(m.name, word) {
			return unsupported("a content type that is nearly that of JSON or of a form")
		}
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if body = bytes.TrimLeft(body, " \t\r\n\x00"); len(body) > 0 && bytes.IndexByte([]byte("{[\""), body[0]) >= 0 {
		return unsupported("a body that looks like JSON and says it is something else")
	}
	return nil
}
