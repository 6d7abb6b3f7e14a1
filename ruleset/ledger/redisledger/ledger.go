package redisledger

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Config says where a ledger is kept.
type Config struct {
	// URL is the address, with its options:
	//
	//	redis://user:password@host:6379/0
	//	rediss://host:6380                           TLS
	//	redis+sentinel://host1,host2/master/0        the master that Sentinel names
	//	redis+cluster://host1,host2                  a cluster
	//
	// Options are written as ?timeout=50ms&pool_size=64:
	//
	//	timeout        of a call, all in all; 50ms, with wait_replicas 250ms
	//	dial_timeout   of a new connection; 100ms, or timeout if that is longer
	//	pool_size      connections to each server; 10 for each processor
	//	pipeline       on or off: send what is asked at the same time together; on
	//	wait_replicas  how many replicas must have a reservation before it counts; 0
	//	spread         over how many slots of a cluster keys are spread; one
	//	ca, cert, key  files for TLS
	//	server_name    that the certificate must be for; the host's
	//	sentinel_user, sentinel_password
	URL string

	// Name keeps ledgers on one server apart: keys begin with {otp:Name}. All
	// gates with the same Name share their counts. "gate" by default; letters,
	// digits, dots, dashes and underscores.
	Name string

	// TLS is where the settings for TLS start from. It may be nil.
	TLS *tls.Config
}

// Ledger is a ledger in Redis. Make one with [Open].
type Ledger struct {
	address *address
	client  *client
	parts   []partition
	breaker breaker
	denied  deniedCache
	shapes  shapes
	stats   counters
	cancels cancels

	standing standing

	// callersClock is for tests: the ledger takes the caller's time in place
	// of the server's.
	callersClock bool
	callersLast  atomic.Int64 // nanoseconds, the latest of these times
	// lost is called when data has gone: the server was emptied, or another
	// one has taken its place. back is called when the breaker has closed.
	lost, back atomic.Pointer[func()]
}

var _ ledger.Ledger = (*Ledger)(nil)

// partition is a hash tag: its keys live on one server.
type partition struct {
	prefix string // of all keys
	clock  string // the key
	server serverClock
	epoch  atomic.Int64           // when the data began; 0 is empty or unknown
	since  atomic.Int64           // when that was learnt, nanoseconds since base
	node   atomic.Pointer[string] // of a cluster: the address that answers
}

// ErrAway is returned while the server is known to be away: nobody waited.
var ErrAway = errors.New("the ledger's server is away")

// ErrUncertain is wrapped by errors of calls that may have been carried out,
// or may still be: there was no answer.
var ErrUncertain = errors.New("no answer")

var (
	errNoID       = errors.New("ledger: a reservation needs an id")
	errAmount     = fmt.Errorf("ledger: an amount to charge is 0 to %d", int64(ledger.MaxAmount))
	errCancelling = errors.New("ledger: this id is just being given back")
	errDataGone   = errors.New("the server's data has gone, or another server has taken its place")
	errLate       = errors.New("the server came to it too late")
	validName     = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	errBadName    = errors.New("the ledger's name may have up to 64 letters, digits, dots, dashes and underscores")
)

// Open returns the ledger at an address. It does not connect: that is left to
// the first call.
func Open(cfg Config) (*Ledger, error) {
	a, err := parseAddress(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("opening the Redis ledger: %w", err)
	}
	name := cfg.Name
	if name == "" {
		name = "gate"
	}
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("opening the Redis ledger: %w", errBadName)
	}
	l := &Ledger{address: a, parts: make([]partition, max(a.spread, 1))}
	l.breaker.stop = make(chan struct{})
	l.cancels = cancels{after: a.timeout, settle: l.cancel, stop: l.breaker.stop}
	for i := range l.parts {
		p := &l.parts[i]
		p.prefix = "{otp:" + name + "}"
		if a.spread > 0 {
			p.prefix = fmt.Sprintf("{otp:%s:%d}", name, i)
		}
		p.clock = p.prefix + "clock"
	}
	l.client, err = newClient(a, cfg.TLS, l)
	if err != nil {
		return nil, fmt.Errorf("opening the Redis ledger: %w", err)
	}
	return l, nil
}

