package feed

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script is a transport that answers one request after another, and then the
// last answer for ever.
type script struct {
	answers []func() (*http.Response, error)
	times   []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := s.answers[min(len(s.times), len(s.answers)-1)]
	s.times = append(s.times, time.Now())
	return answer()
}

func reply(code int, header http.Header, body io.Reader) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: code, Header: header, ContentLength: -1, Body: io.NopCloser(body)}, nil
	}
}

func down() (*http.Response, error) { return nil, errors.New("connection refused") }

// TestRun lives through a day: backing off when the source is away, asking again
// when it said, raising the alarm once, and going on as if nothing had been.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []func() (*http.Response, error){
			reply(200, nil, strings.NewReader(good)),
			down, down, down,
			reply(503, http.Header{"Retry-After": {"1800"}}, http.NoBody),
			down, down,
			reply(200, nil, strings.NewReader(good)),
			reply(200, nil, strings.NewReader(good)),
		}}
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		k := keeperOf(t, Config{Transport: s}, Feed{Name: "list", URL: "https://example.com/list", Every: time.Hour, MaxAge: 2 * time.Hour})
		ended := make(chan bool)
		go func() { k.Run(ctx); close(ended) }()
		synctest.Wait()
		k.tells(t, "loaded 0→100")
		time.Sleep(4*time.Hour + time.Minute)
		k.tells(t, "failed unreachable, failed bad_status, stale, recovered")
		cancel()
		<-ended
		want := []time.Duration{0, 60, 61, 63, 67, 97, 113, 145, 205} // minutes
		if len(s.times) != len(want) {
			t.Fatalf("asked %d times, want %d", len(s.times), len(want))
		}
		for i, at := range s.times {
			if at.Sub(start).Round(time.Second) != want[i]*time.Minute {
				t.Errorf("request %d came after %v, want %v", i, at.Sub(start), want[i]*time.Minute)
			}
		}
	})
}

// dripping gives a byte now and then, for ever.
type dripping struct {
	ctx   context.Context
	every time.Duration
}

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.every):
		p[0] = '#'
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

// TestSlow has servers that keep a fetch waiting.
func TestSlow(t *testing.T) {
	for _, test := range []struct {
		name  string
		every time.Duration // between bytes; 0 never answers at all
		after time.Duration
		want  string
	}{
		{"no answer", 0, 20 * time.Second, "no byte came for too long: 20s without an answer or a byte of it"},
		{"no byte", time.Hour, 20 * time.Second, "no byte came for too long: 20s without an answer or a byte of it"},
		{"a slow drip", 10 * time.Second, 2 * time.Minute, "it took too long: 2m0s is the most"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := roundTripper(func(r *http.Request) (*http.Response, error) {
					if test.every == 0 {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
					return reply(200, nil, dripping{r.Context(), test.every})()
				})
				k := keeperOf(t, Config{Transport: transport}, Feed{Name: "list", URL: "https://example.com/list"})
				start := time.Now()
				err := k.Update(t.Context())
				if reasonOf(err, "") != TooSlow || err.Error() != `feed "list": `+test.want || time.Since(start) != test.after {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}

// TestReadWhileSwapped reads lists and states while they change.
func TestReadWhileSwapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		transport := roundTripper(func(*http.Request) (*http.Response, error) {
			n++
			return reply(200, nil, strings.NewReader(good+netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}).String()))()
		})
		ctx, cancel := context.WithCancel(t.Context())
		k := keeperOf(t, Config{Transport: transport, Dir: t.TempDir()}, Feed{Name: "list", URL: "https://example.com/list", Every: time.Minute})
		go k.Run(ctx)
		synctest.Wait()
		for range 100 {
			time.Sleep(7 * time.Second)
			if r := k.Result("list"); r.Len() != 101 {
				t.Errorf("%d entries", r.Len())
			}
			if s := k.States()[0]; s.Entries != 101 || s.LastError != "" {
				t.Errorf("%+v", s)
			}
		}
		cancel()
		synctest.Wait()
		if n < 10 {
			t.Errorf("swapped %d times", n)
		}
	})
}
