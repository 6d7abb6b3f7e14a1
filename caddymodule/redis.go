package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
)

// redisKey names the ledger of p among those of this process, by all that it
// is made of and without any of it in clear. Files for TLS are in it as they
// are now, so that a reload takes up a renewed certificate.
func (p *ledgerPlace) redisKey() (string, error) {
	parts := []any{p.redis.URL, p.redis.Name, p.gates, p.dir}
	_, query, _ := strings.Cut(p.redis.URL, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return "", errors.New("store redis: the options of the address are not escaped")
	}
	for _, option := range []string{"ca", "cert", "key"} {
		for _, path := range options[option] {
			file, err := fileKey(option, path)
			if err != nil {
				return "", fmt.Errorf("store redis: option %s: %w", option, err)
			}
			parts = append(parts, file)
		}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return engineRedis + " " + hex.EncodeToString(sum[:]), nil
}

// openRedis opens the ledger in Redis with the gate's own beside it. It does
// not wait for the server: whether that answers is logged when it is known.
func (p *ledgerPlace) openRedis() (*openLedger, error) {
	own, key, err := p.own().open()
	if err != nil {
		return nil, err
	}
	server, err := redisledger.Open(p.redis)
	if err != nil {
		_, _ = ledgers.Delete(key)
		return nil, fmt.Errorf("store redis: %w", err)
	}
	redisledger.Quiet()
	r := &redisWatch{server: server, log: logger, ready: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	r.fallback = redisledger.NewFallback(server, bounded{own.own, patienceBeside}, redisledger.FallbackConfig{Gates: p.gates, Changed: r.changed})
	close(r.ready)
	var greeting sync.WaitGroup
	greeting.Go(func() { r.greet(ctx) })
	return &openLedger{
		Ledger:  r.fallback,
		own:     own.own,
		redis:   r.fallback,
		maxKeys: own.maxKeys,
		close: func() error {
			cancel()
			greeting.Wait()
			if s := r.fallback.Stats(); s.Waiting > 0 {
				logger().Warn("the server of the ledger is away, and is never told what this gate has let through by itself",
					zap.Stringer("server", server), zap.Int("waiting", s.Waiting))
			}
			err := r.fallback.Close()
			_, ownErr := ledgers.Delete(key)
			return errors.Join(err, ownErr)
		},
	}, nil
}

// redisWatch tells operators how the server fares.
type redisWatch struct {
	server   *redisledger.Ledger
	ready    chan struct{} // closed when fallback is there
	fallback *redisledger.Fallback
	log      func() *zap.Logger

	mu       sync.Mutex
	since    time.Time // when it went
	replayed uint64    // until then
	decided  uint64    // until then
}

// changed logs that the server has gone, or is back.
func (r *redisWatch) changed(away bool, why error) {
	<-r.ready
	s := r.fallback.Stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	if away {
		r.since, r.replayed, r.decided = time.Now(), s.Replayed, s.Decided
		r.log().Warn("the server of the ledger is away: this gate decides by itself, by its part of each limit",
			zap.Stringer("server", r.server), zap.Error(why))
		return
	}
	r.log().Info("the server of the ledger is back, and knows what this gate has let through by itself",
		zap.Stringer("server", r.server), zap.Duration("away", time.Since(r.since)),
		zap.Uint64("decided", s.Decided-r.decided), zap.Uint64("replayed", s.Replayed-r.replayed))
}

const (
	greetFirst = time.Second
	greetMost  = 30 * time.Second
)

// greet asks the server who it is, until it has said so, and logs what is wrong
// with it for a ledger.
func (r *redisWatch) greet(ctx context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	said := false
	for pause := greetFirst; ; pause = min(2*pause, greetMost) {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		servers, err := r.server.Servers(ctx)
		if err == nil {
			r.greeted(servers)
			return
		}
		if !said && ctx.Err() == nil {
			said = true
			r.log().Warn("the server of the ledger does not answer: until it does, this gate decides by itself, by its part of each limit",
				zap.Stringer("server", r.server), zap.Error(err))
		}
		wait.Reset(pause)
	}
}

func (r *redisWatch) greeted(servers []redisledger.Server) {
	for _, s := range servers {
		r.log().Info("the server of the ledger answers", zap.Stringer("server", r.server),
			zap.String("is", s.Version), zap.String("role", s.Role), zap.String("maxmemory_policy", s.Eviction), zap.Bool("appendonly", s.AppendOnly))
		for _, doubt := range doubts(s) {
			r.log().Warn(doubt, zap.Stringer("server", r.server), zap.String("is", s.Version))
		}
	}
}

// doubts are what is wrong with a server that is to keep a ledger.
func doubts(s redisledger.Server) (out []string) {
	if s.Role != "" && s.Role != "master" {
		out = append(out, "the server of the ledger is a replica, which takes no writes: every gate decides by itself")
	}
	if s.Eviction != "" && s.Eviction != "noeviction" {
		out = append(out, "the server of the ledger may evict keys ("+s.Eviction+"), and each is a limit that is reset: set maxmemory-policy noeviction")
	}
	if s.Version != "" && !s.AppendOnly {
		out = append(out, "the server of the ledger keeps no append-only file: what it has counted is lost when it restarts, but for what gates remember; set appendonly yes")
	}
	return out
}
