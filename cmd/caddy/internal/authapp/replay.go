package authapp

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Replay is a server that answers as one was recorded to answer, and hands its
// provider what that one did. Which recording it is, the client says by the name
// of its request.
type Replay struct {
	Addr string

	receiver *Receiver
	prefix   string
	gzip     bool
	pairs    map[string]*Pair

	mu  sync.Mutex
	odd []string
}

// StartReplay starts one under a prefix of all paths, which ends with the test.
// With gzip it compresses what it answers.
func StartReplay(t testing.TB, pairs []*Pair, prefix string, gzip bool, r *Receiver) *Replay {
	a := &Replay{receiver: r, prefix: prefix, gzip: gzip, pairs: make(map[string]*Pair)}
	for _, p := range pairs {
		a.pairs[p.Name] = p
	}
	a.Addr = serve(t, a)
	return a
}

// serve serves h until the test ends.
func serve(t testing.TB, h http.Handler) (addr string) {
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.Listener.Addr().String()
}

func (a *Replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := a.pairs[r.Header.Get(HeaderRequest)]
	if p == nil {
		http.NotFound(w, r) // somebody looks whether we are there
		return
	}
	body, err := io.ReadAll(r.Body)
	switch recorded := a.prefix + p.Request.Path; {
	case err != nil:
		a.note(p, "its body: %v", err)
	case r.Method != p.Request.Method || r.RequestURI != recorded && !strings.Contains(recorded, "#"):
		a.note(p, "it got %s %s", r.Method, r.RequestURI)
	case string(body) != p.Request.Body:
		a.note(p, "it got another body")
	}
	for _, sms := range p.SMS {
		a.receiver.take(message(r, sms.Type, sms.Phone))
	}
	for name, values := range p.Response.Headers {
		switch strings.ToLower(name) {
		case "content-length", "transfer-encoding", "connection", "keep-alive", "date":
		default:
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
	}
	reply(w, p.Response.Status, p.Response.Body, a.gzip)
}

// message is one that r has caused.
func message(r *http.Request, kind, to string) Message {
	return Message{
		Kind: kind, To: to,
		Request: r.Header.Get(HeaderRequest),
		GateID:  realID(r.Header.Get(HeaderGateID)),
		Judged:  r.Header.Get(HeaderJudged),
	}
}

// reply answers, compressed if it is to be.
func reply(w http.ResponseWriter, status int, body string, zip bool) {
	if !zip || body == "" {
		w.WriteHeader(status)
		io.WriteString(w, body)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := gzip.NewWriter(w)
	io.WriteString(z, body)
	z.Close()
}

func (a *Replay) note(p *Pair, format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.odd = append(a.odd, p.Name+": "+fmt.Sprintf(format, args...))
}

// Odd returns what was not passed on as it was recorded.
func (a *Replay) Odd() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.odd
}
