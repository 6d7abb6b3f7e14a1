package scenario

import (
	"io"
	"net/http"
	"strings"

	"github.com/otpgate/otpgate/ruleset"
)

const (
	defaultHost = "login.example.com"
	defaultPath = "/otp/send"
)

// request makes the i-th request of c, with each value where g looks for it, and
// returns its body besides.
func (c *crowd) request(g *gate, i int) (*http.Request, []byte, error) {
	var v ruleset.Sample
	v.Path, _ = c.value("path", i)
	if _, one := g.Rules().Shape(); one && v.Path == "" {
		v.Path = defaultPath
	}
	v.Shape, _ = c.value("shape", i)
	v.Handle, _ = c.value("handle", i)
	v.Session, _ = c.value("session", i)
	v.Phone, v.HasPhone = c.value("phone", i)
	v.Email, v.HasEmail = c.value("email", i)
	v.Device, v.HasDevice = c.value("device", i)
	v.Proof, v.HasProof = c.value("proof", i)
	r, err := g.Rules().Write("", v)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	r.Host, r.RequestURI = defaultHost, r.URL.RequestURI()
	if host, ok := c.value("host", i); ok {
		r.Host = host
	}
	if method, ok := c.value("method", i); ok {
		r.Method = method
	}
	if ua, ok := c.value("ua", i); ok {
		r.Header.Set("User-Agent", ua)
	}
	return r, body, nil
}
