package redisledger

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// client sends commands. It never sends one twice: go-redis's own retries,
// which ran a script four times on a server that hung, are off.
type client struct {
	redis.UniversalClient
	batches *batches // nil sends each command by itself
}

// watcher is told who the servers are: on each new connection, and in a
// cluster with each answer.
type watcher interface {
	connected(addr string, who identity)
	served(key, addr string)
}

// newClient makes a client that connects when it is needed.
func newClient(a *address, base *tls.Config, w watcher) (*client, error) {
	secure, err := tlsConfig(a, base)
	if err != nil {
		return nil, err
	}
	onConnect := func(addr string) func(context.Context, *redis.Conn) error {
		return func(ctx context.Context, cn *redis.Conn) error {
			info, err := cn.Info(ctx).Result()
			if err != nil {
				return err
			}
			if field(info, "redis_mode:") == "sentinel" || field(info, "server_mode:") == "sentinel" { // Redis, Valkey
				return nil // it is asked who the master is, and is not one
			}
			w.connected(addr, identity{run: field(info, "run_id:"), history: field(info, "master_replid:")})
			return nil
		}
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch a.kind {
	case sentinel:
		return withBatches(a, redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: a.master, SentinelAddrs: a.hosts,
			SentinelUsername: a.sentinelUser, SentinelPassword: a.sentinelPassword,
			Username: a.user, Password: a.password, DB: a.db,
			OnConnect: onConnect(""), Protocol: 2, TLSConfig: secure,
			MaxRetries: -1, DialTimeout: a.dialTimeout, DialerRetries: 1,
			ReadTimeout: a.timeout, WriteTimeout: a.timeout, PoolTimeout: a.timeout,
			ContextTimeoutEnabled: true, PoolSize: a.pool,
			DisableIdentity: true,
		})), nil
	case cluster:
		return &client{UniversalClient: redis.NewClusterClient(&redis.ClusterOptions{
			Addrs:    a.hosts,
			Username: a.user, Password: a.password,
			Protocol: 2, TLSConfig: secure,
			NewClient: func(o *redis.Options) *redis.Client {
				o.OnConnect = onConnect(o.Addr)
				node := redis.NewClient(o)
				node.AddHook(nodeHook{w, o.Addr})
				return node
			},
			MaxRedirects: 2, MaxRetries: -1, MinRetryBackoff: -1, MaxRetryBackoff: -1,
			DialTimeout: a.dialTimeout, DialerRetries: 1,
			ReadTimeout: a.timeout, WriteTimeout: a.timeout, PoolTimeout: a.timeout,
			ContextTimeoutEnabled: true, PoolSize: a.pool,
			DisableIdentity: true, DisableRoutingPolicies: true, MaintNotificationsConfig: quiet,
		})}, nil
	default:
		return withBatches(a, redis.NewClient(&redis.Options{
			Addr:     a.hosts[0],
			Username: a.user, Password: a.password, DB: a.db,
			OnConnect: onConnect(""), Protocol: 2, TLSConfig: secure,
			MaxRetries: -1, DialTimeout: a.dialTimeout, DialerRetries: 1,
			ReadTimeout: a.timeout, WriteTimeout: a.timeout, PoolTimeout: a.timeout,
			ContextTimeoutEnabled: true, PoolSize: a.pool,
			DisableIdentity: true, MaintNotificationsConfig: quiet,
		})), nil
	}
}

func withBatches(a *address, c *redis.Client) *client {
	if !a.pipeline {
		return &client{UniversalClient: c}
	}
	return &client{UniversalClient: c, batches: &batches{client: c, timeout: a.timeout}}
}

// tlsConfig returns what the address asks for, nil without TLS.
func tlsConfig(a *address, base *tls.Config) (*tls.Config, error) {
	if !a.tls {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		c = base.Clone()
	}
	if a.serverName != "" {
		c.ServerName = a.serverName
	} else if a.kind == single && c.ServerName == "" {
		c.ServerName, _, _ = net.SplitHostPort(a.hosts[0])
	}
	if a.ca != "" {
		pem, err := os.ReadFile(a.ca)
		if err != nil {
			return nil, fmt.Errorf("reading option ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("reading option ca: no certificates in PEM")
		}
	}
	if a.cert != "" {
		pair, err := tls.LoadX509KeyPair(a.cert, a.key)
		if err != nil {
			return nil, fmt.Errorf("reading options cert and key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// field returns a field of what INFO replies.
func field(info, name string) string {
	_, after, _ := strings.Cut(info, "\n"+name)
	value, _, _ := strings.Cut(after, "\r\n")
	return value
}

// nodeHook tells which node of a cluster has run a script.
type nodeHook struct {
	watcher
	addr string
}

func (h nodeHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h nodeHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		h.ran(cmd)
		return err
	}
}

func (h nodeHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			h.ran(cmd)
		}
		return err
	}
}

func (h nodeHook) ran(cmd redis.Cmder) {
	if args := cmd.Args(); cmd.Err() == nil && len(args) > 3 && strings.HasPrefix(cmd.Name(), "eval") {
		h.served(args[3].(string), h.addr)
	}
}

// once is a command that is not sent again after a network error: it may have
// been carried out. MOVED and ASK are followed, as those say that it was not.
type once struct{ *redis.IntSliceCmd }

func (once) NoRetry() bool { return true }

// send sends one command and waits for its reply.
func (c *client) send(ctx context.Context, cmd once) error {
	if c.batches != nil {
		return c.batches.send(ctx, cmd)
	}
	return c.Process(ctx, cmd)
}

var errReplicas = fmt.Errorf("%w from enough replicas", ErrUncertain)

// sendReplicated sends a command and waits until so many replicas have what it
// wrote, both in one trip on one connection.
func (c *client) sendReplicated(ctx context.Context, cmd once, replicas int, timeout time.Duration) error {
	var node interface{ Pipeline() redis.Pipeliner } = c.UniversalClient
	if cluster, ok := c.UniversalClient.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, cmd.Args()[3].(string))
		if err != nil {
			return err
		}
		node = master
	}
	pipe := node.Pipeline()
	_ = pipe.Process(ctx, cmd)
	acked := pipe.Do(ctx, "wait", replicas, timeout.Milliseconds())
	_, _ = pipe.Exec(ctx)
	if err := cmd.Err(); err != nil {
		if cluster, ok := c.UniversalClient.(*redis.ClusterClient); ok && redis.HasErrorPrefix(err, "MOVED") {
			cluster.ReloadState(ctx)
		}
		return err
	}
	if reply := cmd.Val(); len(reply) > 0 && reply[0] != replyDone {
		return nil // nothing was taken
	}
	n, err := acked.Int()
	if err != nil {
		return err
	}
	if n < replicas {
		return errReplicas
	}
	return nil
}

func (c *client) close() error { return c.UniversalClient.Close() }
