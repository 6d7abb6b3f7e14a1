package caddymodule

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/otpgate/otpgate/ruleset"
)

// run runs "caddy otp-gate" with args, and returns what it prints and the exit
// code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	registered, ok := caddycmd.Commands()["otp-gate"]
	if !ok {
		t.Fatal("the command is not registered")
	}
	root, cmd := &cobra.Command{Use: "caddy"}, &cobra.Command{Use: "otp-gate"}
	registered.CobraFunc(cmd)
	root.AddCommand(cmd)
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(append([]string{"otp-gate"}, args...))
	if err := root.Execute(); err != nil {
		code = exitProblems
		if err.Error() == "exiting with status 2" { // of Caddy's unexported exitError
			code = exitUsage
		}
	}
	if args[0] != "test" && args[0] != "lookup" { // which quote what is the operator's own
		heard.Write(out.Bytes())
		heard.Write(errs.Bytes())
	}
	return out.String(), errs.String(), code
}

func TestCheckCommand(t *testing.T) {
	folder := t.TempDir()
	good, bad, doubtful := filepath.Join(folder, "good.yaml"), filepath.Join(folder, "bad.yaml"), filepath.Join(folder, "doubtful.yaml")
	writeFile(t, good, noProof+"limits: [{per: phone, max: 1, in: 60s}, {max: 100, in: 1h}]\ngeo: {countries: [US]}\n")
	writeFile(t, bad, noProof+"geo: {contries: [US]}\n")
	writeFile(t, doubtful, noProof+"limits: [{per: phone, max: 1, in: 60s}]\n")

	out, _, code := run(t, "check", good)
	if code != 0 || !strings.HasPrefix(out, good+": good\n  gate    test\n  needs   country_db\n  ledger  at most ") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	out, _, code = run(t, "check", doubtful)
	if code != 0 || !strings.Contains(out, ": warning: ") || !strings.Contains(out, doubtful+": good, with 1 warning\n") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	out, _, code = run(t, "check", good, bad)
	if code != exitProblems || !strings.Contains(out, bad+":6:7: unknown word \"contries\" in geo; did you mean \"countries\"?") || !strings.Contains(out, "good.yaml: good") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	out, _, code = run(t, "check", "--json", good, bad)
	var all []struct {
		OK       bool
		Problems []struct{ Line, Column int }
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != exitProblems || len(all) != 2 || !all[0].OK || all[1].OK || all[1].Problems[len(all[1].Problems)-1].Line != 6 {
		t.Errorf("exit %d, %v:\n%s", code, err, out)
	}
}

func TestShowCommand(t *testing.T) {
	out, errs, code := run(t, "show", "../testdata/demo/otp.rules.yaml")
	if code != 0 || errs != "" || !strings.Contains(out, "max_body: 16KiB") {
		t.Fatalf("exit %d: %s\n%s", code, errs, out)
	}
	// What it prints is a ruleset that means the same.
	folder := filepath.Join(t.TempDir(), "demo")
	if err := os.CopyFS(filepath.Dir(folder)+"/lists", os.DirFS("../testdata/lists")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(folder, "otp.rules.yaml")
	writeFile(t, again, out)
	if second, _, _ := run(t, "show", again); second != out {
		t.Errorf("shown again:\n%s", second)
	}
}

// costs are how long each check took, and the spaces that line them up.
var costs = regexp.MustCompile(`(?m) +\d[\d.]*[nµm]?s(  +|$)`)

func TestExplainCommand(t *testing.T) {
	args := []string{"explain", "--country-db", "../testdata/geo/country.mmdb", "--asn-db", "../testdata/geo/asn.mmdb", "../testdata/demo/otp.rules.yaml"}
	out, errs, code := run(t, append(args, "--phone", "(415) 555-0123", "--ip", "192.0.2.140")...)
	if code != 0 || errs != "" {
		t.Errorf("exit %d: %s", code, errs)
	}
	out = costs.ReplaceAllString(out, "  COST ")
	for _, want := range []string{
		"+1********23 US fixed_line_or_mobile, asked for from 192.0.2.140 US AS64500 Example Hosting\n",
		"  network  deny     hosting  COST network_refused\n",
		"\nDENY 403 network_refused, by network: hosting\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--phone", "+14155550123", "--ip", "192.0.2.7"}, "ALLOW\n"},
		{[]string{"--phone", "+14155550123", "--ip", "192.0.2.7", "--proof", "none"}, "CHALLENGE 403 human_required, by human"},
		{[]string{"--phone", "+14155550123", "--ip", "192.0.2.7", "--proof", "fail"}, "DENY 403 human_failed, by human"},
		{[]string{"--phone", "+14155550123", "--ip", "203.0.113.7"}, "DENY 403 country_refused, by geo"},
		{[]string{"--phone", "+442079460000", "--ip", "192.0.2.7"}, "DENY 403 number_refused, by number"},
		{[]string{"--ip", "192.0.2.7"}, "DENY 422 phone_missing, by request"},
		{[]string{"--phone", "+14155550123", "--ip", "192.0.2.7", "--email", "a@example.com", "--device", "d"}, "ALLOW\n"},
	} {
		if out, _, _ := run(t, append(args, test.args...)...); !strings.Contains(out, test.want) {
			t.Errorf("%v: no %q in\n%s", test.args, test.want, out)
		}
	}
	scored := filepath.Join(t.TempDir(), "scored.yaml")
	writeFile(t, scored, noProof+"network: {risk: {deny: 80, flag: 50}}\n")
	for _, test := range []struct{ address, risk, want string }{
		{"192.0.2.7", "80", "DENY 403 network_refused, by network: risk\ndetail: a score of 80\n"},
		{"192.0.2.7", "79.5", "ALLOW\nflagged: network risk\n"},
		{"192.0.2.7", "0", "ALLOW\n"},
		{"192.0.2.7", "away", "DENY 503 unavailable, by network: risk away\nerror: the risk service is away\n"},
		{"192.0.2.7", "", "DENY 503 unavailable, by network: risk away\nerror: no risk service is wired\n"},
		{"10.0.0.7", "99", "ALLOW\n"},
	} {
		if out, _, _ := run(t, "explain", scored, "--phone", "+14155550123", "--ip", test.address, "--risk", test.risk); !strings.HasSuffix(out, "\n"+test.want) {
			t.Errorf("%s at %q: no %q in\n%s", test.address, test.risk, test.want, out)
		}
	}
	if _, errs, code := run(t, "explain", scored, "--phone", "+14155550123", "--ip", "192.0.2.7", "--risk", "NaN"); code != 2 || !strings.Contains(errs, `--risk "NaN": want a score such as 87, or away`) {
		t.Errorf("exit %d: %s", code, errs)
	}
	file := filepath.Join(t.TempDir(), "request.http")
	writeFile(t, file, "POST /auth/otp/send HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{\"phone\":\"+14155550123\",\"phone\":\"+14155\"}")
	if out, _, _ := run(t, append(args, "--request", file, "--ip", "192.0.2.7")...); !strings.Contains(out, "DENY 400 bad_request, by request") {
		t.Errorf("a request from a file:\n%s", out)
	}
	out, _, code = run(t, append(args, "--json", "--phone", "+14155550123", "--ip", "192.0.2.7")...)
	var explained struct {
		Verdict struct{ Action string }
		Steps   []struct{ Check, Answer string }
	}
	if err := json.Unmarshal([]byte(out), &explained); err != nil || code != 0 || explained.Verdict.Action != "allow" || len(explained.Steps) < 10 {
		t.Errorf("exit %d, %v:\n%s", code, err, out)
	}
}

