package caddymodule

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWatcher(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "rules.yaml")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, path string) {
		t.Helper()
		if err := os.Symlink(target, path+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	write(path, "one")
	os.Chtimes(path, old, old)

	var w watcher
	w.follow([]string{path}, time.Now())
	for _, step := range []struct {
		what string
		do   func()
		want bool
	}{
		{"nothing", func() {}, false},
		{"another text", func() { write(path, "two") }, true},
		{"nothing more", func() {}, false},
		{"the same size and time", func() { write(path, "six") }, true},
		{"touched", func() { os.Chtimes(path, time.Now(), time.Now()) }, false},
		{"an editor that renames", func() { write(path+"~", "four"); os.Rename(path+"~", path) }, true},
		{"renamed, with an old time", func() { write(path+"~", "five"); os.Chtimes(path+"~", old, old); os.Rename(path+"~", path) }, true},
		{"gone", func() { os.Remove(path) }, true},
		{"still gone", func() {}, false},
		{"back", func() { write(path, "five") }, true},
		{"a link instead", func() { write(filepath.Join(folder, "a"), "five"); link("a", path) }, false},
		{"the link turned, as Kubernetes does", func() { write(filepath.Join(folder, "b"), "b"); link("b", path) }, true},
		{"a folder instead", func() { os.Remove(path); os.Mkdir(path, 0o700) }, true},
	} {
		step.do()
		if got := w.changed(time.Now()); got != step.want {
			t.Errorf("%s: changed is %v, want %v", step.what, got, step.want)
		}
	}
}

// A file that is as young as the look at it may have been written after it was
// read.
func TestWatcherYoungFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var w watcher
	w.follow([]string{path}, time.Now())
	if !w.changed(time.Now()) {
		t.Error("a young file does not count as changed")
	}
	if w.changed(time.Now()) {
		t.Error("it does so twice")
	}
}
