package main

import (
	"context"
	"regexp"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/fleet"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

var keyName = regexp.MustCompile(`^\{otp:gate\}(clock|gates|h?[A-Za-z0-9_-]{22})$`)

// nobodyIn reads all that a server knows after a run. It must know nobody, and
// nothing for ever.
func nobodyIn(t *testing.T, f *run, s *redistest.Server) {
	t.Helper()
	ctx := context.Background()
	c := s.Client()
	defer c.Close()
	needles := fleet.NeedlesOf(f.app.Arrivals(t))
	var found fleet.Found
	keys, size := 0, 0
	all := c.Scan(ctx, 0, "*", 1000).Iterator()
	for all.Next(ctx) {
		key := all.Val()
		if !keyName.MatchString(key) {
			t.Errorf("a key is named %q", key)
		}
		switch ttl := c.PTTL(ctx, key).Val(); ttl {
		case -2: // it has just expired
			continue
		case -1:
			t.Errorf("%q never expires", key)
		}
		value, err := c.Get(ctx, key).Result()
		if err != nil && c.Exists(ctx, key).Val() == 1 {
			t.Errorf("%q cannot be read: %v", key, err)
		}
		needles.Find(key, &found)
		needles.Find(value, &found)
		keys, size = keys+1, size+len(key)+len(value)
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
	for what, n := range found.Kinds {
		t.Errorf("the server knows %s, %d times", what, n)
	}
	if found.Chance > 2 {
		t.Errorf("the server knows addresses in binary, %d times", found.Chance)
	}
	if keys < 100 {
		t.Errorf("only %d keys: nothing is known of the others", keys)
	}
	t.Logf("%d keys, %d bytes of names and values", keys, size)
}
