package caddymodule

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const byBody = noProof + `
answer:
  sent: [200-299, 400 and json /id = 1010014]
  not_sent: [400-499, no_answer]
limits: [{per: phone, max: 1, in: 60s}]
`

// The body tells what came of a request, however it comes, and the client gets
// it as the app has sent it.
func TestAnswerBody(t *testing.T) {
	const sent, refused = `{"id":1010014}`, `{"id":4000035}`
	const back, stays = "202", "429 too_soon"
	zip := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, text)
		z.Close()
		return b.String()
	}
	answers := map[string]struct {
		body   string
		header string
		do     func(w http.ResponseWriter)
		second string
	}{
		"sent":       {body: sent, second: stays},
		"refused":    {body: refused, second: back},
		"no JSON":    {body: "<p>", second: stays},
		"nothing":    {second: stays},
		"gzip":       {body: zip(refused), header: "Content-Encoding: gzip", second: back},
		"gzip, sent": {body: zip(sent), header: "Content-Encoding: gzip", second: stays},
		"a bomb":     {body: zip(refused + strings.Repeat(" ", 10<<20)), header: "Content-Encoding: gzip", second: stays},
		"br":         {body: refused, header: "Content-Encoding: br", second: stays},
		"large":      {body: refused + strings.Repeat(" ", 1<<20), second: stays},
		"in pieces": {body: refused, second: back, do: func(w http.ResponseWriter) {
			w.WriteHeader(400)
			for i := range refused {
				io.WriteString(w, refused[i:i+1])
				http.NewResponseController(w).Flush()
			}
		}},
		"breaks off": {second: stays, do: func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "99")
			w.WriteHeader(400)
			io.WriteString(w, refused)
		}},
	}
	p := open(t, byBody, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := answers[r.Header.Get("X-Case")]
		if !ok {
			w.WriteHeader(202)
			return
		}
		if name, value, found := strings.Cut(a.header, ": "); found {
			w.Header().Set(name, value)
		}
		if a.do != nil {
			a.do(w)
			return
		}
		w.WriteHeader(400)
		io.WriteString(w, a.body)
	}))
	number := 0
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			phone := fmt.Sprintf("+141555501%02d", number)
			number++
			r, _ := http.NewRequest(http.MethodPost, p.url+"/send", strings.NewReader(`{"phone":"`+phone+`"}`))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Case", name)
			r.Header.Set("Accept-Encoding", "gzip, br") // so that nobody unpacks on the way
			if resp, err := client.Do(r); err == nil {
				text, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil && string(text) != a.body {
					t.Errorf("the client got %d other bytes", len(text))
				}
			}
			want(t, p.ask(phone), a.second)
		})
	}
}

// An answer reaches the client as it comes, and not once it has been read.
func TestAnswerIsNotHeldUp(t *testing.T) {
	read := make(chan struct{})
	p := open(t, byBody, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream") // which Caddy does not hold up either
		w.WriteHeader(400)
		io.WriteString(w, `{"id":`)
		http.NewResponseController(w).Flush()
		<-read
		io.WriteString(w, `4000035}`)
	}))
	r, _ := http.NewRequest(http.MethodPost, p.url+"/send", strings.NewReader(`{"phone":"`+alice+`"}`))
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		close(read)
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 6)
	_, err = io.ReadFull(resp.Body, first)
	close(read)
	rest, _ := io.ReadAll(resp.Body)
	if err != nil || string(first)+string(rest) != `{"id":4000035}` {
		t.Errorf("got %s and %s, %v", first, rest, err)
	}
}

// The app is asked for what can be read, where something has to be.
func TestAnswerAcceptEncoding(t *testing.T) {
	for name, test := range map[string]struct{ rules, accepts, want string }{
		"read":                {byBody, "br, gzip", "gzip"},
		"read, and no gzip":   {byBody, "br", "identity"},
		"nothing is read":     {oneAMinute, "br", "br"},
		"a header is read":    {oneAMinute + "answer: {not_sent: [400 and header X-Refused exists]}", "br", "br"},
		"a handle is read":    {oneAMinute + "answer: {handle: json /id}", "br", "identity"},
		"a status needs none": {oneAMinute + "answer: {unknown: [409]}", "br", "br"},
	} {
		t.Run(name, func(t *testing.T) {
			behind := answering(202)
			p := open(t, test.rules, behind)
			want(t, p.ask(alice, "Accept-Encoding", test.accepts), "202")
			if r, _ := behind.last(); r.Header.Get("Accept-Encoding") != test.want {
				t.Errorf("the app was asked for %q, want %q", r.Header.Get("Accept-Encoding"), test.want)
			}
		})
	}
}