// String is the address of the ledger without its secrets.
func (l *Ledger) String() string { return l.address.String() }

// Close ends all connections.
func (l *Ledger) Close() error {
	l.breaker.close()
	return l.client.close()
}

// refuse makes a the answer of somebody who has not counted yet.
func refuse(a *ledger.Answer) {
	*a = ledger.Answer{Refused: true, Shadow: a.Shadow[:0]}
}

// Look asks whether all charges would fit. See [ledger.Ledger].
func (l *Ledger) Look(ctx context.Context, at time.Time, charges []ledger.Charge, a *ledger.Answer) error {
	return l.ask(ctx, at, look, ledger.ID{}, charges, a)
}

// Reserve takes all charges, or none. See [ledger.Ledger].
func (l *Ledger) Reserve(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	err := l.reserve(ctx, at, id, charges, a)
	if errors.Is(err, ErrUncertain) && l.address.spread == 0 {
		l.cancels.add(id, 0)
	}
	return err
}

// reserve is Reserve, and leaves it to the caller to give back what may have
// been taken without an answer.
func (l *Ledger) reserve(ctx context.Context, at time.Time, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	if id == (ledger.ID{}) {
		refuse(a)
		return errNoID // or all requests without one would be the same
	}
	if !l.cancels.forget(id) {
		refuse(a)
		return errCancelling
	}
	return l.ask(ctx, at, reserve, id, charges, a)
}

// putBack takes charges under their id if it does not hold them already, and
// asks no limit: they were admitted while the server did not know.
func (l *Ledger) putBack(id ledger.ID, charges []ledger.Charge) error {
	if !l.cancels.forget(id) {
		return errCancelling
	}
	c := l.call(context.Background(), time.Now())
	defer c.end()
	return c.charge(putBack, id, charges, new(ledger.Answer))
}

func (l *Ledger) ask(ctx context.Context, at time.Time, mode string, id ledger.ID, charges []ledger.Charge, a *ledger.Answer) error {
	refuse(a)
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(charges) == 0 {
		a.Refused = false
		return nil
	}
	for i := range charges {
		if amount := charges[i].Amount; amount < 0 || amount > ledger.MaxAmount {
			return errAmount
		}
	}
	if !l.callersClock && l.denied.find(int64(time.Since(base)), charges, a) {
		l.denied.hits.Add(1)
		return nil
	}
	if l.breaker.open.Load() {
		l.stats.away.Add(1)
		return ErrAway
	}
	changes, ok := l.standing.believe()
	if !ok {
		l.stats.away.Add(1)
		return errDataGone
	}
	c := l.call(ctx, at)
	defer c.end()
	err := c.charge(mode, id, charges, a)
	if err == nil && !l.standing.same(changes) && l.lost.Load() != nil {
		err = fmt.Errorf("%w that counts: %w", ErrUncertain, errDataGone)
	}
	if err != nil {
		refuse(a)
		return fmt.Errorf("asking the Redis ledger: %w", err)
	}
	return nil
}

// Record adds one event to each charge. See [ledger.Ledger].
func (l *Ledger) Record(ctx context.Context, at time.Time, charges []ledger.Charge) error {
	for i := range charges {
		if c := charges[i].Tally.Count; c != ledger.Refusals && c != ledger.WrongCodes {
			return fmt.Errorf("ledger: %q does not count what can be recorded", charges[i].Tally.Name)
		}
	}
	if len(charges) == 0 {
		return nil
	}
	c := l.call(context.WithoutCancel(ctx), at)
	defer c.end()
	if err := c.charge(count, ledger.ID{}, charges, new(ledger.Answer)); err != nil {
		return fmt.Errorf("recording in the Redis ledger: %w", err)
	}
	return nil
}

// Settle closes what was reserved under id. See [ledger.Ledger].
func (l *Ledger) Settle(ctx context.Context, at time.Time, id ledger.ID, o ledger.Outcome) error {
	if o != ledger.NotSent && o != ledger.Verified {
		return nil
	}
	c := l.call(context.WithoutCancel(ctx), at)
	defer c.end()
	if err := c.settle(id, o); err != nil {
		return fmt.Errorf("settling in the Redis ledger: %w", err)
	}
	return nil
}
