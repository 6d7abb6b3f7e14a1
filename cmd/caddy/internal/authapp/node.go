package authapp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// oldest is the oldest Node that can run the apps.
const oldest = 18

// node returns the path of Node. Without one, or without npm, the test fails
// where CI is set, since a promise that was not tried has not been kept.
// Elsewhere it is skipped.
func node(t testing.TB) string {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") != "" {
		missing = t.Fatalf
	}
	path, err := exec.LookPath("node")
	if err != nil {
		missing("this test needs Node %d or later: apt-get install nodejs npm", oldest)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		missing("this test needs npm beside Node: apt-get install npm")
	}
	version, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("%s --version: %v", path, err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, _ := strconv.Atoi(major); n < oldest {
		missing("this test needs Node %d or later, and %s is %s", oldest, path, version)
	}
	return path
}

// modules returns a folder with the packages that the lock file in source
// names. They are fetched once and kept in the user's cache, outside of the
// project.
func modules(t testing.TB, source string) string {
	t.Helper()
	names := []string{"package.json", "package-lock.json"}
	sum := sha256.New()
	texts := make(map[string][]byte)
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
		texts[name] = text
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	kept := filepath.Join(cache, "otpgate-test", filepath.Base(source)+"-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	if _, err := os.Stat(kept); err == nil {
		return filepath.Join(kept, "node_modules")
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		t.Fatal(err)
	}
	// Under another name until it is whole, since others may be at it too.
	fresh, err := os.MkdirTemp(filepath.Dir(kept), "fresh")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(fresh, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// No package's own scripts: none needs to.
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
	npm.Dir = fresh
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci for %s: %v\n%s", source, err, out)
	}
	if err := os.Rename(fresh, kept); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, there := os.Stat(kept); there != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(kept, "node_modules")
}

// noise is what a process says, for whoever wants to know why it ended.
type noise struct{ bytes.Buffer }

func (n *noise) String() string {
	text := n.Bytes()
	return string(text[max(0, len(text)-4096):])
}
