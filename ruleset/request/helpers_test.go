package request

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// data is the folder of real material to test with, or "" where there is none.
func data(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("OTPGATE_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Logf("no %s: set OTPGATE_DATA to the folder that holds it; only own fixtures are tested", dir)
		return ""
	}
	return dir
}

func source(t testing.TB, s string) Source {
	t.Helper()
	if s == "" {
		return Source{}
	}
	src, err := ParseSource(s)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// shape reads "phone=json /phone, email=form mail".
func shape(t testing.TB, text string) *Shape {
	t.Helper()
	s := new(Shape)
	for _, part := range strings.Split(text, ", ") {
		name, src, _ := strings.Cut(part, "=")
		*map[string]*Source{"phone": &s.Phone, "email": &s.Email, "device": &s.Device, "proof": &s.Proof}[name] = source(t, src)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// post is a POST of body to "/?query", with a content type if there is one.
func post(contentType, query, body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.URL.RawQuery = query
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// outcome is what Read says in one line: the values, or the problem.
func outcome(v Values, p *Problem) string {
	if p != nil {
		return httpStatus(p.Status) + " " + p.Error()
	}
	var parts []string
	for _, x := range []struct {
		name, value string
		has         bool
	}{{"phone", v.Phone, v.HasPhone}, {"email", v.Email, v.HasEmail}, {"device", v.Device, v.HasDevice}, {"proof", v.Proof, v.HasProof}} {
		if x.has {
			parts = append(parts, x.name+"="+x.value)
		} else if x.value != "" {
			parts = append(parts, x.name+" has a value and is absent")
		}
	}
	return strings.Join(parts, " ")
}

func httpStatus(n int) string {
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

// read reads r, and holds Read to its promise on the body.
func read(t testing.TB, s *Shape, r *http.Request, body string) (Values, *Problem) {
	t.Helper()
	v, p := s.Read(r)
	got, err := io.ReadAll(r.Body)
	if err != nil || string(got) != body {
		t.Fatalf("the body is not restored: %d bytes of %d, %v", len(got), len(body), err)
	}
	if p == nil && r.ContentLength != int64(len(body)) {
		t.Fatalf("ContentLength = %d, want %d", r.ContentLength, len(body))
	}
	if p != nil && (v != Values{}) {
		t.Fatalf("values beside a problem: %+v", v)
	}
	return v, p
}
