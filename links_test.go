package otpgate_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	blockPattern   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	linkPattern    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ (.*)$`)
	linkedPattern  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	noAnchor       = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks follows every link between the project's own pages, to its heading.
func TestLinks(t *testing.T) {
	pages := make(map[string]string)
	if err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || len(d.Name()) > 1 && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case path.Ext(name) == ".md":
			text, err := os.ReadFile(name)
			pages[name] = blockPattern.ReplaceAllString(string(text), "")
			return err
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	followed := 0
	for name, text := range pages {
		for _, link := range linkPattern.FindAllStringSubmatch(text, -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			followed++
			to, anchor, _ := strings.Cut(link[1], "#")
			if to = path.Join(path.Dir(name), to); strings.HasPrefix(link[1], "#") {
				to = name
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s leads nowhere", name, link[1])
			} else if anchor != "" && !anchors(pages[to])[anchor] {
				t.Errorf("%s: %s: %s has no such heading", name, link[1], to)
			}
		}
	}
	if followed < 50 {
		t.Errorf("only %d links were found", followed)
	}
}

// anchors are the names by which the headings of a page can be linked to.
func anchors(text string) map[string]bool {
	names := make(map[string]bool)
	for _, heading := range headingPattern.FindAllStringSubmatch(text, -1) {
		plain := strings.ToLower(linkedPattern.ReplaceAllString(strings.TrimSpace(heading[1]), "$1"))
		names[strings.ReplaceAll(noAnchor.ReplaceAllString(plain, ""), " ", "-")] = true
	}
	return names
}
