package caddymodule

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every Caddyfile in the documents is one.
func TestDocumentedCaddyfiles(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```caddyfile\n(.*?)```").FindAllStringSubmatch(readFile(t, "README.md")+readFile(t, "NETWORKS.md"), -1)
	if len(blocks) < 6 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		if got := adapted(block[1]); !strings.HasPrefix(got, "{") {
			t.Errorf("%s\nin\n%s", got, block[1])
		}
	}
}

// The user in README.md may do all that the ledger does.
func TestReadmeUser(t *testing.T) {
	line := regexp.MustCompile(`(?m)^ACL SETUSER .*`).FindString(readFile(t, "README.md"))
	line = strings.Replace(line, "PASSWORD", "secret-of-the-tests", 1)
	server := redistest.Start(t)
	var args []any
	for _, word := range strings.Fields(line) {
		args = append(args, word)
	}
	server.Do(args...)
	p := open(t, noProof+"limits:\n  - {per: phone, max: 1, in: 60s}\n  - {per: ip, max: 1000, in: 1m, count: requests}\n  - {per: ip, max: 1000, in: 1m, count: refusals}\n", answering(422),
		withRedis("redis://otpgate:secret-of-the-tests@"+server.Addr+"?timeout=1s", "name login"))
	until(t, "the server is greeted", func() bool { return len(p.logged("the server of the ledger answers")) == 1 })
	want(t, p.ask(alice), "422") // and is given back
	want(t, p.ask(alice), "422")
	until(t, "the gates are counted", func() bool { return p.metric("otpgate_ledger_gates") == "1" })
	if up, errs := p.metric("otpgate_ledger_redis_up"), p.metric("otpgate_ledger_redis_errors_total"); up != "1" || errs != "0" {
		t.Errorf("up is %s, with %s errors", up, errs)
	}
	log, _ := server.Do("ACL", "LOG").([]any)
	if len(log) != 0 {
		t.Errorf("the server has refused something: %v", log)
	}
}
