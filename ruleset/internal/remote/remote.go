// Package remote is what asking a service over HTTP has in common, whoever is
// asked: a transport that an unwell server cannot make use up more than is
// bounded, and words of our own for what goes wrong on the way.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// UserAgent is how we introduce ourselves.
const UserAgent = "otpgate"

// NewTransport has a bound for all that an unwell server could use up. It takes a
// proxy from the environment (HTTPS_PROXY) as usual. Like every RoundTripper it
// follows no redirects and keeps no cookies.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    2 * time.Second,
		ForceAttemptHTTP2:      true, // a dialer of one's own turns it off
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    32,
		MaxConnsPerHost:        256,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // answers are short, and stay so
		HTTP2: &http.HTTP2Config{
			// A connection that died unnoticed takes all its streams along.
			SendPingTimeout: 5 * time.Second,
			PingTimeout:     2 * time.Second,
		},
	}
}

// Fault says what went wrong on the way, in our own words, since errors of
// net/http quote URLs and what the other side sent, and either may hold a secret.
type Fault struct {
	Text     string
	Cause    error // one of package context's errors, or nil
	TimedOut bool
}

// Explain says why who could not be asked.
func Explain(ctx context.Context, err error, who string) Fault {
	var (
		dns  *net.DNSError
		op   *net.OpError
		cert *tls.CertificateVerificationError
		rec  tls.RecordHeaderError
		slow net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return Fault{Text: "cancelled before " + who + " answered", Cause: context.Canceled}
	case ctx.Err() != nil, errors.As(err, &slow) && slow.Timeout():
		return Fault{Text: who + " did not answer in time", Cause: context.DeadlineExceeded, TimedOut: true}
	case errors.As(err, &dns):
		return Fault{Text: "the host of " + who + " could not be looked up"}
	case errors.As(err, &cert):
		return Fault{Text: "the certificate of " + who + " is not trusted"}
	case errors.As(err, &rec):
		return Fault{Text: who + " does not speak TLS there"}
	case errors.As(err, &op) && op.Op == "dial":
		return Fault{Text: "no connection to " + who + ": " + Printable(op.Error(), 200)}
	default:
		return Fault{Text: "the connection to " + who + " broke off"}
	}
}

// Printable returns s fit for a log: at most limit bytes, visible ASCII, with
// "?" for all else.
func Printable(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// IsLoopback reports whether a host is this machine, by its name.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && addr.Unmap().IsLoopback())
}
