package risk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	alice = netip.MustParseAddr("192.0.2.7")
	now   = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
)

const key = "secret-of-the-tests"

// serve starts a service and returns what asks it.
func serve(t testing.TB, answer http.HandlerFunc, change ...func(*Config)) *Service {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c := Config{URL: server.URL + "/v1/{ip}?key=" + key, Header: http.Header{"X-Key": {key}}, Score: "/score", Timeout: 5 * time.Second}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func scoring(score string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"score": %s}`, score) }
}

func TestQuestion(t *testing.T) {
	var asked []string
	note := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header.Get("X-Key") == key, " ", r.Header.Get("Content-Type"), string(body)))
		scoring("12")(w, r)
	}
	s := serve(t, note, func(c *Config) { c.URL = strings.Replace(c.URL, "key=", "again={ip}&key=", 1) })
	for _, a := range []string{"192.0.2.7", "::ffff:192.0.2.8", "2001:db8::7%eth0"} {
		if got := s.Ask(t.Context(), netip.MustParseAddr(a), now); got != (Answer{Score: 12, Known: true}) {
			t.Errorf("%s: %+v", a, got)
		}
	}
	s = serve(t, note, func(c *Config) {
		c.URL, c.Body = strings.Replace(c.URL, "/{ip}?key="+key, "", 1), `{"address": "{ip}"}`
	})
	s.Ask(t.Context(), netip.MustParseAddr("2001:db8::7"), now)
	want := []string{
		"GET /v1/192.0.2.7?again=192.0.2.7&key=" + key + " true ",
		"GET /v1/192.0.2.8?again=192.0.2.8&key=" + key + " true ",
		"GET /v1/2001:db8::7?again=2001%3Adb8%3A%3A7&key=" + key + " true ",
		`POST /v1 true application/json{"address": "2001:db8::7"}`,
	}
	if got, want := strings.Join(asked, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
}

// Whatever the service does, there is a reason in our own words, and no secret in it.
func TestFaults(t *testing.T) {
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   string
		fault  bool
	}{
		{"500", text(500, key), "the risk service answered 500", true},
		{"500 with a score", text(500, `{"score": 1}`), "the risk service answered 500", true},
		{"401", text(401, key), "the risk service does not let us ask: it answered 401; look at the key that is sent to it", true},
		{"403", text(403, key), "the risk service does not let us ask: it answered 403; look at the key that is sent to it", true},
		{"429", text(429, key), "the risk service has been asked too often: it answered 429", true},
		{"204", text(204, ""), "the risk service answered 204", true},
		{"404", text(404, key), "the risk service does not know the address: it answered 404", false},
		{"422", text(422, key), "the risk service does not know the address: it answered 422", false},
		{"garbage", text(200, "<html>"+key), "the risk service cannot be understood: the answer is not JSON", true},
		{"empty", text(200, ""), "the risk service cannot be understood: the answer is not JSON", true},
		{"wrong type", text(200, `{"score": "`+key+`"}`), "the risk service cannot be understood: the score is a text that is no number", true},
		{"no score", text(200, `{"`+key+`": 1}`), "the risk service does not know the address: the answer has no score where the JSON Pointer says", false},
		{"huge", text(200, `{"score": 1, "x": "`+strings.Repeat("x", maxAnswer)+`"}`), "the risk service answered more than 64 KiB", true},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere?"+key, http.StatusFound) }, "the risk service answered 302; redirects are not followed", true},
		{"half a body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"score": 1}`)
		}, "the connection to the risk service broke off", true},
		{"breaks off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "the connection to the risk service broke off", true},
		{"packed", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0})
		}, "the risk service cannot be understood: the answer is not UTF-8", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.answer)
			got := s.Ask(t.Context(), alice, now)
			if got.Known || got.Score != 0 || got.Err == nil || got.Err.Error() != test.want {
				t.Fatalf("%+v; want %s", got, test.want)
			}
			stats := s.Stats()
			if fault := stats.Faults == 1; fault != test.fault || stats.Unknown != 1-stats.Faults {
				t.Errorf("%+v", stats)
			}
			// What is about the address is kept for a minute.
			if _, kept := s.Known(alice, now.Add(time.Minute-1)); kept == test.fault {
				t.Errorf("kept: %t", kept)
			}
			if _, kept := s.Known(alice, now.Add(time.Minute)); kept {
				t.Error("kept for more than a minute")
			}
		})
	}
	t.Run("no answer", func(t *testing.T) {
		s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(c *Config) { c.Timeout = 20 * time.Millisecond })
		got := s.Ask(t.Context(), alice, now)
		if got.Known || got.Err == nil || got.Err.Error() != "the risk service did not answer in time" || !errors.Is(got.Err, context.DeadlineExceeded) {
			t.Errorf("%+v", got)
		}
	})
	t.Run("drip", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"score": `)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, func(c *Config) { c.Timeout = 50 * time.Millisecond })
		if got := s.Ask(t.Context(), alice, now); got.Err == nil || got.Err.Error() != "the risk service did not answer in time" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		closed.Close()
		s := serve(t, nil, func(c *Config) { c.URL = "http://" + closed.Addr().String() + "/{ip}?" + key })
		if got := s.Ask(t.Context(), alice, now); got.Err == nil || !strings.HasPrefix(got.Err.Error(), "no connection to the risk service: dial tcp") || strings.Contains(got.Err.Error(), key) {
			t.Errorf("%+v", got)
		}
	})
}

func TestCache(t *testing.T) {
	var asked atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"score": %d}`, asked.Add(1))
	}, func(c *Config) { c.TTL, c.Entries = time.Hour, 64 })
	ask := func(a string, at time.Duration, want float64) {
		t.Helper()
		if got := s.Ask(t.Context(), netip.MustParseAddr(a), now.Add(at)); got.Score != want || !got.Known {
			t.Errorf("%s after %v: %+v, want %v", a, at, got, want)
		}
	}
	ask("192.0.2.7", 0, 1)
	ask("192.0.2.7", time.Hour-1, 1)
	ask("::ffff:192.0.2.7", time.Hour-1, 1)
	ask("192.0.2.7", time.Hour, 2)
	ask("192.0.2.8", 0, 3)
	// One IPv6 network is asked about once.
	ask("2001:db8::1", 0, 4)
	ask("2001:db8::ffff:2", 0, 4)
	ask("2001:db8:0:1::1", 0, 5)
	for i := range 2000 {
		s.Ask(t.Context(), netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), now)
	}
	if n := s.Stats().Entries; n != 64 {
		t.Errorf("%d entries, want 64", n)
	}
}

