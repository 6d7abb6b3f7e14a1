package feed

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// good is the list that every server here begins with: 100 addresses.
var good = list("198.51.100", 100)

func list(start string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s.%d\n", start, i)
	}
	return b.String()
}

// server is a source that can be told what to answer.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []http.Header
}

func newServer(t *testing.T, start func(http.Handler) *httptest.Server) *server {
	s := &server{answer: text(good)}
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		answer := s.answer
		s.asked = append(s.asked, r.Header)
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) answers(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *server) last() http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[len(s.asked)-1]
}

// text answers with a list, and 304 to those who have it.
func text(body string) http.HandlerFunc {
	etag := fmt.Sprintf("%q", sumOf([]byte(body))[:8])
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, body)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// watched is a Keeper whose events are remembered.
type watched struct {
	*Keeper
	mu     sync.Mutex
	events []Event
}

func keeperOf(t *testing.T, config Config, feeds ...Feed) *watched {
	t.Helper()
	w := &watched{}
	config.Notify = func(e Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, e)
	}
	config.Random = func() float64 { return 0.5 }
	k, err := New(config, feeds)
	if err != nil {
		t.Fatal(err)
	}
	w.Keeper = k
	return w
}

// story returns the events since it was last called, in short.
func (w *watched) story() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var words []string
	for _, e := range w.events {
		word := string(e.Kind)
		switch e.Kind {
		case Failed, Held:
			word += " " + string(e.Reason)
		case Loaded:
			word = fmt.Sprintf("loaded %d→%d", e.Before, e.Entries)
		}
		words = append(words, word)
	}
	w.events = nil
	return strings.Join(words, ", ")
}

func (w *watched) tells(t *testing.T, want string) {
	t.Helper()
	if got := w.story(); got != want {
		t.Errorf("events: %s, want %s", got, want)
	}
}

// TestBadAnswers has a server give every bad answer three times, and then the
// good one: the list stays, the reason is told once, and all is counted.
func TestBadAnswers(t *testing.T) {
	bombSize := int64(100 << 20)
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		reason Reason
		want   string
	}{
		{"500", status(500), BadStatus, "the server answered 500 Internal Server Error"},
		{"404", status(404), BadStatus, "the server answered 404 Not Found"},
		{"206", status(206), BadStatus, "the server answered 206 Partial Content"},
		{"empty", func(http.ResponseWriter, *http.Request) {}, Empty, "it is empty"},
		{"half", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
			_, _ = io.WriteString(w, good[:len(good)/2])
		}, Truncated, "the answer broke off: unexpected EOF"},
		{"half, packed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			p := gzip.NewWriter(w)
			_, _ = io.WriteString(p, good)
			_ = p.Flush()
		}, Truncated, "the answer broke off: unexpected EOF"},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!DOCTYPE html><html><body>Sign in to the airport's network 192.0.2.1")
		}, NotAList, "it is a web page or XML, not a list"},
		{"10 times larger", text(good + list("203.0.113", 250) + list("192.0.2", 250) + list("192.0.0", 250) + list("192.0.1", 250)), ChangedTooMuch,
			"it has grown from 100 entries to 1100: held back until confirmed or accepted"},
		{"shrunk", text(list("198.51.100", 49)), ChangedTooMuch, "it has shrunk from 100 entries to 49: held back until confirmed or accepted"},
		{"few but large", text(strings.ReplaceAll(list("20", 100), "\n", ".0.0/16\n")), ChangedTooMuch,
			"it has grown from 100 IPv4 addresses to 6553600: held back until confirmed or accepted"},
		{"2 GB", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.CopyN(w, endless("192.0.2.1\n"), 2<<30)
		}, TooLarge, "it is larger than 1048576 bytes"},
		{"2 GB, announced", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(2<<30))
			_, _ = io.WriteString(w, good)
		}, TooLarge, "it is larger than 1048576 bytes"},
		{"a gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			p := gzip.NewWriter(w)
			_, _ = io.CopyN(p, endless("192.0.2.1\n"), bombSize)
			p.Close()
		}, TooLarge, "it is larger than 1048576 bytes"},
		{"packed otherwise", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, good)
		}, NotAList, `it is packed as "br", which was not asked for`},
		{"another scheme", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1/list?token=secret", http.StatusFound)
		}, BadRedirect, "it redirects from https to http"},
		{"no scheme known", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		}, BadRedirect, "it redirects from https to file"},
		{"a user in the address", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://u:p@127.0.0.1/")
			w.WriteHeader(302)
		}, BadRedirect, "it redirects, and the url holds a user or password: they would end up in logs"},
		{"round and round", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}, BadRedirect, "it redirects more than 5 times"},
		{"redirect without a place", status(302), BadRedirect, "it redirects to a malformed address"},
		{"redirect into the cloud's machine", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://169.254.169.254/latest/meta-data", http.StatusFound)
		}, Unreachable, "169.254.169.254 is no address to fetch a list from"},
		{"redirect into the operator's network", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace("https://"+r.Host, "127.0.0.1", "localhost", 1), http.StatusFound)
		}, BadRedirect, "it redirects to 127.0.0.1, which is not a public address"},
		{"a broken connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Unreachable, "no connection: EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, httptest.NewTLSServer)
			transport := NewTransport()
			transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
			transport.ForceAttemptHTTP2 = false
			k := keeperOf(t, Config{Dir: t.TempDir(), Transport: transport, Confirm: -1},
				Feed{Name: "tor", URL: s.URL + "/list?key=secret", MaxBytes: 1 << 20})
			if err := k.Update(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.tells(t, "loaded 0→100")
			before := k.Result("tor")

			s.answers(test.answer)
			for range 3 {
				if err := k.Update(t.Context()); err == nil || err.Error() != `feed "tor": `+test.want {
					t.Errorf("%v\nwant %s", err, test.want)
				}
			}
			kind := "failed "
			if test.reason == ChangedTooMuch {
				kind = "held "
			}
			k.tells(t, kind+string(test.reason))
			state := k.States()[0]
			if state.Reason != test.reason || state.LastError != test.want || state.Attempts != 4 || state.Failures != 3 || state.Entries != 100 {
				t.Errorf("state: %+v", state)
			}
			if strings.Contains(state.Source+state.LastError, "secret") {
				t.Errorf("the state tells the query: %+v", state)
			}
			if k.Result("tor") != before {
				t.Error("the list has changed")
			}

			s.answers(text(good + "203.0.113.1\n"))
			if err := k.Update(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.tells(t, "loaded 100→101, recovered")
		})
	}
}

