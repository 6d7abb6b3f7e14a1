package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/request"
)

// newRequest makes a request with each value where rules look for it.
func newRequest(rules *ruleset.Ruleset, values request.Values) (*http.Request, error) {
	shape := rules.Shape()
	members, form, query := map[string]any{}, url.Values{}, url.Values{}
	body, contentType := func() []byte { return nil }, ""
	header := http.Header{}
	for _, v := range []struct {
		name, value string
		source      request.Source
	}{{"phone", values.Phone, shape.Phone}, {"email", values.Email, shape.Email}, {"device", values.Device, shape.Device}, {"proof", values.Proof, shape.Proof}} {
		switch v.source.Kind() {
		case request.JSON:
			contentType = "application/json"
			body = func() []byte { text, _ := json.Marshal(members); return text } // maps and strings only
		case request.Form:
			contentType = "application/x-www-form-urlencoded"
			body = func() []byte { return []byte(form.Encode()) }
		}
		if v.value == "" {
			continue
		}
		switch name := v.source.Name(); v.source.Kind() {
		case request.JSON:
			setMember(members, name, v.value)
		case request.Form:
			form.Set(name, v.value)
		case request.Query:
			query.Set(name, v.value)
		case request.Header:
			header.Set(name, v.value)
		case request.Cookie:
			header.Add("Cookie", name+"="+v.value)
		default:
			if v.name != "proof" {
				return nil, usagef("--%s: the ruleset does not say where it stands", v.name)
			}
		}
	}
	r, err := http.NewRequest(http.MethodPost, "/", bytes.NewReader(body()))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	r.Host, r.URL.RawQuery = "localhost", query.Encode()
	if r.Header = header; contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return r, nil
}

// setMember sets the member of a JSON object that an RFC 6901 pointer names.
func setMember(members map[string]any, pointer, value string) {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, step := range steps {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		if i == len(steps)-1 {
			members[step] = value
			return
		}
		inner, ok := members[step].(map[string]any)
		if !ok {
			inner = make(map[string]any)
			members[step] = inner
		}
		members = inner
	}
}
