package authapp

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// GoTrue is a model of supabase/auth: how it reads requests, to whom it sends,
// and what it answers. Where it is not the same as the real one it is more
// willing to send, and it has none of its limits.
type GoTrue struct {
	Addr string

	receiver *Receiver
	prefix   string
	gzip     bool

	mu       sync.Mutex
	ids      int
	factors  map[string]factor  // by their ids, 32 digits
	accounts map[string]account // by the subjects of tokens
}

// factor is a second factor.
type factor struct{ kind, owner, number string }

// account is a user. Numbers have no plus.
type account struct{ phone, change, email string }

// StartGoTrue starts one under a prefix of all paths, which ends with the test.
func StartGoTrue(t testing.TB, prefix string, gzip bool, r *Receiver) *GoTrue {
	g := &GoTrue{receiver: r, prefix: prefix, gzip: gzip, factors: make(map[string]factor), accounts: make(map[string]account)}
	g.accounts[Owner] = account{phone: strings.TrimPrefix(Account, "+")}
	g.Addr = serve(t, g)
	return g
}

const (
	Owner   = "8b833d2b-4068-4d40-b1e2-77e6ed01d5c0" // has Account; all others have an address of mail
	Account = "+14155550160"

	Late    = "+14155550151" // the hook sends, and takes too long to say so
	Refused = "+14155550152" // the hook sends, and says that it will not
)

// signature is what the model takes for one, besides those that were recorded.
const signature = "c2lnbmF0dXJl"

// Bearer is the header with a token of the session of a user, good or not.
func Bearer(sub string, good bool) string {
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(fmt.Appendf(nil, `{"sub":%q,"role":"authenticated"}`, sub)) + "."
	if good {
		return "Authorization: Bearer " + token + signature
	}
	return "Authorization: Bearer " + token + "Zm9yZ2Vk"
}

var (
	// goTrueNumber is what it takes for a number, once the plus and all spaces
	// are taken away.
	goTrueNumber = regexp.MustCompile(`^[1-9][0-9]{1,14}$`)
	goTrueBearer = regexp.MustCompile(`(?i)^bearer (\S+$)`)
	// goTrueID is how it spells the id of a factor, and the other ways in which
	// it takes one.
	goTrueID = regexp.MustCompile(`^(?i:(?:urn:uuid:)?)(\{?)([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})(\}?)$`)
)

// goTrueBody has the fields that matter. Encoding/json folds the case of keys,
// lets the last one win, and skips null.
type goTrueBody struct {
	Phone        string         `json:"phone"`
	Email        string         `json:"email"`
	Password     string         `json:"password"`
	Type         string         `json:"type"`
	FactorType   string         `json:"factor_type"`
	FriendlyName string         `json:"friendly_name"`
	Channel      string         `json:"channel"`
	Data         map[string]any `json:"data"`
}

func (g *GoTrue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, answer := g.serve(r)
	w.Header().Set("Content-Type", "application/json")
	var said struct {
		Code string `json:"error_code"`
	}
	if json.Unmarshal([]byte(answer), &said) == nil && said.Code != "" && said.Code != "unknown" {
		w.Header().Set("X-Sb-Error-Code", said.Code)
	}
	reply(w, status, answer, g.gzip)
}

func (g *GoTrue) serve(r *http.Request) (int, string) {
	route, under := strings.CutPrefix(path.Clean(r.URL.Path), g.prefix)
	if !under {
		return http.StatusNotFound, "404 page not found\n"
	}
	switch route = r.Method + " " + route; route {
	case "POST /otp", "POST /signup", "POST /resend":
		return g.body(route, "", r)
	}
	sub, status, refusal := subject(r)
	if sub == "" {
		return status, refusal
	}
	switch {
	case route == "PUT /user", route == "POST /factors":
		return g.body(route, sub, r)
	case route == "GET /user":
		return http.StatusOK, g.user(sub)
	case route == "GET /reauthenticate":
		if a := g.account(sub); a.email == "" {
			return g.send(r, "reauthentication", a.phone, "{}")
		}
		return http.StatusOK, "{}" // by mail
	case strings.HasPrefix(route, "POST /factors/") && strings.HasSuffix(route, "/challenge"):
		return g.challenge(strings.Split(route, "/")[2], sub, r)
	case strings.HasPrefix(route, "DELETE /factors/"):
		id := strings.Split(route, "/")[2]
		g.mu.Lock()
		delete(g.factors, idOf(id))
		g.mu.Unlock()
		return http.StatusOK, fmt.Sprintf(`{"id":%q}`, id)
	default:
		return http.StatusMethodNotAllowed, ""
	}
}

