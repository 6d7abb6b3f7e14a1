package human

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/otpgate/otpgate/ruleset/human/turnstiletest"
	"github.com/otpgate/otpgate/ruleset/internal/remote"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTimeIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var asked []time.Duration
		v, err := NewTurnstile(TurnstileConfig{Secret: "0x4AAAAAAASecret", Timeout: 3 * time.Second,
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, time.Since(began))
				<-r.Context().Done()
				return nil, r.Context().Err()
			})})
		if err != nil {
			t.Fatal(err)
		}
		r := v.Verify(t.Context(), newProof("TOKEN"))
		check(t, r, Unavailable, CodeTimedOut, 2)
		if r.Took != 3*time.Second || len(asked) != 2 || asked[0] != 0 || asked[1] != 2*time.Second {
			t.Errorf("took %v, asked at %v", r.Took, asked)
		}
	})
}

func TestTransportFaults(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	private := httptest.NewTLSServer(http.NotFoundHandler())
	private.Config.ErrorLog = nil
	defer private.Close()

	unknown := remote.NewTransport()
	unknown.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "siteverify.example.com", IsNotFound: true}
	}
	tests := []struct {
		name      string
		url       string
		transport http.RoundTripper
		detail    string
	}{
		{"nobody listens", "https://" + closed.Addr().String(), nil, "no connection to siteverify: dial tcp " + closed.Addr().String() + ": connect: connection refused"},
		{"no such host", "https://siteverify.example.com", unknown, "the host of siteverify could not be looked up"},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), nil, "siteverify does not speak TLS there"},
		{"not trusted", private.URL, nil, "the certificate of siteverify is not trusted"},
		{"anything", SiteverifyURL, roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, errors.New("malformed HTTP response \"0x4AAAAAAASecret\"")
		}), "the connection to siteverify broke off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := NewTurnstile(TurnstileConfig{Secret: "0x4AAAAAAASecret", URL: tt.url, Transport: tt.transport})
			if err != nil {
				t.Fatal(err)
			}
			defer v.CloseIdleConnections()
			r := v.Verify(t.Context(), newProof("TOKEN"))
			check(t, r, Unavailable, CodeTransport, 2)
			if r.Detail != tt.detail || r.Err.Error() != "verifying a proof: "+tt.detail {
				t.Errorf("got %q, %v; want %q", r.Detail, r.Err, tt.detail)
			}
		})
	}
}

func TestHTTP2(t *testing.T) {
	s := turnstiletest.NewHandler()
	defer s.Close()
	proto := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto <- r.Proto
		s.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	transport := remote.NewTransport()
	transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	v, err := NewTurnstile(TurnstileConfig{Secret: s.Secret, URL: server.URL, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	defer v.CloseIdleConnections()
	check(t, v.Verify(t.Context(), newProof(s.Issue(turnstiletest.Token{}))), Passed, "", 1)
	if got := <-proto; got != "HTTP/2.0" {
		t.Errorf("asked by %s", got)
	}
}

// Whatever comes back, nothing that is said of it holds the secret or the
// token, even if the other side echoes them wherever it can.
func TestHidden(t *testing.T) {
	const secret, token = "0x4AAAAAAAHiddenSecret", "0.Hidden-Token.aBcDeF"
	echoes := map[string]func(net.Conn, string){
		"status line": func(c net.Conn, s string) { fmt.Fprintf(c, "HTTP/1.1 2%s\r\n\r\n", s) },
		"no HTTP":     func(c net.Conn, s string) { fmt.Fprintf(c, "%s\r\n\r\n", s) },
		"header":      func(c net.Conn, s string) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", s) },
		"length":      func(c net.Conn, s string) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", s) },
		"encoding":    func(c net.Conn, s string) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n", s) },
		"chunk": func(c net.Conn, s string) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n", s)
		},
		"content type": func(c net.Conn, s string) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n{}", s) },
		"location": func(c net.Conn, s string) {
			fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: https://%s/%s\r\n\r\n", s, s)
		},
		"reason": func(c net.Conn, s string) { fmt.Fprintf(c, "HTTP/1.1 500 %s\r\n\r\n", s) },
		"code": func(c net.Conn, s string) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"success\":false,\"error-codes\":[%q]}", s)
		},
		"field": func(c net.Conn, s string) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{%q:true,\"success\":%q}", s, s)
		},
		"body": func(c net.Conn, s string) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n%s", s)
		},
	}
	for name, echo := range echoes {
		for _, hidden := range []string{secret, token} {
			t.Run(name, func(t *testing.T) {
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer listener.Close()
				go func() {
					for {
						c, err := listener.Accept()
						if err != nil {
							return
						}
						// Read the whole question, lest the answer come unasked.
						buf := make([]byte, 4096)
						for seen := ""; !strings.Contains(seen, secret); {
							n, err := c.Read(buf)
							if err != nil {
								break
							}
							seen += string(buf[:n])
						}
						echo(c, hidden)
						c.Close()
					}
				}()
				cfg := TurnstileConfig{Secret: secret, URL: "http://" + listener.Addr().String(), Timeout: time.Second}
				v, err := NewTurnstile(cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer v.CloseIdleConnections()
				p := newProof(token)
				r := v.Verify(t.Context(), p)
				if r.Status == Passed {
					t.Error("passed")
				}
				v.CloseIdleConnections()
				refuseHidden(t, secret, token, v, *v, cfg, &cfg, p, &p, r, r.Err)
				for err := r.Err; err != nil; err = errors.Unwrap(err) {
					refuseHidden(t, secret, token, err)
				}
			})
		}
	}
}

func refuseHidden(t *testing.T, secret, token string, values ...any) {
	t.Helper()
	for i, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			s := fmt.Sprintf(verb, value)
			if strings.Contains(s, secret) || strings.Contains(s, token) {
				t.Errorf("value %d (%T) with %s shows what it should hide: %s", i, value, verb, s)
			}
		}
	}
}

// fmt calls no methods on what is in unexported fields.
func TestHiddenInside(t *testing.T) {
	const secret = "0x4AAAAAAAHiddenSecret"
	v, err := NewTurnstile(TurnstileConfig{Secret: secret, Transport: stub{}})
	if err != nil {
		t.Fatal(err)
	}
	refuseHidden(t, secret, "0.Hidden", struct{ v Turnstile }{*v}, &struct{ v *Turnstile }{v})
}

// The bound holds for what is read, not only for what is kept.
func TestReadsNoMoreThanNeeded(t *testing.T) {
	read := 0
	v, err := NewTurnstile(TurnstileConfig{Secret: "0x4AAAAAAASecret", Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(endless{&read})}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	check(t, v.Verify(t.Context(), newProof("TOKEN")), Unavailable, CodeUnreadable, 1)
	if read > maxAnswer+1 {
		t.Errorf("read %d bytes", read)
	}
}

type endless struct{ read *int }

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	*e.read += len(b)
	return len(b), nil
}
