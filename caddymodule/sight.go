package caddymodule

import (
	"crypto/sha256"
	"os"
	"time"
)

// restless is how young a file's time may be for its content to be looked at
// whatever its size and time say: the clocks of file systems are coarse.
const restless = 2 * time.Second

// A watcher notices changes of files by looking at them. That works alike for
// editors that rename, for the symbolic links of Kubernetes, and for mounts
// that tell nobody of changes.
type watcher struct {
	files map[string]sight
}

// sight is what a file was seen to be.
type sight struct {
	info os.FileInfo // nil: not there, or not to be read
	sum  [sha256.Size]byte
}

// look returns what path is now. It spares itself the reading if nothing about
// the file has changed since was.
func (was sight) look(path string, now time.Time) sight {
	info, err := os.Stat(path)
	if err != nil {
		return sight{}
	}
	if was.info != nil && os.SameFile(was.info, info) && was.info.Size() == info.Size() &&
		was.info.ModTime().Equal(info.ModTime()) && now.Sub(info.ModTime()) > restless {
		return sight{info, was.sum}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return sight{}
	}
	return sight{info, sha256.Sum256(text)}
}

// same reports whether s and t are the same content.
func (s sight) same(t sight) bool {
	return (s.info == nil) == (t.info == nil) && s.sum == t.sum
}

// follow watches paths, which have just been read. A file so young that it may
// have been written after that counts as changed at the next look.
func (w *watcher) follow(paths []string, now time.Time) {
	files := make(map[string]sight, len(paths))
	for _, path := range paths {
		is, known := w.files[path]
		if !known {
			is = sight{}.look(path, now)
			if is.info != nil && now.Sub(is.info.ModTime()) <= restless {
				is = sight{}
			}
		}
		files[path] = is
	}
	w.files = files
}

// changed looks at all files and reports whether any has another content than
// at the last look.
func (w *watcher) changed(now time.Time) bool {
	changed := false
	for path, was := range w.files {
		is := was.look(path, now)
		changed = changed || !is.same(was)
		w.files[path] = is
	}
	return changed
}
