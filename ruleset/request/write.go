package request

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Write makes a POST request for url that has each of the values where s
// reads it: what Read reads out of it is v. It is for those who try a shape
// out. A value for which s has no place is an error.
func (s *Shape) Write(url string, v Values) (*http.Request, error) {
	w := writer{members: make(map[string]any), header: make(http.Header)}
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
			return nil, fmt.Errorf("the ruleset does not say where the %s stands", place.name)
		}
		w.put(place.source, place.value)
	}
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(w.body()))
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
		text, _ := json.Marshal(w.members) // maps and strings only
		return text
	case Form:
		w.header.Set("Content-Type", "application/x-www-form-urlencoded")
		return []byte(w.fields.Encode())
	default:
		return nil
	}
}

// setMember sets the member of an object that an RFC 6901 pointer names.
func setMember(object map[string]any, pointer, value string) {
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
