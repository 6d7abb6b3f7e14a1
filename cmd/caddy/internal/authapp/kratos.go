package authapp

import (
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// Kratos is a model of Ory's server as it is with codes by SMS: how it reads
// requests, and to whom it sends. Where it is not the same as the real one it is
// more willing to send: everybody has an account, every text with a number among
// the traits is a phone to be verified, and fields of forms are read in parts, too.
type Kratos struct {
	Addr string

	receiver *Receiver
	gzip     bool

	mu    sync.Mutex
	ids   int
	flows map[string]bool // for which a code was sent, and none since then asked for anew
}

// Right is the code that the model takes.
const Right = "271828"

// StartKratos starts one that ends with the test.
func StartKratos(t testing.TB, gzip bool, r *Receiver) *Kratos {
	k := &Kratos{receiver: r, gzip: gzip, flows: make(map[string]bool)}
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
	looks := r.Method == http.MethodGet || r.Method == http.MethodHead // Go's mux takes both for one
	switch {
	case !under:
		return http.StatusNotFound, `{"error":{"code":404}}`
	case init && looks && (kind == "api" || kind == "browser"):
		return k.begin(w, r, flow, kind)
	case init && looks && kind == "flows":
		return k.look(r.URL.Query().Get("id"))
	case !init && (r.Method == http.MethodPost || looks && (flow == "verification" || flow == "settings")):
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
	if flow == "login" && strings.EqualFold(r.URL.Query().Get("aal"), "aal2") {
		if kratosSession(r) == "" {
			return http.StatusUnauthorized, `{"error":{"id":"session_aal1_required","code":401}}`
		}
		k.send(r, id, Account)
		state, message = "sent_email", 1010014
	}
	if kind == "browser" && !wantsJSON(r) {
		return seeOther(w, flow, id)
	}
	return http.StatusOK, k.flow(id, state, message)
}

// look shows a flow.
func (k *Kratos) look(id string) (int, string) {
	if k.sent(id) {
		return http.StatusOK, k.flow(id, "sent_email", 1010014)
	}
	return http.StatusOK, k.flow(id, "choose_method", 0)
}

// kratosSession is the session's token: that of the first credential which can
// be read. What is junk is a token that nobody has, but for cookies, which are
// sealed: one that cannot be opened is as good as none.
func kratosSession(r *http.Request) string {
	token := r.Header.Get("X-Session-Token")
	if token == "" {
		token = r.Header.Get("X-Session-Cookie")
	}
	if cookie, err := r.Cookie("ory_kratos_session"); token == "" && err == nil && !strings.HasPrefix(cookie.Value, "junk") {
		token = cookie.Value
	}
	if scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " "); (token == "" || strings.HasPrefix(r.Header.Get("X-Session-Cookie"), "junk")) && strings.EqualFold(scheme, "bearer") {
		token = strings.TrimSpace(bearer)
	}
	if strings.HasPrefix(token, "junk") {
		return ""
	}
	return token
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") || !strings.Contains(accept, "text/html")
}

// submit takes what was filled in.
func (k *Kratos) submit(w http.ResponseWriter, r *http.Request, flow string) (int, string) {
	id := r.URL.Query().Get("flow")
	fields, status := kratosFields(r, flow == "verification" || flow == "recovery")
	if status != 0 {
		return status, k.flow(id, "choose_method", 4000001)
	}
	method, enters := fields.Get("method"), false
	if strings.EqualFold(fields.Get("resend"), "code") {
		k.forget(id)
	}
	var to []string
	switch flow {
	case "login":
		enters = k.sent(id)
		switch address := fields.Get("address"); method {
		case "code", "identifier_first":
			to = []string{cmp.Or(fields.Get("identifier"), address)}
		case "password":
			if address == "" {
				return http.StatusOK, `{"session":{"active":true},"continue_with":null}`
			}
			fallthrough
		default:
			to = []string{address}
		}
	case "registration", "settings":
		for name, values := range fields {
			if strings.HasPrefix(name, "traits.") {
				to = append(to, values[0])
			}
		}
		switch screen := fields.Get("screen"); {
		case flow == "settings":
		case fields.Get("webauthn_register") != "" || fields.Get("passkey_register") != "": // these need no method
		case screen != "" || method == "profile" || method == "profile:back":
			k.forget(id)
			to = nil
		default:
			enters = method == "code" && k.sent(id)
		}
	case "verification":
		enters = fields.Get("code") != ""
		to = []string{fields.Get("email")}
	case "recovery":
		to = []string{cmp.Or(fields.Get("email"), fields.Get("recovery_confirm_address"), fields.Get("recovery_address"))}
	}
	if enters {
		return k.enter(w, r, flow, id, fields.Get("code"))
	}
	var numbers []string
	for _, text := range to {
		if n := kratosNumber(text); n != "" {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return http.StatusBadRequest, k.flow(id, "choose_method", 4000035)
	}
	for _, n := range numbers {
		k.send(r, id, n)
	}
	switch {
	case !wantsJSON(r):
		return seeOther(w, flow, id)
	case flow == "registration" && method != "code":
		return http.StatusOK, `{"identity":{},"continue_with":null}`
	case flow == "settings":
		return http.StatusOK, k.flow(id, "success", 1050001)
	case flow == "registration":
		return http.StatusBadRequest, k.flow(id, "sent_email", 1040005)
	}
	return http.StatusBadRequest, k.flow(id, "sent_email", 1010014)
}

// enter takes a code.
func (k *Kratos) enter(w http.ResponseWriter, r *http.Request, flow, id, code string) (int, string) {
	switch {
	case !wantsJSON(r):
		return seeOther(w, flow, id)
	case code == Right:
		return http.StatusOK, `{"session":{"active":true},"continue_with":null}`
	case flow == "registration":
		return http.StatusBadRequest, k.flow(id, "sent_email", 4040003)
	}
	return http.StatusBadRequest, k.flow(id, "sent_email", 4010008)
}

func seeOther(w http.ResponseWriter, flow, id string) (int, string) {
	w.Header().Set("Location", "http://127.0.0.1:4455/"+flow+"?flow="+id)
	return http.StatusSeeOther, ""
}

func (k *Kratos) send(r *http.Request, flow, number string) {
	k.mu.Lock()
	k.flows[kratosID(flow)] = true
	k.mu.Unlock()
	k.receiver.take(message(r, "code", number))
}

func (k *Kratos) sent(flow string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.flows[kratosID(flow)]
}

func (k *Kratos) forget(flow string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.flows, kratosID(flow))
}

// kratosID is a flow's id, which may be spelled in several ways.
func kratosID(id string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "{", "", "}", "").Replace(strings.TrimPrefix(id, "urn:uuid:")))
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
// first of two fields; what stands behind the first value is not looked at. An
// object may be written as JSON in a text, and a member within it with dots. Some
// flows read the query, too, which wins over JSON.
func kratosFields(r *http.Request, query bool) (url.Values, int) {
	media := kratosMedia(r)
	fields := make(url.Values)
	switch {
	case r.Method != http.MethodPost:
		return r.URL.Query(), 0
	case media == "application/json":
		var members map[string]any
		if json.NewDecoder(r.Body).Decode(&members) != nil {
			return nil, http.StatusBadRequest
		}
		flatten(fields, "", members)
		if query {
			for name, values := range r.URL.Query() {
				fields.Set(name, values[0])
			}
		}
	case media == "application/x-www-form-urlencoded", media == "multipart/form-data":
		if err := r.ParseMultipartForm(1 << 20); err != nil && err != http.ErrNotMultipart {
			return nil, http.StatusBadRequest
		}
		form := r.PostForm
		if query {
			form = r.Form
		}
		for name, values := range form {
			unpack(fields, name, values[0])
		}
	default:
		return nil, http.StatusBadRequest
	}
	return fields, 0
}

