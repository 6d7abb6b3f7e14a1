package redisledger

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is what a server says of itself.
type Server struct {
	Version    string // "redis 7.0.15", "valkey 8.1.1"
	Role       string // "master" or "slave"
	Eviction   string // maxmemory-policy; a ledger wants "noeviction"
	AppendOnly bool   // it keeps an append-only file
}

// Servers asks whether the server answers, and whether the user may run
// scripts, as [Ledger.Ping] does, and then who it is; of a cluster, each
// master.
func (l *Ledger) Servers(ctx context.Context) ([]Server, error) {
	if err := l.Ping(ctx); err != nil {
		return nil, err
	}
	c := l.call(ctx, time.Now())
	defer c.end()
	var (
		mu   sync.Mutex
		list []Server
	)
	ask := func(ctx context.Context, node *redis.Client) error {
		info, err := node.Info(ctx).Result()
		if err != nil {
			return plain(err)
		}
		mu.Lock()
		defer mu.Unlock()
		list = append(list, readServer(info))
		return nil
	}
	var err error
	switch node := l.client.UniversalClient.(type) {
	case *redis.ClusterClient:
		err = node.ForEachMaster(c.ctx, ask)
	case *redis.Client:
		err = ask(c.ctx, node)
	}
	return list, err
}

// readServer reads what INFO says.
func readServer(info string) Server {
	fields := make(map[string]string)
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[name] = value
		}
	}
	s := Server{Role: fields["role"], Eviction: fields["maxmemory_policy"], AppendOnly: fields["aof_enabled"] == "1"}
	if version := fields["valkey_version"]; version != "" {
		s.Version = "valkey " + version
	} else if version := fields["redis_version"]; version != "" {
		s.Version = "redis " + version
	}
	return s
}
