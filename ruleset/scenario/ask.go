package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/otpgate/otpgate/ruleset/request"
)

const (
	defaultHost = "login.example.com"
	defaultPath = "/otp/send"
)

// form is a request that is being filled in.
type form struct {
	fields url.Values     // of a form
	member map[string]any // of a JSON body
	query  url.Values
	header http.Header
	cookie []string
	format request.Kind // of the body: JSON, Form, or None
}

// request makes the i-th request of c, with each value where shape has it.
func (c *crowd) request(shape request.Shape, i int) (*http.Request, []byte, error) {
	f := form{fields: url.Values{}, member: map[string]any{}, query: url.Values{}, header: http.Header{}}
	for _, place := range []struct {
		key    string
		source request.Source
	}{{"phone", shape.Phone}, {"email", shape.Email}, {"device", shape.Device}, {"proof", shape.Proof}} {
		if place.source.InBody() {
			f.format = place.source.Kind()
		}
		value, ok := c.value(place.key, i)
		if !ok {
			continue
		}
		if place.source.IsZero() {
			return nil, nil, fmt.Errorf("the ruleset does not say where the %s stands", place.key)
		}
		f.set(place.source, value)
	}
	body := f.body()
	method, path, host := http.MethodPost, defaultPath, defaultHost
	for key, word := range map[string]*string{"method": &method, "path": &path, "host": &host} {
		if value, ok := c.value(key, i); ok {
			*word = value
		}
	}
	if query := f.query.Encode(); query != "" {
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		path += join + query
	}
	r, err := http.NewRequest(method, path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("making the request: %w", err)
	}
	r.Host, r.RequestURI = host, path
	for name, values := range f.header {
		r.Header[name] = values
	}
	if len(f.cookie) > 0 {
		r.Header.Set("Cookie", strings.Join(f.cookie, "; "))
	}
	if ua, ok := c.value("ua", i); ok {
		r.Header.Set("User-Agent", ua)
	}
	return r, body, nil
}

func (f *form) set(where request.Source, value string) {
	switch where.Kind() {
	case request.JSON:
		members := f.member
		steps := strings.Split(where.Name()[1:], "/")
		for i, step := range steps {
			step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
			if i == len(steps)-1 {
				members[step] = value
				break
			}
			inner, ok := members[step].(map[string]any)
			if !ok {
				inner = make(map[string]any)
				members[step] = inner
			}
			members = inner
		}
	case request.Form:
		f.fields.Set(where.Name(), value)
	case request.Query:
		f.query.Set(where.Name(), value)
	case request.Header:
		f.header.Set(where.Name(), value)
	case request.Cookie:
		f.cookie = append(f.cookie, where.Name()+"="+value)
	}
}

// body writes the body, and says in the header what it is.
func (f *form) body() []byte {
	switch f.format {
	case request.JSON:
		f.header.Set("Content-Type", "application/json")
		body, _ := json.Marshal(f.member) // maps and strings only
		return body
	case request.Form:
		f.header.Set("Content-Type", "application/x-www-form-urlencoded")
		return []byte(f.fields.Encode())
	}
	return nil
}