// subject returns whose token r brings, or why it is not accepted.
func subject(r *http.Request) (sub string, status int, refusal string) {
	match := goTrueBearer.FindStringSubmatch(r.Header.Get("Authorization"))
	if match == nil {
		status, refusal = failure(http.StatusUnauthorized, "no_authorization")
		return "", status, refusal
	}
	parts := strings.Split(match[1], ".")
	var claims struct {
		Sub string `json:"sub"`
	}
	if len(parts) == 3 && (parts[2] == signature || len(parts[2]) == 43) {
		text, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(text, &claims) == nil && claims.Sub != "" {
			return claims.Sub, 0, ""
		}
	}
	status, refusal = failure(http.StatusForbidden, "bad_jwt")
	return "", status, refusal
}

func (g *GoTrue) account(sub string) account {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.accounts[sub]; !known {
		g.accounts[sub] = account{email: sub + "@example.com"}
	}
	return g.accounts[sub]
}

// user is what is told of a user.
func (g *GoTrue) user(sub string) string {
	a := g.account(sub)
	type listed struct {
		ID   string `json:"id"`
		Kind string `json:"factor_type"`
	}
	user := struct {
		ID       string   `json:"id"`
		Email    string   `json:"email"`
		Phone    string   `json:"phone"`
		NewPhone string   `json:"new_phone,omitempty"`
		Factors  []listed `json:"factors,omitempty"`
	}{ID: sub, Email: a.email, Phone: a.phone, NewPhone: a.change}
	g.mu.Lock()
	for id, f := range g.factors {
		if f.owner == sub {
			user.Factors = append(user.Factors, listed{spelled(id), f.kind})
		}
	}
	g.mu.Unlock()
	text, _ := json.Marshal(user)
	return string(text)
}

// idOf is an id as it is known, or nothing.
func idOf(spelling string) string {
	m := goTrueID.FindStringSubmatch(spelling)
	if m == nil || (m[1] == "") != (m[7] == "") {
		return ""
	}
	return strings.ToLower(strings.Join(m[2:7], ""))
}

// spelled is an id as it is handed out.
func spelled(id string) string {
	return strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
}

func (g *GoTrue) challenge(id, sub string, r *http.Request) (int, string) {
	g.mu.Lock()
	f, enrolled := g.factors[idOf(id)]
	g.mu.Unlock()
	if !enrolled || f.owner != sub {
		return failure(http.StatusNotFound, "mfa_factor_not_found")
	}
	answer := fmt.Sprintf(`{"id":%q,"type":%q,"expires_at":1795212466}`, spelled(g.newID()), f.kind)
	if f.kind != "phone" {
		return http.StatusOK, answer
	}
	var body goTrueBody
	if text, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(text, &body) != nil {
		return failure(http.StatusBadRequest, "bad_json")
	}
	return g.send(r, "mfa", f.number, answer)
}

