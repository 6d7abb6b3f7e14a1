package caddymodule

import (
	"errors"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// lease is a configuration's use of its ledger. It ends when the configuration
// has been cleaned up and its last request has been settled: after a reload,
// requests of the generation before may still be on their way.
type lease struct {
	place ledgerPlace

	mu      sync.Mutex
	uses    int // requests
	cleaned bool
	ledger  *openLedger // once opened
	key     string      // in the pool
	held    bool        // this use of it counts
}

var (
	errLeaseEnded = errors.New("the configuration has been replaced by one with another ledger")
	errStopped    = errors.New("the configuration has been stopped")
)

// open opens the ledger, once.
func (l *lease) open() (*openLedger, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ledger != nil {
		return l.ledger, nil
	}
	if l.cleaned {
		return nil, errStopped
	}
	opened, key, err := l.place.open()
	if err != nil {
		return nil, err
	}
	l.ledger, l.key, l.held = opened, key, true
	return opened, nil
}

// enter begins a request. It is false if the ledger has gone.
func (l *lease) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ledger != nil && !l.held && !l.again() {
		return false
	}
	l.uses++
	return true
}

// again takes the ledger up once more, if another configuration has kept it
// open. For a moment after a reload, requests still come to the old generation
// over connections that were open before.
func (l *lease) again() bool {
	value, _, err := ledgers.LoadOrNew(l.key, func() (caddy.Destructor, error) { return nil, errLeaseEnded })
	if err != nil {
		return false
	}
	l.held = value == any(l.ledger)
	if !l.held {
		_, _ = ledgers.Delete(l.key) // another one, which is still in use
	}
	return l.held
}

// leave ends a request.
func (l *lease) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uses--
	l.settle()
}

// clean ends the configuration. When Caddy is stopping nobody is waited for
// any more: the grace period is over.
func (l *lease) clean() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cleaned = true
	l.settle()
}

// settle gives the ledger up if nobody needs it any more.
func (l *lease) settle() {
	if !l.held || !l.cleaned || l.uses > 0 && !caddy.Exiting() {
		return
	}
	l.held = false
	if _, err := ledgers.Delete(l.key); err != nil {
		logger().Error("closing the ledger", zap.Error(err))
	}
}

// opened is the ledger, nil if it is not open yet.
func (l *lease) opened() *openLedger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledger
}
