package feed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A copy is the last good file of a feed, as it came: a line of JSON, and then
// the file. It is one file so that the two can never disagree.
type copyHeader struct {
	Version int       `json:"otpgate_feed"`
	SHA256  string    `json:"sha256"` // of what follows
	Fetched time.Time `json:"fetched"`
	validators
}

const copyVersion = 1

// lastGood is a copy that has been read.
type lastGood struct {
	copyHeader
	checked time.Time // when it was last known to be fresh
	body    []byte
	file    fs.FileInfo // of a feed that is a file; it has no copy
}

// copyPath returns where the copy of f is kept. A feed that comes from
// elsewhere has another copy.
func copyPath(dir string, f Feed) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(f.Name))
	if len(name) > 40 {
		name = name[:40]
	}
	return filepath.Join(dir, name+"-"+hashOf(f.Name, f.URL, f.Link)[:16]+".feed")
}

// readCopy reads the copy of f. It returns fs.ErrNotExist if there is none.
func readCopy(dir string, f Feed, now time.Time) (lastGood, error) {
	file, err := os.Open(copyPath(dir, f))
	if err != nil {
		return lastGood{}, err
	}
	defer file.Close()
	var good lastGood
	in := bufio.NewReader(io.LimitReader(file, f.MaxBytes+2*maxLine))
	line, err := in.ReadSlice('\n')
	if err != nil || json.Unmarshal(line, &good.copyHeader) != nil || good.Version != copyVersion {
		return lastGood{}, errors.New("its first line is not that of a copy")
	}
	if good.body, err = io.ReadAll(in); err != nil {
		return lastGood{}, err
	}
	if sumOf(good.body) != good.SHA256 {
		return lastGood{}, errors.New("it does not have the checksum it was written with")
	}
	info, err := file.Stat()
	if err != nil {
		return lastGood{}, err
	}
	good.checked = info.ModTime()
	if good.checked.Before(good.Fetched) {
		good.checked = good.Fetched
	}
	if good.checked.After(now) {
		good.checked = now
	}
	return good, nil
}

// writeCopy puts a copy in the place of the one before, wholly or not at all.
func writeCopy(dir string, f Feed, good lastGood) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	good.Version = copyVersion
	header, err := json.Marshal(good.copyHeader)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".feed-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp.Name())
		}
	}()
	_, err = io.Copy(temp, io.MultiReader(bytes.NewReader(header), strings.NewReader("\n"), bytes.NewReader(good.body)))
	if err == nil {
		err = temp.Sync()
	}
	if e := temp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	path := copyPath(dir, f)
	if err = os.Rename(temp.Name(), path); err != nil {
		return err
	}
	if d, e := os.Open(dir); e == nil { // so that the name lasts, too
		_ = d.Sync()
		d.Close()
	}
	return touchCopy(dir, f, good.checked)
}

// touchCopy notes that the copy is still what the server has.
func touchCopy(dir string, f Feed, at time.Time) error {
	return os.Chtimes(copyPath(dir, f), at, at)
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hashOf(parts ...string) string { return sumOf([]byte(strings.Join(parts, "\x00"))) }
