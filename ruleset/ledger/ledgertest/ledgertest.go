// Package ledgertest holds every ledger to its contract: [Run] is a suite of
// stories and random schedules that each of them must pass. [Model] is a slow
// and obvious ledger for others to agree with.
//
// The suite gives all times itself, so a ledger with a clock of its own has to
// be opened in a way that it takes the caller's.
package ledgertest

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // the stories are from all over the world

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Run holds the ledgers that open returns to the contract. Each is used for
// one story only; what it needs to close, open registers with t.Cleanup.
func Run(t *testing.T, open func(t testing.TB) ledger.Ledger) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.holds(t, open) })
	}
}

// RunSpread is [Run] for a ledger whose decision is not one step, as it is
// spread over several servers: of calls at the same time each may be refused,
// for a moment, for the sake of another that is refused in the end. All other
// promises are the same.
func RunSpread(t *testing.T, open func(t testing.TB) ledger.Ledger) {
	for _, p := range promises {
		if p.name != oneAfterTheOther {
			t.Run(p.name, func(t *testing.T) { p.holds(t, open) })
		}
	}
}

const oneAfterTheOther = "calls at the same time are as if one after the other"

// promise is a sentence of the contract and what fails if it is not kept.
type promise struct {
	name  string
	holds func(t testing.TB, open func(t testing.TB) ledger.Ledger)
}

var promises = []promise{
	{"all charges are taken or none", allOrNone},
	{"windows are exact", exactWindows},
	{"several windows read one log", severalWindows},
	{"long logs are exact", longLogs},
	{"wide windows are one cell too careful at most", wideWindows},
	{"distinct limits count members", distinctMembers},
	{"members are given back one by one", distinctGivenBack},
	{"bans begin, last and end", bans},
	{"looking charges no sends", looking},
	{"not sent gives everything back once", notSent},
	{"sent and unknown give nothing back", sentAndUnknown},
	{"verified gives back what counts unverified once", verifiedOnce},
	{"settling what is unknown or over changes nothing", settleNothing},
	{"an id charges once", idempotent},
	{"the longest wait is told", longestWait},
	{"the wait is honest", honestWait},
	{"shadow limits count and refuse nobody", shadow},
	{"a hundred for one place", hundredForOne},
	{"requests are counted whatever becomes of them", requests},
	{"refusals and wrong codes are recorded", recorded},
	{"only attempts can be recorded", recordedOnly},
	{"limits may change between calls", changedLimits},
	{"keys and tallies are apart", apart},
	{"time does not run backwards", backwards},
	{"an id is needed", idNeeded},
	{"amounts add up to max in each period", amountsAddUp},
	{"days and months are those of the calendar", calendar},
	{"amounts are exact", amountsExact},
	{"amounts below zero and beyond the most are errors", amountsInBounds},
	{"an amount of nothing always fits", amountOfNothing},
	{"alerts count amounts and refuse nobody", alerts},
	{"amounts are taken with all charges or not at all", amountsAllOrNone},
	{"amounts not sent are given back once and in their period", amountsGivenBack},
	{"amounts can be given back for two days", amountsHeld},
	{"amounts stay when max changes", amountsStay},
	{"a hundred for what is left of an amount", hundredForAmount},
	{"a key under another secret is the same key", anotherSecret},
	{"a wide log under another secret is the same log", anotherSecretWide},
	{"members under another secret are the same members", anotherSecretMembers},
	{"bans under another secret are the same bans", anotherSecretBans},
	{"amounts under another secret add up", anotherSecretAmounts},
	{"attempts under another secret count", anotherSecretAttempts},
	{"what is charged is charged under one secret", chargedOnce},
	{"what is settled is found under the secret it was charged", settledAfterRotation},
	{"notes are known until they end", notes},
	{"a crowd never takes more than there is", crowd},
	{"random schedules agree with the model", agree},
	{"random amounts agree with the model", agreeOnAmounts},
	{"random rotations of the secret agree with the model", agreeOnSecrets},
	{"random schedules keep wide limits in bounds", inBounds},
	{"random changes of limits forget nothing", neverUnder},
	{oneAfterTheOther, linear},
}

// start is when all stories begin.
var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// story is one ledger and the time it is there.
type story struct {
	testing.TB
	ledger.Ledger
	now    time.Time
	answer ledger.Answer // the latest
	ids    uint64
}

func tell(t testing.TB, open func(testing.TB) ledger.Ledger) *story {
	return &story{TB: t, Ledger: open(t), now: start}
}

// at goes to a time after the start.
func (s *story) at(d time.Duration) *story {
	s.now = start.Add(d)
	return s
}

func (s *story) newID() ledger.ID {
	s.ids++
	var id ledger.ID
	binary.BigEndian.PutUint64(id[8:], s.ids)
	return id
}

func (s *story) reserve(id ledger.ID, charges ...ledger.Charge) {
	s.Helper()
	if err := s.Reserve(context.Background(), s.now, id, charges, &s.answer); err != nil {
		s.Fatalf("reserving after %s: %v", s.now.Sub(start), err)
	}
}

