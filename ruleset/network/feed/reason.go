package feed

import (
	"errors"
	"fmt"
)

// Reason says in one stable word why a feed could not be had. It is made for
// metrics, and for saying a thing only once.
type Reason string

// The reasons there are.
const (
	Unreachable     Reason = "unreachable"      // no connection, or it broke
	BadStatus       Reason = "bad_status"       // neither 200 nor an expected 304
	BadRedirect     Reason = "bad_redirect"     // to another scheme, to a private place, or too many
	TooSlow         Reason = "too_slow"         // the time is up
	TooLarge        Reason = "too_large"        // more bytes, lines or entries than allowed
	Empty           Reason = "empty"            // there is no address in it
	Truncated       Reason = "truncated"        // it ends in the middle
	NotAList        Reason = "not_a_list"       // a web page, an archive, another format than told
	TooBroad        Reason = "too_broad"        // it covers more than any honest list would
	NothingSelected Reason = "nothing_selected" // what the selection asks for is not in it
	WrongChecksum   Reason = "wrong_checksum"   // not the file that was pinned
	ChangedTooMuch  Reason = "changed_too_much" // held back until confirmed or accepted
	BadCopy         Reason = "bad_copy"         // the copy on disk could not be read or written
)

// Error is what went wrong with a feed. Its text holds no query string, user
// or password of a URL.
type Error struct {
	Reason Reason
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns what e was made of.
func (e *Error) Unwrap() error { return e.Err }

func because(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Err: fmt.Errorf(format, args...)}
}

// reasonOf returns the reason that err carries, or otherwise the one given.
func reasonOf(err error, otherwise Reason) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return otherwise
}
