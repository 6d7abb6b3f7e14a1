package redisledger

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// shares are tallies as the gate's own ledger is to see them, for so many
// gates.
type shares struct {
	gates   int      // 0 is unknown
	tallies sync.Map // of *ledger.Tally to *variants
	n       atomic.Int64
}

// sharesMost is how many tallies are kept, of rulesets that have been replaced
// as well, before it is begun anew.
const sharesMost = 1 << 12

type variants struct {
	fed   *ledger.Tally // counts and refuses nobody
	alone *ledger.Tally // tightened
	deny  int           // the limit that refuses while away, -1 if none
}

// share makes shares for as many gates as there are.
func (f *Fallback) share() {
	n := f.cfg.Gates
	if n <= 0 {
		n = f.gates.highest()
	}
	if s := f.shares.Load(); s == nil || s.gates != n {
		f.shares.Store(&shares{gates: n})
	}
}

// of returns the part of a limit that one gate may take by itself.
func (s *shares) of(most int64) int64 {
	if s.gates <= 0 {
		return 1
	}
	return max(most/int64(s.gates), 1)
}

func (f *Fallback) variants(t *ledger.Tally) *variants {
	s := f.shares.Load()
	if v, ok := s.tallies.Load(t); ok {
		return v.(*variants)
	}
	if s.n.Add(1) > sharesMost {
		f.shares.CompareAndSwap(s, &shares{gates: s.gates})
	}
	fed, alone := *t, *t
	fed.Limits, alone.Limits = slices.Clone(t.Limits), slices.Clone(t.Limits)
	v := &variants{fed: &fed, alone: &alone, deny: -1}
	for i, l := range t.Limits {
		fed.Limits[i].Shadow = true
		switch {
		case l.Away == ledger.Share:
			alone.Limits[i].Max = s.of(l.Max)
		case l.Away == ledger.Deny && !l.Shadow && v.deny < 0:
			v.deny = i
		}
	}
	got, _ := s.tallies.LoadOrStore(t, v)
	return got.(*variants)
}

// alone asks the gate's own ledger, with tightened limits.
func (f *Fallback) alone(charges []ledger.Charge, a *ledger.Answer, ask func([]ledger.Charge) error) error {
	for i := range charges {
		if v := f.variants(charges[i].Tally); v.deny >= 0 {
			f.denied.Add(1)
			refuse(a)
			return fmt.Errorf("%w, and limit %q says deny", ErrAway, charges[i].Tally.Limits[v.deny].Name)
		}
	}
	alone := f.as(charges, func(v *variants) *ledger.Tally { return v.alone })
	if err := ask(alone); err != nil {
		return err
	}
	a.Short.Tally = original(alone, charges, a.Short.Tally)
	for i := range a.Shadow {
		a.Shadow[i].Tally = original(alone, charges, a.Shadow[i].Tally)
	}
	return nil
}

// original returns the caller's tally for one that was put in its place.
func original(alone, charges []ledger.Charge, t *ledger.Tally) *ledger.Tally {
	for i := range alone {
		if alone[i].Tally == t {
			return charges[i].Tally
		}
	}
	return t
}

// as returns charges with other tallies in their place.
func (f *Fallback) as(charges []ledger.Charge, which func(*variants) *ledger.Tally) []ledger.Charge {
	as := append([]ledger.Charge(nil), charges...)
	for i := range as {
		as[i].Tally = which(f.variants(as[i].Tally))
	}
	return as
}
