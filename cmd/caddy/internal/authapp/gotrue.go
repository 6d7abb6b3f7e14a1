package authapp

import (
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

// GoTrue is a model of supabase/auth: how it reads requests, and to whom it
// sends. Where it is not the same as the real one it is more willing to send,
// and it has none of its limits.
type GoTrue struct {
	Addr string

	receiver *Receiver
	prefix   string
	gzip     bool

	mu      sync.Mutex
	ids     int
	factors map[string]string // their numbers
	changes map[string]string // new numbers, by the old ones
}

// StartGoTrue starts one under a prefix of all paths, which ends with the test.
func StartGoTrue(t testing.TB, prefix string, gzip bool, r *Receiver) *GoTrue {
	g := &GoTrue{receiver: r, prefix: prefix, gzip: gzip, factors: make(map[string]string), changes: make(map[string]string)}
	g.Addr = serve(t, g)
	return g
}

// goTrueNumber is what it takes for a number, once the plus and all spaces are
// taken away.
var goTrueNumber = regexp.MustCompile(`^[1-9][0-9]{1,14}$`)

// goTrueBody has the fields that matter. Encoding/json folds the case of keys,
// lets the last one win, and skips null.
type goTrueBody struct {
	Phone      string `json:"phone"`
	Email      string `json:"email"`
	Type       string `json:"type"`
	FactorType string `json:"factor_type"`
}

// Account is the number of everybody who has a session.
const Account = "+14155550160"

func (g *GoTrue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, answer := g.serve(r)
	w.Header().Set("Content-Type", "application/json")
	reply(w, status, answer, g.gzip)
}

func (g *GoTrue) serve(r *http.Request) (int, string) {
	route, under := strings.CutPrefix(path.Clean(r.URL.Path), g.prefix)
	if !under {
		return http.StatusNotFound, "404 page not found\n"
	}
	session := r.Header.Get("Authorization") != ""
	switch route = r.Method + " " + route; {
	case route == "POST /otp", route == "POST /signup", route == "POST /resend", route == "PUT /user" && session, route == "POST /factors" && session:
		return g.body(route, r)
	case route == "GET /reauthenticate" && session:
		return g.send(r, "reauthentication", Account, "{}")
	case strings.HasPrefix(route, "POST /factors/") && strings.HasSuffix(route, "/challenge") && session:
		g.mu.Lock()
		number, enrolled := g.factors[strings.Split(route, "/")[2]]
		id := g.newID()
		g.mu.Unlock()
		if !enrolled {
			return failure(http.StatusNotFound, "mfa_factor_not_found")
		}
		return g.send(r, "mfa", number, fmt.Sprintf(`{"id":%q,"type":"phone"}`, id))
	case strings.HasPrefix(route, "DELETE /factors/") && session:
		id := strings.Split(route, "/")[2]
		g.mu.Lock()
		delete(g.factors, id)
		g.mu.Unlock()
		return http.StatusOK, fmt.Sprintf(`{"id":%q}`, id)
	case strings.HasPrefix(route, "POST /") || strings.HasPrefix(route, "PUT /"):
		return failure(http.StatusUnauthorized, "no_authorization")
	default:
		return http.StatusMethodNotAllowed, ""
	}
}

// body serves the routes that have a number in their body.
func (g *GoTrue) body(route string, r *http.Request) (int, string) {
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/x-www-form-urlencoded") {
		return failure(http.StatusBadRequest, "bad_json") // the form has been read, and nothing is left
	}
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<20))
	var body goTrueBody
	if err != nil || json.Unmarshal(text, &body) != nil {
		return failure(http.StatusBadRequest, "bad_json")
	}
	if body.Phone != "" && body.Email != "" {
		return failure(http.StatusBadRequest, "validation_failed")
	}
	if body.Phone == "" {
		if body.Email == "" {
			return failure(http.StatusBadRequest, "validation_failed")
		}
		return http.StatusOK, "{}"
	}
	number := strings.ReplaceAll(strings.TrimPrefix(body.Phone, "+"), " ", "")
	if !goTrueNumber.MatchString(number) {
		return failure(http.StatusBadRequest, "validation_failed")
	}
	switch {
	case route == "POST /factors" && body.FactorType == "phone":
		g.mu.Lock()
		defer g.mu.Unlock()
		id := g.newID()
		g.factors[id] = number
		return http.StatusOK, fmt.Sprintf(`{"id":%q,"type":"phone","phone":%q}`, id, body.Phone)
	case route == "POST /factors":
		return failure(http.StatusBadRequest, "validation_failed")
	case route == "PUT /user":
		g.mu.Lock()
		g.changes[strings.TrimPrefix(Account, "+")] = number
		g.mu.Unlock()
		return g.send(r, "phone_change", number, fmt.Sprintf(`{"new_phone":%q}`, number))
	case route == "POST /resend" && body.Type == "phone_change":
		g.mu.Lock()
		changed, ok := g.changes[number]
		g.mu.Unlock()
		if !ok {
			return http.StatusOK, "{}"
		}
		return g.send(r, "phone_change", changed, "{}")
	case route == "POST /resend" && body.Type != "sms":
		return failure(http.StatusBadRequest, "validation_failed")
	case route == "POST /signup":
		return g.send(r, "signup", number, `{"aud":"authenticated","confirmation_sent_at":"2026-11-20T22:02:21Z"}`)
	default:
		return g.send(r, "otp", number, "{}")
	}
}

func (g *GoTrue) newID() string {
	g.ids++
	return fmt.Sprintf("7e0051ba-14b8-4d81-bebb-%012x", g.ids)
}

// send hands the provider a message. Where that fails the server says so.
func (g *GoTrue) send(r *http.Request, kind, number, answer string) (int, string) {
	g.receiver.take(message(r, kind, number))
	if "+"+number == Broken {
		return failure(http.StatusInternalServerError, "unexpected_failure")
	}
	return http.StatusOK, answer
}

func failure(status int, code string) (int, string) {
	return status, fmt.Sprintf(`{"code":%d,"error_code":%q,"msg":""}`, status, code)
}
