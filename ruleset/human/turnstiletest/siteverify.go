package turnstiletest

import (
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
	"time"
)

// maxTokenLen is the documented length of a token.
const maxTokenLen = 2048

// Answer is siteverify's answer, field by field as documented.
type Answer struct {
	Success     bool           `json:"success"`
	ErrorCodes  []string       `json:"error-codes"`
	ChallengeTS string         `json:"challenge_ts,omitempty"` // RFC 3339, with milliseconds
	Hostname    string         `json:"hostname,omitempty"`
	Action      *string        `json:"action,omitempty"`
	CData       *string        `json:"cdata,omitempty"`
	Metadata    map[string]any `json:"metadata,omitempty"`
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// ServeHTTP answers one question, or goes wrong as Next and Always say. A
// question is judged, and its token redeemed, unless the Fault forbids it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := read(r)
	f := s.take()
	if f == nil || f.redeems {
		c.Answer = refusal("bad-request")
		if ok {
			c.Answer = s.siteverify(c)
		}
	}
	s.record(c)
	if f == nil {
		write(w, c.Answer)
		return
	}
	f.serve(s, w, r, c.Answer)
}

// read takes the fields from a form or from JSON. It reports false for what
// siteverify calls malformed.
func read(r *http.Request) (Call, bool) {
	c := Call{Method: r.Method, ContentType: r.Header.Get("Content-Type"), Header: r.Header.Clone()}
	if r.Method != http.MethodPost {
		return c, false
	}
	mediaType, _, err := mime.ParseMediaType(c.ContentType)
	if err != nil {
		return c, false
	}
	switch mediaType {
	case "application/json":
		var fields struct {
			Secret         string `json:"secret"`
			Response       string `json:"response"`
			RemoteIP       string `json:"remoteip"`
			IdempotencyKey string `json:"idempotency_key"`
		}
		if json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<10)).Decode(&fields) != nil {
			return c, false
		}
		c.Secret, c.Response, c.RemoteIP, c.IdempotencyKey = fields.Secret, fields.Response, fields.RemoteIP, fields.IdempotencyKey
	case "application/x-www-form-urlencoded", "multipart/form-data":
		r.Body = http.MaxBytesReader(nil, r.Body, 64<<10)
		if err := r.ParseMultipartForm(64 << 10); err != nil && err != http.ErrNotMultipart {
			return c, false
		}
		get := r.PostForm.Get
		c.Secret, c.Response, c.RemoteIP, c.IdempotencyKey = get("secret"), get("response"), get("remoteip"), get("idempotency_key")
	default:
		return c, false
	}
	return c, c.IdempotencyKey == "" || uuid.MatchString(c.IdempotencyKey)
}

// siteverify judges a well-formed question, and redeems its token.
func (s *Server) siteverify(c Call) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.Secret == "":
		return refusal("missing-input-secret")
	case subtle.ConstantTimeCompare([]byte(c.Secret), []byte(s.Secret)) != 1:
		return refusal("invalid-input-secret")
	case c.Response == "":
		return refusal("missing-input-response")
	}
	t := s.tokens[c.Response]
	if t == nil || len(c.Response) > maxTokenLen {
		return refusal("invalid-input-response")
	}
	if t.spent {
		if t.key != "" && t.key == c.IdempotencyKey {
			return t.answer
		}
		return refusal("timeout-or-duplicate")
	}
	if s.now().Sub(t.At) > tokenLife {
		return refusal("timeout-or-duplicate")
	}
	t.spent, t.key = true, c.IdempotencyKey
	t.answer = Answer{
		Success:     true,
		ErrorCodes:  []string{},
		ChallengeTS: t.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		Hostname:    t.Hostname,
		Action:      &t.Action,
		CData:       &t.CData,
		Metadata:    map[string]any{"interactive": false},
	}
	return t.answer
}

func refusal(codes ...string) Answer {
	if codes == nil {
		codes = []string{}
	}
	return Answer{ErrorCodes: codes}
}

// write answers as siteverify does: always JSON, and 200 for refusals too,
// except for what is malformed.
func write(w http.ResponseWriter, a Answer) {
	status := http.StatusOK
	if len(a.ErrorCodes) > 0 && a.ErrorCodes[0] == "bad-request" {
		status = http.StatusBadRequest
	}
	writeBody(w, status, "application/json", encode(a))
}

func encode(a Answer) []byte {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // an Answer has nothing that could fail
	}
	return b
}

func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(status)
	w.Write(body)
}

// wait waits for d, or until the caller or the Server goes away, and reports
// whether d passed.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	return false
}
