package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
)

const library = "github.com/nyaruka/phonenumbers"

// An origin says where the metadata is from.
type origin struct {
	library  string // module and version
	upstream string // version of libphonenumber; "" if the library does not say
	date     string // when the library took it over, 2006-01-02
}

// findOrigin asks this program for the version of the library, and the
// library's change log for its metadata: not every release brings new.
func findOrigin() (origin, error) {
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == library {
				version = dep.Version
			}
		}
	}
	if version == "" {
		return origin{}, fmt.Errorf("this program does not know its version of %s", library)
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", library).Output()
	if err != nil {
		return origin{}, fmt.Errorf("looking for the source of %s: %w", library, err)
	}
	log, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "CHANGELOG.md"))
	if err != nil {
		return origin{}, fmt.Errorf("reading the change log of %s: %w", library, err)
	}
	o, err := readChanges(string(log), version)
	if err != nil {
		return origin{}, fmt.Errorf("change log of %s: %w", library, err)
	}
	o.library = library + " " + version
	return o, nil
}

var (
	releaseLine  = regexp.MustCompile(`^(v\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$`)
	metadataLine = regexp.MustCompile(`(?i)^\s*\*.*\bupdated? (the )?metadata\b`)
	upstreamWord = regexp.MustCompile(`libphonenumber v?(\d+\.\d+\.\d+[-\w]*)`)
)

// readChanges returns the last change of the metadata up to version.
func readChanges(log, version string) (origin, error) {
	date := "" // of the release at hand, if it is version or older
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\r\n")
		if m := releaseLine.FindStringSubmatch(line); m != nil && (date != "" || m[1] == version) {
			date = m[2]
		}
		if date == "" || !metadataLine.MatchString(line) {
			continue
		}
		o := origin{date: date}
		if m := upstreamWord.FindStringSubmatch(line); m != nil {
			o.upstream = m[1]
		}
		return o, nil
	}
	return origin{}, fmt.Errorf("it does not tell when the metadata of %s is from", version)
}
