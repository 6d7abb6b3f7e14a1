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
//	{otp:NAME}<key>      a counter: its ban, and its events, members or sum
//
// What is charged together, over and over, has a script of its own with the
// numbers of its limits in place; a ruleset makes a few of them. Servers keep
// scripts until they are restarted; a ledger makes at most 64.
//
// What Redis must offer: version 6.0 or later (or Valkey), scripts with the
// struct and cjson libraries, and maxmemory-policy noeviction: a key that is evicted is a
// limit that is reset. The user needs the commands EVAL, EVALSHA, TIME, GET,
// MGET, SET, SETRANGE, PSETEX and DEL, and all keys that begin with {otp:NAME}; INFO, if
// it may be used, tells when another server has taken the place of the one
// before; wait_replicas needs WAIT.
//
// Memory: a counter of sends takes about 150 bytes and 8 for each event, at
// most 64; where limits are wide, 16 for each of some 24 cells; 20 for each
// member of a distinct one. A reservation takes about 150 bytes and 23 for
// each charge, 31 with a member or an amount. As a refusal writes nothing,
// their number is bounded by what is admitted. A counter of attempts
// (requests, refusals, wrong codes) is written for everybody who asks; it
// takes at most 600 bytes for each limit and expires a window after the last
// event, so all of them together take at most the new addresses per second,
// times the longest window of such a limit, times that. All are kept up to 7 %
// longer than their longest window, as how long is written down in one byte;
// sums go a minute after their period.
package redisledger
