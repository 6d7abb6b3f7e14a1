package network

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// countriesIn returns the bytes of a database that has 192.0.2.0/24 in a country.
func countriesIn(tb testing.TB, code string) []byte {
	tb.Helper()
	return makeDatabase(tb, "Test-"+code, []entry{{"192.0.2.0/24", m{"country_code": mmdbtype.String(code)}}})
}

// followed is a file that Databases follow, with a clock of its own.
type followed struct {
	*testing.T
	path      string
	databases *Databases
	now       time.Time
}

func follow(t *testing.T, data []byte, wanted ...Field) (*followed, error) {
	f := &followed{T: t, path: filepath.Join(t.TempDir(), "test.mmdb"), now: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	if data != nil {
		f.write(data)
	}
	d, err := OpenDatabases(DatabaseFile{f.path, wanted})
	d.clock = func() time.Time { return f.now }
	f.databases = d
	return f, err
}

// write puts data in the file, in place, an hour before now.
func (f *followed) write(data []byte) {
	f.Helper()
	if err := os.WriteFile(f.path, data, 0o600); err != nil {
		f.Fatal(err)
	}
	f.wroteAt(f.now.Add(-time.Hour))
}

func (f *followed) wroteAt(at time.Time) {
	f.Helper()
	if err := os.Chtimes(f.path, at, at); err != nil {
		f.Fatal(err)
	}
}

// refresh looks again, a minute later, and returns what is told.
func (f *followed) refresh() string {
	f.now = f.now.Add(time.Minute)
	var said []string
	for _, c := range f.databases.Refresh() {
		if c.Err != nil {
			said = append(said, "refused: "+c.Err.Error())
		} else {
			said = append(said, c.Before.Type+" > "+c.Info.Type)
		}
	}
	return strings.Join(said, "; ")
}

func (f *followed) country() string {
	s := Sources{Databases: f.databases}
	return s.Facts(netip.MustParseAddr("192.0.2.1")).Country
}

func (f *followed) want(said, country string) {
	f.Helper()
	if got := f.refresh(); got != said {
		f.Errorf("told %q, want %q", got, said)
	}
	if got := f.country(); got != country {
		f.Errorf("country %q, want %q", got, country)
	}
}

func TestFollowedFile(t *testing.T) {
	us, ca := countriesIn(t, "US"), countriesIn(t, "CA")
	f, err := follow(t, us, CountryField)
	if err != nil {
		t.Fatal(err)
	}
	f.want("", "US")
	f.write(ca)
	f.want("Test-US > Test-CA", "CA")
	f.want("", "CA")

	// What is no good does not take the place of what is, and is told of once.
	f.write(us[:len(us)-30])
	f.want("refused: is not a MaxMind DB file, or a damaged one: at offset 0: unexpected end of database", "CA")
	f.want("", "CA")
	f.write(nil)
	f.want("refused: is empty", "CA")
	f.write([]byte{})
	f.want("", "CA")
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.want("refused: no such file or directory", "CA")
	f.want("", "CA")
	f.write(makeDatabase(t, "Test-ASN", []entry{{"192.0.2.0/24", m{"asn": mmdbtype.String("AS64496")}}}))
	if got := f.refresh(); !strings.HasPrefix(got, "refused: does not tell country, but asn") || f.country() != "CA" {
		t.Errorf("told %q", got)
	}
	s := f.databases.States()[0]
	if !s.Loaded || s.Err == nil || s.Info.Type != "Test-CA" || !s.Checked.Equal(f.now) || s.Path != f.path {
		t.Errorf("state %+v", s)
	}

	// The same file as before is good news.
	f.write(ca)
	f.want("Test-CA > Test-CA", "CA")
	if s := f.databases.States()[0]; s.Err != nil || !s.Opened.Equal(f.now) {
		t.Errorf("state %+v", s)
	}
	// A file that takes the place of another at once.
	next := f.path + ".next"
	if err := os.WriteFile(next, us, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, f.path); err != nil {
		t.Fatal(err)
	}
	f.now = time.Now().Add(time.Hour)
	f.want("Test-CA > Test-US", "US")
}

// Who is still writing is not disturbed.
func TestFileInTheMaking(t *testing.T) {
	f, err := follow(t, countriesIn(t, "US"))
	if err != nil {
		t.Fatal(err)
	}
	f.write(countriesIn(t, "CA"))
	f.wroteAt(f.now.Add(59 * time.Second)) // a second before refresh looks
	f.want("", "US")
	f.want("Test-US > Test-CA", "CA")
	f.write(countriesIn(t, "US"))
	f.wroteAt(f.now.Add(24 * time.Hour)) // a clock is wrong
	f.want("Test-CA > Test-US", "US")
}

// A database that has never been there is an error of each look-up, until it is.
func TestDatabaseNotThere(t *testing.T) {
	f, err := follow(t, nil)
	if want := "opening database " + f.path + ": no such file or directory"; message(err) != want {
		t.Errorf("error %v, want %s", err, want)
	}
	s := Sources{Databases: f.databases}
	a := netip.MustParseAddr("192.0.2.1")
	if got := s.Facts(a); message(got.Err) != "database "+f.path+" is not there: no such file or directory" || got.Country != "" {
		t.Errorf("got %+v", got)
	}
	f.want("", "")
	if f.databases.Tells(CountryField) || f.databases.States()[0].Loaded {
		t.Error("it tells something")
	}
	f.write(countriesIn(t, "US"))
	f.want(" > Test-US", "US")
	if got := s.Facts(a); got.Err != nil || !f.databases.Tells(CountryField) || f.databases.Tells(ASNField) {
		t.Errorf("got %+v", got)
	}
}

func TestGivenDatabases(t *testing.T) {
	var none *Databases
	for name, d := range map[string]*Databases{"nil": none, "zero": {}, "none": DatabasesOf(nil, nil)} {
		if len(d.Refresh()) != 0 || len(d.States()) != 0 || d.Tells(CountryField) {
			t.Errorf("%s: there are databases", name)
		}
	}
	d := DatabasesOf(database(t, countriesIn(t, "US")))
	if changes := d.Refresh(); changes != nil || len(d.States()) != 1 || !d.Tells(CountryField) {
		t.Errorf("changed: %v", changes)
	}
}

// What Run does is Refresh, time and again.
func TestRunDatabases(t *testing.T) {
	us, ca := countriesIn(t, "US"), countriesIn(t, "CA")
	synctest.Test(t, func(t *testing.T) {
		f, err := follow(t, us)
		if err != nil {
			t.Fatal(err)
		}
		f.now = f.now.Add(time.Minute)
		f.write(ca)
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan DatabaseChange, 1)
		go f.databases.Run(ctx, time.Minute, func(c DatabaseChange) { told <- c })
		if c := <-told; c.Info.Type != "Test-CA" || c.Err != nil {
			t.Errorf("told %+v", c)
		}
		cancel()
	})
}

// A file cut short while it is in use, or filled with something else, is
// nobody's concern until it is opened again.
func TestOverwrittenInPlace(t *testing.T) {
	us := countriesIn(t, "US")
	f, err := follow(t, us)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{nil, us[:10], bytes.Repeat([]byte("x"), len(us))} {
		f.write(data)
		if got := f.country(); got != "US" {
			t.Errorf("country %q", got)
		}
	}
}

// That a database tells traits does not mean that it knows of each.
func TestTellsTrait(t *testing.T) {
	d, err := newDatabase(makeDatabase(t, "Test", []entry{{"192.0.2.0/24", m{"is_anonymous_vpn": mmdbtype.Bool(true), "is_anonymous": mmdbtype.Bool(true)}}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	vpn := DatabasesOf(d)
	for trait, want := range map[Traits]bool{VPN: true, Anonymous: true, Tor: false, Tor | VPN: true, Cellular | Hosting: false} {
		if got := vpn.TellsTrait(trait); got != want {
			t.Errorf("%v: %t, want %t", trait, got, want)
		}
	}
	var none *Databases
	if none.TellsTrait(VPN) {
		t.Error("no databases tell something")
	}
}
