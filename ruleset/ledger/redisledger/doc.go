// Package redisledger keeps a ledger in Redis or Valkey, so that many gates
// share one.
//
// A decision is one trip: one script looks all keys up, checks all limits and
// charges all of them or none, by the server's clock. Each counter is one key,
// named by a keyed hash, and expires with the last of its windows and bans; so
// does the record of a reservation, by which it can be settled later and by
// another gate.
//
//	{otp:NAME}clock      the latest time seen, and when the data began
//	{otp:NAME}h<id>      a reservation: what it has charged, and when
//	{otp:NAME}<key>      a counter: its ban, and its events or members
//
// What Redis must offer: version 6.0 or later (or Valkey), scripts with the
// struct library, and maxmemory-policy noeviction: a key that is evicted is a
// limit that is reset. The user needs the commands EVAL, EVALSHA, TIME, GET,
// MGET, SET, PSETEX and DEL, and all keys that begin with {otp:NAME}; INFO, if
// it may be used, tells when another server has taken the place of the one
// before; wait_replicas needs WAIT.
//
// Memory: a counter of sends takes about 150 bytes and 12 for each event, at
// most 64 or, where limits are wide, some 24 for each of them; a reservation
// takes about 150 bytes and 31 for each charge. As a refusal writes nothing,
// their number is bounded by what is admitted. A counter of attempts
// (requests, refusals, wrong codes) is written for everybody who asks; it
// takes at most 500 bytes for each limit and expires a window after the last
// event, so all of them together take at most the new addresses per second,
// times the longest window of such a limit, times that.
package redisledger
