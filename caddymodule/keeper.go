package caddymodule

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// rereadEvery is how often the directory is looked at for what others have
// put there.
const rereadEvery = 2 * time.Second

// keeper keeps the lists of all gates of this process that have one directory
// for them. Configurations share it, so that a reload neither fetches nor
// reads anything again. Nothing is read, and nothing runs, before the first
// gate that has a list fetched.
type keeper struct {
	place listsPlace
	lists atomic.Pointer[feed.Keeper] // nil before

	mu    sync.Mutex
	users []listUser // the latest last
	stop  context.CancelFunc
	all   sync.WaitGroup

	news    sync.Mutex
	loaded  map[string]bool // what the gates have not been told of yet
	arrived chan struct{}
}

// listUser is a gate and the ruleset that it judges by.
type listUser struct {
	gate  *Handler
	rules *ruleset.Ruleset
}

func newKeeper(place listsPlace) *keeper {
	return &keeper{place: place, loaded: make(map[string]bool), arrived: make(chan struct{}, 1)}
}

// use keeps what rules have fetched, in place of what the gate's rules before
// had, and gives it to them.
func (k *keeper) use(gate *Handler, rules *ruleset.Ruleset) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.users
	k.users = append(slices.DeleteFunc(slices.Clone(k.users), func(u listUser) bool { return u.gate == gate }), listUser{gate, rules})
	if err := k.keep(); err != nil {
		k.users = before
		return err
	}
	give(listUser{gate, rules})
	return nil
}

// give has a gate take in what there is now.
func give(u listUser) {
	if err := u.rules.Refresh(); err != nil {
		logger().Error("a list that was loaded cannot be used; the one before stays", zap.String("gate", u.rules.Name()), zap.Error(err))
	}
}

// leave lets go of what only these gates have fetched.
func (k *keeper) leave(gates []*Handler) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.users = slices.DeleteFunc(k.users, func(u listUser) bool { return slices.Contains(gates, u.gate) })
	if err := k.keep(); err != nil {
		logger().Error("lists", zap.Error(err))
	}
}

// keep has the keeper keep what the gates have fetched. While a configuration
// takes the place of another, they may differ: the later one counts.
func (k *keeper) keep() error {
	var feeds []feed.Feed
	for _, u := range slices.Backward(k.users) {
		for _, f := range u.rules.Feeds() {
			if !slices.ContainsFunc(feeds, func(g feed.Feed) bool { return g.Name == f.Name }) {
				f.Required = false // which is for each ruleset to say
				feeds = append(feeds, f)
			}
		}
	}
	if lists := k.lists.Load(); lists != nil {
		return lists.Use(feeds)
	}
	if len(feeds) == 0 {
		return nil
	}
	lists, err := feed.New(feed.Config{Dir: k.place.dir, Total: k.place.timeout, Notify: k.notify}, feeds)
	if err != nil {
		return err
	}
	k.lists.Store(lists)
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	if !k.place.offline {
		k.all.Go(func() { lists.Run(ctx) })
	}
	k.all.Go(func() { k.reread(ctx, lists) })
	k.all.Go(func() { k.refresh(ctx) })
	return nil
}

// Destruct ends all that runs, when no configuration needs it any more.
func (k *keeper) Destruct() error {
	k.mu.Lock()
	stop := k.stop
	k.mu.Unlock()
	if stop != nil {
		stop()
	}
	k.all.Wait()
	return nil
}

// result returns what a list holds, nil if it has never been loaded.
func (k *keeper) result(name string) *feed.Result {
	if lists := k.lists.Load(); lists != nil {
		return lists.Result(name)
	}
	return nil
}

// states returns how each list fares.
func (k *keeper) states() []feed.State {
	if lists := k.lists.Load(); lists != nil {
		return lists.States()
	}
	return nil
}

// reread takes up what others have put into the directory, until ctx ends.
func (k *keeper) reread(ctx context.Context, lists *feed.Keeper) {
	ticker := time.NewTicker(rereadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			lists.Reread()
		}
	}
}

// refresh gives to the gates what has been loaded, until ctx ends. What comes
// while it does so waits, and is then given all at once.
func (k *keeper) refresh(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.arrived:
		}
		k.news.Lock()
		loaded := k.loaded
		k.loaded = make(map[string]bool)
		k.news.Unlock()
		k.mu.Lock()
		for _, u := range k.users {
			if slices.ContainsFunc(u.rules.Feeds(), func(f feed.Feed) bool { return loaded[f.Name] }) {
				give(u)
			}
		}
		k.mu.Unlock()
	}
}

// notify logs what happens to a list, and has the gates told of a new one.
func (k *keeper) notify(e feed.Event) {
	fields := []zap.Field{zap.String("list", e.Feed), zap.Int("entries", e.Entries)}
	log := logger()
	switch e.Kind {
	case feed.Loaded:
		log.Info("list loaded", append(fields, zap.Int("before", e.Before), zap.String("format", string(e.Format)))...)
		k.news.Lock()
		k.loaded[e.Feed] = true
		k.news.Unlock()
		select {
		case k.arrived <- struct{}{}:
		default: // refresh has not taken up the last one yet
		}
	case feed.Failed:
		log.Warn("a list could not be loaded; the one before stays, if there is one", append(fields, zap.String("reason", string(e.Reason)), zap.Error(e.Err))...)
	case feed.Held:
		log.Warn("a list has changed too much to be believed at once; the one before stays until it has come the same again, or until: caddy otp-gate lists accept "+e.Feed,
			append(fields, zap.String("reason", string(e.Reason)), zap.Error(e.Err))...)
	case feed.Stale:
		log.Warn("a list is too old: nobody knows whether it is still right", append(fields, zap.Duration("age", e.Age))...)
	case feed.Recovered:
		log.Info("a list is well again", fields...)
	}
}
