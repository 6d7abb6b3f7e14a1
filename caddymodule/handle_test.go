package caddymodule

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

const byHandle = `
version: 1
name: test
requests:
  - {name: send, method: POST, path: /send, where: [json /again absent], phone: json /phone, answer: {handle: json /id}}
  - {name: resend, method: POST, path: /send, where: [json /again exists], about: account, handle: json /again, unseen: deny}
human: {require: never}
number: {countries: [US]}
limits: [{per: phone, max: 2, in: 1h}]
`

// What an answer names can be asked for again, and is counted for the number;
// also after Caddy has been started anew.
func TestHandle(t *testing.T) {
	p := open(t, byHandle, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), alice) {
			io.WriteString(w, `{"id":"handle-of-alice"}`)
		}
	}))
	again := func() *reply { return p.post(`{"again":"handle-of-alice"}`) }
	want(t, again(), "400 bad_request")
	want(t, p.ask(alice), "200")
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	want(t, again(), "200")
	want(t, again(), "403 refused")
	if lines := p.logged("not remembered: requests that name the handle of this one are judged without its number"); len(lines) > 0 {
		t.Error(lines)
	}
}
