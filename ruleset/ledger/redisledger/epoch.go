package redisledger

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// see compares the epoch of the data with the one known: another one, or none,
// means that the server was emptied.
func (l *Ledger) see(p *partition, reply []int64) {
	epoch := reply[2]
	if epoch < 0 {
		return
	}
	if known := p.epoch.Load(); known == epoch || !p.epoch.CompareAndSwap(known, epoch) || known == 0 {
		return
	}
	l.tellLost()
}

// newServer is told the run id of each server that a connection was made to. A
// server that was not there before may lack what its predecessor had taken and
// not passed on.
func (l *Ledger) newServer(runID string) {
	if runID == "" {
		return
	}
	if _, known := l.servers.LoadOrStore(runID, true); !known && l.stats.trips.Load() > 0 {
		l.tellLost()
	}
}

func (l *Ledger) tellLost() {
	l.stats.lost.Add(1)
	if f := l.lost.Load(); f != nil {
		go (*f)()
	}
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
	args = p.names(args, ledger.ID{}, nil)
	args = append(args, never, "", keep, "<", "", "", "")
	cmd := once{redis.NewIntSliceCmd(c.ctx, args...)}
	cmd.SetFirstKeyPos(3)
	sent := time.Now()
	if err := c.client.Process(c.ctx, cmd); err != nil {
		return err
	}
	if reply := cmd.Val(); len(reply) >= replyHead {
		p.server.saw(sent, time.Now(), reply[1])
		c.see(p, reply)
	}
	return nil
}
