package answer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// body keeps a copy of what goes by, up to a bound.
type body struct {
	wanted  bool
	gzipped bool
	max     int
	kept    *bytes.Buffer
	unread  bool // it cannot be read: too large, or of a kind that is not known
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keepBuffer is the largest buffer that is used again.
const keepBuffer = 128 << 10

func (b *body) begin(code int, h http.Header, limit int) {
	b.max = limit
	switch codings := h["Content-Encoding"]; {
	case len(codings) > 1:
		b.unread = true
	case len(codings) == 1:
		switch strings.ToLower(strings.TrimSpace(codings[0])) {
		case "", "identity":
		case "gzip", "x-gzip":
			b.gzipped = true
		default:
			b.unread = true
		}
	}
	// A part of an answer is not one, and can look like another.
	b.unread = b.unread || code == http.StatusPartialContent || len(h["Content-Range"]) > 0
	if length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && length > int64(limit) {
		b.unread = true
	}
	if b.wanted = !b.unread; b.wanted {
		b.kept = buffers.Get().(*bytes.Buffer)
	}
}

func (b *body) keep(p []byte) {
	if b.kept.Len()+len(p) > b.max {
		b.end()
		b.unread = true
		return
	}
	b.kept.Write(p)
}

// end gives back what was kept.
func (b *body) end() {
	if b.kept != nil && b.kept.Cap() <= keepBuffer {
		b.kept.Reset()
		buffers.Put(b.kept)
	}
	b.kept, b.wanted = nil, false
}

// text is the whole body, unpacked, if it is JSON. It is good until the end.
func (b *body) text(limit int) ([]byte, bool) {
	if b.unread || b.kept == nil {
		return nil, false
	}
	text := b.kept.Bytes()
	if b.gzipped {
		var ok bool
		if text, ok = unpack(text, limit); !ok {
			return nil, false
		}
	}
	return text, utf8.Valid(text) && json.Valid(text)
}

var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// unpack unpacks what makes no more than limit bytes.
func unpack(packed []byte, limit int) ([]byte, bool) {
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	if err := z.Reset(bytes.NewReader(packed)); err != nil {
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	return text, err == nil && len(text) <= limit
}
