package authapp

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// What a gate tells the server behind it, and what a client writes in its
// request, so that it is known which request a message comes from.
const (
	HeaderRequest = "X-Request" // the client's name for the request
	HeaderGateID  = "X-Gate-Id" // the gate's
	HeaderJudged  = "X-Judged"  // the number that the gate judged, in E.164
)

// Message is one SMS as the provider is handed it.
type Message struct {
	Kind    string `json:"kind"`
	To      string `json:"to"` // as the server spells it
	Code    string `json:"code"`
	Request string `json:"request"`
	GateID  string `json:"gate_id"` // empty if no gate has judged the request
	Judged  string `json:"judged"`  // empty if the gate saw no number
}

// Broken is a number for which the provider fails, after it has sent.
const Broken = "+14155550150"

// Receiver is the provider.
type Receiver struct {
	URL string

	mu       sync.Mutex
	messages []Message
}

// StartReceiver starts a provider that ends with the test.
func StartReceiver(t testing.TB) *Receiver {
	r := new(Receiver)
	r.URL = "http://" + serve(t, r)
	return r
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var m Message
	if err := json.NewDecoder(req.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m.GateID = realID(m.GateID)
	r.take(m)
	if m.To == Broken {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (r *Receiver) take(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
}

// Messages returns all that were handed over so far.
func (r *Receiver) Messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// Last returns the one that was handed over last.
func (r *Receiver) Last() (m Message) {
	if all := r.Messages(); len(all) > 0 {
		m = all[len(all)-1]
	}
	return m
}

// Of returns those that the request of this name has caused.
func (r *Receiver) Of(request string) []Message {
	return slices.DeleteFunc(r.Messages(), func(m Message) bool { return m.Request != request })
}
