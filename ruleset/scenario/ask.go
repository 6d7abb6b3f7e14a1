package scenario

import (
	"io"
	"net/http"
	"strings"

	"github.com/otpgate/otpgate/ruleset/request"
)

const (
	defaultHost = "login.example.com"
	defaultPath = "/otp/send"
)

// request makes the i-th request of c, with each value where shape has it, and
// returns its body besides.
func (c *crowd) request(shape request.Shape, i int) (*http.Request, []byte, error) {
	path := defaultPath
	if p, ok := c.value("path", i); ok {
		path = p
	}
	var v request.Values
	v.Phone, v.HasPhone = c.value("phone", i)
	v.Email, v.HasEmail = c.value("email", i)
	v.Device, v.HasDevice = c.value("device", i)
	v.Proof, v.HasProof = c.value("proof", i)
	r, err := shape.Write(path, v)
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
