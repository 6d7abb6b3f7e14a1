package feed

import "time"

// EventKind is what has happened to a feed.
type EventKind string

// The kinds of event.
const (
	Loaded    EventKind = "loaded"    // a new list is in place
	Failed    EventKind = "failed"    // the list before stays; once for each reason until all is well again
	Held      EventKind = "held"      // the list before stays, since the new one changed too much
	Stale     EventKind = "stale"     // the list is older than MaxAge; once
	Recovered EventKind = "recovered" // all is well again
)

// Event is something worth a line in the log.
type Event struct {
	Feed    string
	Kind    EventKind
	Reason  Reason        // of Failed and Held
	Err     error         // likewise
	Entries int           // that the list in place has
	Before  int           // with Loaded: entries of the list before
	Format  Format        // with Loaded
	Age     time.Duration // with Stale
}

// State is how a feed fares.
type State struct {
	Name        string
	Source      string // path, or URL without its query
	Required    bool
	Loaded      bool
	Format      Format
	Entries     int  // networks and ASNs
	Reserved    int  // entries left out because they are private
	Unreadable  int  // entries left out because they are none
	FromDisk    bool // the list is a copy of an earlier run
	Changed     time.Time
	Age         time.Duration // since it was last known to be what the source has
	Stale       bool
	LastAttempt time.Time
	NextAttempt time.Time
	LastError   string // "" if the last attempt went well
	Reason      Reason // of LastError
	Held        int    // entries of a list that waits to be accepted
	Attempts    uint64
	Failures    uint64 // of Attempts
}

// States returns the state of each feed, in the order New or Use was given.
func (k *Keeper) States() []State {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.config.Now()
	feeds := k.set.Load().feeds
	states := make([]State, len(feeds))
	for i, e := range feeds {
		s := State{Name: e.Name, Source: e.source(), Required: e.Required, FromDisk: e.fromDisk,
			LastAttempt: e.lastAttempt, NextAttempt: e.next, Attempts: e.attempts, Failures: e.failed}
		if r := e.result.Load(); r != nil {
			s.Loaded, s.Format, s.Entries, s.Reserved, s.Unreadable = true, r.Format, r.Len(), r.Reserved, r.Unreadable
			s.Changed, s.Age = e.good.Fetched, now.Sub(e.good.checked)
			s.Stale = s.Age > e.MaxAge
		}
		if e.lastError != nil {
			s.LastError, s.Reason = e.lastError.Error(), reasonOf(e.lastError, Unreachable)
		}
		if e.held != nil {
			s.Held = e.held.result.Len()
		}
		states[i] = s
	}
	return states
}
