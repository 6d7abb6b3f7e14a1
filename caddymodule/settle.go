package caddymodule

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/otpgate/otpgate/ruleset/answer"
)

// statusClientGone is what Caddy's reverse_proxy writes when the client went
// away before the app had answered. It says nothing of what the app did.
const statusClientGone = 499

// recorder passes the app's answer on as it comes, and remembers its status and
// what it says.
type recorder struct {
	caddyhttp.ResponseWriterWrapper
	reader   *answer.Reader
	reading  answer.Reading // of what the status alone does not tell
	status   int            // of the final header; 0 until it has been written
	hijacked bool
	// decision has fields to add to the final header; nil in tests.
	decision *decision
}

// WriteHeader passes status on. Informational answers (103) are not the app's
// last word; 101 is.
func (a *recorder) WriteHeader(status int) {
	if a.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		a.status = status
		if !a.reader.ReadsStatus() {
			a.reading.Begin(a.reader, status, a.Header(), time.Now())
		}
		if a.decision != nil {
			a.decision.tellCooldown(a.Header(), status)
		}
	}
	a.ResponseWriterWrapper.WriteHeader(status)
}

func (a *recorder) Write(p []byte) (int, error) {
	a.begun()
	return a.passOn(p)
}

// ReadFrom keeps the fast path of the writer below.
func (a *recorder) ReadFrom(r io.Reader) (int64, error) {
	a.begun()
	return a.passOnFrom(r)
}

// FlushError is what http.ResponseController calls. It writes the header. An
// answer that is to be remembered is not hurried on: one that fits into the
// server's buffers is remembered before the client has it, and can ask by it.
func (a *recorder) FlushError() error {
	a.begun()
	if a.reader.ReadsHandles() {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack is what http.ResponseController calls. What goes over the connection
// from then on is not seen.
func (a *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	a.hijacked = a.hijacked || err == nil
	return conn, rw, err
}

func (a *recorder) begun() {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
}

// passage is one request on its way to the app and back.
type passage struct {
	request  *http.Request
	answer   recorder
	body     watchedBody
	err      error // what the handlers behind the gate returned
	returned bool  // they returned at all, and did not panic
}

// watchedBody is a request's body that remembers whether anybody began to read
// it. To send a request, its body is read.
type watchedBody struct {
	io.ReadCloser // nil if there is none
	read          atomic.Bool
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.ReadCloser.Read(p)
}

// watch lets p notice when r, whose body it is, begins to be sent.
func (p *passage) watch(r *http.Request) {
	p.request = r
	// A client that expects a 100 can have its header sent long before its body.
	if r.Body != nil && r.ContentLength != 0 && len(r.Header["Expect"]) == 0 {
		p.body.ReadCloser = r.Body
		r.Body = &p.body
	}
}

// result says what came of p. Where that is not certain it errs on the side of
// a code that was sent: the charges stay.
func (p *passage) result() answer.Result {
	status, reader := p.answer.status, p.answer.reader
	inFull := status != 0 && status != statusClientGone && p.err == nil && p.returned
	switch {
	case inFull:
		said := p.answer.says()
		if said.Meaning == answer.NotSent && !p.spokenByApp() {
			return answer.Result{}
		}
		return said
	case p.neverConnected():
		return answer.Result{Meaning: answer.NotSent}
	case status == statusClientGone, p.request.Context().Err() != nil:
		// It was the caller who ended it, so the caller must not gain by it,
		// whatever the ruleset says of an app that does not answer.
		return answer.Result{}
	case p.answer.hijacked:
		return answer.Result{}
	default:
		return answer.Result{Meaning: reader.NoAnswer(status)}
	}
}

// says is what the answer says that has been passed on in full.
func (a *recorder) says() answer.Result {
	if a.reader.ReadsStatus() {
		return answer.Result{Meaning: a.reader.Status(a.status)}
	}
	return a.reading.End()
}

// spokenByApp reports whether an answer that says "not sent" can be taken as
// the app's own. Handlers between may have put it in place of an error, or of
// another answer: by handle_errors in a subroute, or handle_response. Of an
// answer that was replaced nothing is known but its status.
func (p *passage) spokenByApp() bool {
	repl, ok := p.request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return true
	}
	if _, failed := repl.Get("http.error"); failed {
		return false
	}
	if upstream, ok := upstreamStatus(repl); ok {
		return upstream == p.answer.status || p.answer.reader.Status(upstream) == answer.NotSent
	}
	return true
}

// neverConnected reports whether it is certain that the request did not reach
// the app: what was tried last was a connection that could not be made, and
// nothing else was tried before.
func (p *passage) neverConnected() bool {
	if dial := (reverseproxy.DialError{}); !errors.As(p.err, &dial) {
		return false
	}
	if p.body.ReadCloser != nil && !p.body.read.Load() {
		return true
	}
	// It has no body, or somebody read it beforehand, as request_buffers does.
	repl, ok := p.request.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return false
	}
	_, answered := upstreamStatus(repl)
	_, failed := repl.Get("http.error")
	retries, _ := repl.Get("http.reverse_proxy.retries")
	return !answered && !failed && retries == 0
}

// upstreamStatus is what the latest reverse_proxy was answered with.
func upstreamStatus(repl *caddy.Replacer) (status int, ok bool) {
	value, _ := repl.Get("http.reverse_proxy.status_code")
	status, ok = value.(int)
	return status, ok
}
