package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Keeper works with. The zero Config will do.
type Config struct {
	Dir       string                               // where the last good copies are kept, and made if it is not there; "" keeps none
	Transport http.RoundTripper                    // nil is NewTransport
	Now       func() time.Time                     // nil is time.Now
	Random    func() float64                       // from 0 up to 1, to spread the fetches; nil is math/rand
	Notify    func(Event)                          // called for each event, one after another, also by New; of the Keeper it may call Result and States
	Progress  func(feed string, read, total int64) // called while bytes come, for two feeds at a time; total is -1 if it is not known

	Total   time.Duration // the most that a fetch may take; 0 is 2m
	Idle    time.Duration // the most without a byte; 0 is 20s
	Confirm int           // how often a list that changed too much must come the same before it is believed; 0 is 3, below 0 is never
}

// Keeper keeps a set of feeds: the last good list of each is there at any
// time, whatever becomes of its source. It is safe for concurrent use.
type Keeper struct {
	config  Config
	fetcher fetcher
	set     atomic.Pointer[set]
	using   sync.Mutex    // held by Use
	changed chan struct{} // tells Run that there is another set
	slots   chan struct{} // as many fetches at once as it holds

	mu     sync.Mutex // the states of all feeds
	notify sync.Mutex // one event at a time
}

// set is which feeds there are. It does not change.
type set struct {
	feeds  []*kept
	byName map[string]*kept
}

// atOnce is how many feeds are fetched at the same time: each may need as much
// memory as its MaxBytes.
const atOnce = 2

// New returns a Keeper of feeds, with what there is on disk: copies of feeds
// from the network, and feeds that are files. It does not touch the network. A
// copy or file that cannot be read is an event and a state, not an error.
func New(config Config, feeds []Feed) (*Keeper, error) {
	if config.Transport == nil {
		config.Transport = NewTransport()
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Random == nil {
		config.Random = rand.Float64
	}
	if config.Notify == nil {
		config.Notify = func(Event) {}
	}
	if config.Total == 0 {
		config.Total = 2 * time.Minute
	}
	if config.Idle == 0 {
		config.Idle = 20 * time.Second
	}
	if config.Confirm == 0 {
		config.Confirm = 3
	}
	k := &Keeper{
		config: config,
		fetcher: fetcher{transport: config.Transport, agent: "otpgate (+https://github.com/otpgate/otpgate)",
			total: config.Total, idle: config.Idle, progress: config.Progress},
		changed: make(chan struct{}, 1),
		slots:   make(chan struct{}, atOnce),
	}
	k.set.Store(new(set))
	if err := k.Use(feeds); err != nil {
		return nil, err
	}
	return k, nil
}

// Use puts another set of feeds in the place of the one before. A feed that is
// in both, with the same settings, stays as it is; others begin as with New,
// whose errors Use returns. With an error nothing has changed.
func (k *Keeper) Use(feeds []Feed) error {
	k.using.Lock()
	defer k.using.Unlock()
	before, next := k.set.Load(), &set{byName: make(map[string]*kept)}
	var begun []*kept
	for _, f := range feeds {
		f, err := f.filled()
		if err != nil {
			return err
		}
		if next.byName[f.Name] != nil {
			return fmt.Errorf("feed %q is given twice", f.Name)
		}
		e := before.byName[f.Name]
		if e == nil || !reflect.DeepEqual(e.Feed, f) {
			e = &kept{Feed: f, reported: make(map[Reason]bool), next: k.config.Now()}
			begun = append(begun, e)
		}
		next.feeds = append(next.feeds, e)
		next.byName[f.Name] = e
	}
	for _, e := range begun {
		k.begin(e)
	}
	k.set.Store(next)
	select {
	case k.changed <- struct{}{}:
	default: // it has not taken up the last change yet
	}
	return nil
}

// begin loads what there is of e without the network.
func (k *Keeper) begin(e *kept) {
	now := k.config.Now()
	if e.Path != "" {
		k.attempt(context.Background(), e)
		return
	}
	if k.config.Dir == "" {
		return
	}
	good, err := readCopy(k.config.Dir, e.Feed, now)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var result *Result
	if err == nil && e.SHA256 != "" && e.SHA256 != good.SHA256 {
		err = errors.New("it is not the file that sha256 names")
	}
	if err == nil {
		result, err = Parse(bytes.NewReader(good.body), e.options())
	}
	if err != nil {
		k.copied(e, fmt.Errorf("its copy on disk cannot be used: %w", withoutPath(err)))
		return
	}
	k.mu.Lock()
	e.good, e.fromDisk = good, true
	e.good.body = nil // it is on disk
	e.result.Store(result)
	e.next = good.checked.Add(k.spread(e.Every))
	k.mu.Unlock()
}

// Run keeps the feeds fresh until ctx ends, and returns then. One Run at a
// time is enough.
func (k *Keeper) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	running := make(map[*kept]context.CancelFunc)
	for ctx.Err() == nil {
		feeds := k.set.Load().feeds
		for e, stop := range running {
			if !slices.Contains(feeds, e) {
				stop()
				delete(running, e)
			}
		}
		for _, e := range feeds {
			if running[e] == nil {
				its, stop := context.WithCancel(ctx)
				defer stop()
				running[e] = stop
				all.Go(func() { k.keep(its, e) })
			}
		}
		select {
		case <-ctx.Done():
		case <-k.changed:
		}
	}
}

