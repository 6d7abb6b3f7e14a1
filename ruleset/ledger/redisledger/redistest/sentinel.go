package redistest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Replicated is a master with replicas, and three sentinels that agree on
// which one is the master.
type Replicated struct {
	Servers   []*Server // the first is the master at the start
	Sentinels []*Server
}

// MasterName is what the sentinels call the master.
const MasterName = "main"

// StartSentinel starts a master with replicas and three sentinels, and waits
// until they know each other.
func StartSentinel(t testing.TB, replicas int) *Replicated {
	t.Helper()
	return (*TLS)(nil).StartSentinel(t, replicas)
}

// StartSentinel starts a master with replicas and three sentinels.
func (k *TLS) StartSentinel(t testing.TB, replicas int) *Replicated {
	t.Helper()
	r := &Replicated{Servers: []*Server{k.Start(t)}}
	master := r.Servers[0]
	for range replicas {
		r.Servers = append(r.Servers, k.Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(master.Port), "--repl-diskless-sync-delay", "0"))
	}
	follow(t, master, replicas)
	for range 3 {
		r.Sentinels = append(r.Sentinels, k.startSentinel(t, master))
	}
	until(t, "the sentinels know each other", func() bool {
		for _, s := range r.Sentinels {
			var others, slaves int
			info := pairs(s.Do("SENTINEL", "master", MasterName))
			fmt.Sscan(info["num-other-sentinels"], &others)
			fmt.Sscan(info["num-slaves"], &slaves)
			if others != 2 || slaves != replicas {
				return false
			}
		}
		return true
	})
	return r
}

func (k *TLS) startSentinel(t testing.TB, master *Server) *Server {
	t.Helper()
	s := &Server{t: t, tls: k, Port: FreePort(t), Dir: dir(t)}
	s.Addr = "127.0.0.1:" + strconv.Itoa(s.Port)
	config := filepath.Join(s.Dir, "sentinel.conf")
	var text strings.Builder
	for pair := range slices.Chunk(slices.Concat(k.ports(s.Port), k.settings()), 2) {
		fmt.Fprintln(&text, pair[0], pair[1])
	}
	fmt.Fprintf(&text, "bind 127.0.0.1\ndir %s\nlogfile %s\nsentinel monitor %s 127.0.0.1 %d 2\n"+
		"sentinel down-after-milliseconds %s 300\nsentinel failover-timeout %s 3000\n",
		s.Dir, filepath.Join(s.Dir, "log"), MasterName, master.Port, MasterName, MasterName)
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = []string{config, "--sentinel"}
	t.Cleanup(s.end)
	if err := s.run(); err != nil {
		t.Fatalf("starting a sentinel: %v", err)
	}
	return s
}

// URL is the address of the master, by way of the sentinels.
func (r *Replicated) URL() string {
	var addrs []string
	for _, s := range r.Sentinels {
		addrs = append(addrs, s.Addr)
	}
	return r.Servers[0].tls.scheme("+sentinel") + strings.Join(addrs, ",") + "/" + MasterName
}

// WaitForMaster waits until the sentinels agree on another master than old,
// and it takes writes, and returns it.
func (r *Replicated) WaitForMaster(t testing.TB, old *Server) *Server {
	t.Helper()
	var master *Server
	until(t, "another master", func() bool {
		for _, s := range r.Sentinels {
			addr, _ := s.Do("SENTINEL", "get-master-addr-by-name", MasterName).([]any)
			if len(addr) != 2 || fmt.Sprint(addr[1]) == strconv.Itoa(old.Port) {
				return false
			}
			for _, candidate := range r.Servers {
				if fmt.Sprint(addr[1]) == strconv.Itoa(candidate.Port) {
					master = candidate
				}
			}
		}
		role, _ := master.Do("ROLE").([]any)
		return len(role) > 0 && role[0] == "master"
	})
	return master
}

// follow waits until so many replicas take what their master writes, and say
// so when they are asked.
func follow(t testing.TB, master *Server, replicas int) {
	t.Helper()
	until(t, "all replicas are online", func() bool {
		info, _ := master.Do("INFO", "replication").(string)
		return strings.Count(info, "state=online") == replicas
	})
	until(t, "all replicas have what was written", func() bool {
		return replicated(master, replicas) == int64(replicas)
	})
}

// replicated is how many replicas have what the server was just told to write.
func replicated(s *Server, replicas int) int64 {
	c := s.Client()
	defer c.Close()
	conn := c.Conn()
	defer conn.Close()
	ctx := context.Background()
	for i := range 1000 { // a server of a cluster takes only some keys
		key := "redistest" + strconv.Itoa(i)
		if conn.Set(ctx, key, "", time.Minute).Err() == nil {
			conn.Del(ctx, key)
			break
		}
	}
	n, _ := conn.Do(ctx, "WAIT", replicas, 500).Int64()
	return n
}

// until waits for what is to come about.
func until(t testing.TB, what string, true_ func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !true_(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s there is still not: %s", patience, what)
		}
	}
}

// pairs reads a list of names and values.
func pairs(v any) map[string]string {
	list, _ := v.([]any)
	m := make(map[string]string)
	for i := 0; i+1 < len(list); i += 2 {
		m[fmt.Sprint(list[i])] = fmt.Sprint(list[i+1])
	}
	return m
}