// body serves the routes that have a number in their body.
func (g *GoTrue) body(route, sub string, r *http.Request) (int, string) {
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/x-www-form-urlencoded") {
		return failure(http.StatusBadRequest, "bad_json") // the form has been read, and nothing is left
	}
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<20))
	var body goTrueBody
	if err != nil || json.Unmarshal(text, &body) != nil {
		return failure(http.StatusBadRequest, "bad_json")
	}
	if body.Phone != "" && body.Email != "" && route != "PUT /user" {
		return failure(http.StatusBadRequest, "validation_failed")
	}
	number := ""
	if body.Phone != "" {
		number = strings.ReplaceAll(strings.TrimPrefix(body.Phone, "+"), " ", "")
		if !goTrueNumber.MatchString(number) {
			return failure(http.StatusBadRequest, "validation_failed")
		}
	}
	switch {
	case route == "POST /factors":
		return g.enrol(&body, sub, number)
	case route == "PUT /user":
		return g.change(r, sub, number)
	case route == "POST /resend":
		return g.resend(r, &body, number)
	case number == "" && body.Email != "":
		return http.StatusOK, "{}"
	case route == "POST /signup" && number == "":
		return http.StatusOK, `{"access_token":"","user":{"is_anonymous":true}}`
	case number == "":
		return failure(http.StatusBadRequest, "validation_failed")
	case route == "POST /signup" && body.Password == "":
		return failure(http.StatusBadRequest, "validation_failed")
	case route == "POST /signup":
		return g.send(r, "signup", number, `{"aud":"authenticated","confirmation_sent_at":"2026-11-20T22:02:21Z"}`)
	default:
		return g.send(r, "otp", number, "{}")
	}
}

func (g *GoTrue) enrol(body *goTrueBody, sub, number string) (int, string) {
	switch {
	case body.FactorType == "phone" && number == "", body.FactorType != "phone" && body.FactorType != "totp" && body.FactorType != "webauthn":
		return failure(http.StatusBadRequest, "validation_failed")
	case body.FactorType != "phone":
		number, body.Phone = "", ""
	}
	id := g.newID()
	g.mu.Lock()
	g.factors[id] = factor{body.FactorType, sub, number}
	g.mu.Unlock()
	answer, _ := json.Marshal(struct {
		ID    string `json:"id"`
		Type  string `json:"type"`
		Name  string `json:"friendly_name"`
		Phone string `json:"phone,omitempty"`
	}{spelled(id), body.FactorType, body.FriendlyName, body.Phone})
	return http.StatusOK, string(answer)
}

// change keeps the number that an account is to have, and sends to it.
func (g *GoTrue) change(r *http.Request, sub, number string) (int, string) {
	a := g.account(sub)
	if number == "" || number == a.phone {
		return http.StatusOK, g.user(sub)
	}
	if status, answer := g.send(r, "phone_change", number, ""); status != http.StatusOK {
		return status, answer
	}
	a.change = number
	g.mu.Lock()
	g.accounts[sub] = a
	g.mu.Unlock()
	return http.StatusOK, g.user(sub)
}

// resend finds the account by what it has, and sends to what it is to have.
func (g *GoTrue) resend(r *http.Request, body *goTrueBody, number string) (int, string) {
	switch body.Type {
	case "sms":
		if number == "" {
			return failure(http.StatusBadRequest, "validation_failed")
		}
		return g.send(r, "otp", number, "{}")
	case "signup", "email_change":
		return http.StatusOK, "{}"
	case "phone_change":
		change := ""
		g.mu.Lock()
		for _, a := range g.accounts {
			if number != "" && a.phone == number || body.Email != "" && a.email == body.Email {
				change = cmp.Or(a.change, change)
			}
		}
		g.mu.Unlock()
		if change != "" {
			return g.send(r, "phone_change", change, "{}")
		}
		return http.StatusOK, "{}"
	default:
		return failure(http.StatusBadRequest, "validation_failed")
	}
}

func (g *GoTrue) newID() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ids++
	return fmt.Sprintf("7e0051ba14b84d81bebb%012x", g.ids)
}

// send hands the provider a message. Where that fails the server says so.
func (g *GoTrue) send(r *http.Request, kind, number, answer string) (int, string) {
	g.receiver.take(message(r, kind, number))
	switch "+" + number {
	case Broken:
		return failure(http.StatusInternalServerError, "unexpected_failure")
	case Late:
		return failure(http.StatusUnprocessableEntity, "hook_timeout")
	case Refused:
		return failure(http.StatusForbidden, "unknown")
	}
	return http.StatusOK, answer
}

func failure(status int, code string) (int, string) {
	return status, fmt.Sprintf(`{"code":%d,"error_code":%q,"msg":""}`, status, code)
}
