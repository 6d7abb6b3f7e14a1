package turnstiletest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Secret is the secret of every Server's widget.
const Secret = "0x4AAAAAAAEmulatedSecretKeyForTests"

// tokenLife is how long a token can be redeemed, as documented.
const tokenLife = 300 * time.Second

// keptCalls bounds what Calls returns, so that a benchmark fills no memory.
const keptCalls = 1024

// Server is a siteverify of its own, on a loopback address. It is an
// http.Handler too, to be mounted elsewhere. It is safe for concurrent use.
type Server struct {
	URL    string // where to ask; "" after NewHandler
	Secret string // what to ask with

	http *httptest.Server
	done chan struct{} // closed by Close, so that hung calls end
	once sync.Once

	mu     sync.Mutex
	now    func() time.Time
	tokens map[string]*issued
	next   []*Fault
	always *Fault
	calls  []Call
	count  int
}

// Token is what a page knows of the token it gets.
type Token struct {
	Hostname string    // "example.com" if empty
	Action   string    // none if empty
	CData    string    // none if empty
	At       time.Time // when the challenge was solved; the Server's now if zero
}

// issued is a token and what became of it.
type issued struct {
	Token
	spent  bool
	key    string // the idempotency key that it was redeemed with; may be ""
	answer Answer
}

// Call is one question as it came in, and what was answered.
type Call struct {
	Method         string
	ContentType    string
	Header         http.Header
	Secret         string
	Response       string
	RemoteIP       string
	IdempotencyKey string
	Answer         Answer // what siteverify decided, even if a Fault kept it back
}

// New starts a Server. Close it.
func New() *Server {
	s := NewHandler()
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL + "/turnstile/v0/siteverify"
	return s
}

// NewHandler returns a Server that listens nowhere. Close it too.
func NewHandler() *Server {
	return &Server{
		Secret: Secret,
		done:   make(chan struct{}),
		now:    time.Now,
		tokens: make(map[string]*issued),
	}
}

// Close ends hung calls and stops listening. Closing twice does nothing.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.done)
		if s.http != nil {
			s.http.CloseClientConnections()
			s.http.Close()
		}
	})
}

// SetClock makes s take its time from now instead of time.Now.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// Issue returns a token that can be redeemed once.
func (s *Server) Issue(t Token) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Hostname == "" {
		t.Hostname = "example.com"
	}
	if t.At.IsZero() {
		t.At = s.now()
	}
	token := newToken()
	s.tokens[token] = &issued{Token: t}
	return token
}

// Next makes the coming calls go wrong, one Fault each, in order. A nil Fault
// lets its call be.
func (s *Server) Next(faults ...*Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, faults...)
}

// Always makes every call go wrong for which Next has nothing; nil ends it.
func (s *Server) Always(f *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = f
}

// Count is how many calls came in.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Calls returns the latest calls, oldest first: the last 512 at least, 1024 at
// most.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Reset forgets calls and faults. Tokens stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.count, s.next, s.always = nil, 0, nil, nil
}

// take returns the fault that is due, nil for none.
func (s *Server) take() *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.next) == 0 {
		return s.always
	}
	f := s.next[0]
	s.next = s.next[1:]
	return f
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if len(s.calls) == keptCalls {
		s.calls = append(s.calls[:0], s.calls[keptCalls/2:]...)
	}
	s.calls = append(s.calls, c)
}

// newToken has the form of Cloudflare's: groups of base64url, joined by dots,
// and a hash in hex.
func newToken() string {
	var b [120]byte
	rand.Read(b[:]) // never fails
	enc := base64.RawURLEncoding
	return "0." + enc.EncodeToString(b[:72]) + "." + enc.EncodeToString(b[72:88]) + "." + hex.EncodeToString(b[88:])
}
