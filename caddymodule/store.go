package caddymodule

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
)

// Store says where charges are kept.
type Store struct {
	// The kind of ledger:
	//
	//   - `embedded`: in a directory of this machine, by this process alone. Counts
	//     live through restarts, and through a process that is killed.
	//   - `redis`: in a Redis or Valkey server, which many gates share. While it
	//     is away, each gate goes on by a ledger of its own.
	//   - `memory`: in this process. Counts end with it, so that everybody may
	//     send again: for tests and trials.
	//
	// Default: `embedded`.
	Engine string `json:"engine,omitempty"`

	// The directory of the embedded ledger; it is made if need be. It belongs
	// to one process at a time. Only for `embedded`. Placeholders are replaced
	// once, at load.
	//
	// Default: `otp_gate/ledger` where Caddy's storage has its files, or in
	// Caddy's data directory if the storage is none of files.
	Dir string `json:"dir,omitempty"`

	// The most lines of 64 bytes that the gate's own ledger (with `redis`, the
	// one beside the server) may hold for keys and for sends that may still be
	// settled; it takes at most 110 bytes for each. When it is full, new numbers
	// and addresses are refused rather than old ones forgotten. A changed value
	// is in force after a restart, not after a reload.
	//
	// Default: 1048576, which takes at most 110 MiB.
	MaxKeys int `json:"max_keys,omitempty"`

	// The address of the server: `redis://user:password@host:6379/0`,
	// `rediss://` for TLS, `redis+sentinel://host1,host2/master/0` or
	// `redis+cluster://host1,host2`, with options such as `?timeout=50ms`.
	// Required for `redis`, and only for it. Placeholders are replaced once, at
	// load.
	URL string `json:"url,omitempty"`

	// What keeps ledgers on one server apart: keys begin with `{otp:NAME}`. All
	// gates with the same name share their counts. Only for `redis`.
	// Placeholders are replaced once, at load.
	//
	// Default: `gate`.
	Name string `json:"name,omitempty"`

	// How many gates share the server. While it is away, each lets through its
	// part of a limit. Only for `redis`.
	//
	// Default: they are counted by the ledger itself.
	Gates int `json:"gates,omitempty"`

	// What the gate's own ledger beside the server is: `embedded`, in
	// `fallback_dir`, or `memory`, which forgets when the process ends. Only
	// for `redis`.
	//
	// Default: `embedded`.
	Fallback string `json:"fallback,omitempty"`

	// The directory of the gate's own ledger beside the server. Only for
	// `redis`. Placeholders are replaced once, at load.
	//
	// Default: as that of `dir`.
	FallbackDir string `json:"fallback_dir,omitempty"`
}

const (
	engineEmbedded = "embedded"
	engineMemory   = "memory"
	engineRedis    = "redis"

	// mostKeys is the most that the embedded ledger can hold.
	mostKeys = 1 << 29
	// mostGates is more than anybody has.
	mostGates = 10_000
)

// storeWords are the settings that each engine takes in its block.
var storeWords = map[string][]string{
	engineEmbedded: {"dir", "max_keys"},
	engineMemory:   {"max_keys"},
	engineRedis:    {"name", "gates", "fallback", "fallback_dir", "max_keys"},
}

// check reports what cannot be meant. It looks at nothing outside of s.
func (s *Store) check() error {
	words, ok := storeWords[s.Engine]
	if !ok {
		return fmt.Errorf("unknown store %q: want embedded, redis or memory", s.Engine)
	}
	for _, setting := range []struct {
		word string
		set  bool
	}{
		{"dir", s.Dir != ""}, {"name", s.Name != ""}, {"gates", s.Gates != 0},
		{"fallback", s.Fallback != ""}, {"fallback_dir", s.FallbackDir != ""},
	} {
		if setting.set && !slices.Contains(words, setting.word) {
			return fmt.Errorf("store %s has no %s: want %s", s.Engine, setting.word, listed(words))
		}
	}
	switch {
	case s.MaxKeys < 0 || s.MaxKeys > mostKeys:
		return fmt.Errorf("max_keys: want a number from 1 to %d", mostKeys)
	case s.Gates < 0 || s.Gates > mostGates:
		return fmt.Errorf("gates: want a number from 1 to %d, or leave it out and they are counted", mostGates)
	case s.Fallback != "" && s.Fallback != engineEmbedded && s.Fallback != engineMemory:
		return fmt.Errorf("unknown fallback %q: want embedded or memory", s.Fallback)
	case s.Fallback == engineMemory && s.FallbackDir != "":
		return errors.New("fallback memory needs no fallback_dir: leave one of them out")
	case s.Engine == engineRedis && s.URL == "":
		return errors.New("store redis wants an address, as in: store redis {env.REDIS_URL}")
	case s.Engine != engineRedis && s.URL != "":
		return fmt.Errorf("store %s has no address", s.Engine)
	}
	return nil
}

