package redisledger

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// batches sends what is asked at the same time together. Whoever asks while
// few commands are on their way sends his own at once, so that nobody waits
// for company; all others join the next batch.
//
// It stands in for go-redis's AutoPipeline, which is experimental, does not
// stop waiting when a context ends, and lets one batch wait for another for
// as long as a server hangs.
type batches struct {
	client  *redis.Client
	timeout time.Duration

	mu      sync.Mutex
	flying  int
	waiting []*passenger
}

const (
	batchesFlying = 2   // at a time, single commands and batches alike
	batchMost     = 100 // commands
)

type passenger struct {
	cmd  once
	done chan struct{}
	gone bool // does not wait any more
}

func (b *batches) send(ctx context.Context, cmd once) error {
	b.mu.Lock()
	if b.flying < batchesFlying {
		b.flying++
		b.mu.Unlock()
		err := b.client.Process(ctx, cmd)
		b.land()
		return err
	}
	p := &passenger{cmd: cmd, done: make(chan struct{})}
	b.waiting = append(b.waiting, p)
	b.mu.Unlock()

	select {
	case <-p.done:
		return cmd.Err()
	case <-ctx.Done():
		b.mu.Lock()
		p.gone = true
		b.mu.Unlock()
		return ctx.Err()
	}
}

// land ends a flight, and begins the next if somebody waits for it.
func (b *batches) land() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 {
		go b.fly()
		return
	}
	b.flying--
}

// fly sends batches until nobody waits.
func (b *batches) fly() {
	var aboard []*passenger
	for {
		aboard = b.board(aboard[:0])
		if len(aboard) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
		pipe := b.client.Pipeline()
		for _, p := range aboard {
			_ = pipe.Process(ctx, p.cmd)
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
		cancel()
		for _, p := range aboard {
			close(p.done)
		}
	}
}

// board takes those who wait, or ends the flight if there are none.
func (b *batches) board(aboard []*passenger) []*passenger {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), batchMost)
	for _, p := range b.waiting[:n] {
		if !p.gone {
			aboard = append(aboard, p)
		}
	}
	clear(b.waiting[:n])
	if b.waiting = b.waiting[n:]; len(b.waiting) == 0 {
		b.waiting = nil
	}
	if len(aboard) == 0 {
		if n > 0 && len(b.waiting) > 0 {
			go b.fly()
		} else {
			b.flying--
		}
	}
	return aboard
}
