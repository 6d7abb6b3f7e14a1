package caddymodule

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/otpgate/otpgate/ruleset/preset"
)

var updateWiring = flag.Bool("update-wiring", false, "rewrite what check says of the wirings in testdata")

// Each file is a wiring: a Caddyfile or config.json, rulesets, and what check
// says of them.
func TestWirings(t *testing.T) {
	files, err := filepath.Glob("../testdata/wiring/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			last := &archive.Files[len(archive.Files)-1]
			if last.Name != "warnings" {
				t.Fatalf("the last file is %s, want warnings", last.Name)
			}
			folder := t.TempDir()
			for _, f := range archive.Files[:len(archive.Files)-1] {
				writeFile(t, filepath.Join(folder, f.Name), string(f.Data))
			}
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			got := wiringWarnings(t, folder, archive.Files[0].Name)
			if *updateWiring {
				last.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(last.Data) {
				t.Errorf("got:\n%s\nwant:\n%s", got, last.Data)
			}
		})
	}
}

// wiringWarnings runs check in a folder, and returns what it warns of in a
// configuration.
func wiringWarnings(t *testing.T, folder, config string) string {
	t.Helper()
	t.Chdir(folder)
	out, errs, code := run(t, "check", "--json", config)
	var all []struct {
		Warnings []string
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 || len(all) != 1 {
		t.Fatalf("exit %d, %v:\n%s%s", code, err, out, errs)
	}
	var text strings.Builder
	for _, warning := range all[0].Warnings {
		text.WriteString(warning + "\n")
	}
	return text.String()
}

// What check advises for a preset is what it has nothing to say about.
func TestRemedies(t *testing.T) {
	for _, name := range preset.Names() {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			writeFile(t, filepath.Join(folder, "rules.yaml"), "version: 1\npreset: "+name+"\nnumber: {countries: [US]}\nhuman: {require: never}\n")
			writeFile(t, filepath.Join(folder, "Caddyfile"), "example.com {\notp_gate /nowhere rules.yaml\nreverse_proxy app:3000\n}\n")
			said := wiringWarnings(t, folder, "Caddyfile")
			_, remedy, ok := strings.Cut(said, "\n    @")
			if !ok {
				t.Fatalf("no remedy in\n%s", said)
			}
			remedy, _, _ = strings.Cut("@"+remedy, "rules.yaml")
			writeFile(t, filepath.Join(folder, "Caddyfile"), "example.com {\n"+remedy+"rules.yaml\nreverse_proxy app:3000\n}\n")
			if said := wiringWarnings(t, folder, "Caddyfile"); said != "" {
				t.Errorf("with\n%s\nit says\n%s", remedy, said)
			}
		})
	}
}

// What README.md shows of check is what it says.
func TestDocumentedWiring(t *testing.T) {
	_, shown, ok := strings.Cut(readFile(t, "README.md"), "$ caddy otp-gate check Caddyfile\n")
	shown, _, _ = strings.Cut(shown, "```")
	if !ok {
		t.Fatal("it shows nothing")
	}
	t.Chdir(t.TempDir())
	writeFile(t, "auth.rules.yaml", "version: 1\npreset: supabase\nnumber: {countries: [US]}\nhuman: {require: never}\n")
	writeFile(t, "Caddyfile", "auth.example.com {\n\t@send path /auth/v1/otp /auth/v1/signup /auth/v1/resend\n\totp_gate @send auth.rules.yaml\n\n\treverse_proxy kong:8000\n}\n")
	if out, errs, _ := run(t, "check", "Caddyfile"); !strings.HasPrefix(out, shown) {
		t.Errorf("it says\n%s%s", out, errs)
	}
}

// What the pages on presets show is what check has nothing to say about.
func TestPresetPages(t *testing.T) {
	gated := regexp.MustCompile(`otp_gate .*?(\S+\.yaml)`)
	shown := make(map[string]int) // by preset
	pages := []string{"../README.md"}
	more, err := filepath.Glob("../ruleset/preset/*.md")
	if err != nil || len(more) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range append(pages, more...) {
		for i, block := range strings.Split(readFile(t, page), "```caddyfile\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			name := presetOf(block)
			file := gated.FindStringSubmatch(block)
			if name == "" || file == nil {
				continue
			}
			t.Run(fmt.Sprint(filepath.Base(page), " ", i+1), func(t *testing.T) {
				shown[name]++
				prefix := ""
				if strings.Contains(block, "/.ory/kratos/public/") {
					prefix = ", prefix: /.ory/kratos/public"
				}
				human := ""
				if !strings.Contains(block, "turnstile") {
					human = "human: {require: never}\n"
				}
				t.Setenv("OTP_GATE_SECRET", "9f2c7d1be06a4853a1c4e7f09b3d5a68")
				t.Setenv("TURNSTILE_SECRET", "s")
				folder := t.TempDir()
				writeFile(t, filepath.Join(folder, file[1]), "version: 1\npreset: {name: "+name+prefix+"}\nnumber: {countries: [US]}\n"+human)
				writeFile(t, filepath.Join(folder, "Caddyfile"), block)
				if said := wiringWarnings(t, folder, "Caddyfile"); said != "" {
					t.Errorf("%s\nit says\n%s", block, said)
				}
			})
		}
	}
	for _, name := range preset.Names() {
		if shown[name] == 0 {
			t.Errorf("no page shows %s", name)
		}
	}
}

// presetOf is the preset whose routes a Caddyfile names.
func presetOf(caddyfile string) string {
	for name, path := range map[string]string{
		"supabase": "/auth/v1/otp", "better-auth": "/api/auth/phone-number/", "kratos": "/self-service/login", "nhost": "/v1/signin/passwordless/",
		"supertokens": "/signinup/code", "keycloak-phone-provider": "/realms", "logto": "/api/experience/", "appwrite": "/v1/account/", "casdoor": "/api/send-verification-code",
	} {
		if strings.Contains(caddyfile, path) {
			return name
		}
	}
	return ""
}

// The example has nothing to warn of but that it forgets.
func TestExampleWiring(t *testing.T) {
	t.Chdir("..")
	out, errs, code := run(t, "check", "Caddyfile.example")
	if code != 0 || strings.Count(out, "Caddyfile.example: warning: ") != 1 || !strings.Contains(out, "the ledger is in memory") {
		t.Errorf("exit %d:\n%s%s", code, out, errs)
	}
}
