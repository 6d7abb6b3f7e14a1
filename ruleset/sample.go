package ruleset

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/otpgate/otpgate/ruleset/request"
)

// Sample is what a request is made with, to try a ruleset out.
type Sample struct {
	request.Values
	Handle, Session string // where the shape has such
	Shape           string // its name; empty for the first, or where all requests have one
	Path            string // empty for one that fits
}

// Write makes a request that has each of the values where the ruleset looks for
// it, for a URL that begins with base: "http://localhost".
func (r *Ruleset) Write(base string, s Sample) (*http.Request, error) {
	if r.shapes == nil {
		if s.Shape != "" {
			return nil, fmt.Errorf("all requests have one shape, and it is not called %q", s.Shape)
		}
		if s.Path == "" {
			s.Path = "/"
		}
		return r.shape.Write(base+s.Path, s.Values)
	}
	for i := range r.shapes.list {
		if shape := &r.shapes.list[i]; s.Shape == "" || s.Shape == shape.name {
			if s.Path == "" {
				s.Path = shape.samplePath(s.Handle)
			}
			return shape.Write(base+s.Path, s.Values, s.Handle, s.Session)
		}
	}
	var names []string
	for i := range r.shapes.list {
		names = append(names, r.shapes.list[i].name)
	}
	return nil, wordError("shape of requests", s.Shape, names)
}

// samplePath returns a path that s takes, with a handle where it has one.
func (s *shapeSettings) samplePath(handle string) string {
	if len(s.paths) == 0 {
		return "/"
	}
	path := string(s.paths[0])
	if s.Segment > 0 && handle != "" {
		path = strings.Replace(path, "*", handle, 1)
	}
	return strings.ReplaceAll(path, "*", "any")
}

// ReadsProof reports whether requests of that shape have a place for a proof.
func (r *Ruleset) ReadsProof(shape string) bool {
	if r.shapes == nil {
		return !r.shape.Proof.IsZero()
	}
	for i := range r.shapes.list {
		if s := &r.shapes.list[i]; shape == "" || shape == s.name {
			return !s.Proof.IsZero()
		}
	}
	return false
}
