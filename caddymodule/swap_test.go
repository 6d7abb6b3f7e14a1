package caddymodule

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// countries writes a database in which the networks are of these countries, in
// place of the one that is there, as one that was written some time ago.
func countries(t testing.TB, path string, age time.Duration, of map[string]string) {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", IncludeReservedNetworks: true, BuildEpoch: time.Now().Add(-age).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	for network, country := range of {
		prefix := netip.MustParsePrefix(network)
		record := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(country)}}
		if err := w.Insert(&net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}, record); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".db-*")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	replace(t, f.Name(), path, age)
}

// replace puts a file in the place of another one, as one of that age.
func replace(t testing.TB, file, path string, age time.Duration) {
	t.Helper()
	old := time.Now().Add(-age)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file, path); err != nil {
		t.Fatal(err)
	}
}

// followed returns the databases of the Caddy that runs.
func followed(t testing.TB) (found *openDatabases) {
	t.Helper()
	databases.Range(func(_, value any) bool {
		found = value.(*openDatabases)
		return false
	})
	if found == nil {
		t.Fatal("no databases are open")
	}
	return found
}

// A database that is replaced takes over; one that is damaged is kept out and
// reported once; metrics tell.
func TestDatabaseFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "country.mmdb")
	countries(t, path, 48*time.Hour, map[string]string{"192.0.2.0/24": "US"})
	p := open(t, noProof+"limits: []\ngeo: {countries: [US], match: off}\n", answering(202), proxied, func(p *place) { p.global = "database " + path })
	if got := p.from("192.0.2.7", alice); got != "202" {
		t.Errorf("at first: %s", got)
	}
	countries(t, path, 24*time.Hour, map[string]string{"192.0.2.0/24": "DE", "198.51.100.0/24": "US"})
	until(t, "the new database", func() bool { return p.from("198.51.100.7", alice) == "202" })
	if got := p.from("192.0.2.7", alice); got != "403 country_refused" {
		t.Errorf("by the new database: %s", got)
	}
	if lines := p.logged("database loaded"); len(lines) != 1 || lines[0]["path"] != path || lines[0]["built"] == nil || lines[0]["built_before"] == nil {
		t.Errorf("logged %v", lines)
	}

	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	half := path + ".half"
	writeFile(t, half, string(good[:len(good)/2]))
	replace(t, half, path, time.Hour)
	failing := fmt.Sprintf("otpgate_database_failing{path=%q}", path)
	until(t, "the damage is seen", func() bool { return p.metric(failing) == "1" })
	// The file that is damaged is no obstacle to a reload, since what it held is
	// in memory.
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	if got := p.from("198.51.100.7", alice); got != "202" {
		t.Errorf("with a damaged file: %s", got)
	}
	followed(t).Refresh()
	if lines := p.logged("the file of a database is no good; what it held before stays in use"); len(lines) != 1 || lines[0]["error"] == nil {
		t.Errorf("logged %v", lines)
	}
	for name, want := range map[string]string{"networks": "2", "records": "2", "failing": "1"} {
		if got := p.metric(fmt.Sprintf("otpgate_database_%s{path=%q}", name, path)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if got := p.metric(fmt.Sprintf("otpgate_database_built_timestamp_seconds{path=%q}", path)); got == "" {
		t.Error("nobody tells when it was built")
	}
	writeFile(t, half, string(good))
	replace(t, half, path, time.Minute)
	until(t, "the good file is in use", func() bool { return p.metric(failing) == "0" })
	caddy.Stop()
	idle(t)
}

// A database that is no good is refused when Caddy starts, and by check, in one
// line that says which, and what is wrong with it.
func TestDatabasesRefused(t *testing.T) {
	folder := t.TempDir()
	good := readFile(t, "../testdata/geo/country.mmdb")
	bad := map[string]string{
		"half.mmdb":    good[:len(good)/2],
		"garbage.mmdb": strings.Repeat("garbage ", 1000),
		"empty.mmdb":   "",
		"page.mmdb":    "<!DOCTYPE html><html><body>quota exceeded</body></html>",
		"asn.mmdb":     readFile(t, "../testdata/geo/asn.mmdb"), // which tells no country
	}
	var paths []string
	for name, content := range bad {
		path := filepath.Join(folder, name)
		writeFile(t, path, content)
		paths = append(paths, path)
	}
	if data := dataFolder(t, "maxmind-db"); data != "" {
		more, err := filepath.Glob(filepath.Join(data, "bad-data/*/*.mmdb"))
		if err != nil || len(more) < 10 {
			t.Fatalf("%d damaged databases: %v", len(more), err)
		}
		paths = append(paths, more...)
	}
	for _, path := range paths {
		p := prepare(t, noProof+"geo: {countries: [US], match: off}\n", answering(202), func(p *place) { p.global = "country_db " + path })
		want := "country_db: opening " + path + ": "
		err := p.load()
		if err == nil {
			t.Errorf("%s is opened", path)
			caddy.Stop()
			continue
		}
		if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, "\n") {
			t.Errorf("loading: %s\nwant in one line: %s", text, want)
		}
		config := filepath.Join(p.folder, "Caddyfile")
		writeFile(t, config, p.caddyfile())
		if out, errs, code := run(t, "check", config); code != exitProblems || !strings.Contains(out+errs, want) {
			t.Errorf("check: exit %d: %s%s", code, out, errs)
		}
	}
	idle(t)
}

