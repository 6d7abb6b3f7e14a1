package caddymodule

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckConfig(t *testing.T) {
	t.Setenv("OTPGATE_TEST_SECRET", testSecret)
	t.Setenv("OTPGATE_TEST_URL", "redis://:secret-of-the-tests@192.0.2.1")
	folder := t.TempDir()
	good, bad := filepath.Join(folder, "good.yaml"), filepath.Join(folder, "bad.yaml")
	writeFile(t, good, noProof+"limits: [{per: phone, max: 1, in: 60s}, {max: 100, in: 1h}]\n")
	writeFile(t, bad, noProof+"geo: {contries: [US]}\n")
	fetching, differently := filepath.Join(folder, "fetching.yaml"), filepath.Join(folder, "differently.yaml")
	writeFile(t, fetching, noProof+"network: {deny: [bad], lists: {bad: {url: \"https://example.com/a\"}}}\n")
	writeFile(t, differently, noProof+"network: {deny: [bad], lists: {bad: {url: \"https://example.com/a\", every: 1h}}}\n")
	file := filepath.Join(folder, "Caddyfile")
	for _, test := range []struct {
		name, global, rules string
		code                int
		want                []string
	}{
		{"left out", "", good, 0, []string{
			file + ": good\n  store   in " + filepath.Join(folder, "data", "otp_gate", "ledger") + "\n" + good + ": good\n  gate    test\n",
		}},
		{"memory", "store memory", good, 0, []string{
			file + ": warning: the ledger is in memory: everybody may send again when this process ends",
			file + ": good, with 1 warning\n  store   in memory, which ends with the process\n",
		}},
		{"redis", "secret {env.OTPGATE_TEST_SECRET}\nstore redis {env.OTPGATE_TEST_URL} {\nname login\nfallback_dir " + folder + "/own\n}", good, 0, []string{
			file + ": good\n  store   redis://192.0.2.1:6379/0 as login, and beside it in " + folder + "/own\n",
		}},
		{"redis with nothing beside it", "secret {env.OTPGATE_TEST_SECRET}\nstore redis {env.OTPGATE_TEST_URL} {\nfallback memory\n}", good, 0, []string{
			file + ": warning: the ledger beside the server is in memory", "good, with 1 warning",
		}},
		{"redis without a secret", "store redis {env.OTPGATE_TEST_URL}", good, exitProblems, []string{
			file + ": store redis needs a secret: ", file + ": 1 problem\n",
		}},
		{"a wrong word", "store redis {env.OTPGATE_TEST_URL} {\ndir x\n}", good, exitProblems, []string{
			"unrecognized store redis subdirective 'dir': want name, gates, fallback, fallback_dir or max_keys, at " + file + ":5",
		}},
		{"lists", "lists {\ndir " + folder + "/lists\n}", fetching, 0, []string{file + ": good\n", "\n  lists   in " + folder + "/lists\n"}},
		{"lists that differ", "", fetching + "\n}\nroute {\notp_gate * " + differently, exitProblems, []string{
			file + ": the list test.bad is not the same in " + fetching + " and in " + differently + ": it is fetched once for all gates, so give it the same settings, or another name in one of them\n", file + ": 1 problem\n",
		}},
		{"a wrong time for lists", "lists {\ntimeout 2h\n}", good, exitProblems, []string{file + ": lists timeout 2h0m0s: want a duration from 1s to 1h\n"}},
		{"a wrong ruleset", "", bad, exitProblems, []string{bad + ":6:7: unknown word \"contries\" in geo"}},
		{"no ruleset", "", folder + "/none.yaml", exitProblems, []string{file + ": reading ruleset: open " + folder + "/none.yaml"}},
		{"a database that is not there", "asn_db " + folder + "/none.mmdb", good, exitProblems, []string{file + ": asn_db: ", "none.mmdb"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			writeFile(t, file, "{\nstorage file_system "+folder+"/data\notp_gate {\n"+test.global+"\n}\n}\nhttp:// {\nhandle /x* {\notp_gate * "+test.rules+"\n}\n}\n")
			out, errs, code := run(t, "check", file)
			for _, want := range test.want {
				if !strings.Contains(out+errs, want) {
					t.Errorf("no %q in\n%s%s", want, out, errs)
				}
			}
			if code != test.code {
				t.Errorf("exit %d:\n%s%s", code, out, errs)
			}
		})
	}
}

func TestCheckConfigInJSON(t *testing.T) {
	folder := t.TempDir()
	rules, config := filepath.Join(folder, "rules.json"), filepath.Join(folder, "config.json")
	writeFile(t, rules, `{"version": 1, "name": "test", "request": {"phone": "json /phone", "region": "US"}, "human": {"require": "never"}}`)
	writeFile(t, config, `{"storage":{"module":"consul"},"apps":{"otp_gate":{"store":{"engine":"redis","url":"redis://192.0.2.1","fallback_dir":"/x"}},
		"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"subroute","routes":[{"handle":[{"handler":"otp_gate","ruleset":"`+rules+`"}]}]}]}]}}}}}`)
	out, errs, code := run(t, "check", "--json", config, rules)
	var all []struct {
		OK       bool
		Store    string
		Rulesets []struct{ Gate string }
		Gate     string
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 || len(all) != 2 || !all[0].OK || len(all[0].Rulesets) != 1 ||
		all[0].Rulesets[0].Gate != "test" || all[0].Store != "redis://192.0.2.1:6379/0 as gate, and beside it in /x" || all[1].Gate != "test" {
		t.Errorf("exit %d, %v:\n%s%s", code, err, out, errs)
	}
	writeFile(t, config, `{"apps":{"otp_gate":{"stoer":{}}}}`)
	if out, _, code := run(t, "check", config); code != exitProblems || !strings.Contains(out, "stoer") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}
