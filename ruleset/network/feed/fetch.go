package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxRedirects = 5

// fetcher fetches feeds from the network.
type fetcher struct {
	transport http.RoundTripper
	agent     string
	total     time.Duration // for everything
	idle      time.Duration // without a byte
	progress  func(feed string, read, total int64)
}

// answer is what a server has said.
type answer struct {
	notModified bool
	body        []byte // unpacked
	validators
	file       fs.FileInfo   // of a feed that is a file
	retryAfter time.Duration // also with an error; 0 if it was not said
}

// validators make a request conditional.
type validators struct {
	Address      string `json:"address"` // of the file, which Link may change; its hash
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

var (
	errIdle  = errors.New("no byte came for too long")
	errTotal = errors.New("it took too long")
)

// fetch gets f unless it is still what known says.
func (g *fetcher) fetch(ctx context.Context, f Feed, known validators) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, g.total, errTotal)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watch := time.AfterFunc(g.idle, func() { stop(errIdle) })
	defer watch.Stop()
	alive := func() { watch.Reset(g.idle) }

	a, err := g.get(ctx, f, known, alive)
	if err == nil {
		return a, nil
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errIdle):
		err = because(TooSlow, "%w: %v without an answer or a byte of it", errIdle, g.idle)
	case errors.Is(cause, errTotal):
		err = because(TooSlow, "%w: %v is the most", errTotal, g.total)
	}
	return a, err
}

func (g *fetcher) get(ctx context.Context, f Feed, known validators, alive func()) (answer, error) {
	u, err := url.Parse(f.URL)
	if err != nil {
		return answer{}, because(Unreachable, "malformed url")
	}
	if f.Link != "" {
		page, err := g.request(ctx, f, u, validators{}, alive)
		if err != nil {
			return page, withReason(err, "fetching the page with the link")
		}
		if u, err = findLink(page.body, f.Link); err != nil {
			return answer{}, err
		}
	}
	address := hashOf(u.String())
	if known.Address != address {
		known = validators{}
	}
	a, err := g.request(ctx, f, u, known, alive)
	a.Address = address
	return a, err
}

// request gets one address, and where it is redirected to.
func (g *fetcher) request(ctx context.Context, f Feed, u *url.URL, known validators, alive func()) (answer, error) {
	for redirects := 0; ; redirects++ {
		resp, err := g.trip(ctx, u, known)
		if err != nil {
			return answer{}, connectionError(err)
		}
		alive()
		if !slices.Contains([]int{301, 302, 303, 307, 308}, resp.StatusCode) {
			defer resp.Body.Close()
			return g.receive(f, resp, known, alive)
		}
		resp.Body.Close()
		next, err := u.Parse(resp.Header.Get("Location"))
		switch {
		case err != nil || resp.Header.Get("Location") == "":
			return answer{}, because(BadRedirect, "it redirects to a malformed address")
		case redirects >= maxRedirects:
			return answer{}, because(BadRedirect, "it redirects more than %d times", maxRedirects)
		case next.Scheme != u.Scheme && next.Scheme != "https":
			return answer{}, because(BadRedirect, "it redirects from %s to %s", u.Scheme, next.Scheme)
		}
		if err := f.allowed(next); err != nil {
			return answer{}, because(BadRedirect, "it redirects, and %w", err)
		}
		if next.Hostname() != u.Hostname() {
			ctx = context.WithValue(ctx, elsewhere{}, true)
		}
		u = next
	}
}

func (g *fetcher) trip(ctx context.Context, u *url.URL, known validators) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("malformed url")
	}
	r.Header.Set("User-Agent", g.agent)
	r.Header.Set("Accept-Encoding", "gzip")
	if known.ETag != "" {
		r.Header.Set("If-None-Match", known.ETag)
	}
	if known.LastModified != "" {
		r.Header.Set("If-Modified-Since", known.LastModified)
	}
	return g.transport.RoundTrip(r)
}

// receive reads an answer that is no redirect.
func (g *fetcher) receive(f Feed, resp *http.Response, known validators, alive func()) (answer, error) {
	a := answer{retryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	conditional := known.ETag != "" || known.LastModified != ""
	switch {
	case resp.StatusCode == http.StatusNotModified && conditional:
		a.notModified = true
		return a, nil
	case resp.StatusCode != http.StatusOK:
		return a, because(BadStatus, "the server answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	case resp.ContentLength > f.MaxBytes:
		return a, because(TooLarge, "it is larger than %d bytes", f.MaxBytes)
	}
	var body io.Reader = &counted{r: resp.Body, alive: alive, read: func(n int64) {
		if g.progress != nil {
			g.progress(f.Name, n, resp.ContentLength)
		}
	}}
	body = &bounded{r: body, left: f.MaxBytes, most: f.MaxBytes}
	switch encoding := strings.ToLower(resp.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return a, brokenOff(err)
		}
		body = &bounded{r: unpacked, left: f.MaxBytes, most: f.MaxBytes}
	default:
		return a, because(NotAList, "it is packed as %.20q, which was not asked for", encoding)
	}
	var buffer bytes.Buffer
	if _, err := buffer.ReadFrom(body); err != nil {
		return a, brokenOff(err)
	}
	a.body = buffer.Bytes()
	a.ETag, a.LastModified = header(resp, "ETag"), header(resp, "Last-Modified")
	return a, nil
}

// header returns a header that will be sent back, unless it is absurd.
func header(resp *http.Response, name string) string {
	if v := resp.Header.Get(name); len(v) <= 1024 {
		return v
	}
	return ""
}

// counted tells of every byte that comes.
type counted struct {
	r     io.Reader
	n     int64
	alive func()
	read  func(n int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += int64(n); n > 0 {
		c.alive()
		c.read(c.n)
	}
	return n, err
}

func brokenOff(err error) error {
	if reasonOf(err, "") != "" {
		return err
	}
	return because(Truncated, "the answer broke off: %w", err)
}

// connectionError takes the address out of an error, which may hold a token.
func connectionError(err error) error {
	if reason := reasonOf(err, ""); reason != "" {
		e, _ := errors.AsType[*Error](err)
		return e
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return because(Unreachable, "no connection: %w", err)
}

func withReason(err error, doing string) error {
	return &Error{Reason: reasonOf(err, Unreachable), Err: fmt.Errorf("%s: %w", doing, err)}
}

// retryAfter reads the seconds of a Retry-After; dates are not worth it.
func retryAfter(s string) time.Duration {
	seconds, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

var addresses = regexp.MustCompile(`https://[^\s"'<>\\]{1,500}`)

// findLink finds the address on a page that link describes: see Feed.Link.
func findLink(page []byte, link string) (*url.URL, error) {
	host, form, _ := strings.Cut(link, "/")
	var best *url.URL
	for _, found := range addresses.FindAll(page, -1) {
		u, err := url.Parse(string(found))
		if err != nil || u.Host != host || u.User != nil {
			continue
		}
		if fits, _ := path.Match(form, path.Base(u.Path)); !fits {
			continue
		}
		if best == nil || path.Base(u.Path) > path.Base(best.Path) {
			best = u
		}
	}
	if best == nil {
		return nil, because(NotAList, "the page has no link to %s", link)
	}
	return best, nil
}
