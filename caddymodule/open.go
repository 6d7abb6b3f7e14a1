package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
)

// openLedger is an open ledger, as all configurations of this process share it
// through the pool.
type openLedger struct {
	ledger.Ledger                       // what gates ask
	own           *ledger.Embedded      // the same, or the one beside the server
	redis         *redisledger.Fallback // nil without a server
	maxKeys       int                   // as it was opened with
	close         func() error
}

// Destruct closes the ledger when nobody uses it any more.
func (l *openLedger) Destruct() error { return l.close() }

// open returns the ledger at p, which this process may have opened before.
func (p *ledgerPlace) open() (l *openLedger, key string, err error) {
	key, construct := p.embeddedKey(), p.openOwn
	if p.engine == engineRedis {
		if key, err = p.redisKey(); err != nil {
			return nil, "", err
		}
		construct = p.openRedis
	}
	value, _, err := ledgers.LoadOrNew(key, func() (caddy.Destructor, error) {
		l, err := construct()
		if err != nil {
			return nil, err
		}
		return l, nil
	})
	if err != nil {
		return nil, "", err
	}
	return value.(*openLedger), key, nil
}

// own is the place of the gate's own ledger beside the server.
func (p *ledgerPlace) own() *ledgerPlace {
	return &ledgerPlace{engine: engineEmbedded, dir: p.dir, maxKeys: p.maxKeys, beside: true}
}

// logger returns the logger of what outlives configurations.
func logger() *zap.Logger { return caddy.Log().Named("otp_gate") }

func (p *ledgerPlace) openOwn() (*openLedger, error) {
	if p.dir == "" {
		l := ledger.NewEmbedded(p.options()...)
		return &openLedger{Ledger: l, own: l, maxKeys: p.maxKeys, close: l.Close}, nil
	}
	l, err := ledger.OpenEmbedded(p.dir, p.options()...)
	if err != nil {
		return nil, p.unopened(err)
	}
	p.recovered(l.Recovery())
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watch := diskWatch{dir: p.dir, log: logger}
	watching.Go(func() { watch.watch(l, stop) })
	return &openLedger{
		Ledger:  bounded{l, p.patience()},
		own:     l,
		maxKeys: p.maxKeys,
		close: func() error {
			close(stop)
			watching.Wait()
			return l.Close()
		},
	}, nil
}

// unopened says what an operator can do about err.
func (p *ledgerPlace) unopened(err error) error {
	word, other := "dir", "let all share one ledger: store redis URL"
	if p.beside {
		word, other = "fallback_dir", "do without: fallback memory"
	}
	damaged := new(ledger.DamagedError)
	switch {
	case errors.Is(err, ledger.ErrLocked):
		return fmt.Errorf("opening the %w; either give this Caddy another directory (%s PATH), or %s", err, word, other)
	case errors.As(err, &damaged):
		return fmt.Errorf("opening the %w; to set it aside: mv %s %s.damaged", err, p.dir, p.dir)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("opening the %w; either name a directory that Caddy may write to (%s PATH), or %s", err, word, other)
	default:
		return fmt.Errorf("opening the %w", err)
	}
}

// noticeably is how far a clock has to be behind to be worth a warning. Some
// are corrected by a little each time a machine starts.
const noticeably = time.Second

// recovered logs what was found in the directory.
func (p *ledgerPlace) recovered(r ledger.Recovery) {
	fields := []zap.Field{
		zap.String("dir", p.dir), zap.Int("keys", r.Keys), zap.Int("holds", r.Holds), zap.Int("records", r.Records),
		zap.Int64("bytes", r.Bytes), zap.Duration("took", r.Took),
	}
	log := logger()
	log.Info("the ledger is open", fields...)
	if r.Cut > 0 {
		log.Warn("a record that was only half on disk was cut off the ledger; nobody was let through on it",
			zap.String("dir", p.dir), zap.Int64("bytes", r.Cut))
	}
	if r.Behind >= noticeably {
		log.Warn("the clock is behind the ledger, which stands still until it has caught up: limits refuse for so much longer",
			zap.String("dir", p.dir), zap.Duration("behind", r.Behind))
	}
}

// diskWatch logs when a ledger cannot be written any more, and when it can
// again.
type diskWatch struct {
	dir     string
	log     func() *zap.Logger
	failing bool
	since   time.Time
}

// watch looks at the ledger once a second, until stop is closed.
func (w *diskWatch) watch(l *ledger.Embedded, stop <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			w.look(l.Stats().Failing, now)
		}
	}
}

func (w *diskWatch) look(failing error, now time.Time) {
	switch {
	case failing != nil && !w.failing:
		w.since = now
		w.log().Error("the ledger cannot be written: until it can, nothing that it would count is let through",
			zap.String("dir", w.dir), zap.Error(failing))
	case failing == nil && w.failing:
		w.log().Info("the ledger can be written again", zap.String("dir", w.dir), zap.Duration("after", now.Sub(w.since)))
	}
	w.failing = failing != nil
}

const (
	// patienceAlone is how long a request may wait for the disk before it is
	// refused: a disk that is only slow answers within that.
	patienceAlone = 5 * time.Second
	// patienceBeside is the same where a server counts, so that a disk that
	// hangs does not hold up what the server answers at once.
	patienceBeside = 250 * time.Millisecond
)

func (p *ledgerPlace) patience() time.Duration {
	if p.beside {
		return patienceBeside
	}
	return patienceAlone
}

// bounded is a ledger that may have to wait for its disk, and how long anybody
// waits for that. What took too long is taken back.
type bounded struct {
	redisledger.Own
	patience time.Duration
}

func (b bounded) Reserve(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	return b.Own.Reserve(ctx, at, id, charges, a)
}
