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
//	{otp:NAME}n<key>     a note, which expires by itself
//	{otp:NAME}gates      which gates were there in the last minute
//
// What is charged together, over and over, has a script of its own with the
// numbers of its limits in place; a ruleset makes a few of them. Servers keep
// scripts until they are restarted; a ledger makes at most 64.
//
// What Redis must offer: version 6.0 or later (or Valkey), scripts with the
// struct and cjson libraries, and maxmemory-policy noeviction: a key that is evicted is a
// limit that is reset. The user needs the commands EVAL, EVALSHA, TIME, GET,
// MGET, SET, PSETEX, SETRANGE, DEL and INFO, and all keys that begin with
// {otp:NAME}; with wait_replicas WAIT as well, in a cluster CLUSTER SLOTS and
// ASKING. As an ACL:
//
//	user gate on >PASSWORD ~{otp:*}* +eval +evalsha +time +get +mget +set +psetex +setrange +del +info
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
// sums go a minute after their period. A note takes about 200 bytes for as long as it
// is kept; there is at most one for each handle in a request or an answer.
//
// # When things go wrong
//
// A [Ledger] never admits more than a limit allows, and never without an
// answer: a call without one is an error, and what it may have taken is given
// back. A [Fallback] goes on deciding while there is no answer, which has a
// price. It is the same in all cases below, for each key of a limit that says
// share, in any of its windows:
//
//	max + (gates-1) * share, where share is max/gates, rounded down, at least 1
//
// This much is reached only if one gate had admitted all of max, and then each
// of the others its share by itself. A limit that says local has max in the
// place of share. One that says deny is never exceeded: it refuses meanwhile.
// Attempts (requests, refusals, wrong codes) and bans are known to each gate by
// itself for as long. What a case adds to that stands last; after it comes the
// test that shows it.
//
// The server is killed, hangs, or can not be reached. Each gate decides by
// itself from its first call without an answer on; that call takes the timeout,
// those after it take no trip. It asks the server again when that has taken
// all that was admitted meanwhile. Adds nothing. (TestAway, TestHungServer,
// TestUnderLoad)
//
// The server answers and takes nothing: it is loading, out of memory, a
// replica, has too few replicas for its min-replicas-to-write, or can not write
// its snapshot; or the password or the permissions are wrong. As if it were
// away, and the error says what to do. (TestServerThatRefuses,
// TestPermissions)
//
// The server was emptied, or started again with no data or with an old
// snapshot; a replica has taken over that lacks the end, by Sentinel or in a
// cluster. A gate learns this by the answer to its next call, or within a
// second, and before it takes that answer for true. It decides by itself until
// it has put back all that it remembers, and until the other gates that it
// knew ten seconds before have done so as well, for 15 seconds at most. Adds
// nothing, while the gates live. (TestServerLosesItsData,
// TestFailoverWithoutTheEnd, TestGatesWaitForEachOther, TestUnderLoad)
//
// The same, and a gate has not come back within these 15 seconds, was started
// in the ten seconds before, or there were two fail-overs within a minute, back
// to the first server. Adds what that gate had admitted and the server lacks,
// until it has put it back. (TestGatesWaitForEachOther)
//
// The same, and a gate is killed with the server, or has admitted more than the
// 65,536 reservations that it remembers within one window ([FallbackStats]
// counts them as forgotten). Adds what only that gate knew. With wait_replicas
// this is on so many replicas before anybody is let through, and a fail-over
// to one of these lacks nothing; all of them is what to wait for, unless more
// replicas can be lost than the rest. (TestFailover, TestClusterLosesAMaster,
// TestMemoryIsBounded)
//
// A gate is killed. Adds nothing. Its own ledger, if it is kept on disk, lacks
// the last tenth of a second of what the server has: that is a part of its share
// should the server be away when it starts again. (TestFeed of package ledger)
//
// A gate is killed while it decides by itself. Adds its share: it has not told
// the server yet. If its own ledger is kept on disk this is so however often it
// is killed; otherwise each time. (TestGateKilledWhileAlone)
//
// A master is cut off, goes on, and another one takes its place: gates on
// both sides have a server. Each limit can be admitted once on each side, for
// as long as the old master takes writes. In a cluster that is its node timeout.
// With Sentinel set min-replicas-to-write 1 and min-replicas-max-lag to a few
// seconds, which is then how long it lasts; with wait_replicas, and as many as
// are a majority together with the master, it takes none at once.
// (TestServerThatRefuses, TestWaitForReplicas)
//
// There are too few replicas for wait_replicas. The server decides, and the
// gate as well, by its share; each call takes a third of the timeout, refusals
// too. Adds nothing. (TestFallbackWithoutReplicas)
//
// A slot of a cluster is being moved. A decision is made or is an error, never
// half; a Fallback decides by itself meanwhile. (TestResharding)
//
// A gate does not know how many there are. Every share is 1 until it has
// reached the server once; gates that were started in the last ten seconds may
// not be counted yet. (TestGatesCountEachOther)
//
// A queue is full. What was admitted and not told is never dropped: then no more
// is admitted, with [ledger.ErrFull]. Settlements, and what is to be given back
// after a call without an answer, are dropped beyond 65,536 and 16,384: their
// charges stay until their windows end. (TestMemoryIsBounded,
// TestSettlementsAreBounded, TestCancelsAreBounded)
//
// Notes are put back as well, those that were made while the server was away
// before it decides again, and each unless there is a later one, by the clocks
// of the gates that have made them. Until then, and while it is away, a gate
// recalls its own. A gate that ends before it has put them back takes them with
// it; beyond 65,536 that wait the oldest are dropped (counted as unnoted). A note
// is not waited for by wait_replicas. That a server has lost its data is told by
// a mark that only charges make: of one that was emptied before anything was
// charged nothing is put back. (TestNotesWhileAway, TestNotesOfAGateThatWasCutOff,
// TestNotesOfAClusterThatWasEmptied, TestNotesAreBounded)
//
// What is put back counts from then on, and refuses for up to a window longer
// than it should have; what has ended by then is not put back
// (TestMemoryEnds). What was given back through another gate than the one that
// had reserved it may be put back again.
package redisledger
