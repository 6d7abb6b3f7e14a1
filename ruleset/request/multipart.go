package request

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxPartLines = 8   // header lines of one part
	maxPartLine  = 512 // bytes of one such line
)

// part is the header of one part.
type part struct {
	name      string
	file      bool   // it has a filename
	mediaType string // "" if none was given
	length    int64  // -1 if none was given
	described bool   // it has a disposition
}

// scanMultipart reads a multipart/form-data body as browsers and good clients
// write it, and nothing else: it begins with the first delimiter and ends with
// the last (a final line break is let pass), lines end in CRLF, the boundary
// stands nowhere but in delimiters. Files are let pass where no value is
// wanted; their bytes are not looked at.
func scanMultipart(f *fields, body []byte, boundary string) *Problem {
	dashed := "--" + boundary
	rest, ok := bytes.CutPrefix(body, []byte(dashed+"\r\n"))
	if !ok {
		return bad("multipart: it does not begin with its boundary")
	}
	for {
		p, content, why := readPart(rest)
		if why != "" {
			return bad("multipart: %s", why)
		}
		end := bytes.Index(content, []byte(dashed))
		if end < 0 {
			return bad("multipart: it does not end with its boundary")
		}
		if end < 2 || content[end-2] != '\r' || content[end-1] != '\n' {
			return bad("multipart: the boundary stands within a part")
		}
		rest, content = content[end+len(dashed):], content[:end-2]
		if problem := takePart(f, &p, content); problem != nil {
			return problem
		}
		if after, more := bytes.CutPrefix(rest, []byte("\r\n")); more {
			rest = after
			continue
		}
		if s := string(rest); s != "--" && s != "--\r\n" {
			return bad("multipart: something follows a boundary")
		}
		return nil
	}
}

// readPart reads the header of the part that begins b, up to the empty line.
func readPart(b []byte) (p part, content []byte, why string) {
	p.length = -1
	for lines := 0; ; lines++ {
		head := b[:min(len(b), maxPartLine+2)]
		end := bytes.Index(head, []byte("\r\n"))
		switch {
		case end < 0:
			return part{}, nil, "a header line that does not end"
		case end == 0 && !p.described:
			return part{}, nil, "a part without a name"
		case end == 0:
			return p, b[2:], ""
		case lines == maxPartLines:
			return part{}, nil, "too many header lines"
		}
		if why := p.header(string(b[:end])); why != "" {
			return part{}, nil, why
		}
		b = b[end+2:]
	}
}

// header reads one header line.
func (p *part) header(line string) (why string) {
	for i := range len(line) {
		if c := line[i]; c < ' ' && c != '\t' || c == 0x7f {
			return "a control character in a header"
		}
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || !allToken(name) { // a folded line begins with a space
		return "a malformed header"
	}
	value = strings.Trim(value, " \t")
	switch strings.ToLower(name) {
	case "content-disposition":
		if p.described {
			return "two content dispositions"
		}
		p.described = true
		return p.names(value)
	case "content-type":
		if p.mediaType != "" {
			return "two content types in one part"
		}
		p.mediaType = value
		m, why := parseMedia(value)
		if why != "" || m.kind == multipartBody || strings.HasPrefix(m.name, "multipart/") || strings.HasPrefix(m.name, "message/") {
			return "a content type that is not accepted"
		}
		return ""
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil || p.length >= 0 {
			return "a malformed length"
		}
		p.length = int64(n)
		return ""
	default: // Content-Transfer-Encoding above all
		return "a header that is not accepted"
	}
}

// names reads a content disposition: form-data, one name and then, for a file,
// its filename. The order matters to parsers that look for the first name=".
func (p *part) names(value string) (why string) {
	kind, rest, more := strings.Cut(value, ";")
	if !strings.EqualFold(strings.TrimRight(kind, " \t"), "form-data") {
		return "a disposition that is not form-data"
	}
	var named bool
	for more {
		var param string
		if param, rest, more = cutParam(rest); param == "" {
			return "a malformed disposition"
		}
		key, text, why := disposition(param)
		switch {
		case why != "":
			return why
		case key == "name" && !named && safeName(text):
			p.name, named = text, true
		case key == "filename" && named && !p.file:
			p.file = true
		default: // name*, filename*, and names that some parsers decode
			return "a disposition that is not accepted"
		}
	}
	if !named {
		return "a part without a name"
	}
	return ""
}

// disposition splits key="text". Backslashes and other quotes are refused,
// since parsers do not agree on where such a text ends; so are ; and =, since
// some look for name= in the whole line.
func disposition(param string) (key, text, why string) {
	key, text, _ = strings.Cut(param, "=")
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return "", "", "a name without quotes"
	}
	text = text[1 : len(text)-1]
	if strings.ContainsAny(text, "\"\\\t;=") || !utf8.ValidString(text) {
		return "", "", "a name with quotes, escapes, or one of ; and ="
	}
	return strings.ToLower(key), text, ""
}

// safeName refuses what some parsers decode: percent escapes. (The encoded
// words of RFC 2047, which Tomcat's decodes, begin with "=".)
func safeName(name string) bool {
	return name != "" && !strings.Contains(name, "%")
}

func takePart(f *fields, p *part, content []byte) *Problem {
	if p.length >= 0 && p.length != int64(len(content)) {
		return bad("multipart: a part is not as long as it says")
	}
	unusual := ""
	if p.file {
		unusual = "is a file"
	} else if m, _ := parseMedia(p.mediaType); p.mediaType != "" && m.name != "text/plain" {
		unusual = "has a content type that is not text/plain"
	}
	return f.take([]byte(p.name), content, unusual)
}
