package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/certmagic"
)

func TestCheckSecret(t *testing.T) {
	for _, test := range []struct{ name, secret, want string }{
		{"good", strings.Repeat("ab", 16), ""},
		{"with a line end", strings.Repeat("ab", 16) + "\n", ""},
		{"short", "secret-of-the-tests", "it has 19 bytes: want at least 32, such as `openssl rand -hex 32` prints"},
		{"spaces", strings.Repeat(" ", 40), "it has 0 bytes: want at least 32, such as `openssl rand -hex 32` prints"},
		{"one character", strings.Repeat("x", 40), "it is one character repeated: want what `openssl rand -hex 32` prints"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := checkSecret(test.secret)
			if got := message(err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// However many ask for it at once, one secret is made, and it stays.
func TestKeptSecret(t *testing.T) {
	folder := t.TempDir()
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		seen = map[string]bool{}
	)
	for range 4 {
		wg.Go(func() {
			secret, err := keptSecret(t.Context(), &certmagic.FileStorage{Path: folder})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[secret] = true
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("%d secrets, want 1", len(seen))
	}
	path := filepath.Join(folder, "otp_gate", "secret")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the secret is kept with mode %v", info.Mode())
	}
	for secret := range seen {
		if len(secret) != 64 {
			t.Errorf("a secret of %d characters", len(secret))
		}
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "the secret kept in Caddy's storage as otp_gate/secret cannot be used (delete it and a new one is made, but what has been counted is forgotten): it has 7 bytes"
	if _, err := keptSecret(t.Context(), &certmagic.FileStorage{Path: folder}); !strings.HasPrefix(message(err), want) {
		t.Errorf("got %q, want %q", message(err), want)
	}
}