// TestConditional shows that a list that the server still has is not sent again,
// also by a Keeper that has it from disk.
func TestConditional(t *testing.T) {
	s := newServer(t, httptest.NewServer)
	dir := t.TempDir()
	feed := Feed{Name: "tor", URL: s.URL, Every: time.Hour}
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	config := Config{Dir: dir, Now: func() time.Time { return now }}
	k := keeperOf(t, config, feed)
	if err := k.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if state := k.States()[0]; state.Age != time.Hour || !state.NextAttempt.Equal(now) {
		t.Errorf("state: %+v", state)
	}
	if err := k.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.last().Get("If-None-Match"); got == "" {
		t.Error("the second request was not conditional")
	}
	k.tells(t, "loaded 0→100")

	now = now.Add(30 * time.Minute)
	k = keeperOf(t, config, feed)
	state := k.States()[0]
	if state.Age != 30*time.Minute || !state.FromDisk || state.Entries != 100 || !state.NextAttempt.Equal(now.Add(30*time.Minute)) || state.Attempts != 0 {
		t.Errorf("from disk: %+v", state)
	}
	if err := k.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.last().Get("If-None-Match"); got == "" {
		t.Error("the request after a restart was not conditional")
	}
	if state := k.States()[0]; state.FromDisk || state.Age != 0 {
		t.Errorf("after 304: %+v", state)
	}

	// A 304 that nobody asked for is no list.
	s.answers(status(304))
	k = keeperOf(t, Config{}, feed)
	if err := k.Update(t.Context()); reasonOf(err, "") != BadStatus {
		t.Errorf("got %v", err)
	}

	// A server without validators sends the same again: that is no news.
	s.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, good) })
	k = keeperOf(t, config, feed)
	before := k.Result("tor")
	if err := k.Update(t.Context()); err != nil || k.Result("tor") != before {
		t.Errorf("%v, or another list", err)
	}
	k.tells(t, "")

	// Another source has another copy, and no conditions of the first.
	feed.URL += "/other"
	k = keeperOf(t, config, feed)
	if k.Result("tor") != nil {
		t.Error("the copy of another source was used")
	}
}

func TestPinned(t *testing.T) {
	s := newServer(t, httptest.NewServer)
	k := keeperOf(t, Config{}, Feed{Name: "list", URL: s.URL, SHA256: strings.ToUpper(sumOf([]byte(good)))})
	if err := k.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.answers(text(list("203.0.113", 100)))
	err := k.Update(t.Context())
	if reasonOf(err, "") != WrongChecksum || !k.Result("list").Prefixes[0].Contains(netip.MustParseAddr("198.51.100.0")) {
		t.Errorf("got %v", err)
	}
}

