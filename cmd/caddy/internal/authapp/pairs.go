package authapp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Pair is a request to a real server and what it answered, as recorded.
type Pair struct {
	Name    string // of the file: "001-otp-new-user"
	Request struct {
		Method, Path string
		Headers      map[string]lines
		Body         string
	}
	Response struct {
		Status  int
		Headers map[string]lines
		Body    string
	}
	SMS []struct {
		Phone, Type string
	} `json:"sms_sent"` // that the server handed to its provider meanwhile
}

// lines are those of one header: a string, or a list where there are several.
type lines []string

func (l *lines) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(l))
	}
	*l = make(lines, 1)
	return json.Unmarshal(text, &(*l)[0])
}

// Pairs returns what was recorded of a server, in order. Root is the project's
// folder, beside which the recordings are where OTPGATE_DATA does not say
// where. Without them there are none, and the test says so.
func Pairs(t testing.TB, root, server string) []*Pair {
	t.Helper()
	data := os.Getenv("OTPGATE_DATA")
	if data == "" {
		data = filepath.Join(root, "..", "shared", "data")
	}
	dir := filepath.Join(data, "auth-pairs", server)
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Logf("not tried with what was recorded of %s, which is not in %s: set OTPGATE_DATA to the folder that has auth-pairs", server, dir)
		return nil
	}
	var pairs []*Pair
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := new(Pair)
		if err := json.Unmarshal(text, p); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		p.Name = strings.TrimSuffix(filepath.Base(file), ".json")
		pairs = append(pairs, p)
	}
	return pairs
}

// As is the request as it was recorded, under a prefix of the path.
func (p *Pair) As(prefix string) *Request {
	r := &Request{Line: p.Request.Method + " " + prefix + p.Request.Path, Body: p.Request.Body}
	for name, values := range p.Request.Headers {
		for _, value := range values {
			r.Header += name + ": " + value + "\n"
		}
	}
	return r
}