func (s *story) look(charges ...ledger.Charge) {
	s.Helper()
	if err := s.Look(context.Background(), s.now, charges, &s.answer); err != nil {
		s.Fatalf("looking after %s: %v", s.now.Sub(start), err)
	}
}

func (s *story) record(charges ...ledger.Charge) {
	s.Helper()
	if err := s.Record(context.Background(), s.now, charges); err != nil {
		s.Fatalf("recording after %s: %v", s.now.Sub(start), err)
	}
}

func (s *story) settle(id ledger.ID, o ledger.Outcome) {
	s.Helper()
	if err := s.Settle(context.Background(), s.now, id, o); err != nil {
		s.Fatalf("settling after %s: %v", s.now.Sub(start), err)
	}
}

// admitted reserves charges and returns the id under which they are held.
func (s *story) admitted(charges ...ledger.Charge) ledger.ID {
	s.Helper()
	id := s.newID()
	s.reserve(id, charges...)
	s.wasAdmitted()
	return id
}

// refused tries to reserve charges; name is of the limit that stands in the way.
func (s *story) refused(name string, wait time.Duration, charges ...ledger.Charge) {
	s.Helper()
	s.reserve(s.newID(), charges...)
	s.wasRefused(name, wait, false)
}

// banned tries to reserve charges; name is of the limit that has banned the key.
func (s *story) banned(name string, wait time.Duration, charges ...ledger.Charge) {
	s.Helper()
	s.reserve(s.newID(), charges...)
	s.wasRefused(name, wait, true)
}

func (s *story) wasAdmitted() {
	s.Helper()
	if s.answer.Refused {
		s.Fatalf("after %s: refused by %s, want admitted", s.now.Sub(start), show(s.answer.Short))
	}
}

func (s *story) wasRefused(name string, wait time.Duration, banned bool) {
	s.Helper()
	if !s.answer.Refused {
		s.Fatalf("after %s: admitted, want refused by %q", s.now.Sub(start), name)
	}
	short := s.answer.Short
	if got := short.Tally.Limits[short.Limit].Name; got != name || short.Wait != wait || short.Banned != banned {
		s.Fatalf("after %s: refused by %s, want %q wait %s banned %t", s.now.Sub(start), show(short), name, wait, banned)
	}
}

func show(s ledger.Short) string {
	if s.Tally == nil {
		return "nobody"
	}
	w := s.Tally.Limits[s.Limit].Name + " wait " + s.Wait.String()
	if s.Banned {
		w += " banned"
	}
	return w
}

// tally makes a tally of its own name.
func tally(name string, count ledger.Count, limits ...ledger.Limit) *ledger.Tally {
	for i := range limits {
		if limits[i].Name == "" {
			limits[i].Name = name
		}
	}
	return &ledger.Tally{Seed: spread(name), Name: name, Count: count, Limits: limits}
}

func distinct(name string, count ledger.Count, limits ...ledger.Limit) *ledger.Tally {
	t := tally(name, count, limits...)
	t.Distinct = true
	return t
}

func limit(most int, window time.Duration) ledger.Limit {
	return ledger.Limit{Max: int64(most), Window: window}
}

func named(name string, most int, window time.Duration) ledger.Limit {
	return ledger.Limit{Name: name, Max: int64(most), Window: window}
}

// of charges a key of a tally.
func of(t *ledger.Tally, key string) ledger.Charge {
	k := spread(key)
	return ledger.Charge{Tally: t, Key: ledger.Key{k[0] ^ t.Seed[0], k[1] ^ t.Seed[1]}}
}

// by is like of, for a member.
func by(t *ledger.Tally, key, member string) ledger.Charge {
	c := of(t, key)
	c.Member = spread(member)[0]
	return c
}

// sums makes a tally of amounts in periods; nil is UTC.
func sums(name string, p ledger.Period, zone *time.Location, limits ...ledger.Limit) *ledger.Tally {
	t := tally(name, ledger.Sends, limits...)
	t.Period, t.Zone = p, zone
	return t
}

// costs charges an amount to a key of a tally with a period.
func costs(t *ledger.Tally, key string, amount int64) ledger.Charge {
	c := of(t, key)
	c.Amount = amount
	return c
}

func upTo(name string, most int64) ledger.Limit { return ledger.Limit{Name: name, Max: most} }

// under gives the key of c the name that it has under a secret, and also the
// one it has under another, if that is not empty.
func under(secret, also string, c ledger.Charge) ledger.Charge {
	key := c.Key
	c.Key = underSecret(secret, key)
	if also != "" {
		c.Also = underSecret(also, key)
	}
	return c
}

func underSecret(secret string, key ledger.Key) ledger.Key {
	b := []byte(secret)
	b = binary.LittleEndian.AppendUint64(b, key[0])
	b = binary.LittleEndian.AppendUint64(b, key[1])
	return spread(string(b))
}

// spread stands in for a keyed hash.
func spread(name string) ledger.Key {
	var seed [32]byte
	copy(seed[:], name)
	r := rand.NewChaCha8(seed)
	return ledger.Key{r.Uint64(), r.Uint64()}
}