// kratosMedia is the type of the body: of several in a line JSON, wherever it
// stands, and else the first that is one of a form.
func kratosMedia(r *http.Request) (first string) {
	for part := range strings.SplitSeq(r.Header.Get("Content-Type"), ",") {
		media, _, err := mime.ParseMediaType(strings.TrimSpace(part))
		switch {
		case err != nil:
			return first
		case media == "application/json":
			return media
		case first == "" && (media == "application/x-www-form-urlencoded" || media == "multipart/form-data"):
			first = media
		}
	}
	return first
}

// kratosNumber is the number that is read out of s, or nothing. It needs its
// plus; all digits of the world count, letters as on a keypad do where there are
// several, and what stands between them does not.
func kratosNumber(s string) string {
	if local, context, ok := strings.Cut(s, ";phone-context="); ok {
		s = context + strings.TrimPrefix(local, "tel:")
	}
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
	vanity := strings.IndexFunc(s, unicode.IsDigit) >= 0 && vanityLetters.MatchString(s)
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			zero := r // digits stand in tens
			for r-zero < 9 && unicode.IsDigit(zero-1) {
				zero--
			}
			number = append(number, byte('0'+r-zero))
		case vanity && r >= 'a' && r <= 'z':
			number = append(number, "22233344455566677778889999"[r-'a'])
		case r == 'x' || r == 'ー': // punctuation
		case unicode.IsLetter(r):
			return ""
		}
	}
	if len(number) < 8 || len(number) > 16 {
		return ""
	}
	return string(number)
}

// vanityLetters are a number with words in it.
var vanityLetters = regexp.MustCompile(`[a-z].*[a-z].*[a-z]`)

// flatten names the strings of an object as a form does: "traits.phone".
func flatten(fields url.Values, prefix string, members map[string]any) {
	for name, value := range members {
		switch value := value.(type) {
		case string:
			unpack(fields, prefix+name, value)
		case map[string]any:
			flatten(fields, prefix+name+".", value)
		case []any:
			for i, v := range value {
				flatten(fields, prefix+name+".", map[string]any{fmt.Sprint(i): v})
			}
		}
	}
}

// unpack keeps a text, and what is in it if it is an object.
func unpack(fields url.Values, name, text string) {
	fields.Set(name, text)
	var members map[string]any
	if strings.HasPrefix(strings.TrimSpace(text), "{") && json.Unmarshal([]byte(text), &members) == nil {
		flatten(fields, name+".", members)
	}
}