// A request is made in any shape that a ruleset can ask for.
func TestExplainShapes(t *testing.T) {
	for _, shape := range []string{
		"{phone: json /user/tel~1no, email: json /user/mail, device: header X-Device-Id}",
		"{phone: form phone, email: form email, device: cookie device}",
		"{phone: query phone, email: query email, device: cookie device}",
		"{phone: header X-Phone, proof: header X-Proof}",
	} {
		file := filepath.Join(t.TempDir(), "rules.yaml")
		args := []string{"explain", file, "--phone", "+14155550123", "--ip", "192.0.2.7"}
		if strings.Contains(shape, "email") {
			args = append(args, "--email", "a@example.com", "--device", "d")
		}
		writeFile(t, file, "version: 1\nrequest: "+shape+"\nnumber: {countries: [US]}\n")
		if out, errs, _ := run(t, args...); !strings.Contains(out, "ALLOW\n") {
			t.Errorf("%s:\n%s%s", shape, out, errs)
		}
	}
}

func TestTestCommand(t *testing.T) {
	story := filepath.Join(t.TempDir(), "story.txtar")
	const rules = "-- rules.yaml --\nversion: 1\nrequest: {phone: json /phone, region: US}\nhuman: {require: never}\nlimits: [{per: phone, max: 1, in: 60s}]\n\n-- story --\n"
	writeFile(t, story, "One a minute.\n\n"+rules+"0s   ask phone=+14155550123   => allow cooldown=60s\n")
	if out, errs, code := run(t, "test", story); code != 0 || !strings.HasPrefix(out, "ok ") {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
	writeFile(t, story, "One a minute.\n\n"+rules+"0s   ask phone=+14155550123   => deny too_soon\n")
	if out, errs, code := run(t, "test", story); code != exitProblems || !strings.HasPrefix(out, "FAIL ") {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
	out, _, code := run(t, "test", "--json", story)
	var results []struct{ Passed bool }
	if err := json.Unmarshal([]byte(out), &results); err != nil || code != exitProblems || len(results) != 1 || results[0].Passed {
		t.Errorf("exit %d, %v:\n%s", code, err, out)
	}
	if out, errs, code := run(t, "test", "--update", story); code != 0 {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
	writeFile(t, story, "One.\n\n"+rules+"0s   dance\n")
	if _, errs, code := run(t, "test", story); code != exitProblems || !strings.Contains(errs, "story.txtar:10:") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestSchemaCommand(t *testing.T) {
	out, _, code := run(t, "schema")
	want, err := ruleset.Schema()
	if code != 0 || err != nil || strings.TrimSpace(out) != strings.TrimSpace(string(want)) || !json.Valid([]byte(out)) {
		t.Errorf("exit %d, %v", code, err)
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"dance"}, "unknown command \"dance\""},
		{[]string{"check"}, "want at least one ruleset file"},
		{[]string{"check", "--fast"}, "unknown flag: --fast"},
		{[]string{"show"}, "want one ruleset file"},
		{[]string{"explain", "x.yaml"}, "want --ip: the address of the client"},
		{[]string{"explain", "x.yaml", "--ip", "here"}, "--ip: malformed client address"},
		{[]string{"explain", "x.yaml", "--ip", "192.0.2.7", "--proof", "maybe"}, "--proof \"maybe\": want pass, fail or none"},
		{[]string{"test"}, "want at least one story"},
		{[]string{"schema", "x"}, "want no argument"},
	} {
		_, errs, code := run(t, test.args...)
		if code != exitUsage || !strings.HasPrefix(errs, test.want) || !strings.Contains(errs, "\nUsage: caddy otp-gate") {
			t.Errorf("%v: exit %d: %s", test.args, code, errs)
		}
	}
	for _, args := range [][]string{{"check", "none.yaml"}, {"show", "none.yaml"}, {"explain", "none.yaml", "--ip", "192.0.2.7"}, {"test", "none.txtar"}, {"show", "--country-db", "none.mmdb", "x.yaml"}} {
		if _, errs, code := run(t, args...); code != exitProblems || !strings.Contains(errs, "no such file") {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
}
