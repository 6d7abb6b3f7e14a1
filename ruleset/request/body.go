package request

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// firstRead bounds what is allocated before anything has arrived, whatever
// length is declared.
const firstRead = 16 << 10

// wholeBody is a body that has been read to its end.
type wholeBody struct {
	bytes.Reader
	sent   []byte
	closer io.Closer
}

func (b *wholeBody) Close() error { return b.closer.Close() }

// partBody is the beginning of a body, and what follows.
type partBody struct {
	io.Reader
	io.Closer
}

// failed is the rest of a body that could not be read.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// readBody reads at most limit bytes of r's body, puts it back, and reports
// whether that was all of it. What it returns is not to be changed: r.Body
// reads from it.
func readBody(r *http.Request, limit int64) (body []byte, whole bool, problem *Problem) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, true, nil
	}
	if b, ok := r.Body.(*wholeBody); ok && b.Len() == len(b.sent) && int64(len(b.sent)) <= limit {
		return b.sent, true, nil // an earlier Read's
	}
	body, err := readUpTo(r.Body, r.ContentLength, limit)
	switch {
	case err != nil:
		r.Body = &partBody{io.MultiReader(bytes.NewReader(body), failed{err}), r.Body}
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return nil, false, &Problem{http.StatusRequestEntityTooLarge, BadRequest, largerThan(tooLarge.Limit)}
		}
		return nil, false, bad("reading the body: %s", kindOf(err))
	case int64(len(body)) > limit:
		r.Body = &partBody{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		return body, false, nil
	}
	declared := r.ContentLength
	b := &wholeBody{sent: body, closer: r.Body}
	b.Reset(body)
	r.Body = b
	if declared >= 0 && declared != int64(len(body)) {
		return nil, false, bad("the body is not as long as declared")
	}
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Trailer = nil
	return body, true, nil
}

// readUpTo reads src to its end, or until more than limit bytes are there.
func readUpTo(src io.Reader, declared, limit int64) ([]byte, error) {
	size := int64(512)
	if declared >= 0 {
		size = declared + 1 // one more, to see the end
	}
	buf := make([]byte, 0, min(size, limit+1, firstRead))
	for idle := 0; int64(len(buf)) <= limit; {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case n > 0:
			idle = 0
		case idle == 100:
			return buf, io.ErrNoProgress
		default:
			idle++
		}
	}
	return buf, nil
}

func largerThan(limit int64) string { return fmt.Sprintf("the body is larger than %d bytes", limit) }

// kindOf names the kind of a reading error; the error's own words may hold
// addresses.
func kindOf(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ended too early"
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed), errors.Is(err, http.ErrBodyReadAfterClose):
		return "the client went away"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	case errors.Is(err, http.ErrLineTooLong):
		return "malformed chunks"
	default:
		return "the connection failed or the chunks are malformed"
	}
}
