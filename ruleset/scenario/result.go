package scenario

import (
	"fmt"
	"io"
	"strings"
)

// Result is what came of one story.
type Result struct {
	Path     string    `json:"path"`
	Promise  string    `json:"promise,omitempty"` // the first paragraph, on one line
	Steps    int       `json:"steps"`
	Passed   bool      `json:"passed"`
	Updated  bool      `json:"updated,omitempty"` // the file has been rewritten
	Failures []Failure `json:"failures,omitempty"`
}

// Failure is a step that was answered otherwise than the story says.
type Failure struct {
	Line   int    `json:"line"`
	Step   string `json:"step"` // as written, up to the arrow
	Want   string `json:"want"`
	Got    string `json:"got"`
	Detail string `json:"detail,omitempty"` // what explains Got; may have several lines
}

// Report writes r for a person: one line if all went as told, else the failures
// with their places.
func (r *Result) Report(w io.Writer) error {
	var b strings.Builder
	word := "ok  "
	if !r.Passed {
		word = "FAIL"
	}
	fmt.Fprintf(&b, "%s  %s", word, r.Path)
	if r.Promise != "" {
		fmt.Fprintf(&b, ": %s", r.Promise)
	}
	if r.Updated {
		b.WriteString(" (rewritten)")
	}
	b.WriteByte('\n')
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "%s:%d: %s\n  - %s\n  + %s\n", r.Path, f.Line, f.Step, f.Want, f.Got)
		for line := range strings.Lines(f.Detail) {
			fmt.Fprintf(&b, "    %s", line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
