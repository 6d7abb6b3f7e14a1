package caddymodule

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

var update = flag.Bool("update", false, "rewrite what the Caddyfiles in testdata adapt to")

const dashes = "\n----------\n"

// Each file holds a Caddyfile, dashes, and the JSON that it adapts to, or the
// error.
func TestAdapt(t *testing.T) {
	files, err := filepath.Glob("../testdata/caddyfiles/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(text), dashes)
			got := adapted(input)
			if *update {
				if err := os.WriteFile(file, []byte(input+dashes+got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != strings.TrimSuffix(want, "\n") {
				t.Errorf("got:\n%s", got)
			}
		})
	}
}

func adapted(input string) string {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err.Error()
	}
	var out bytes.Buffer
	if err := json.Indent(&out, config, "", "\t"); err != nil {
		return err.Error()
	}
	return out.String()
}

// The example is valid as it stands, from the project's folder, and validating
// it leaves nothing behind.
func TestExampleIsValid(t *testing.T) {
	t.Chdir("..")
	home := t.TempDir()
	text, err := os.ReadFile("Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": "Caddyfile.example"})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("%v", w)
	}
	if err := validate(config, home); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(home); len(left) > 0 {
		t.Errorf("validating left %v behind", left)
	}
}

// validate does what "caddy validate" does, with its data in a folder.
func validate(config []byte, data string) error {
	var c caddy.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return err
	}
	c.StorageRaw = json.RawMessage(`{"module":"file_system","root":"` + data + `"}`)
	return caddy.Validate(&c)
}

