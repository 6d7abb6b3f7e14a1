package request

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

func TestChunkedBodyIsRestoredWithItsLength(t *testing.T) {
	raw := "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Phone\r\n\r\n" +
		"5\r\n{\"pho\r\n8\r\nne\":\"1\"}\r\n0\r\nX-Phone: 2\r\n\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if r.ContentLength != -1 {
		t.Fatalf("ContentLength = %d", r.ContentLength)
	}
	v, p := read(t, shape(t, "phone=json /phone"), r, `{"phone":"1"}`)
	if got := outcome(v, p); got != "phone=1" || r.TransferEncoding != nil || r.Trailer != nil || r.Header.Get("X-Phone") != "" {
		t.Errorf("%s, %v, %v", got, r.TransferEncoding, r.Trailer)
	}
}

func TestBodyIsBounded(t *testing.T) {
	s := shape(t, "phone=json /phone")
	s.MaxBody = 100
	fits := `{"phone":"1"}` + strings.Repeat(" ", 100-13)
	for _, row := range []struct {
		name, body string
		chunked    bool
		want       string
	}{
		{"just fits", fits, false, "phone=1"},
		{"just fits, chunked", fits, true, "phone=1"},
		{"one more", fits + " ", false, "413 bad_request: the body is larger than 100 bytes"},
		{"one more, chunked", fits + " ", true, "413 bad_request: the body is larger than 100 bytes"},
		{"much more", fits + strings.Repeat(" ", 1<<20), true, "413 bad_request: the body is larger than 100 bytes"},
		{"cut within a rune", `{"a":"` + strings.Repeat("ü", 500) + `"}`, true, "413 bad_request: the body is larger than 100 bytes"},
		{"malformed already", `{"phone":"1"}}` + strings.Repeat(" ", 100), false, "400 bad_request: JSON: something follows the value (byte 13)"},
		{"too deep already", strings.Repeat("[", 1000), false, "400 bad_request: JSON: it is nested too deep (byte 64)"},
	} {
		for _, reader := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			r := post("application/json", "", row.body)
			r.Body = io.NopCloser(reader(strings.NewReader(row.body)))
			if row.chunked {
				r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
			}
			v, p := read(t, s, r, row.body)
			if got := outcome(v, p); got != row.want {
				t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
			}
			if p != nil && p.Status == 413 && row.chunked && (r.ContentLength != -1 || len(r.TransferEncoding) != 1) {
				t.Errorf("%s: what was not read whole changed its length", row.name)
			}
		}
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"early end", io.ErrUnexpectedEOF, "400 bad_request: reading the body: it ended too early"},
		{"client gone", context.Canceled, "400 bad_request: reading the body: the client went away"},
		{"timeout", context.DeadlineExceeded, "400 bad_request: reading the body: it took too long"},
		{"anything", errors.New("192.0.2.1: broken"), "400 bad_request: reading the body: the connection failed or the chunks are malformed"},
		{"bounded by another", &http.MaxBytesError{Limit: 3}, "413 bad_request: the body is larger than 3 bytes"},
	} {
		r := post("application/json", "", "")
		r.ContentLength = -1
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"pho`), iotest.ErrReader(row.err)))
		if got := outcome(shape(t, "phone=json /phone").Read(r)); got != row.want {
			t.Errorf("%s: %s", row.name, got)
		}
		if got, err := io.ReadAll(r.Body); string(got) != `{"pho` || !errors.Is(err, row.err) {
			t.Errorf("%s: the app reads %q, %v", row.name, got, err)
		}
	}
	for declared, body := range map[int64]string{5: `{"phone":"1"}`, 50: `{"phone":"1"}`} {
		r := post("application/json", "", body)
		r.ContentLength = declared
		_, p := shape(t, "phone=json /phone").Read(r)
		if got := p.Error(); got != "bad_request: the body is not as long as declared" {
			t.Errorf("%d declared: %s", declared, got)
		}
		if got, _ := io.ReadAll(r.Body); string(got) != body {
			t.Errorf("the app reads %q", got)
		}
	}
}

type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

func TestReadTwiceAndClose(t *testing.T) {
	r := post("application/json", "", "")
	c := &closing{Reader: strings.NewReader(`{"phone":"1","email":"a"}`)}
	r.Body, r.ContentLength = c, -1
	for _, text := range []string{"phone=json /phone", "email=json /email", "phone=json /phone"} {
		if _, p := shape(t, text).Read(r); p != nil {
			t.Fatal(p)
		}
	}
	if got, _ := io.ReadAll(r.Body); string(got) != `{"phone":"1","email":"a"}` {
		t.Errorf("the app reads %q", got)
	}
	if r.Body.Close(); c.closed != 1 {
		t.Errorf("closed %d times", c.closed)
	}
}

// TestValuesOutliveTheRequest: nothing of what Read gives points into memory
// that the next Read uses.
func TestValuesOutliveTheRequest(t *testing.T) {
	s := shape(t, "phone=json /phone, email=json /email")
	first := post("application/json", "", `{"phone":"\u0031","email":"first"}`)
	v, _ := s.Read(first)
	for range 100 {
		s.Read(post("application/json", "", `{"phone":"\u0032","email":"other"}`))
	}
	if got := outcome(v, nil); got != "phone=1 email=first" {
		t.Error(got)
	}
	if got, _ := io.ReadAll(first.Body); string(got) != `{"phone":"\u0031","email":"first"}` {
		t.Errorf("the app reads %q", got)
	}
}

func TestEveryMethodIsReadAlike(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "DELETE", "OPTIONS", "PUT", "X"} {
		r := post("application/json", "", `{"phone":"1"}`)
		r.Method = method
		if got := outcome(read(t, shape(t, "phone=json /phone"), r, `{"phone":"1"}`)); got != "phone=1" {
			t.Errorf("%s: %s", method, got)
		}
	}
}

func TestNoBody(t *testing.T) {
	for _, r := range []*http.Request{httptest.NewRequest("POST", "/", nil), httptest.NewRequest("POST", "/", http.NoBody)} {
		if got := outcome(shape(t, "phone=json /phone").Read(r)); got != "415 bad_request: the body's content type must be application/json" {
			t.Error(got)
		}
		r.Header.Set("Content-Type", "application/json")
		if got := outcome(shape(t, "phone=json /phone").Read(r)); got != "400 bad_request: JSON: it ends too early (byte 0)" {
			t.Error(got)
		}
	}
}
