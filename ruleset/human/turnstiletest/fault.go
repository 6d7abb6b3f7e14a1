package turnstiletest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Fault is one way to go wrong. Some redeem the token first, as when an
// answer is lost on its way; the others never look at it.
type Fault struct {
	redeems bool
	serve   func(s *Server, w http.ResponseWriter, r *http.Request, a Answer)
}

var (
	// Hang never answers.
	Hang = &Fault{serve: func(s *Server, w http.ResponseWriter, r *http.Request, _ Answer) {
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		abort(w)
	}}

	// Reset resets the connection without looking at the token.
	Reset = &Fault{serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) { abort(w) }}

	// LoseAnswer redeems the token, then resets the connection.
	LoseAnswer = &Fault{redeems: true, serve: Reset.serve}

	// Truncated redeems the token and breaks off in the middle of its answer.
	Truncated = &Fault{redeems: true, serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, a Answer) {
		body := encode(a)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		writeBody(w, http.StatusOK, "application/json", body[:len(body)/2])
		flush(w)
		abort(w)
	}}

	// HalfJSON redeems the token and ends its answer properly, but in the
	// middle of its JSON.
	HalfJSON = &Fault{redeems: true, serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, a Answer) {
		body := encode(a)
		writeBody(w, http.StatusOK, "application/json", body[:len(body)/2])
	}}

	// WrongType redeems the token and says its JSON is HTML.
	WrongType = &Fault{redeems: true, serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, a Answer) {
		writeBody(w, http.StatusOK, "text/html; charset=utf-8", encode(a))
	}}
)

// Codes refuses with codes; with none, it refuses without saying why.
func Codes(codes ...string) *Fault {
	return &Fault{serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) {
		write(w, refusal(codes...))
	}}
}

// Delay redeems the token at once and answers after d.
func Delay(d time.Duration) *Fault {
	return &Fault{redeems: true, serve: func(s *Server, w http.ResponseWriter, r *http.Request, a Answer) {
		if !s.wait(r, d) {
			abort(w)
		}
		write(w, a)
	}}
}

// Drip redeems the token and sends its answer byte by byte, every apart.
func Drip(every time.Duration) *Fault {
	return &Fault{redeems: true, serve: func(s *Server, w http.ResponseWriter, r *http.Request, a Answer) {
		w.Header().Set("Content-Type", "application/json")
		for _, b := range encode(a) {
			if _, err := w.Write([]byte{b}); err != nil || !s.wait(r, every) {
				abort(w)
			}
			flush(w)
		}
	}}
}

// Change redeems the token and answers what change makes of the answer.
func Change(change func(*Answer)) *Fault {
	return &Fault{redeems: true, serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, a Answer) {
		change(&a)
		write(w, a)
	}}
}

// Status redeems the token and gives its answer another HTTP status.
func Status(status int) *Fault {
	return &Fault{redeems: true, serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, a Answer) {
		writeBody(w, status, "application/json", encode(a))
	}}
}

// Page answers with status and a page of HTML, as what stands before
// siteverify does when that is away.
func Page(status int) *Fault {
	return Body(status, "text/html; charset=UTF-8",
		fmt.Sprintf("<!DOCTYPE html><title>%d</title><h1>Error %[1]d</h1>\n", status))
}

// Body answers with exactly this.
func Body(status int, contentType, body string) *Fault {
	return &Fault{serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) {
		writeBody(w, status, contentType, []byte(body))
	}}
}

// Redirect answers with status and a Location.
func Redirect(status int, location string) *Fault {
	return &Fault{serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ Answer) {
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	}}
}

// Huge redeems the token and answers with valid JSON of at least size bytes.
func Huge(size int) *Fault {
	return &Fault{redeems: true, serve: func(_ *Server, w http.ResponseWriter, _ *http.Request, a Answer) {
		body := encode(a)
		w.Header().Set("Content-Type", "application/json")
		w.Write(body[:1])
		pad := bytes.Repeat([]byte(" "), 32<<10)
		for sent := 0; sent < size; sent += len(pad) {
			if _, err := w.Write(pad); err != nil {
				return
			}
		}
		w.Write(body[1:])
	}}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// abort resets the connection, or the stream where there is no connection to
// be had. It does not return.
func abort(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
			conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}
