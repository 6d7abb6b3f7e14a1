package authapp

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// Kratos is a model of Ory's server as it is with codes by SMS: how it reads
// requests, and to whom it sends. Where it is not the same as the real one it is
// more willing to send: everybody has an account.
type Kratos struct {
	Addr string

	receiver *Receiver
	gzip     bool

	mu    sync.Mutex
	ids   int
	flows map[string]string // the numbers that codes of a flow were sent to
}

// StartKratos starts one that ends with the test.
func StartKratos(t testing.TB, gzip bool, r *Receiver) *Kratos {
	k := &Kratos{receiver: r, gzip: gzip, flows: make(map[string]string)}
	k.Addr = serve(t, k)
	return k
}

func (k *Kratos) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, answer := k.serve(w, r)
	if status != http.StatusSeeOther {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	reply(w, status, answer, k.gzip)
}

func (k *Kratos) serve(w http.ResponseWriter, r *http.Request) (int, string) {
	flow, under := strings.CutPrefix(path.Clean(r.URL.Path), "/self-service/")
	flow, kind, init := strings.Cut(flow, "/")
	switch flow {
	case "login", "registration", "recovery", "verification", "settings":
	default:
		under = false
	}
	switch {
	case !under:
		return http.StatusNotFound, `{"error":{"code":404}}`
	case init && r.Method == http.MethodGet && (kind == "api" || kind == "browser"):
		return k.begin(w, r, flow, kind)
	case !init && r.Method == http.MethodPost:
		return k.submit(w, r, flow)
	default:
		return http.StatusMethodNotAllowed, ""
	}
}

// begin makes a flow. One for a second factor sends, if it knows to whom.
func (k *Kratos) begin(w http.ResponseWriter, r *http.Request, flow, kind string) (int, string) {
	k.mu.Lock()
	k.ids++
	id := fmt.Sprintf("e579a2d6-86c8-4733-91ce-%012x", k.ids)
	k.mu.Unlock()
	state, message := "choose_method", 0
	cookie, _ := r.Cookie("ory_kratos_session")
	if flow == "login" && r.URL.Query().Get("aal") == "aal2" && (cookie != nil || r.Header.Get("X-Session-Token") != "") {
		k.send(r, id, Account)
		state, message = "sent_email", 1010014
	}
	if kind == "browser" {
		return seeOther(w, flow, id)
	}
	return http.StatusOK, k.flow(id, state, message)
}

// submit takes what was filled in.
func (k *Kratos) submit(w http.ResponseWriter, r *http.Request, flow string) (int, string) {
	id := r.URL.Query().Get("flow")
	fields, status := kratosFields(r)
	if status != 0 {
		return status, k.flow(id, "choose_method", 4000001)
	}
	k.mu.Lock()
	sent, known := k.flows[id]
	k.mu.Unlock()
	var to []string
	switch resend := fields.Get("resend") != ""; {
	case known && !resend && fields.Get("code") != "":
		return k.wrong(w, r, flow, id)
	case known && resend:
		to = []string{sent}
	default:
		for _, name := range []string{"traits.phone", "identifier", "address", "email", "recovery_address"} {
			if n := kratosNumber(fields.Get(name)); n != "" {
				to = append(to, n)
			}
		}
	}
	if len(to) == 0 {
		return http.StatusBadRequest, k.flow(id, "choose_method", 4000035)
	}
	k.send(r, id, to[0])
	if !strings.Contains(r.Header.Get("Accept"), "application/json") && strings.Contains(r.Header.Get("Accept"), "text/html") {
		return seeOther(w, flow, id)
	}
	message := map[string]int{"registration": 1040005}[flow]
	if message == 0 {
		message = 1010014
	}
	return http.StatusBadRequest, k.flow(id, "sent_email", message)
}

func (k *Kratos) wrong(w http.ResponseWriter, r *http.Request, flow, id string) (int, string) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		return seeOther(w, flow, id)
	}
	return http.StatusBadRequest, k.flow(id, "sent_email", 4010008)
}

func seeOther(w http.ResponseWriter, flow, id string) (int, string) {
	w.Header().Set("Location", "http://127.0.0.1:4455/"+flow+"?flow="+id)
	return http.StatusSeeOther, ""
}

func (k *Kratos) send(r *http.Request, flow, number string) {
	k.mu.Lock()
	k.flows[flow] = number
	k.mu.Unlock()
	k.receiver.take(message(r, "code", number))
}

// flow is a flow as it is answered.
func (k *Kratos) flow(id, state string, message int) string {
	messages := "[]"
	if message != 0 {
		messages = fmt.Sprintf(`[{"id":%d,"text":"","type":"info"}]`, message)
	}
	return fmt.Sprintf(`{"id":%q,"type":"api","state":%q,"ui":{"nodes":[{"messages":[]}],"messages":%s}}`, id, state, messages)
}

// kratosFields reads a body. In JSON the last of two members wins, in forms the
// first of two fields, and the query is not read.
func kratosFields(r *http.Request) (url.Values, int) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch media {
	case "application/json":
		text, err := io.ReadAll(r.Body)
		var members map[string]any
		if err != nil || json.Unmarshal(text, &members) != nil {
			return nil, http.StatusBadRequest
		}
		fields := make(url.Values)
		flatten(fields, "", members)
		return fields, 0
	case "application/x-www-form-urlencoded", "multipart/form-data":
		if err := r.ParseMultipartForm(1 << 20); err != nil && err != http.ErrNotMultipart {
			return nil, http.StatusBadRequest
		}
		return r.PostForm, 0
	default:
		return nil, http.StatusBadRequest
	}
}

// kratosNumber is the number that is read out of s, or nothing. It needs its
// plus; all digits of the world count, and what stands between them does not.
func kratosNumber(s string) string {
	if i := strings.IndexAny(s, "+＋"); i >= 0 {
		s = s[i:]
	} else {
		return ""
	}
	s, _, _ = strings.Cut(strings.ToLower(s), "ext")
	if i := strings.IndexAny(s, ",;"); i >= 0 { // an extension, or another number
		s = s[:i]
	}
	number := []byte("+")
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			zero := r // digits stand in tens
			for r-zero < 9 && unicode.IsDigit(zero-1) {
				zero--
			}
			number = append(number, byte('0'+r-zero))
		case unicode.IsLetter(r):
			return ""
		}
	}
	if len(number) < 8 || len(number) > 16 {
		return ""
	}
	return string(number)
}

// flatten names the strings of an object as a form does: "traits.phone".
func flatten(fields url.Values, prefix string, members map[string]any) {
	for name, value := range members {
		switch value := value.(type) {
		case string:
			fields.Set(prefix+name, value)
		case map[string]any:
			flatten(fields, prefix+name+".", value)
		}
	}
}
