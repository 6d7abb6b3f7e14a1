package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Write makes a POST request for url that has each of the values where s
// reads it: what Read reads out of it is v. It is for those who try a shape
// out. A value for which s has no place is an error.
func (s *Shape) Write(url string, v Values) (*http.Request, error) {
	w := newWriter()
	if err := w.values(s, v); err != nil {
		return nil, err
	}
	return w.request(http.MethodPost, url)
}

// Write makes a request for url that has the shape c, as far as it can be had:
// each of the values where c reads it, the conditions met, and a handle and a
// session where c has a place for them.
func (c *Case) Write(url string, v Values, handle, session string) (*http.Request, error) {
	w := newWriter()
	if c.Phone.IsZero() || c.About == AboutPhone || v.HasPhone {
		if err := w.values(&c.Shape, v); err != nil {
			return nil, err
		}
	} else {
		without := c.Shape
		without.Phone = Source{}
		if err := w.values(&without, v); err != nil {
			return nil, err
		}
	}
	facts := c.sources()
	for _, cond := range c.Where {
		switch {
		case cond.Test == Equals && cond.Values[0] == "true" && cond.Source.kind == JSON:
			setMember(w.members, cond.Source.Name(), true)
			w.format = JSON
		case cond.Test == Equals:
			w.put(cond.Source, cond.Values[0])
		case cond.Test == Exists && !slices.Contains(facts[:], cond.Source):
			w.put(cond.Source, "any")
		}
	}
	if handle != "" && c.Segment == 0 {
		if len(c.Handles) == 0 {
			return nil, errors.New("the shape has no place for a handle")
		}
		w.put(c.Handles[0], handle)
	}
	if session != "" {
		if len(c.Session) == 0 {
			return nil, errors.New("the shape has no place for a session")
		}
		w.put(c.Session[0].source, c.Session[0].write(session))
	}
	return w.request(c.Methods[0], url)
}

func newWriter() *writer {
	return &writer{members: make(map[string]any), header: make(http.Header)}
}

// values puts each value where s reads it.
func (w *writer) values(s *Shape, v Values) error {
	for _, place := range []struct {
		name, value string
		has         bool
		source      Source
	}{
		{"phone", v.Phone, v.HasPhone, s.Phone},
		{"email", v.Email, v.HasEmail, s.Email},
		{"device", v.Device, v.HasDevice, s.Device},
		{"proof", v.Proof, v.HasProof, s.Proof},
	} {
		if place.source.InBody() {
			w.format = place.source.Kind()
		}
		if !place.has {
			continue
		}
		if place.source.IsZero() {
			return fmt.Errorf("such a request has no place for the %s", place.name)
		}
		w.put(place.source, place.value)
	}
	return nil
}

// request makes the request.
func (w *writer) request(method, url string) (*http.Request, error) {
	r, err := http.NewRequest(method, url, bytes.NewReader(w.body()))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	r.Header = w.header
	if len(w.query) > 0 {
		if r.URL.RawQuery != "" {
			r.URL.RawQuery += "&"
		}
		r.URL.RawQuery += w.query.Encode()
	}
	return r, nil
}

// writer is a request that is being filled in.
type writer struct {
	format  Kind // of the body: JSON, Form or None
	members map[string]any
	fields  url.Values
	query   url.Values
	header  http.Header
}

func (w *writer) put(where Source, value string) {
	set := func(values *url.Values) {
		if *values == nil {
			*values = make(url.Values)
		}
		values.Set(where.Name(), value)
	}
	if where.InBody() {
		w.format = where.Kind()
	}
	switch where.Kind() {
	case JSON:
		setMember(w.members, where.Name(), value)
	case Form:
		set(&w.fields)
	case Query:
		set(&w.query)
	case Header:
		w.header.Set(where.Name(), value)
	case Cookie:
		cookies := w.header.Get("Cookie")
		if cookies != "" {
			cookies += "; "
		}
		w.header.Set("Cookie", cookies+where.Name()+"="+value)
	}
}

// body returns the body, and says in the header what it is.
func (w *writer) body() []byte {
	switch w.format {
	case JSON:
		w.header.Set("Content-Type", "application/json")
		text, _ := json.Marshal(w.members) // maps, strings and true only
		return text
	case Form:
		w.header.Set("Content-Type", "application/x-www-form-urlencoded")
		return []byte(w.fields.Encode())
	default:
		return nil
	}
}

// setMember sets the member of an object that an RFC 6901 pointer names.
func setMember(object map[string]any, pointer string, value any) {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, step := range steps {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		if i == len(steps)-1 {
			object[step] = value
			return
		}
		inner, ok := object[step].(map[string]any)
		if !ok {
			inner = make(map[string]any)
			object[step] = inner
		}
		object = inner
	}
}
