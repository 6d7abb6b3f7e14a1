package risk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otpgate/otpgate/ruleset/internal/remote"
)

// Source tells scores of addresses. A Service is one.
type Source interface {
	// Known returns what is known of an address without asking anybody, at the
	// time at; false if nothing is.
	Known(a netip.Addr, at time.Time) (Answer, bool)
	// Ask returns what is known of an address, and finds it out if need be. It
	// comes back when ctx ends.
	Ask(ctx context.Context, a netip.Addr, at time.Time) Answer
}

// Answer is a score, or why there is none. The zero Answer is none: nobody has been asked.
type Answer struct {
	Score float64 // as the service counts; 0 if there is none
	Known bool    // there is one
	Err   error   // why there is none
}

// ErrUnknown is what Answer.Err wraps where the service was asked, and has no score
// for the address.
var ErrUnknown = errors.New("the risk service does not know the address")

var (
	errAway = errors.New("the risk service is away, and is not asked for the time being")
	errBusy = errors.New("the risk service is asked too much at the same time")
	errGone = errors.New("the caller went away before the risk service answered")
)

const (
	// unknownTTL is how long it is kept that a service does not know an address.
	unknownTTL = time.Minute
	// mostAtOnce is how many questions may be under way at the same time.
	mostAtOnce = 256
)

// Service asks one service. Its methods may be called at the same time.
type Service struct {
	config  *Config // behind a pointer, so that printing a Service shows no secret
	host    string
	pointer pointer
	cache   *cache
	breaker breaker
	counts  counts

	ending context.Context // ends all questions
	end    context.CancelFunc
	all    sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	questions map[netip.Addr]*question
}

// question is one that is under way.
type question struct {
	done   chan struct{}
	answer Answer // once done
}

// New returns a Service. It does no network I/O. Its error has one line for each thing
// wrong, led by the field's name as in "url: is missing", and quotes no secret.
func New(c Config) (*Service, error) {
	c, p, err := c.check()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(expandURL(c.URL, example))
	if err != nil {
		return nil, errors.New("url: cannot be read") // checked before
	}
	if c.Transport == nil {
		c.Transport = remote.NewTransport()
	}
	c.Header = c.Header.Clone()
	s := &Service{config: &c, host: u.Host, pointer: p, cache: newCache(c.Entries), questions: make(map[netip.Addr]*question)}
	s.ending, s.end = context.WithCancel(context.Background())
	return s, nil
}

// String names s by the host that it asks.
func (s *Service) String() string { return "risk service at " + s.host }

// GoString is String.
func (s *Service) GoString() string { return s.String() }

// Close ends what is under way. Asked later, s has no score to tell.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.all.Wait()
	if c, ok := s.config.Transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
	return nil
}

// Known implements Source.
func (s *Service) Known(a netip.Addr, at time.Time) (Answer, bool) {
	answer, ok := s.cache.get(keyOf(a), at)
	if ok {
		s.counts.cached.Add(1)
	}
	return answer, ok
}

// Ask implements Source.
func (s *Service) Ask(ctx context.Context, a netip.Addr, at time.Time) Answer {
	if !a.IsValid() {
		return Answer{Err: errors.New("there is no address to ask the risk service about")}
	}
	a = a.Unmap().WithZone("")
	if answer, ok := s.Known(a, at); ok {
		return answer
	}
	q, answer := s.join(a, at)
	if q == nil {
		return answer
	}
	select {
	case <-q.done:
		return q.answer
	case <-ctx.Done():
		return Answer{Err: fmt.Errorf("%w: %w", errGone, ctx.Err())}
	}
}

// join returns the question about a that is under way, and puts it if there is none.
// If there cannot be one it returns nil, and the answer.
func (s *Service) join(a netip.Addr, at time.Time) (*question, Answer) {
	key := keyOf(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.questions[key]; q != nil {
		s.counts.joined.Add(1)
		return q, Answer{}
	}
	if answer, ok := s.cache.get(key, at); ok { // answered since we looked
		return nil, answer
	}
	if s.closed || len(s.questions) >= mostAtOnce {
		s.counts.busy.Add(1)
		return nil, Answer{Err: errBusy}
	}
	may, tries := s.breaker.enter(at)
	if !may {
		s.counts.away.Add(1)
		return nil, Answer{Err: errAway}
	}
	q := &question{done: make(chan struct{})}
	s.questions[key] = q
	s.all.Go(func() {
		q.answer = s.put(a, at, tries)
		s.mu.Lock()
		delete(s.questions, key)
		s.mu.Unlock()
		close(q.done)
	})
	return q, Answer{}
}

// put asks the service, keeps what it says, and tells the breaker.
func (s *Service) put(a netip.Addr, at time.Time, tries bool) Answer {
	s.counts.asked.Add(1)
	score, err := s.ask(a)
	f := new(fault)
	isFault := errors.As(err, &f)
	switch {
	case isFault:
		s.counts.faults.Add(1)
		if s.breaker.failed(at, tries, f.pause) {
			s.notify(Event{Open: true, Err: err})
		}
		return Answer{Err: err}
	case err != nil:
		s.counts.unknown.Add(1)
	}
	if s.breaker.answered(at, tries) {
		s.notify(Event{})
	}
	answer, ttl := Answer{Score: score, Known: err == nil, Err: err}, s.config.TTL
	if err != nil {
		ttl = min(ttl, unknownTTL)
	}
	s.cache.put(keyOf(a), answer, at.Add(ttl))
	return answer
}

func (s *Service) notify(e Event) {
	if s.config.Notify != nil {
		s.config.Notify(e)
	}
}

// counts are counted from the beginning.
type counts struct{ asked, faults, unknown, cached, joined, busy, away atomic.Int64 }

// Stats say how a service fares. What is counted is counted from the beginning.
type Stats struct {
	Asked   int64 // questions put to the service
	Faults  int64 // those that came to nothing
	Unknown int64 // those that were answered without a score
	Cached  int64 // answers out of the cache
	Joined  int64 // waited for a question of another request
	Busy    int64 // not asked, since too much was under way
	Away    int64 // not asked, since the breaker was open
	Open    bool  // the breaker is open
	Opened  int64 // how often it has opened
	Entries int   // in the cache
}

// Stats returns how s fares.
func (s *Service) Stats() Stats {
	c := &s.counts
	stats := Stats{
		Asked: c.asked.Load(), Faults: c.faults.Load(), Unknown: c.unknown.Load(), Cached: c.cached.Load(),
		Joined: c.joined.Load(), Busy: c.busy.Load(), Away: c.away.Load(), Entries: s.cache.size(),
	}
	stats.Open, stats.Opened = s.breaker.state()
	return stats
}

// Interface guard
var _ Source = (*Service)(nil)