// TestHeld shows the two ways out for a list that changed too much.
func TestHeld(t *testing.T) {
	s := newServer(t, httptest.NewServer)
	k := keeperOf(t, Config{}, Feed{Name: "list", URL: s.URL})
	steps := func(want ...string) {
		t.Helper()
		for _, w := range want {
			_ = k.Update(t.Context())
			k.tells(t, w)
		}
	}
	steps("loaded 0→100")
	s.answers(text(list("198.51.100", 30)))
	steps("held changed_too_much", "", "loaded 100→30, recovered")

	s.answers(text(good))
	steps("held changed_too_much", "")
	if state := k.States()[0]; state.Held != 100 || state.Entries != 30 {
		t.Errorf("state: %+v", state)
	}
	s.answers(text(good + "203.0.113.9\n")) // another: counting begins again
	steps("", "")
	if err := k.Accept("list"); err != nil {
		t.Fatal(err)
	}
	k.tells(t, "loaded 30→101, recovered")
	if err := k.Accept("list"); err == nil || err.Error() != `feed "list" has nothing to accept: no list of it is held back` {
		t.Errorf("got %v", err)
	}
	if err := k.Accept("lost"); err == nil {
		t.Error("a feed that is not there was accepted")
	}
	if err := k.Update(t.Context(), "lost"); err == nil {
		t.Error("a feed that is not there was updated")
	}
}

// TestCopy damages copies in several ways.
func TestCopy(t *testing.T) {
	s := newServer(t, httptest.NewServer)
	feed := Feed{Name: "../Evil name", URL: s.URL}
	for name, damage := range map[string]func(data []byte) []byte{
		"cut":       func(data []byte) []byte { return data[:len(data)-1] },
		"changed":   func(data []byte) []byte { data[len(data)-2] ^= 1; return data },
		"no header": func([]byte) []byte { return []byte(good) },
		"empty":     func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			k := keeperOf(t, Config{Dir: dir}, feed)
			if err := k.Update(t.Context()); err != nil {
				t.Fatal(err)
			}
			files, err := os.ReadDir(dir)
			if err != nil || len(files) != 1 {
				t.Fatalf("%v %v", files, err)
			}
			path := filepath.Join(dir, files[0].Name())
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(data), 0o600); err != nil {
				t.Fatal(err)
			}
			k = keeperOf(t, Config{Dir: dir}, feed)
			k.tells(t, "failed bad_copy")
			if k.Result(feed.Name) != nil {
				t.Error("a damaged copy was used")
			}
			if err := k.Update(t.Context()); err != nil {
				t.Fatal(err)
			}
			if k = keeperOf(t, Config{Dir: dir}, feed); k.Result(feed.Name).Len() != 100 {
				t.Error("the copy has not been mended")
			}
		})
	}
	t.Run("no place", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		k := keeperOf(t, Config{Dir: dir}, feed)
		for range 2 {
			if err := k.Update(t.Context()); err != nil || k.Result(feed.Name).Len() != 100 {
				t.Errorf("the list is not used: %v", err)
			}
		}
		k.tells(t, "failed bad_copy, loaded 0→100")
	})
	t.Run("lost", func(t *testing.T) {
		dir := t.TempDir()
		k := keeperOf(t, Config{Dir: dir}, feed)
		for range 3 {
			if err := k.Update(t.Context()); err != nil {
				t.Fatal(err)
			}
			if k.attemptsOf(feed.Name) == 1 {
				os.RemoveAll(dir)
			}
		}
		if k = keeperOf(t, Config{Dir: dir}, feed); k.Result(feed.Name).Len() != 100 {
			t.Error("the copy has not been written again")
		}
	})
}

func (w *watched) attemptsOf(name string) uint64 {
	for _, s := range w.States() {
		if s.Name == name {
			return s.Attempts
		}
	}
	return 0
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "office.txt")
	feed := Feed{Name: "office", Path: path}
	k := keeperOf(t, Config{}, feed)
	k.tells(t, "failed unreachable")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(good)
	k = keeperOf(t, Config{}, feed)
	k.tells(t, "loaded 0→100")
	if err := k.Update(t.Context()); err != nil {
		t.Error(err)
	}
	k.tells(t, "")
	write("<html>")
	if err := k.Update(t.Context()); err == nil || err.Error() != `feed "office": it is a web page or XML, not a list` {
		t.Errorf("got %v", err)
	}
	write("192.0.2.1\n") // the operator may change as much as they like
	if err := k.Update(t.Context()); err != nil {
		t.Error(err)
	}
	k.tells(t, "failed not_a_list, loaded 100→1, recovered")
	k = keeperOf(t, Config{}, Feed{Name: "folder", Path: t.TempDir()})
	if state := k.States()[0]; state.LastError != "it is not a regular file" || state.Loaded {
		t.Errorf("state: %+v", state)
	}
}

