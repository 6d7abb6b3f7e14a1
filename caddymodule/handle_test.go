package caddymodule

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/answer"
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

// A caller who hangs up does not keep the gate from reading what the app calls
// the thing that it has begun.
func TestHandleOfWhoHangsUp(t *testing.T) {
	begun, closed := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	p := open(t, byHandle, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); !strings.Contains(string(body), alice) {
			return
		}
		close(begun)
		<-closed
		select {
		case <-r.Context().Done():
			ended.Store(true)
		case <-time.After(200 * time.Millisecond): // for Caddy to notice
		}
		io.WriteString(w, `{"filler":"`+strings.Repeat("x", 60<<10)+`","id":"handle-of-alice"}`)
	}))
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	if err != nil {
		t.Fatal(err)
	}
	body := `{"phone":"` + alice + `"}`
	fmt.Fprintf(conn, "POST /send HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", strings.TrimPrefix(p.url, "http://"), len(body), body)
	select {
	case <-begun:
	case <-time.After(30 * time.Second):
		t.Fatal("the app is not asked")
	}
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	close(closed)
	for deadline := time.Now().Add(30 * time.Second); len(p.logged("judged")) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the request never ends")
		}
	}
	if ended.Load() {
		t.Error("the client's going away ends the app's work")
	}
	want(t, p.post(`{"again":"handle-of-alice"}`), "200")
}

func TestOutlive(t *testing.T) {
	client, leave := context.WithCancel(context.Background())
	ctx, end := outlive(client, time.Millisecond)
	if ctx.Err() != nil {
		t.Fatal("it ends at once")
	}
	leave()
	<-ctx.Done() // after a while
	end()
	ctx, end = outlive(context.Background(), time.Hour)
	end()
	<-ctx.Done()
}

// An answer is remembered before the client can have it.
func TestHandleBeforeTheAnswer(t *testing.T) {
	for _, want := range []bool{true, false} {
		var rules answer.Rules
		if !want {
			id, err := answer.ParseSource("json /id")
			if err != nil {
				t.Fatal(err)
			}
			rules.Handles = append(rules.Handles, id)
		}
		reader, err := answer.New(rules)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		a := &recorder{reader: reader}
		a.ResponseWriter = w
		io.WriteString(a, `{"id":"h"}`)
		if err := http.NewResponseController(a).Flush(); err != nil {
			t.Fatal(err)
		}
		if w.Flushed != want {
			t.Errorf("flushed: %t, want %t", w.Flushed, want)
		}
	}
}
