package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
)

// What outlives a configuration: a new one is provisioned while the old one
// still serves, and both must count in one ledger.
var (
	ledgers   = caddy.NewUsagePool()
	databases = caddy.NewUsagePool()
	keepers   = caddy.NewUsagePool()
	services  = caddy.NewUsagePool()
)

// pooled is one use of a value that is shared through a pool.
type pooled[T caddy.Destructor] struct {
	value T
	pool  *caddy.UsagePool
	key   string
}

// release ends the use. The value is closed with the last one.
func (p *pooled[T]) release() error {
	_, err := p.pool.Delete(p.key)
	return err
}

// acquire returns the value that pool has under key, and makes it if there is
// none.
func acquire[T caddy.Destructor](pool *caddy.UsagePool, key string, open func() (T, error)) (*pooled[T], error) {
	value, _, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) { return open() })
	if err != nil {
		return nil, err
	}
	return &pooled[T]{value.(T), pool, key}, nil
}

// fileKey names one state of the file at path, so that a reload after the file
// has been replaced opens the new one.
func fileKey(field, path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %d %d", field, abs, info.Size(), info.ModTime().UnixNano()), nil
}
