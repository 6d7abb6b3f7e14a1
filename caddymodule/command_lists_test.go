package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestListsCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lists")
	out, errs, code := run(t, "lists", "--dir", dir)
	if code != 0 || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{
		"copies in " + dir + "\n",
		"\ntor (deny): exits of the Tor network\n  never loaded\n    https://check.torproject.org/torbulkexitlist, every 1h, plain\n",
		"\nhosting (deny): all the hosting providers here\n  is aws, gcp, ",
		"\nhetzner (deny): Hetzner: no file is published, its AS numbers need an ASN database\n  with an ASN database also AS24940, ",
		"vpn-ipv6 from https://raw.githubusercontent.com/",
		"\nicloud-relay (trust): ",
		"\n  MIT\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("looking has made %s: %v", dir, err)
	}
	out, _, _ = run(t, "lists", "--json", "--dir", dir)
	var all struct {
		Dir   string
		Lists []struct {
			Name, Kind, Licence string
			ASNs                []uint32
			Feeds               []struct {
				Source, Format, Every string
				Loaded                bool
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil || all.Dir != dir || len(all.Lists) < 15 {
		t.Fatalf("%v\n%s", err, out)
	}
	if l := all.Lists[1]; l.Name != "aws" || l.Kind != "deny" || l.Licence == "" || len(l.ASNs) != 2 || len(l.Feeds) != 1 ||
		l.Feeds[0].Format != "aws" || l.Feeds[0].Every != "24h" || l.Feeds[0].Loaded {
		t.Errorf("%+v", l)
	}
}

// What the command fetches, and accepts, a Caddy takes up that runs.
func TestListsUpdateCommand(t *testing.T) {
	body := inside + "\n" + networks(100)
	source := publishes(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) })
	broken := publishes(t, saying(500))
	rules := noProof + "limits: []\nnetwork: {deny: [bad, worse], lists: {bad: {url: \"" + source.URL + "\"}, worse: {url: \"" + broken.URL + "\"}}}\n"
	p := open(t, rules, answering(202), proxied)
	until(t, "the list is loaded", func() bool { return p.from(inside, alice) == "403 network_refused" })
	config := filepath.Join(p.folder, "Caddyfile")
	writeFile(t, config, p.caddyfile())
	command := func(want string, wantCode int, args ...string) {
		t.Helper()
		out, errs, code := run(t, append([]string{"lists"}, append(args, "--config", config)...)...)
		if code != wantCode || out != want || errs != "" {
			t.Errorf("%v: exit %d: %s%s\nwant exit %d: %s", args, code, out, errs, wantCode, want)
		}
	}
	command("test.bad  101 entries, unchanged\n", 0, "update", "test.bad")
	command("test.worse  failed: the server answered 500 Internal Server Error\n", exitProblems, "update", "test.worse")
	if out, _, code := run(t, "lists", "update", "--config", config); code != exitProblems || strings.Count(out, "\n") != 2 {
		t.Errorf("all that is used: exit %d: %s", code, out)
	}

	body = outside + "\n" + networks(1000)
	command("test.bad  it has grown from 101 entries to 1001: held back until confirmed or accepted; to believe it: caddy otp-gate lists accept --config "+config+" test.bad\n", exitProblems, "update", "test.bad")
	if got := p.from(outside, alice); got != "202" {
		t.Errorf("a list that is held back is in force: %s", got)
	}
	command("test.bad  accepted: 1001 entries, before 101\n", 0, "accept", "test.bad")
	until(t, "the list that was accepted", func() bool { return p.from(outside, alice) == "403 network_refused" })
	if got := p.metric(`otpgate_list_entries{list="test.bad"}`); got != "1001" {
		t.Errorf("%s entries", got)
	}
	out, _, code := run(t, "lists", "--config", config)
	if want := "\ntest.bad\n  1001 entries, checked less than a minute ago, changed less than a minute ago\n    " + source.URL + ", every 24h\n    used by test\n"; code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit %d: no %q in\n%s", code, want, out)
	}

	// And what it looks up.
	out, errs, code := run(t, "lookup", "--config", config, outside)
	if want := "  lists      test.bad  " + source.URL + ", less than a minute old\n"; code != 0 || !strings.Contains(out, want) || !strings.Contains(out, "network: deny, bad\n") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

func TestListsUsage(t *testing.T) {
	folder := t.TempDir()
	notes := filepath.Join(folder, "notes.txt")
	writeFile(t, notes, "")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"lists", "fetch"}, `unknown command "fetch": want update or accept`},
		{[]string{"lists", "update", "tors", "--dir", folder}, `there is no list "tors": want tor, aws, `},
		{[]string{"lists", "update", "hetzner", "--dir", folder}, "there is nothing to fetch for hetzner: it consists of autonomous systems"},
		{[]string{"lists", "accept"}, "want the name of a list"},
		{[]string{"lists", "--config", notes}, "--config " + notes + ": want a Caddyfile"},
		{[]string{"lookup"}, "want at least one address or phone number"},
		{[]string{"lookup", "--config", notes, "--ruleset", notes, "192.0.2.7"}, "--config names rulesets and databases: leave the other flags out"},
		{[]string{"lookup", "--region", "XX", "192.0.2.7"}, `--region "XX": want the code of a country`},
	} {
		if _, errs, code := run(t, test.args...); code != exitUsage || !strings.HasPrefix(errs, test.want) || !strings.Contains(errs, "\nUsage: caddy otp-gate") {
			t.Errorf("%v: exit %d: %s", test.args, code, errs)
		}
	}
}

// On a terminal there is a bar.
func TestProgress(t *testing.T) {
	var out strings.Builder
	p := &progress{w: &out, width: 60}
	p.begin([]string{"tor", "spamhaus"})
	p.read("tor", 50, 200)
	p.read("spamhaus", 4096, -1)
	p.done("tor", "1312 entries")
	p.done("spamhaus", "2 entries")
	p.end()
	want := []string{
		"", "[--------------------] 0/2",
		"[--------------------] 0/2  tor 25 %",
		"[--------------------] 0/2  tor 25 %  spamhaus 4 KiB",
		"tor       1312 entries\n",
		"[##########----------] 1/2  spamhaus 4 KiB",
		"spamhaus  2 entries\n", "",
	}
	if got := strings.Split(out.String(), clearLine); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAgo(t *testing.T) {
	for age, want := range map[time.Duration]string{
		59 * time.Second: "less than a minute", time.Minute: "1 minute", 59 * time.Minute: "59 minutes",
		time.Hour: "1 hour", 47 * time.Hour: "47 hours", 49 * time.Hour: "2 days", 400 * 24 * time.Hour: "400 days",
	} {
		if got := ago(age); got != want {
			t.Errorf("%v is %q, want %q", age, got, want)
		}
	}
}
