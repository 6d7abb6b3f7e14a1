package redisledger_test

import (
	"regexp"
	"testing"

	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// A server says who it is.
func TestServers(t *testing.T) {
	s := redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	servers, err := open(t, "redis://"+s.Addr+"?timeout=1s", "").Servers(background)
	if err != nil || len(servers) != 1 {
		t.Fatalf("got %+v, %v", servers, err)
	}
	if !regexp.MustCompile(`^(redis|valkey) \d+\.\d+\.\d+$`).MatchString(servers[0].Version) {
		t.Errorf("version %q", servers[0].Version)
	}
	servers[0].Version = ""
	if want := (redisledger.Server{Role: "master", Eviction: "allkeys-lru"}); servers[0] != want {
		t.Errorf("got %+v, want %+v", servers[0], want)
	}

	s.Kill()
	if _, err := open(t, "redis://"+s.Addr+"?timeout=1s", "").Servers(background); err == nil {
		t.Error("a server that is away has answered")
	}
}

// Of a cluster every master is asked.
func TestServersOfCluster(t *testing.T) {
	c := redistest.StartCluster(t, 3, 0)
	servers, err := open(t, c.URL()+"?timeout=1s", "").Servers(background)
	if err != nil || len(servers) != 3 {
		t.Fatalf("got %+v, %v", servers, err)
	}
}