// What is wrong with the wiring is said in full, with both ways out.
func TestProvisionErrors(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.yaml", noProof)
	proof := file("proof.yaml", "version: 1\nrequest: {phone: json /phone, region: US}\n")
	wrong := file("wrong.yaml", "version: 1\nrequest: {phone: json /phone, region: US}\nhuman: {require: nevr}\ngeo: {mach: deny}\n")
	t.Setenv("OTPGATE_TEST_EMPTY", "")
	for _, test := range []struct {
		name, app, gate string
		want            []string
	}{
		{"good", "", `"ruleset":"` + good + `"`, nil},
		{"good, with placeholders", `"secret":"{env.OTPGATE_TEST_SECRET}"`, `"ruleset":"{env.OTPGATE_TEST_RULES}/good.yaml","phone_header":"x-otp-gate-phone"`, nil},
		{"no ruleset", "", ``, []string{"ruleset is required"}},
		{"a ruleset that is not there", "", `"ruleset":"` + folder + `/none.yaml"`, []string{"reading ruleset: open " + folder + "/none.yaml"}},
		{"a wrong ruleset", "", `"ruleset":"` + wrong + `"`, []string{wrong + ":3:18: ", "nevr", wrong + ":4:7: ", "mach"}},
		{"no secret for proofs", "", `"ruleset":"` + proof + `"`, []string{"turnstile", "human: {require: never}"}},
		{"a sitekey for a secret", "", `"ruleset":"` + proof + `","turnstile":{"secret":"1x00000000000000000000AA"}`, []string{"test sitekeys"}},
		{"no secret in the environment", "", `"ruleset":"` + proof + `","turnstile":{"secret":"{env.OTPGATE_TEST_EMPTY}"}`, []string{"turnstile secret", "OTPGATE_TEST_EMPTY"}},
		{"a bad secret where no proof is asked for", "", `"ruleset":"` + good + `","turnstile":{"secret":"a b"}`, []string{"turnstile: secret"}},
		{"a short secret", `"secret":"short"`, `"ruleset":"` + good + `"`, []string{"secret: it has 5 bytes"}},
		{"a short other secret", `"secret":"{env.OTPGATE_TEST_SECRET}","also_secret":"short"`, `"ruleset":"` + good + `"`, []string{"also_secret: it has 5 bytes"}},
		{"the same secret twice", `"secret":"{env.OTPGATE_TEST_SECRET}","also_secret":"{env.OTPGATE_TEST_SECRET}"`, `"ruleset":"` + good + `"`, []string{"also_secret is the same as secret: it is for the one before, or the one to come"}},
		{"a database that is not there", `"country_db":"` + folder + `/none.mmdb"`, `"ruleset":"` + good + `"`, []string{"country_db", "none.mmdb"}},
		{"a database that is none", `"asn_db":"` + good + `"`, `"ruleset":"` + good + `"`, []string{"asn_db", "MaxMind"}},
		{"redis", `"secret":"{env.OTPGATE_TEST_SECRET}","store":{"engine":"redis","url":"redis://192.0.2.1"}`, `"ruleset":"` + good + `"`, nil},
		{"redis, with placeholders", `"secret":"{env.OTPGATE_TEST_SECRET}","store":{"engine":"redis","url":"{env.OTPGATE_TEST_URL}","name":"{env.OTPGATE_TEST_NAME}","fallback_dir":"{env.OTPGATE_TEST_RULES}/own"}`, `"ruleset":"` + good + `"`, nil},
		{"redis without an address", `"store":{"engine":"redis"}`, `"ruleset":"` + good + `"`, []string{"store redis wants an address, as in: store redis {env.REDIS_URL}"}},
		{"redis without a secret", `"store":{"engine":"redis","url":"redis://192.0.2.1"}`, `"ruleset":"` + good + `"`, []string{"store redis needs a secret", "openssl rand -hex 32", "secret {env.OTP_GATE_SECRET}"}},
		{"redis without the environment", `"store":{"engine":"redis","url":"{env.OTPGATE_TEST_EMPTY}"}`, `"ruleset":"` + good + `"`, []string{"the address of store redis", "OTPGATE_TEST_EMPTY"}},
		{"redis with a wrong address", `"store":{"engine":"redis","url":"http://:secret-of-the-tests@192.0.2.1"}`, `"ruleset":"` + good + `"`, []string{"store redis: opening the Redis ledger: the address has to begin with redis://"}},
		{"redis with a wrong option", `"store":{"engine":"redis","url":"redis://:secret-of-the-tests@192.0.2.1?timeout=secret-of-the-tests"}`, `"ruleset":"` + good + `"`, []string{"option timeout: want a duration"}},
		{"redis with a wrong name", `"store":{"engine":"redis","url":"redis://192.0.2.1","name":"a b"}`, `"ruleset":"` + good + `"`, []string{"the ledger's name may have"}},
		{"redis with a directory", `"store":{"engine":"redis","url":"redis://192.0.2.1","dir":"/x"}`, `"ruleset":"` + good + `"`, []string{"store redis has no dir: want name, gates, fallback, fallback_dir or max_keys"}},
		{"too many gates", `"store":{"engine":"redis","url":"redis://192.0.2.1","gates":10001}`, `"ruleset":"` + good + `"`, []string{"gates: want a number from 1 to 10000, or leave it out"}},
		{"an address for a directory", `"store":{"engine":"embedded","url":"redis://192.0.2.1"}`, `"ruleset":"` + good + `"`, []string{"store embedded has no address"}},
		{"a store without an engine", `"store":{"dir":"{env.OTPGATE_TEST_RULES}/own"}`, `"ruleset":"` + good + `"`, nil},
		{"memory with a directory", `"store":{"engine":"memory","dir":"/x"}`, `"ruleset":"` + good + `"`, []string{"store memory has no dir: want max_keys"}},
		{"a header that means something", "", `"ruleset":"` + good + `","phone_header":"content-type"`, []string{"phone_header: content-type has a meaning of its own"}},
		{"no header", "", `"ruleset":"` + good + `","phone_header":"X Phone"`, []string{"phone_header: \"X Phone\": want the name of a header"}},
		{"a field that nobody knows", "", `"ruleset":"` + good + `","rulset":"x"`, []string{"rulset"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("OTPGATE_TEST_SECRET", strings.Repeat("secret-of-the-tests ", 2))
			t.Setenv("OTPGATE_TEST_RULES", folder)
			t.Setenv("OTPGATE_TEST_URL", "redis://:secret-of-the-tests@192.0.2.1")
			t.Setenv("OTPGATE_TEST_NAME", "login")
			handler := strings.TrimSuffix(`{"handler":"otp_gate",`+test.gate, ",") + "}"
			config := `{"admin":{"disabled":true},"logging":{"logs":{"default":{"writer":{"output":"file","filename":"` + logFile + `","roll":false}}}},"apps":{"otp_gate":{` + test.app + `},"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[` + handler + `]}]}}}}}`
			home := t.TempDir()
			err := validate([]byte(config), home)
			if left, _ := os.ReadDir(home); len(left) > 0 {
				t.Errorf("validating left %v behind", left)
			}
			heard.Write([]byte(message(err) + "\n"))
			if (err != nil) != (test.want != nil) {
				t.Errorf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(message(err), want) {
					t.Errorf("got %v\nwant %q in it", err, want)
				}
			}
		})
	}
	if _, err := os.Stat(filepath.Join(folder, "own")); err == nil {
		t.Error("validating has made the directory of a ledger")
	}
}