// What is asked for again and again stays, whatever else comes.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := newCache(256)
	c.put(keyOf(alice), Answer{Score: 7, Known: true}, now.Add(time.Hour))
	for i := range 5000 {
		if got, ok := c.get(keyOf(alice), now); !ok || got.Score != 7 {
			t.Fatalf("gone after %d others", i)
		}
		c.put(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), Answer{}, now.Add(time.Hour))
	}
}

func TestOneQuestionAtATime(t *testing.T) {
	var asked atomic.Int64
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-release
		scoring("5")(w, nil)
	})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got := s.Ask(t.Context(), alice, now); got.Score != 5 {
				t.Errorf("%+v", got)
			}
		})
	}
	// One that goes away harms nobody.
	gone, leave := context.WithCancel(t.Context())
	all.Go(func() {
		if got := s.Ask(gone, alice, now); !errors.Is(got.Err, errGone) || !errors.Is(got.Err, context.Canceled) {
			t.Errorf("%+v", got)
		}
	})
	for s.Stats().Joined < 50 {
		time.Sleep(time.Millisecond)
	}
	leave()
	close(release)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if stats := s.Stats(); stats.Faults != 0 || stats.Open {
		t.Errorf("%+v", stats)
	}
}

func TestTooMuchAtOnce(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for i := range mostAtOnce {
		s.join(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), now)
	}
	if got := s.Ask(t.Context(), alice, now); got.Err != errBusy {
		t.Errorf("%+v", got)
	}
	s.Close()
	if got := s.Ask(t.Context(), alice, now); got.Known || got.Err == nil {
		t.Errorf("after Close: %+v", got)
	}
}

func TestServiceBreaker(t *testing.T) {
	var well atomic.Bool
	var asked atomic.Int64
	var events []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if well.Load() {
			scoring("1")(w, r)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	}, func(c *Config) {
		c.Notify = func(e Event) { events = append(events, fmt.Sprint(e.Open, " ", e.Err)) }
	})
	n := byte(0)
	ask := func(at time.Duration) Answer {
		n++
		return s.Ask(t.Context(), netip.AddrFrom4([4]byte{198, 51, 100, n}), now.Add(at))
	}
	for range 5 {
		ask(0)
	}
	if got := ask(0); got.Err != errAway || asked.Load() != 5 {
		t.Fatalf("%+v, asked %d times", got, asked.Load())
	}
	ask(time.Second) // tries, in vain
	if got := ask(2 * time.Second); got.Err != errAway || asked.Load() != 6 {
		t.Fatalf("%+v, asked %d times", got, asked.Load())
	}
	well.Store(true)
	if got := ask(3 * time.Second); !got.Known {
		t.Fatalf("%+v", got)
	}
	if got := ask(3 * time.Second); !got.Known || s.Stats().Open || s.Stats().Opened != 1 {
		t.Errorf("%+v, %+v", got, s.Stats())
	}
	if got := strings.Join(events, ", "); got != "true the risk service answered 502, false <nil>" {
		t.Error(got)
	}
}

// Whoever has addresses that the service does not know cannot turn it off.
func TestUnknownAddressesOpenNothing(t *testing.T) {
	s := serve(t, http.NotFound)
	for i := range 100 {
		s.Ask(t.Context(), netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), now)
	}
	if stats := s.Stats(); stats.Open || stats.Asked != 100 || stats.Unknown != 100 {
		t.Errorf("%+v", stats)
	}
}

