package authapp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Request is a request as it goes over the wire: nothing in it is put right,
// and net/http, which would, sees nothing of it.
type Request struct {
	Line   string // method and target: "POST /otp"
	Header string // lines, without the length of the body unless that is the point
	Body   string
}

// patience is how long an answer may take.
const patience = 30 * time.Second

// Reply is what came back.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Problem reports whether it is a refusal of the gate's.
func (r *Reply) Problem() bool {
	return r.Header.Get("Content-Type") == "application/problem+json"
}

// Send sends r to addr on a connection of its own, with more lines of header.
// What does not answer in HTTP has status 0.
func (r *Request) Send(t testing.TB, addr string, more ...string) Reply {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	go io.WriteString(conn, r.wire(addr, more))
	method, _, _ := strings.Cut(r.Line, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return Reply{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Reply{}
	}
	return Reply{resp.StatusCode, resp.Header, string(body)}
}

// wire is r as it is sent: the header has what it needs and does not have.
func (r *Request) wire(addr string, more []string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s HTTP/1.1\r\n", r.Line)
	lower := "\n" + strings.ToLower(r.Header)
	if !strings.Contains(lower, "\nhost:") {
		fmt.Fprintf(&s, "Host: %s\r\n", addr)
	}
	for line := range strings.Lines(r.Header) {
		s.WriteString(strings.TrimRight(line, "\r\n") + "\r\n")
	}
	for _, line := range more {
		s.WriteString(line + "\r\n")
	}
	if !strings.Contains(lower, "\ncontent-length:") && !strings.Contains(lower, "\ntransfer-encoding:") && r.Body != "" {
		fmt.Fprintf(&s, "Content-Length: %d\r\n", len(r.Body))
	}
	if !strings.Contains(lower, "\nconnection:") {
		s.WriteString("Connection: close\r\n")
	}
	s.WriteString("\r\n")
	s.WriteString(r.Body)
	return s.String()
}
