package authapp

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// encodings are tricks with how the body is written down.
func (r *Route) encodings(number string) (tricks []Trick) {
	body := r.object(member(r.Key, quoted(number)))
	const charset = "Content-Type: application/json; charset="
	const encoding = typeJSON + "\nContent-Encoding: "
	for _, trick := range []struct{ name, header, body string }{
		{"gzip", encoding + "gzip", gzipped(body)},
		{"x-gzip", encoding + "x-gzip", gzipped(body)},
		{"gzip twice", encoding + "gzip, gzip", gzipped(gzipped(body))},
		{"gzip untold", typeJSON, gzipped(body)},
		{"deflate", encoding + "deflate", deflated(body)},
		{"br", encoding + "br", brotli(body)},
		{"identity", encoding + "identity", body},
		{"gzip that is none", encoding + "gzip", body},
		{"unknown encoding", encoding + "x", body},
		{"two encodings", encoding + "identity\nContent-Encoding: gzip", gzipped(body)},
		{"gzip in Transfer-Encoding", typeJSON + "\nTransfer-Encoding: gzip, chunked", chunked(gzipped(body))},
		{"byte order mark", typeJSON, "\xef\xbb\xbf" + body},
		{"UTF-16", charset + "utf-16", wide(body, binary.LittleEndian, true)},
		{"UTF-16, big end first", charset + "utf-16", wide(body, binary.BigEndian, true)},
		{"UTF-16LE", charset + "utf-16le", wide(body, binary.LittleEndian, false)},
		{"UTF-16BE", charset + "utf-16be", wide(body, binary.BigEndian, false)},
		{"UTF-16 untold", typeJSON, wide(body, binary.LittleEndian, true)},
		{"UTF-16 untold, no mark", typeJSON, wide(body, binary.LittleEndian, false)},
		{"UTF-7", charset + "utf-7", strings.ReplaceAll(body, "+", "+-")},
		{"UTF-32", charset + "utf-32", wider(body)},
	} {
		tricks = append(tricks, Trick{trick.name, Request{r.line(), r.header(trick.header), trick.body}})
	}
	return tricks
}

// wires are tricks with HTTP itself: where a body ends, and whose header it is.
func (r *Route) wires(number, other string) (tricks []Trick) {
	body := r.object(member(r.Key, quoted(number)))
	second := r.object(member(r.Key, quoted(other)))
	request := fmt.Sprintf("%s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", r.line(), len(body), body)
	for _, trick := range []struct{ name, header, body string }{
		{"chunks", typeJSON + "\nTransfer-Encoding: chunked", chunked(body)},
		{"chunk by chunk", typeJSON + "\nTransfer-Encoding: chunked", chunked(strings.Split(body, "")...)},
		{"chunks with a length", typeJSON + "\nContent-Length: 4\nTransfer-Encoding: chunked", chunked(body)},
		{"chunks that are none", typeJSON + "\nTransfer-Encoding: xchunked", chunked(body)},
		{"chunks in odd case", typeJSON + "\nTransfer-Encoding: Chunked", chunked(body)},
		{"chunks twice", typeJSON + "\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked", chunked(body)},
		{"chunks with an extension", typeJSON + "\nTransfer-Encoding: chunked", strings.Replace(chunked(body), "\r\n", ";x=\"\n\"\r\n", 1)},
		{"chunks with a trailer", typeJSON + "\nTransfer-Encoding: chunked\nTrailer: Content-Encoding", strings.TrimSuffix(chunked(body), "\r\n") + "Content-Encoding: gzip\r\n\r\n"},
		{"two lengths", typeJSON + fmt.Sprintf("\nContent-Length: %d\nContent-Length: %d", len(body), len(body)+1), body},
		{"length with a plus", typeJSON + fmt.Sprintf("\nContent-Length: +%d", len(body)), body},
		{"length too short", typeJSON + "\nContent-Length: 2", "{}" + body},
		{"a request behind", typeJSON + "\nConnection: keep-alive\nContent-Length: 2", "{}" + request},
		{"a request behind chunks", typeJSON + "\nConnection: keep-alive\nContent-Length: 2\nTransfer-Encoding: chunked", "0\r\n\r\n" + request},
		{"100-continue", typeJSON + "\nExpect: 100-continue", body},
		{"folded header", "Content-Type:\n application/json", body},
		{"space before the colon", "Content-Type : application/json", body},
		{"underscore in a header", "Content_Type: application/json", body},
		{"null in a header", "Content-Type: application/json\x00", body},
		{"upgrade", typeJSON + "\nConnection: upgrade\nUpgrade: h2c", body},
		{"hop-by-hop type", typeJSON + "\nConnection: Content-Type", body},
		{"hop-by-hop length", typeJSON + "\nConnection: Content-Length", body},
		{"header of the gate", typeJSON + "\n" + HeaderJudged + ": " + other, second},
		{"another path in a header", typeJSON + "\nX-Original-URL: /x\nX-Rewrite-URL: /x", body},
	} {
		tricks = append(tricks, Trick{trick.name, Request{r.line(), r.header(trick.header), trick.body}})
	}
	// Servers that put their own URL together from these headers take the path
	// out of them, too.
	elsewhere := r.method() + " /x"
	for _, trick := range []struct{ name, line, header string }{
		{"path in X-Forwarded-Proto", elsewhere, "X-Forwarded-Proto: http://a" + r.target(r.Path) + "?"},
		{"path in X-Forwarded-Proto, cut off", elsewhere, "X-Forwarded-Proto: http://a" + r.target(r.Path) + "#"},
		{"another path in X-Forwarded-Proto", r.line(), "X-Forwarded-Proto: http://a/x?"},
		{"path in X-Forwarded-Host", elsewhere, "X-Forwarded-Host: a" + r.target(r.Path) + "?"},
		{"path in Host", elsewhere, "Host: a" + r.target(r.Path) + "?"},
		{"path in Forwarded", elsewhere, `Forwarded: proto="http://a` + r.target(r.Path) + `?"`},
		{"path in X-Forwarded-Prefix", elsewhere, "X-Forwarded-Prefix: " + r.target(r.Path) + "?"},
		{"path in X-Original-URL", elsewhere, "X-Original-URL: " + r.target(r.Path) + "\nX-Rewrite-URL: " + r.target(r.Path)},
	} {
		tricks = append(tricks, Trick{trick.name, Request{trick.line, r.header(typeJSON, trick.header), body}})
	}
	return tricks
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

func deflated(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

// brotli writes text as one block that is not compressed: a window of 16 bits,
// not the last block, four nibbles of length, uncompressed; and then an empty
// last block.
func brotli(text string) string {
	head := uint32(len(text)-1)<<4 | 1<<20
	return string([]byte{byte(head), byte(head >> 8), byte(head >> 16)}) + text + "\x03"
}

func wide(text string, order binary.ByteOrder, mark bool) string {
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	b := make([]byte, 2*len(units))
	for i, unit := range units {
		order.PutUint16(b[2*i:], unit)
	}
	return string(b)
}

func wider(text string) string {
	var b []byte
	for _, r := range text {
		b = binary.LittleEndian.AppendUint32(b, uint32(r))
	}
	return string(b)
}

func chunked(parts ...string) string {
	var s strings.Builder
	for _, part := range parts {
		fmt.Fprintf(&s, "%x\r\n%s\r\n", len(part), part)
	}
	return s.String() + "0\r\n\r\n"
}
