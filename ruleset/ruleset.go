package ruleset

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/otpgate/otpgate/ruleset/answer"
	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/phone"
	"github.com/otpgate/otpgate/ruleset/request"
)

// Ruleset is a compiled ruleset file. It never changes, but for what is in the
// lists that it has fetched, and is safe for concurrent use.
type Ruleset struct {
	settings *settings
	mode     Mode
	shape    request.Shape // where all requests have one
	shapes   *shapes       // nil where they have
	sources  network.Sources
	lists    *lists
	risk     *riskPolicy // nil if nothing asks for scores
	numbers  *phone.Lists
	rules    []rule
	base     *policy
	regional map[string]*policy
	files    []string
	needs    []string
}

// Problem is one thing wrong, or doubtful, in a ruleset file; Problems are all
// of them, in the order of the file.
type (
	Problem  = strict.Problem
	Problems = strict.Problems
)

// Load reads the ruleset file at path, and the list files that it names, whose
// paths are relative to its own. The error says that path could not be read;
// all else that is wrong is in the problems, and the ruleset is nil if there
// are errors among them.
func Load(path string, w Wiring) (*Ruleset, Problems, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading ruleset: %w", err)
	}
	beside := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(filepath.Dir(path), name)
	}
	rules, problems := Compile(path, text, func(name string) ([]byte, error) { return os.ReadFile(beside(name)) }, w)
	if rules != nil {
		for i, name := range rules.files {
			rules.files[i] = beside(name)
		}
		rules.files = append([]string{path}, rules.files...)
	}
	return rules, problems, nil
}

// Compile makes a ruleset of text. The name of the file stands in problems;
// readFile reads the list files that the ruleset names.
func Compile(file string, text []byte, readFile func(string) ([]byte, error), w Wiring) (*Ruleset, Problems) {
	src := strict.NewSource(file, text)
	doc := new(document)
	if !src.Decode(doc) && doc.Pos.IsZero() {
		return nil, src.Problems()
	}
	c := &compiler{src: src, text: text, doc: doc, wiring: w, readFile: readFile, missing: make(map[string]bool)}
	s := c.settings(file)
	if src.Problems().HasErrors() {
		return nil, src.Problems()
	}
	lists, err := newLists(c.lists, s.network.deny, w.Feeds)
	if err != nil {
		src.Errorf(strict.Pos{}, "lists: %v", err)
		return nil, src.Problems()
	}
	numbers, err := phone.NewLists(c.numbers)
	if err != nil {
		src.Errorf(strict.Pos{}, "lists of numbers: %v", err)
		return nil, src.Problems()
	}
	from := known{lists, w.Databases, numbers}
	r := &Ruleset{
		settings: s,
		mode:     s.mode,
		shape:    s.shape,
		sources:  network.Sources{Databases: w.Databases, Lists: lists.Lists, Trust: lists.set(s.network.trust)},
		lists:    lists,
		numbers:  numbers,
		rules:    s.rules,
		base:     newPolicy(s, from),
		regional: make(map[string]*policy, len(s.regions)),
		files:    c.files,
		needs:    c.needs,
	}
	r.risk = newRiskPolicy(s, w.Risk)
	for i := range s.regions {
		r.regional[s.regions[i].region] = newPolicy(s.in(&s.regions[i]), from)
	}
	if len(s.shapes) > 0 {
		if r.shapes, err = newShapes(s.shapes); err != nil {
			src.Errorf(strict.Pos{}, "requests: %v", err)
			return nil, src.Problems()
		}
	}
	return r, src.Problems()
}

// Name is the gate's name in metrics, logs and the ledger.
func (r *Ruleset) Name() string { return r.settings.name }

// Mode is the operator's switch, as the file has it.
func (r *Ruleset) Mode() Mode { return r.mode }

// Shape says where the facts of a request stand. It is false where requests
// have several shapes.
func (r *Ruleset) Shape() (request.Shape, bool) { return r.shape, r.shapes == nil }

// Preflight reports whether q is a CORS preflight that asks for nothing.
func (r *Ruleset) Preflight(q *http.Request) bool {
	if r.shapes != nil {
		return r.shapes.Preflight(q)
	}
	return r.shape.Preflight(q)
}

// Files are the files that the ruleset was made of, itself first.
func (r *Ruleset) Files() []string { return slices.Clone(r.files) }

// Needs says what has to be wired for the ruleset to work: country_db, asn_db,
// risk, turnstile secret.
func (r *Ruleset) Needs() []string { return slices.Clone(r.needs) }

// Shadow reports whether everything is let through.
func (r *Ruleset) Shadow() bool { return r.settings.shadow }

// Tallies are all counts that the ruleset keeps, for a ledger to prepare for.
func (r *Ruleset) Tallies() []*ledger.Tally {
	var tallies []*ledger.Tally
	for _, p := range r.policies() {
		for _, c := range p.counters {
			tallies = append(tallies, c.tally)
		}
	}
	return tallies
}

func (r *Ruleset) policies() []*policy {
	all := []*policy{r.base}
	for _, s := range r.settings.regions {
		all = append(all, r.regional[s.region])
	}
	return all
}

// TurnstilePolicy is what a ruleset demands of a Turnstile proof.
type TurnstilePolicy struct {
	Hostnames []string      // empty: any host of the site key
	Action    string        // empty: any
	MaxAge    time.Duration // how old a proof may be
}

// Turnstile returns what proofs have to be like. It is false if the ruleset
// never asks for one.
func (r *Ruleset) Turnstile() (TurnstilePolicy, bool) {
	h := r.settings.human
	return TurnstilePolicy{slices.Clone(h.hostnames), h.action, h.maxAge}, slices.Contains(r.needs, "turnstile secret")
}

// Answers reads what an app's answer means.
func (r *Ruleset) Answers() *answer.Reader { return r.settings.answers.reader }

// Schema returns the JSON Schema of ruleset files, for editors.
func Schema() ([]byte, error) { return strict.Schema(document{}, "otpgate ruleset") }