// TestLink follows a page to a file whose address changes.
func TestLink(t *testing.T) {
	page := []byte(`<a href="https://download.microsoft.com/download/7/1/D/x/ServiceTags_Public_20260105.json">old</a>
		<a href="https://download.microsoft.com/download/7/1/D/x/ServiceTags_Public_20260112.json">new</a>
		<a href="https://download.example.com/ServiceTags_Public_20270112.json">not theirs</a>
		{"url":"https://download.microsoft.com/download/7/1/D/x/ServiceTags_Public_20260105.json"}`)
	azure, _ := Lookup("azure")
	link := azure.Sources[0].Link
	u, err := findLink(page, link)
	if err != nil || u.String() != "https://download.microsoft.com/download/7/1/D/x/ServiceTags_Public_20260112.json" {
		t.Errorf("%v %v", u, err)
	}
	if _, err := findLink([]byte("<html>"), link); err == nil || err.Error() != "the page has no link to download.microsoft.com/ServiceTags_Public_*.json" {
		t.Errorf("got %v", err)
	}
	if folder := dataFolder(t, "feeds/provider-samples/providers/azure/testdata"); folder != "" {
		page, err := os.ReadFile(filepath.Join(folder, "initial.html"))
		if err != nil {
			t.Fatal(err)
		}
		if u, err := findLink(page, link); err != nil || !strings.HasSuffix(u.Path, "/ServiceTags_Public_2000000.json") {
			t.Errorf("%v %v", u, err)
		}
	}

	var files atomic.Int32
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		if r.URL.Host == "www.example.com" {
			_, _ = w.Write(page)
		} else {
			files.Add(1)
			text(good)(w, r)
		}
		return w.Result(), nil
	})
	k := keeperOf(t, Config{Transport: transport}, Feed{Name: "azure", URL: "https://www.example.com/page", Link: link})
	for range 2 {
		if err := k.Update(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	k.tells(t, "loaded 0→100")
	page = []byte("<html>moved</html>")
	if err := k.Update(t.Context()); reasonOf(err, "") != NotAList || files.Load() != 2 {
		t.Errorf("%v after %d files", err, files.Load())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		feed Feed
		want string
	}{
		{Feed{URL: "https://example.com"}, "a feed has no name"},
		{Feed{Name: "a"}, `feed "a": want either a url or a path`},
		{Feed{Name: "a", URL: "https://example.com", Path: "x"}, `feed "a": want either a url or a path`},
		{Feed{Name: "a", URL: "http://example.com/list"}, `feed "a": http can be changed on the way: use https, or pin the file with sha256`},
		{Feed{Name: "a", URL: "ftp://example.com/list"}, `feed "a": unknown scheme "ftp": want https`},
		{Feed{Name: "a", URL: "https://u:secret@example.com/"}, `feed "a": the url holds a user or password: they would end up in logs`},
		{Feed{Name: "a", URL: "list.txt"}, `feed "a": the url has no host`},
		{Feed{Name: "a", URL: "https://exa mple.com"}, `feed "a": malformed url`},
		{Feed{Name: "a", URL: "https://example.com", Link: "[x"}, `feed "a": malformed link "[x": want a url, and host/form`},
		{Feed{Name: "a", URL: "https://example.com", Format: "xml"}, `feed "a": unknown format "xml": want one of [plain csv json geofeed tor aws google azure oracle fastly github cloudflare spamhaus]`},
		{Feed{Name: "a", URL: "https://example.com", Every: time.Second}, `feed "a": every 1s is too often: 1m0s is the least`},
		{Feed{Name: "a", URL: "https://example.com", SHA256: "abc"}, `feed "a": sha256 is not 64 hexadecimal digits`},
		{Feed{Name: "a", URL: "https://example.com", Grow: 0.5}, `feed "a": shrink must be between 0 and 1, and grow at least 1`},
	} {
		if _, err := New(Config{}, []Feed{test.feed}); err == nil || err.Error() != test.want {
			t.Errorf("%+v: %v\nwant %s", test.feed, err, test.want)
		}
	}
	twice := Feed{Name: "a", URL: "http://localhost/", SHA256: sumOf(nil)}
	if _, err := New(Config{}, []Feed{twice, twice}); err == nil || err.Error() != `feed "a" is given twice` {
		t.Errorf("got %v", err)
	}
}

// TestProgress wants the bytes to be told as they come.
func TestProgress(t *testing.T) {
	s := newServer(t, httptest.NewServer)
	var reads []int64
	k := keeperOf(t, Config{Progress: func(_ string, read, _ int64) { reads = append(reads, read) }}, Feed{Name: "list", URL: s.URL})
	if err := k.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(reads) == 0 || reads[len(reads)-1] != int64(len(good)) || !slices.IsSorted(reads) {
		t.Errorf("progress: %v", reads)
	}
}

// TestStopped shows that a Keeper that is told to stop does not blame the feed.
func TestStopped(t *testing.T) {
	s := newServer(t, httptest.NewServer)
	k := keeperOf(t, Config{}, Feed{Name: "list", URL: s.URL})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Update(ctx); err == nil {
		t.Error("fetched nevertheless")
	}
	k.tells(t, "")
}