func TestRetryAfter(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	s.Ask(t.Context(), alice, now)
	if got := s.Ask(t.Context(), alice, now.Add(time.Minute-1)); got.Err != errAway {
		t.Errorf("%+v", got)
	}
	if got := s.Ask(t.Context(), alice, now.Add(time.Minute)); got.Err == errAway {
		t.Errorf("%+v", got)
	}
}

func TestConfig(t *testing.T) {
	good := Config{URL: "https://risk.example.com/{ip}"}
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"good", func(*Config) {}, ""},
		{"loopback", func(c *Config) { c.URL = "http://127.0.0.1:8080/{ip}" }, ""},
		{"in the query", func(c *Config) { c.URL = "https://risk.example.com/?ip={ip}" }, ""},
		{"no url", func(c *Config) { c.URL = "" }, "url: is missing: as in https://risk.example.com/v1/{ip}"},
		{"no place", func(c *Config) { c.URL = "https://risk.example.com/" + key }, "url: has no place for the address: write {ip} where it goes, as in https://risk.example.com/v1/{ip}"},
		{"in the host", func(c *Config) { c.URL = "https://{ip}.example.com/" }, "url: {ip} may stand in the path and the query only"},
		{"in the host, by a question mark", func(c *Config) { c.URL = "https://{ip}?x" }, "url: {ip} may stand in the path and the query only"},
		{"placeholder", func(c *Config) { c.URL = "https://risk.example.com/{ip}/{env.KEY}" }, "url: has a placeholder in it that nothing replaced; the one for the address is {ip}"},
		{"http", func(c *Config) { c.URL = "http://risk.example.com/{ip}" }, "url: must be https, since it tells the addresses of people; http is for loopback addresses"},
		{"ftp", func(c *Config) { c.URL = "ftp://risk.example.com/{ip}" }, "url: must be https"},
		{"user", func(c *Config) { c.URL = "https://u:" + key + "@risk.example.com/{ip}" }, "url: must have no user and no fragment"},
		{"fragment", func(c *Config) { c.URL = "https://risk.example.com/{ip}#x" }, "url: must have no user and no fragment"},
		{"relative", func(c *Config) { c.URL = "/{ip}" }, "url: want an absolute url like https://risk.example.com/v1/{ip}"},
		{"body", func(c *Config) { c.URL, c.Body = "https://risk.example.com/", `{"ip": "{ip}"}` }, ""},
		{"body without quotes", func(c *Config) { c.Body = `{"ip": {ip}}` }, `body: is not JSON: the place for the address is within quotes, as in {"address": "{ip}"}`},
		{"pointer", func(c *Config) { c.Score = "score" }, `score: "score" is no JSON Pointer: want / before each name, as in /data/score`},
		{"timeout", func(c *Config) { c.Timeout = time.Minute }, "timeout: want 1ms to 10s, not 1m0s"},
		{"ttl", func(c *Config) { c.TTL = -1 }, "cache: want 1ms to 720h0m0s, not -1ns"},
		{"entries", func(c *Config) { c.Entries = -1 }, "cache: want room for 1 to 16777216 scores, not -1"},
		{"header name", func(c *Config) { c.Header = http.Header{"X Key": {key}} }, `header: "X Key" is no name of a header`},
		{"header of ours", func(c *Config) { c.Header = http.Header{"host": {key}} }, "header: Host is set by the gate"},
		{"header value", func(c *Config) { c.Header = http.Header{"X-Key": {key + "\nX: y"}} }, "header: the value of X-Key has characters that no header has"},
		{"empty header", func(c *Config) { c.Header = http.Header{"X-Key": {" "}} }, "header: X-Key has no value"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := good
			test.change(&c)
			s, err := New(c)
			message := ""
			if err != nil {
				message = err.Error()
			} else {
				defer s.Close()
			}
			if message != test.want {
				t.Errorf("%q, want %q", message, test.want)
			}
		})
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c := Config{URL: "https://risk.example.com/" + key + "/{ip}", Body: `{"k": "` + key + `"}`, Header: http.Header{"X-Key": {key}}}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := fmt.Sprintf("%v %+v %#v %v %+v %#v", c, c, c, s, s, s); strings.Contains(got, key) {
		t.Error(got)
	}
}

// What the cache knows costs next to nothing.
func BenchmarkKnown(b *testing.B) {
	s := serve(b, scoring("7"))
	s.Ask(b.Context(), alice, now)
	b.ReportAllocs()
	for b.Loop() {
		if got := s.Ask(b.Context(), alice, now); got.Score != 7 {
			b.Fatal(got)
		}
	}
}

func ExampleService() {
	server := httptest.NewServer(scoring("87"))
	defer server.Close()
	s, err := New(Config{URL: server.URL + "/v1/{ip}", Score: "/score"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.Ask(context.Background(), alice, now).Score)
	// Output: 87
}
