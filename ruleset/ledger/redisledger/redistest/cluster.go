package redistest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Cluster is a cluster of masters, each with the same number of replicas.
type Cluster struct {
	Masters  []*Server
	Replicas []*Server
}

// slots is how many slots a cluster has.
const slots = 16384

// StartCluster starts a cluster and waits until all of it is up.
func StartCluster(t testing.TB, masters, replicas int) *Cluster {
	t.Helper()
	return (*TLS)(nil).StartCluster(t, masters, replicas)
}

// StartCluster starts a cluster and waits until all of it is up.
func (k *TLS) StartCluster(t testing.TB, masters, replicas int) *Cluster {
	t.Helper()
	c := &Cluster{}
	args := []string{"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
		"--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"}
	if k != nil {
		args = append(args, "--tls-cluster", "yes")
	}
	node := func() *Server {
		return k.Start(t, slices.Concat(args, []string{"--cluster-port", strconv.Itoa(FreePort(t))})...)
	}
	for i := range masters {
		s := node()
		c.Masters = append(c.Masters, s)
		s.Do("CLUSTER", "ADDSLOTSRANGE", i*slots/masters, (i+1)*slots/masters-1)
		s.Do("CONFIG", "SET", "cluster-require-full-coverage", "no")
	}
	for range masters * replicas {
		c.Replicas = append(c.Replicas, node())
	}
	first := c.Masters[0]
	for i, s := range c.all() {
		s.Do("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		if s != first {
			s.Do("CLUSTER", "MEET", "127.0.0.1", first.Port, busPort(first))
		}
	}
	c.wait(t, len(c.all()))
	for i, s := range c.Replicas {
		id := c.Masters[i%masters].Do("CLUSTER", "MYID")
		until(t, "the replica knows its master", func() bool {
			client := s.Client()
			defer client.Close()
			return client.Do(context.Background(), "CLUSTER", "REPLICATE", id).Err() == nil
		})
	}
	until(t, "all replicas follow", func() bool {
		for _, s := range c.Replicas {
			if info, _ := s.Do("INFO", "replication").(string); !strings.Contains(info, "master_link_status:up") {
				return false
			}
		}
		return true
	})
	for _, s := range c.Masters {
		follow(t, s, replicas)
	}
	c.wait(t, len(c.all()))
	return c
}

func busPort(s *Server) string {
	for i, arg := range s.args {
		if arg == "--cluster-port" {
			return s.args[i+1]
		}
	}
	return ""
}

func (c *Cluster) all() []*Server { return append(append([]*Server{}, c.Masters...), c.Replicas...) }

// wait waits until every node sees so many others, and all slots served.
func (c *Cluster) wait(t testing.TB, nodes int) {
	t.Helper()
	until(t, "a cluster that is up", func() bool {
		for _, s := range c.all() {
			info, _ := s.Do("CLUSTER", "INFO").(string)
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(nodes)+"\r\n") {
				return false
			}
		}
		return true
	})
}

// URL is the address of the cluster.
func (c *Cluster) URL() string {
	var addrs []string
	for _, s := range c.all() {
		addrs = append(addrs, s.Addr)
	}
	return c.Masters[0].tls.scheme("+cluster") + strings.Join(addrs, ",")
}

// Slot returns the slot of a key, and the master that served it at the start.
func (c *Cluster) Slot(key string) (int, *Server) {
	slot := int(c.Masters[0].Do("CLUSTER", "KEYSLOT", key).(int64))
	for i := range c.Masters {
		if slot < (i+1)*slots/len(c.Masters) {
			return slot, c.Masters[i]
		}
	}
	panic("no master")
}

// Move moves a slot with all its keys from one master to another, key by key
// as resharding does, and calls during after each.
func (c *Cluster) Move(t testing.TB, slot int, from, to *Server, during func()) {
	t.Helper()
	source, target := fmt.Sprint(from.Do("CLUSTER", "MYID")), fmt.Sprint(to.Do("CLUSTER", "MYID"))
	to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", source)
	from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", target)
	for {
		keys, _ := from.Do("CLUSTER", "GETKEYSINSLOT", slot, 10).([]any)
		if len(keys) == 0 {
			break
		}
		for _, key := range keys {
			from.Do("MIGRATE", "127.0.0.1", to.Port, key, 0, 5000)
			during()
		}
	}
	for _, s := range []*Server{to, from} {
		s.Do("CLUSTER", "SETSLOT", slot, "NODE", target)
	}
	for _, s := range c.Masters {
		if s != to && s != from {
			s.Do("CLUSTER", "SETSLOT", slot, "NODE", target)
		}
	}
}

// Client returns a client for looking at the cluster. The caller closes it.
func (c *Cluster) Client() *redis.ClusterClient {
	var addrs []string
	for _, s := range c.all() {
		addrs = append(addrs, s.Addr)
	}
	return redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, DisableIdentity: true})
}
