package caddymodule

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
)

const (
	// minSecret is the fewest bytes that a secret may have. Phone numbers can
	// be counted through, so only the secret keeps their hashes from being
	// turned back.
	minSecret = 32

	secretKey     = "otp_gate/secret"
	secretTimeout = 10 * time.Second
)

// checkSecret returns s without the white space around it. Its errors never
// quote it.
func checkSecret(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) < minSecret {
		return "", fmt.Errorf("it has %d bytes: want at least %d, such as `openssl rand -hex 32` prints", len(s), minSecret)
	}
	if strings.Count(s, s[:1]) == len(s) {
		return "", errors.New("it is one character repeated: want what `openssl rand -hex 32` prints")
	}
	return s, nil
}

// keptSecret returns the secret kept in Caddy's storage, and makes it if there
// is none yet. All instances that share the storage get the same one.
func keptSecret(ctx context.Context, storage certmagic.Storage) (secret string, err error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()

	if kept, err := loadSecret(ctx, storage); err != nil || kept != "" {
		return kept, err
	}
	if err := storage.Lock(ctx, secretKey); err != nil {
		return "", fmt.Errorf("locking the kept secret: %w", err)
	}
	defer func() {
		if unlockErr := storage.Unlock(context.WithoutCancel(ctx), secretKey); unlockErr != nil && err == nil {
			err = fmt.Errorf("unlocking the kept secret: %w", unlockErr)
		}
	}()
	// Another instance may have made it while we waited.
	if kept, err := loadSecret(ctx, storage); err != nil || kept != "" {
		return kept, err
	}
	random := make([]byte, minSecret)
	rand.Read(random) // never fails
	secret = hex.EncodeToString(random)
	if err := storage.Store(ctx, secretKey, []byte(secret+"\n")); err != nil {
		return "", fmt.Errorf("keeping the secret: %w", err)
	}
	return secret, nil
}

// loadSecret returns "" if no secret is kept. A damaged one is an error: a new
// one in its place would forget every count.
func loadSecret(ctx context.Context, storage certmagic.Storage) (string, error) {
	data, err := storage.Load(ctx, secretKey)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the kept secret: %w", err)
	}
	secret, err := checkSecret(string(data))
	if err != nil {
		return "", fmt.Errorf("the secret kept in Caddy's storage as %s cannot be used (delete it and a new one is made, but what has been counted is forgotten): %w", secretKey, err)
	}
	return secret, nil
}
