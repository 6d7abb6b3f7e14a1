package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"
)

// Feed says where a list comes from, and how it is kept fresh.
type Feed struct {
	Name string // in states, events and the name of the copy on disk; unique
	URL  string // https; http only on loopback or with SHA256
	Path string // of a file, instead of URL

	// Link is for lists whose address changes: URL is then that of a web page,
	// and the list is at the address found there that has this host and whose
	// last part has this form, as in
	// "download.microsoft.com/ServiceTags_Public_*.json". Of several, the last in
	// the order of their letters is taken.
	Link string

	Every    time.Duration // how often to look; 0 is 24h, or 1m for files; 1m at least
	MaxAge   time.Duration // the age that raises the alarm; 0 is three times Every and a day
	Format   Format        // "" recognises it
	Select   Selection
	SHA256   string // of the unpacked file, in hexadecimal; a file with another sum is refused
	MaxBytes int64  // packed and unpacked; 0 is MaxBytes
	Required bool   // for those who ask; it changes nothing here

	// Shrink and Grow bound what a fetch may change at once: a list with fewer
	// entries than Shrink times, or more than Grow times those before is held
	// back, and so is one that covers so much less or more. 0 is 0.5 and 3;
	// changes of 20 entries are always let pass. They do not concern files, which
	// are the operator's own.
	Shrink, Grow float64
}

const (
	minEvery        = time.Minute
	defaultEvery    = 24 * time.Hour
	defaultFileTime = time.Minute
)

// Validate says what is wrong with f. It touches neither the network nor a file.
func (f Feed) Validate() error {
	_, err := f.filled()
	return err
}

// filled returns f with the defaults put in, or what is wrong with it.
func (f Feed) filled() (Feed, error) {
	if f.Name == "" {
		return f, errors.New("a feed has no name")
	}
	wrong := func(format string, args ...any) (Feed, error) {
		return f, fmt.Errorf("feed %q: %w", f.Name, fmt.Errorf(format, args...))
	}
	if (f.URL == "") == (f.Path == "") {
		return wrong("want either a url or a path")
	}
	if f.SHA256 != "" {
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != sha256.Size {
			return wrong("sha256 is not 64 hexadecimal digits")
		}
		f.SHA256 = strings.ToLower(f.SHA256)
	}
	if f.URL != "" {
		u, err := url.Parse(f.URL)
		if err != nil {
			return wrong("malformed url") // the error would repeat it
		}
		if err := f.allowed(u); err != nil {
			return wrong("%w", err)
		}
	}
	if f.Link != "" {
		host, form, ok := strings.Cut(f.Link, "/")
		if _, err := path.Match(form, ""); !ok || host == "" || form == "" || err != nil || f.URL == "" {
			return wrong("malformed link %q: want a url, and host/form", f.Link)
		}
	}
	if f.Format != "" && !f.Format.Known() {
		return wrong("unknown format %q: want one of %v", f.Format, Formats)
	}
	if f.Every == 0 {
		f.Every = defaultEvery
		if f.Path != "" {
			f.Every = defaultFileTime
		}
	}
	if f.Every < minEvery {
		return wrong("every %v is too often: %v is the least", f.Every, minEvery)
	}
	if f.MaxAge == 0 {
		f.MaxAge = 3*f.Every + 24*time.Hour
	}
	if f.MaxBytes <= 0 {
		f.MaxBytes = MaxBytes
	}
	if f.Shrink == 0 {
		f.Shrink = 0.5
	}
	if f.Grow == 0 {
		f.Grow = 3
	}
	if f.Shrink < 0 || f.Shrink > 1 || f.Grow < 1 {
		return wrong("shrink must be between 0 and 1, and grow at least 1")
	}
	return f, nil
}

// allowed says what is wrong with an address that a feed is to be fetched from.
func (f Feed) allowed(u *url.URL) error {
	switch {
	case u.Host == "":
		return errors.New("the url has no host")
	case u.User != nil:
		return errors.New("the url holds a user or password: they would end up in logs")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (f.SHA256 != "" || isLoopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return errors.New("http can be changed on the way: use https, or pin the file with sha256")
	}
	return fmt.Errorf("unknown scheme %q: want https", u.Scheme)
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// source names where f comes from, without what may be secret: the query.
func (f Feed) source() string {
	if f.Path != "" {
		return f.Path
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return ""
	}
	name := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		name += "?…"
	}
	return name
}