// Lists and databases that are exchanged ten times a second change no answer
// but for those that they tell differently of.
func TestSwapsUnderLoad(t *testing.T) {
	var turn atomic.Int64
	source := publishes(t, func(w http.ResponseWriter, r *http.Request) {
		// 198.51.100.66 comes and goes.
		list := inside + "\n" + networks(200)
		if n := turn.Load(); n%2 == 0 {
			list = "198.51.100.66\n" + list
		}
		fmt.Fprintf(w, "# %d\n%s", turn.Load(), list)
	})
	path := filepath.Join(t.TempDir(), "country.mmdb")
	database := func() {
		of := map[string]string{"192.0.2.0/24": "US", "198.51.100.0/24": "US", "203.0.113.0/25": "DE", "203.0.113.128/25": "US"}
		if turn.Load()%2 == 0 {
			of["203.0.113.128/25"] = "DE" // comes and goes, too
		}
		countries(t, path, time.Hour+time.Duration(turn.Load())*time.Second, of)
	}
	database()
	rules := strings.Replace(withList(source.URL), "limits: []", "limits: []\ngeo: {countries: [US], match: off}", 1)
	p := open(t, rules, answering(202), proxied, func(p *place) { p.global = "country_db " + path })
	until(t, "the list is loaded", func() bool { return p.from(outside, alice) == "202" })

	answers := map[string][]string{
		inside:          {"403 network_refused"},
		outside:         {"202"},
		"203.0.113.7":   {"403 country_refused"},
		"198.51.100.66": {"202", "403 network_refused"},
		"203.0.113.140": {"202", "403 country_refused"},
	}
	stop := make(chan bool)
	var wg sync.WaitGroup
	var asked atomic.Int64
	var mu sync.Mutex
	got := make(map[string]map[string]int) // by address
	for address, allowed := range answers {
		got[address] = make(map[string]int)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				answer := p.from(address, alice)
				asked.Add(1)
				if !slices.Contains(allowed, answer) {
					t.Errorf("%s: %s, want %v", address, answer, allowed)
				}
				mu.Lock()
				got[address][answer]++
				mu.Unlock()
			}
		})
	}
	lists, open := p.kept().lists.Load(), followed(t)
	for range 20 {
		turn.Add(1)
		database()
		if err := lists.Update(context.Background()); err != nil {
			t.Error(err)
		}
		for _, change := range open.Refresh() {
			if change.Err != nil {
				t.Error(change.Err)
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	close(stop)
	wg.Wait()
	for address, allowed := range answers {
		if len(got[address]) != len(allowed) {
			t.Errorf("%s: %v, want each of %v", address, got[address], allowed)
		}
	}
	if n := p.metric(`otpgate_errors_total{gate="test",check="geo"}`); n != "" {
		t.Errorf("%s errors", n)
	}
	t.Logf("%d requests while lists and databases were exchanged 20 times", asked.Load())
}
