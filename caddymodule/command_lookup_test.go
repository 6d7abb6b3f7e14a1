package caddymodule

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

var sample = []string{"--ruleset", "../testdata/demo/otp.rules.yaml", "--country-db", "../testdata/geo/country.mmdb",
	"--asn-db", "../testdata/geo/asn.mmdb", "--database", "../testdata/geo/anonymous.mmdb"}

// lookedUp is what the command prints for machines.
type lookedUp struct {
	Asked, Address, Kind, Inner, Error string
	Known                              map[string]any
	Lists                              []struct{ List, Gate, Feed, Source string }
	Databases                          []struct {
		Path, Type, Built string
		Known             map[string]any
	}
	E164, Range, Region, Type string
	Gates                     []struct {
		Gate, Price string
		Lists       []string
		Checks      []struct{ Check, Answer, Rule string }
	}
}

func lookUp(t *testing.T, args ...string) (found []lookedUp, code int) {
	t.Helper()
	out, errs, code := run(t, append([]string{"lookup", "--json", "--dir", t.TempDir()}, args...)...)
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	return found, code
}

func TestLookupCommand(t *testing.T) {
	found, code := lookUp(t, append(sample, "192.0.2.200", "[::ffff:192.0.2.66]:443", "2002:c000:0242::1", "203.0.113.249", "(415) 555-0123", "+881612345678", "none")...)
	if code != exitProblems || len(found) != 7 {
		t.Fatalf("exit %d, %d findings", code, len(found))
	}
	relay := found[0]
	if relay.Kind != "documentation" || relay.Known["country"] != "US" || relay.Known["asn"] != 64500.0 || relay.Known["org"] != "Example Hosting" {
		t.Errorf("%+v", relay)
	}
	if len(relay.Databases) != 3 || relay.Databases[0].Known["country"] != "US" || relay.Databases[0].Built == "" || len(relay.Databases[0].Known) != 1 ||
		!strings.HasSuffix(relay.Databases[2].Path, "anonymous.mmdb") || relay.Databases[2].Known["risk"] != 30.0 {
		t.Errorf("%+v", relay.Databases)
	}
	if len(relay.Lists) != 2 || relay.Lists[0].List != "relay" || relay.Lists[0].Gate != "demo" || !strings.HasSuffix(relay.Lists[0].Source, "testdata/lists/relay.txt") || relay.Lists[1].List != "hosting" {
		t.Errorf("%+v", relay.Lists)
	}
	if len(relay.Gates) != 1 || strings.Join(relay.Gates[0].Lists, " ") != "relay hosting" || relay.Gates[0].Checks[0].Answer != "pass" {
		t.Errorf("%+v", relay.Gates)
	}
	if tor := found[1]; tor.Address != "192.0.2.66" || tor.Gates[0].Checks[0].Answer != "deny" || tor.Gates[0].Checks[0].Rule != "tor" {
		t.Errorf("%+v", tor)
	}
	if tunnel := found[2]; tunnel.Kind != "6to4" || tunnel.Inner != "192.0.2.66" || tunnel.Gates[0].Checks[0].Rule != "6to4" {
		t.Errorf("%+v", tunnel)
	}
	if nobody := found[3]; nobody.Known["country"] != "CN" || nobody.Gates[0].Checks[1].Rule != "countries" {
		t.Errorf("%+v", nobody)
	}
	if number := found[4]; number.E164 != "+14155550123" || number.Range != "+14155550" || number.Region != "US" || number.Type != "fixed_line_or_mobile" ||
		number.Gates[0].Price != "0.0079 USD" || number.Gates[0].Checks[0].Answer != "pass" {
		t.Errorf("%+v", number)
	}
	if satellite := found[5]; satellite.Type != "satellite" || satellite.Gates[0].Checks[0].Answer != "deny" {
		t.Errorf("%+v", satellite)
	}
	if none := found[6]; none.Error != "neither an address nor a phone number" {
		t.Errorf("%+v", none)
	}
}

// Without a configuration, a ruleset or a list on disk there is still what
// addresses and numbers tell by themselves.
func TestLookupWithoutAnything(t *testing.T) {
	found, code := lookUp(t, "192.168.1.1", "+447400123456")
	if code != 0 || len(found) != 2 || found[0].Kind != "private" || found[1].Region != "GB" || len(found[1].Gates) != 0 {
		t.Errorf("exit %d: %+v", code, found)
	}
	if _, code := lookUp(t, "415 555 0123"); code != exitProblems {
		t.Errorf("a number without a country: exit %d", code)
	}
	if found, code := lookUp(t, "--region", "us", "415 555 0123"); code != 0 || found[0].E164 != "+14155550123" {
		t.Errorf("exit %d: %+v", code, found)
	}
	if _, errs, code := run(t, "lookup", "--country-db", "none.mmdb", "192.0.2.7"); code != exitProblems || !strings.HasPrefix(errs, "country_db: ") || !strings.Contains(errs, "no such file") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

var ages = regexp.MustCompile(`less than a minute|\d+ (minute|hour|day)s?`)

// What the documents show of the command is what it prints.
func TestDocumentedLookups(t *testing.T) {
	t.Chdir("..")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	blocks := regexp.MustCompile("(?s)```console\n\\$ caddy otp-gate (lookup .*?)\n\n(.*?)```")
	for path, want := range map[string]int{"README.md": 2, "caddymodule/NETWORKS.md": 20} {
		titles := 0
		for _, block := range blocks.FindAllStringSubmatch(readFile(t, path), -1) {
			var args []string
			for _, quoted := range regexp.MustCompile(`"[^"]*"|[^\s\\]+`).FindAllString(block[1], -1) {
				args = append(args, strings.Trim(quoted, `"`))
			}
			out, errs, _ := run(t, args...)
			if ages.ReplaceAllString(out, "AGE") != ages.ReplaceAllString(block[2], "AGE") || errs != "" {
				t.Errorf("%s: %v:\n%s%s", path, args, errs, out)
			}
			titles += len(regexp.MustCompile(`(?m)^\S`).FindAllString(out, -1))
		}
		if titles != want {
			t.Errorf("%s: %d are looked up, want %d", path, titles, want)
		}
	}
}