// listed writes words as a sentence does: "a, b or c".
func listed(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// ledgerPlace is where a ledger is, with all that Store leaves out filled in.
type ledgerPlace struct {
	engine string
	// Of the embedded ledger, or the one beside the server: an absolute path,
	// "" for one in memory.
	dir     string
	maxKeys int // 0: the default
	redis   redisledger.Config
	gates   int
	server  string // the address without its secrets
	beside  bool   // it is the one beside a server
}

// resolve fills in what s leaves out. It makes no file and asks nobody; it
// only reads the files for TLS that the address names.
func (s *Store) resolve(storage certmagic.Storage) (p ledgerPlace, err error) {
	if s == nil {
		s = new(Store)
	}
	with := *s
	if with.Engine == "" {
		with.Engine = engineEmbedded
	}
	if err := with.check(); err != nil {
		return p, err
	}
	p = ledgerPlace{engine: with.Engine, maxKeys: with.MaxKeys, gates: with.Gates}
	field, dir := "dir", with.Dir
	if p.engine == engineRedis {
		if err := with.resolveRedis(&p); err != nil {
			return p, err
		}
		field, dir = "fallback_dir", with.FallbackDir
	}
	if p.engine == engineMemory || with.Fallback == engineMemory {
		return p, nil
	}
	if dir == "" {
		p.dir = filepath.Join(dataDir(storage), "otp_gate", "ledger")
	} else if p.dir, err = replaced(field, dir); err != nil {
		return p, err
	}
	if p.dir, err = filepath.Abs(p.dir); err != nil {
		return p, fmt.Errorf("%s: %w", field, err)
	}
	return p, nil
}

func (s *Store) resolveRedis(p *ledgerPlace) (err error) {
	if p.redis.URL, err = replaced("the address of store redis", s.URL); err != nil {
		return err
	}
	p.redis.URL = strings.TrimSpace(p.redis.URL) // as files leave it
	if s.Name != "" {
		if p.redis.Name, err = replaced("name", s.Name); err != nil {
			return err
		}
	}
	l, err := redisledger.Open(p.redis) // which does not connect
	if err != nil {
		return fmt.Errorf("store redis: %w", err)
	}
	p.server = l.String()
	return l.Close()
}

// dataDir is where Caddy keeps what has to last: what is mounted for its
// certificates is there for the ledger too.
func dataDir(storage certmagic.Storage) string {
	if files, ok := storage.(*certmagic.FileStorage); ok {
		return files.Path
	}
	return caddy.AppDataDir()
}

// isLocal reports whether storage is in files, which other machines do not see
// unless they share the file system.
func isLocal(storage certmagic.Storage) bool {
	_, ok := storage.(*certmagic.FileStorage)
	return ok
}

// embeddedKey names the embedded ledger of p among those of this process. How
// many keys it may hold is not in it: a reload must not forget what has been
// counted.
func (p *ledgerPlace) embeddedKey() string {
	if p.dir == "" {
		return engineMemory
	}
	return engineEmbedded + " " + p.dir
}

func (p *ledgerPlace) options() []ledger.Option {
	if p.maxKeys == 0 {
		return nil
	}
	return []ledger.Option{ledger.MaxKeys(p.maxKeys)}
}

// String tells an operator where the ledger is.
func (p *ledgerPlace) String() string {
	own := "in memory, which ends with the process"
	if p.dir != "" {
		own = "in " + p.dir
	}
	if p.engine != engineRedis {
		return own
	}
	name := p.redis.Name
	if name == "" {
		name = "gate"
	}
	return fmt.Sprintf("%s as %s, and beside it %s", p.server, name, own)
}

// doubts are what an operator may not have meant.
func (p *ledgerPlace) doubts() []string {
	switch {
	case p.engine == engineMemory:
		return []string{"the ledger is in memory: everybody may send again when this process ends; this is for tests and trials"}
	case p.engine == engineRedis && p.dir == "":
		return []string{"the ledger beside the server is in memory: when this process starts anew while the server is away, everybody may send again"}
	}
	return nil
}
