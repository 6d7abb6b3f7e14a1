// Package ledger keeps what has been charged: how many codes went to a
// number, from an address, to a country, and so on.
//
// A [Tally] is one thing that is counted, and the limits that read the count.
// A [Charge] is one event for one key of a tally. A ledger takes all charges
// of a request, or none, and names the limit that stood in the way.
//
// The package holds the contract ([Ledger]) and the embedded ledger
// ([Embedded]), which needs nothing but memory. The suite in ledgertest holds
// every implementation to the contract.
package ledger

import (
	"context"
	"errors"
	"time"
)

// Count says which events a tally counts.
type Count uint8

const (
	// Sends are requests let through to the app. An app that did not send
	// gives its event back.
	Sends Count = iota
	// Unverified are sends whose code nobody has entered yet. Entering it
	// gives the event back.
	Unverified
	// Requests are all requests that reached the ledger and were not refused
	// by a limit on requests.
	Requests
	// Refusals are requests that the gate refused.
	Refusals
	// WrongCodes are wrong guesses on the verify route.
	WrongCodes
)

// Attempts reports whether events of this kind are also written for requests
// that are refused. Whoever sends many of them could fill any table, so they
// go to a structure of fixed size, which may count too much, but never too
// little.
func (c Count) Attempts() bool { return c >= Requests }

// Key names one counter: a keyed hash, so that no ledger holds a phone
// number, an address or a device in clear.
type Key [2]uint64

// ID names one reservation. The same ID charges once.
type ID [16]byte

// Tally is one thing that is counted, for each of its keys, and the limits
// that read the count. Several limits on the same events share one tally: "1
// in 60s" and "5 in 24h" of a phone read one log. A Tally is made at load and
// never changes afterwards.
type Tally struct {
	// Seed names the tally. It depends on what is counted and for whom, not on
	// the limits, so that a changed limit finds the counts as they are. The
	// keys of its charges already contain it.
	Seed Key
	// Name is for people: "phone", "ip, distinct phone".
	Name  string
	Count Count
	// Distinct counts different members, not events: a member that is there
	// needs no new place, and leaves when its last event leaves the window or
	// all of its events have been given back. Only for Sends and Unverified,
	// with limits of at most [MaxExact].
	Distinct bool
	// Period makes the tally add up amounts, such as money, from one midnight,
	// or one first of a month, to the next in Zone; nil is UTC. It counts Sends
	// then, is not distinct, and its limits have neither Window nor Ban. What is
	// charged can be given back until the period ends, and for [MaxHeld] at most.
	Period Period
	Zone   *time.Location
	// Total: the tally has one key, and every reservation charges it, so that
	// its limits bound all that is admitted. A ledger may plan with that.
	Total bool
	// Limits holds at least one limit.
	Limits []Limit
}

// MaxExact is the largest Max that is kept as an exact log of events. Above,
// events are kept in cells of Window/[Cells], and the oldest cell counts
// whole: never more than Max in any window, and up to one cell too careful.
// Attempts are always kept in cells, of at most Window/13, and may be counted
// for other keys too. All windows are exact to the millisecond.
const (
	MaxExact = 64
	Cells    = 16
)

// Limit allows at most Max events in any span of Window or, where the tally
// has a period, amounts of at most Max together in each period.
type Limit struct {
	Name   string        // as the operator reads it: "phone: 5 in 24h"
	Max    int64         // at least 1, at most [MaxEvents] or [MaxAmount]
	Window time.Duration // at least a second, at most 366 days
	// Ban starts when a request finds the limit full: the key is refused for
	// so long, also if the limit has room again. While a key is banned no ban
	// starts for it, so asking again does not make it longer. Zero is no ban.
	Ban time.Duration
	// Shadow limits are counted and reported, refuse nobody and ban nobody.
	Shadow bool
	// Away is what becomes of the limit while the server of a shared ledger
	// is away.
	Away Away
}

// The most that a limit can be.
const (
	MaxEvents = 1<<31 - 1
	MaxAmount = 1 << 52
)

// MaxHeld is for how long an amount can be given back, if its period does not
// end before and nothing else is held for longer. All reservations of a month
// would be many to remember.
const MaxHeld = 48 * time.Hour

// Away says how a gate keeps a limit by itself, while the server that it
// shares with other gates is away.
type Away uint8

const (
	// Share lets each gate take its part of the limit: Max divided by the
	// number of gates, rounded down, and at least 1. The zero value.
	Share Away = iota
	// Local lets each gate take the whole limit.
	Local
	// Deny refuses what is charged to the limit.
	Deny
)

