package redisledger

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// standing tells whether the server still has what this gate knows it to have
// had. It may not: it was emptied, it was started again from what was on disk,
// or another one has taken its place that lacks the end.
//
// The first is seen by the epoch, which stands in the data; it comes with each
// reply. The others are seen by who the server says that it is. That is asked
// on each new connection before anything else is sent, so it is known before
// the server's first answer is read.
//
// Each such change is counted before an answer is believed that came after it.
// Until a [Fallback] has put back what the server may lack, none is.
type standing struct {
	changes  atomic.Uint64
	restored atomic.Uint64 // changes after which all was put back

	mu      sync.Mutex
	servers map[string]identity // who each address said that it is, last
}

// tellLost notes that the server may lack what it had. Without a Fallback
// there is nobody who could put it back, and the ledger goes on with what
// there is.
func (l *Ledger) tellLost() {
	changes := l.standing.changes.Add(1)
	l.stats.lost.Add(1)
	if f := l.lost.Load(); f != nil {
		(*f)()
	} else {
		l.standing.restored.Store(changes)
	}
}

// believe reports whether the server may be asked, and for how many changes.
func (s *standing) believe() (changes uint64, ok bool) {
	changes = s.changes.Load()
	return changes, changes == s.restored.Load()
}

// same reports whether the server is what it was after so many changes.
func (s *standing) same(changes uint64) bool { return s.changes.Load() == changes }

// see compares the epoch of the data with the one known: another one, or none,
// means that the server was emptied. That there was none may also have been
// true before the known one began: it says nothing then.
func (l *Ledger) see(p *partition, sent time.Time, reply []int64) {
	epoch := reply[2]
	known := p.epoch.Load()
	if epoch < 0 || known == epoch || epoch == 0 && int64(sent.Sub(base)) <= p.since.Load() {
		return
	}
	if known != 0 {
		l.tellLost() // before anybody can take the new epoch for the known one
	}
	p.since.Store(int64(time.Since(base)))
	p.epoch.Store(epoch)
}

// identity is who a server says that it is.
type identity struct {
	run     string // its process
	history string // of its data: another one after each fail-over
}

// connected notes who the server at an address is.
func (l *Ledger) connected(addr string, who identity) {
	l.standing.mu.Lock()
	defer l.standing.mu.Unlock()
	if l.standing.servers == nil {
		l.standing.servers = make(map[string]identity)
	}
	if was, known := l.standing.servers[addr]; known && was != who {
		l.tellLost()
	}
	l.standing.servers[addr] = who
}

// served notes which node of a cluster has answered for a key.
func (l *Ledger) served(key, addr string) {
	p := l.partitionOf(key)
	if p == nil {
		return
	}
	was := p.node.Load()
	if was != nil && *was == addr {
		return
	}
	if was != nil {
		l.tellLost()
	}
	p.node.Store(&addr)
}

func (l *Ledger) partitionOf(key string) *partition {
	for i := range l.parts {
		if p := &l.parts[i]; len(key) > len(p.prefix) && key[:len(p.prefix)] == p.prefix {
			return p
		}
	}
	return nil
}

// mark names the servers that this ledger is on now, and the data there: all
// gates that see the same have the same. The history is left out, as a gate
// may have connected to a replica before it became the master.
func (l *Ledger) mark() uint64 {
	l.standing.mu.Lock()
	defer l.standing.mu.Unlock()
	h := fnv.New64a()
	for i := range l.parts {
		addr := ""
		if node := l.parts[i].node.Load(); node != nil {
			addr = *node
		}
		fmt.Fprintln(h, l.standing.servers[addr].run, l.parts[i].epoch.Load())
	}
	return h.Sum64()
}

// returned is called when the server answers again.
func (l *Ledger) returned() {
	if f := l.back.Load(); f != nil {
		(*f)()
	}
}

// ping asks whether the servers are back, past the breaker.
func (l *Ledger) ping() error {
	err := l.Ping(context.Background())
	if cluster, ok := l.client.UniversalClient.(*redis.ClusterClient); ok && err != nil {
		cluster.ReloadState(context.Background()) // another master may have taken over
	}
	return err
}

// probe runs the script without charges, by its whole text, past the breaker.
func (c *call) probe(p *partition) error {
	args := make([]any, 3, 12)
	args[0], args[1], args[2] = "eval", chargeScript.text, 2
	args = p.names(args, [16]byte{}, nil)
	args = append(args, never, "", keep, "<", "", "", "")
	cmd := once{redis.NewIntSliceCmd(c.ctx, args...)}
	cmd.SetFirstKeyPos(3)
	sent := time.Now()
	if err := c.client.Process(c.ctx, cmd); err != nil {
		return err
	}
	if reply := cmd.Val(); len(reply) >= replyHead {
		p.server.saw(sent, time.Now(), reply[1])
		c.see(p, sent, reply)
	}
	return nil
}
