package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// Options change how stories are run. The zero Options are fine.
type Options struct {
	// Update rewrites what stands behind the arrows to what really came. The
	// story then passes; the difference is to be looked at.
	Update bool
	// CountryDB and ASNDB are databases in the format of MaxMind, for stories
	// that name none themselves. Default: ../geo/country.mmdb and
	// ../geo/asn.mmdb from the story's file, if they are there.
	CountryDB, ASNDB string
	// MatchPath returns what matches a pattern of paths. Default: MatchStars.
	MatchPath func(pattern string) (func(*http.Request) bool, error)
}

// beginning is the time of 0s.
var beginning = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Run plays the story in the file at path. The error says that the file cannot
// be read, or is no story that can be played; it then is [ruleset.Problems],
// with places, or wraps the reason. A story that went otherwise than told is no
// error: see [Result].
func Run(path string, opts Options) (*Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading story: %w", err)
	}
	story, problems := parse(path, text)
	if problems.HasErrors() {
		return nil, problems
	}
	result := &Result{Path: path, Promise: story.promise, Steps: len(story.steps)}
	s := &stage{
		story:  story,
		folder: filepath.Dir(path),
		ledger: &switched{Ledger: ledger.NewEmbedded()},
		keys:   ruleset.NewKeys([]byte("the secret of all stories, which keep none")),
		prover: &prover{spent: make(map[string]bool)},
		judged: make(map[string][]*judged),
		feeds:  make(map[string]*feed.Result),
	}
	if s.wiring, err = s.wire(opts); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if first := story.sections[firstRules]; first != nil {
		problems, err := s.open(firstRules)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if problems.HasErrors() {
			return nil, moved(problems, path, first.line-1)
		}
	}
	answers := make(map[int]string)
	for _, step := range story.steps {
		got, err := step.act.play(s, beginning.Add(step.at))
		if err != nil {
			src := strict.NewSource(path, text)
			src.Errorf(strict.Pos{Line: step.line, Column: 1}, "%v", err)
			return nil, src.Problems()
		}
		if sameAnswer(step.want, got.text) && step.wants {
			continue
		}
		if opts.Update {
			answers[step.line] = got.text
			continue
		}
		want := step.want
		if !step.wants {
			want = "(the step does not say)"
		}
		result.Failures = append(result.Failures, Failure{step.line, step.text, want, got.text, got.detail})
	}
	result.Passed = len(result.Failures) == 0
	if len(answers) > 0 {
		if err := replace(path, rewrite(string(text), answers)); err != nil {
			return nil, fmt.Errorf("rewriting story: %w", err)
		}
		result.Updated = true
	}
	return result, nil
}

// replace exchanges the text of a file at one stroke.
func replace(path, text string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".story-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// wire opens the databases of the story, of the options, or of the samples.
func (s *stage) wire(opts Options) (ruleset.Wiring, error) {
	w := ruleset.Wiring{Turnstile: true, MatchPath: opts.MatchPath, Feeds: func(name string) *feed.Result { return s.feeds[name] }}
	if w.MatchPath == nil {
		w.MatchPath = MatchStars
	}
	var others []string
	country, asn := opts.CountryDB, opts.ASNDB
	if geo := s.story.sections[geoSection]; geo != nil {
		country, asn = "", ""
		for line := range strings.Lines(string(geo.text)) {
			kind, file, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch file = s.beside(strings.TrimSpace(file)); kind {
			case "country":
				country = file
			case "asn":
				asn = file
			case "database":
				others = append(others, file)
			case "":
			default:
				return w, fmt.Errorf("section geo: unknown word %q; accepted: country FILE, asn FILE, database FILE", kind)
			}
		}
	} else {
		country = s.orSample(country, "country.mmdb")
		asn = s.orSample(asn, "asn.mmdb")
	}
	var opened []*network.Database
	open := func(path, what string, wanted ...network.Field) error {
		if path == "" {
			return nil
		}
		database, err := network.OpenDatabase(path, wanted...)
		if err != nil {
			return fmt.Errorf("opening the database%s: %w", what, err)
		}
		opened = append(opened, database)
		return nil
	}
	err := errors.Join(open(country, " of countries", network.CountryField), open(asn, " of autonomous systems", network.ASNField))
	for _, path := range others {
		err = errors.Join(err, open(path, ""))
	}
	if err != nil {
		return w, err
	}
	w.Databases = network.DatabasesOf(opened...)
	return w, nil
}

// orSample returns file or, if there is none, the sample of that name beside
// the story's folder.
func (s *stage) orSample(file, sample string) string {
	if file != "" {
		return file
	}
	sample = filepath.Join(s.folder, "..", "geo", sample)
	if _, err := os.Stat(sample); err != nil {
		return ""
	}
	return sample
}