// Charge is one event for one key of a tally.
type Charge struct {
	Tally *Tally
	Key   Key
	// Also, if not zero, is the name that Key has under another secret. What
	// is counted there counts here too; what is charged is charged to Key
	// alone. All gates can so be told of a new secret before one uses it, and
	// of the old one until its windows have ended.
	Also Key
	// Amount is how much is charged to a tally with a period: 0 to
	// [MaxAmount]. Others always take one event.
	Amount int64
	// Member is what is counted where the tally is distinct: a keyed hash.
	Member uint64
}

// Short says that a limit had no room.
type Short struct {
	Tally *Tally
	Limit int           // index into Tally.Limits
	Wait  time.Duration // until the same charge would fit, if nobody else asks
	// Banned: the key is banned; Limit is the one whose ban it is.
	Banned bool
}

// Answer is what a ledger has to say to a request. Its zero value is ready
// for use, and reusing one saves the allocation of Shadow.
type Answer struct {
	// Refused reports whether Short stood in the way. Nothing was taken then,
	// but the charges of tallies that count [Requests].
	Refused bool
	// Short is the limit with the longest wait of those that had no room.
	Short Short
	// Shadow are the shadow limits that would have refused.
	Shadow []Short
}

// Outcome is what came of a request that was let through.
type Outcome uint8

const (
	// Unknown: the answer broke off, or does not tell. The zero value, and
	// the careful one: the charges stay.
	Unknown Outcome = iota
	// Sent: the app sent a code. The charges stay.
	Sent
	// NotSent: the app sent nothing. All charges of sends are given back.
	NotSent
	// Verified: the code has been entered. What counts [Unverified] is given
	// back, also after Sent or Unknown, and also minutes later.
	Verified
)

// String returns the word for o in logs and metrics.
func (o Outcome) String() string {
	switch o {
	case Sent:
		return "sent"
	case NotSent:
		return "not_sent"
	case Verified:
		return "verified"
	default:
		return "unknown"
	}
}

// Ledger keeps charges. It is safe for concurrent use.
//
// The caller's clock is given as at; a ledger shared by several machines may
// use a clock of its own instead. A ledger never runs backwards: an at before
// the latest one it has seen is read as the latest one.
//
// An error means that the ledger could not count. Nothing was taken then, and
// the answer says Refused with an empty Short.
type Ledger interface {
	// Look asks whether all charges would fit, and takes only those of tallies
	// that count [Requests]: all of these or, if one of them is full, none. It
	// starts the bans of the limits that it finds full.
	Look(ctx context.Context, at time.Time, charges []Charge, a *Answer) error

	// Reserve does what Look does, and if all charges fit it takes those of
	// sends as well. Tallies that count [Refusals] or [WrongCodes] are only
	// looked at. If id holds charges already, nothing is taken again and the
	// request is not refused; it does so until the last of their windows ends
	// or they are given back as [NotSent]. The id is the gate's own, never the
	// client's, and not zero.
	Reserve(ctx context.Context, at time.Time, id ID, charges []Charge, a *Answer) error

	// Record adds one event to each charge, all of which must count
	// [Refusals] or [WrongCodes], without asking whether there is room.
	Record(ctx context.Context, at time.Time, charges []Charge) error

	// Settle closes what was reserved under id. Each thing is given back once:
	// NotSent after anything but Verified gives all charges of sends back,
	// Verified gives back those that count unverified. Settling twice, an
	// unknown id, or one whose windows have ended changes nothing.
	Settle(ctx context.Context, at time.Time, id ID, o Outcome) error

	// Remember keeps a note under key for as long as life, or up to a second
	// longer, in place of the note that is there. Unlike a reservation it may be
	// lost: with a server that is killed, or with [ErrFull], since charges go
	// before notes.
	Remember(ctx context.Context, at time.Time, key Key, n Note, life time.Duration) error

	// Recall returns the note that is kept under key, and whether there is one.
	Recall(ctx context.Context, at time.Time, key Key) (n Note, found bool, err error)
}

// Note is what a gate wants to know again later, and other gates on the same
// ledger. The ledger does not look into it: it holds keyed hashes, and what is
// encrypted. Its key is a keyed hash of what the note is about.
type Note [32]byte

// ErrFull is returned by Reserve when the ledger has no room for a new key.
// Keys that it already follows are still counted, as long as there is room for
// the reservations themselves.
var ErrFull = errors.New("the ledger is full: no new keys until old ones expire")