func (k *Keeper) keep(ctx context.Context, e *kept) {
	for {
		k.alarm(e)
		k.mu.Lock()
		now := k.config.Now()
		wait := e.next.Sub(now)
		if e.result.Load() != nil && !e.stale {
			wait = min(wait, e.good.checked.Add(e.MaxAge).Sub(now)+1) // so that the alarm is in time
		}
		k.mu.Unlock()
		if wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			continue // somebody else may have looked meanwhile
		}
		k.attempt(ctx, e)
		if ctx.Err() != nil {
			return
		}
	}
}

// Update looks for news of the named feeds now, of all if none is named. It
// returns what went wrong with each, joined.
func (k *Keeper) Update(ctx context.Context, names ...string) error {
	now := k.set.Load()
	feeds := now.feeds
	if len(names) > 0 {
		feeds = nil
		for _, name := range names {
			e := now.byName[name]
			if e == nil {
				return fmt.Errorf("there is no feed %q", name)
			}
			feeds = append(feeds, e)
		}
	}
	errs := make([]error, len(feeds))
	var all sync.WaitGroup
	for i, e := range feeds {
		all.Go(func() {
			if err := k.attempt(ctx, e); err != nil {
				errs[i] = fmt.Errorf("feed %q: %w", e.Name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Accept believes the list of a feed that was held back because it changed too
// much.
func (k *Keeper) Accept(name string) error {
	e := k.set.Load().byName[name]
	if e == nil {
		return fmt.Errorf("there is no feed %q", name)
	}
	e.busy.Lock()
	defer e.busy.Unlock()
	if e.held == nil {
		return fmt.Errorf("feed %q has nothing to accept: no list of it is held back", name)
	}
	k.take(e, e.held.good, e.held.result)
	return nil
}

// Result returns the list of a feed, or nil if it has never been loaded. What
// it returns is never changed.
func (k *Keeper) Result(name string) *Result {
	e := k.set.Load().byName[name]
	if e == nil {
		return nil
	}
	return e.result.Load()
}

// attempt looks for news of e.
func (k *Keeper) attempt(ctx context.Context, e *kept) error {
	e.busy.Lock()
	defer e.busy.Unlock()
	select {
	case k.slots <- struct{}{}:
		defer func() { <-k.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	k.mu.Lock()
	e.attempts++
	e.lastAttempt = k.config.Now()
	k.mu.Unlock()

	a, err := k.look(ctx, e)
	if ctx.Err() != nil {
		return ctx.Err() // we were told to stop; that is not the feed's fault
	}
	if err == nil && a.notModified {
		k.unchanged(e)
		return nil
	}
	if err == nil {
		err = k.judge(e, a)
	}
	if err != nil {
		k.failed(e, err, a.retryAfter)
	}
	return err
}

// look asks the source of e.
func (k *Keeper) look(ctx context.Context, e *kept) (answer, error) {
	if e.Path != "" {
		return e.readFile()
	}
	var known validators
	if e.result.Load() != nil {
		known = e.good.validators
	}
	return k.fetcher.fetch(ctx, e.Feed, known)
}

// judge decides on a new file.
func (k *Keeper) judge(e *kept, a answer) error {
	good := lastGood{copyHeader: copyHeader{SHA256: sumOf(a.body), validators: a.validators}, body: a.body, file: a.file}
	before := e.result.Load()
	switch {
	case e.SHA256 != "" && e.SHA256 != good.SHA256:
		return because(WrongChecksum, "its sha256 is %s, which is not the one that was pinned", good.SHA256)
	case before != nil && good.SHA256 == e.good.SHA256:
		good.Fetched = e.good.Fetched
		k.store(e, good)
		k.succeeded(e)
		return nil
	case e.held != nil && e.held.good.SHA256 == good.SHA256:
		again := *e.held
		if again.times++; k.config.Confirm > 0 && again.times >= k.config.Confirm {
			k.take(e, good, again.result)
			return nil
		}
		k.hold(e, again)
		return again.err
	}
	result, err := Parse(bytes.NewReader(a.body), e.options())
	if err != nil {
		return err
	}
	if e.Path == "" {
		if err := e.changedTooMuch(before, result); err != nil {
			k.hold(e, held{good: good, result: result, err: err, times: 1})
			return err
		}
	}
	k.take(e, good, result)
	return nil
}

// take puts a list in the place of the one before.
func (k *Keeper) take(e *kept, good lastGood, result *Result) {
	good.Fetched = k.config.Now().UTC()
	before := e.result.Swap(result)
	k.store(e, good)
	k.tell(Event{Feed: e.Name, Kind: Loaded, Entries: result.Len(), Before: before.Len(), Format: result.Format})
	k.succeeded(e)
}

// store remembers good as what the source has now, here and on disk.
func (k *Keeper) store(e *kept, good lastGood) {
	good.checked = k.config.Now()
	if e.Path == "" && k.config.Dir != "" {
		err := writeCopy(k.config.Dir, e.Feed, good)
		if err != nil {
			err = fmt.Errorf("its copy could not be written: %w", withoutPath(err))
		}
		k.copied(e, err)
	}
	good.body = nil
	k.mu.Lock()
	e.good, e.held, e.fromDisk = good, nil, false
	k.mu.Unlock()
}

func (k *Keeper) hold(e *kept, h held) {
	k.mu.Lock()
	e.held = &h
	k.mu.Unlock()
}

// copied tells of what is wrong with a copy, once until one is right again.
func (k *Keeper) copied(e *kept, err error) {
	if err != nil {
		k.report(e, because(BadCopy, "%w", err))
		return
	}
	k.mu.Lock()
	delete(e.reported, BadCopy)
	k.mu.Unlock()
}

// unchanged notes that e is still what it was.
func (k *Keeper) unchanged(e *kept) {
	k.mu.Lock()
	e.good.checked = k.config.Now()
	e.held, e.fromDisk = nil, false
	k.mu.Unlock()
	if e.Path == "" && k.config.Dir != "" {
		if err := touchCopy(k.config.Dir, e.Feed, e.good.checked); err != nil {
			k.copied(e, fmt.Errorf("its copy is gone: %w", withoutPath(err)))
			k.mu.Lock()
			e.good.validators = validators{} // so that the next answer is whole, and can be written
			k.mu.Unlock()
		}
	}
	k.succeeded(e)
}

// succeeded plans the next look after a good one.
func (k *Keeper) succeeded(e *kept) {
	k.mu.Lock()
	recovered := e.lastError != nil || e.stale
	e.lastError, e.failures, e.stale = nil, 0, false
	maps.DeleteFunc(e.reported, func(r Reason, _ bool) bool { return r != BadCopy })
	e.next = k.config.Now().Add(k.spread(e.Every))
	k.mu.Unlock()
	if recovered {
		k.tell(Event{Feed: e.Name, Kind: Recovered, Entries: e.result.Load().Len()})
	}
}

const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// failed plans the next look after a bad one, and tells of it if that has not
// been done since the last good one.
func (k *Keeper) failed(e *kept, err error, wait time.Duration) {
	k.mu.Lock()
	now := k.config.Now()
	e.lastError = err
	e.failed++
	retry := min(firstRetry<<min(e.failures, 10), lastRetry, e.Every)
	e.failures++
	if e.held != nil {
		retry = min(lastRetry, e.Every) // so that confirming takes its time
	}
	retry = max(retry, min(wait, 24*time.Hour))
	e.next = now.Add(k.spread(retry))
	k.mu.Unlock()
	k.report(e, err)
	k.alarm(e)
}

// alarm tells, once, of a list that has got too old.
func (k *Keeper) alarm(e *kept) {
	k.mu.Lock()
	age := k.config.Now().Sub(e.good.checked)
	alarm := e.result.Load() != nil && !e.stale && age > e.MaxAge
	e.stale = e.stale || alarm
	k.mu.Unlock()
	if alarm {
		k.tell(Event{Feed: e.Name, Kind: Stale, Age: age, Entries: e.result.Load().Len()})
	}
}

// report tells of err, once for each reason until all is well again.
func (k *Keeper) report(e *kept, err error) {
	reason := reasonOf(err, Unreachable)
	k.mu.Lock()
	told := e.reported[reason]
	e.reported[reason] = true
	k.mu.Unlock()
	if told {
		return
	}
	kind := Failed
	if reason == ChangedTooMuch {
		kind = Held
	}
	k.tell(Event{Feed: e.Name, Kind: kind, Reason: reason, Err: err, Entries: e.result.Load().Len()})
}

func (k *Keeper) tell(event Event) {
	k.notify.Lock()
	defer k.notify.Unlock()
	k.config.Notify(event)
}

// spread varies d by a tenth, so that not all gates ask at the same time.
func (k *Keeper) spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*k.config.Random()))
}

// withoutPath takes the path out of an error of package os.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
