package redisledger

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// What the scripts do.
const (
	keep    = "k" // checks, and starts bans
	look    = "l" // and takes requests
	reserve = "r" // and takes sends
	count   = "c" // takes everything, and asks nothing
	putBack = "p" // takes sends under their id, and asks nothing
)

const (
	nameLen    = 22 // of a key or an id, in base64
	memberSize = 8
	sumSize    = 5 * 8 // four bounds and an amount
)

// What a charge in a hold is, as in settle.lua.
const (
	heldUnverified = 1 << iota
	heldMember
	heldAmount
)

var base64url = base64.RawURLEncoding

func appendName(b []byte, k ledger.Key) []byte {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], k[0])
	binary.BigEndian.PutUint64(raw[8:], k[1])
	return base64url.AppendEncode(b, raw[:])
}

func (p *partition) hold(id ledger.ID) string {
	buf := make([]byte, 0, len(p.prefix)+1+nameLen)
	buf = append(buf, p.prefix...)
	buf = append(buf, 'h')
	return string(base64url.AppendEncode(buf, id[:]))
}

// names appends the names of the keys for id, which may be none, and charges:
// the clock, the hold, the counters, and the counters under another secret.
func (p *partition) names(args []any, id ledger.ID, charges []ledger.Charge) []any {
	args = append(args, p.clock)
	if id == (ledger.ID{}) {
		args = append(args, p.clock)
	} else {
		args = append(args, p.hold(id))
	}
	size := len(p.prefix) + nameLen
	buf := make([]byte, 0, size*len(charges))
	others := 0
	for i := range charges {
		buf = append(buf, p.prefix...)
		buf = appendName(buf, charges[i].Key)
		if charges[i].Also != (ledger.Key{}) {
			others++
		}
	}
	all := string(buf)
	names := make([]string, len(charges), len(charges)+others)
	for i := range charges {
		names[i] = all[i*size : (i+1)*size]
	}
	for i := range charges {
		if charges[i].Also != (ledger.Key{}) {
			names = append(names, p.prefix+string(appendName(nil, charges[i].Also)))
		}
	}
	for i := range names {
		args = append(args, &names[i])
	}
	return args
}

// others tells for each charge which of the keys is its key under another
// secret, in one byte; 0 is none.
func others(charges []ledger.Charge) []byte {
	b := make([]byte, len(charges))
	next := 2 + len(charges)
	for i := range charges {
		if charges[i].Also != (ledger.Key{}) {
			next++
			b[i] = byte(next)
		}
	}
	return b
}

// ordinary reports whether the shape's own script will do for these charges:
// no key twice, and none under another secret.
func ordinary(charges []ledger.Charge) bool {
	for i := range charges {
		if charges[i].Also != (ledger.Key{}) {
			return false
		}
		for j := range i {
			if charges[i].Key == charges[j].Key {
				return false
			}
		}
	}
	return true
}

// data returns what the hold of charges is to hold, and what they have of
// their own.
func (s *shape) data(at time.Time, charges []ledger.Charge) (held, own string) {
	b := s.appendHeld(make([]byte, 0, len(charges)*(1+nameLen)+2*s.own), charges)
	n := len(b)
	all := string(s.appendOwn(b, at, charges))
	return all[:n], all[n:]
}

// appendOwn appends what charges have of their own: members of distinct
// tallies, and of those with a period the bounds of periods and the amount.
func (s *shape) appendOwn(b []byte, at time.Time, charges []ledger.Charge) []byte {
	if s.own == 0 {
		return b
	}
	for i := range charges {
		c := &charges[i]
		switch s.parts[i].Kind {
		case members:
			b = binary.BigEndian.AppendUint64(b, c.Member)
		case sums:
			for _, bound := range s.parts[i].around(c.Tally, at) {
				b = appendFloat(b, float64(bound.UnixMilli()))
			}
			b = appendFloat(b, float64(c.Amount))
		}
	}
	return b
}

// appendHeld appends what the hold of charges is to hold: those of sends.
func (s *shape) appendHeld(b []byte, charges []ledger.Charge) []byte {
	if s.mode != reserve && s.mode != putBack {
		return b
	}
	for i := range charges {
		c := &charges[i]
		if c.Tally.Count.Attempts() {
			continue
		}
		what := byte(0)
		if c.Tally.Count == ledger.Unverified {
			what = heldUnverified
		}
		switch s.parts[i].Kind {
		case members:
			b = appendName(append(b, what|heldMember), c.Key)
			b = binary.BigEndian.AppendUint64(b, c.Member)
		case sums:
			b = appendName(append(b, what|heldAmount), c.Key)
			b = appendFloat(b, float64(c.Amount))
		default:
			b = appendName(append(b, what), c.Key)
		}
	}
	return b
}

// kindOf returns how the scripts keep a tally: its format, the longest of its
// windows or periods in milliseconds, and the most events or members that an
// exact limit reads.
func kindOf(t *ledger.Tally) (kind int, longest float64, most int) {
	p := partOf(t)
	switch t.Period {
	case ledger.Day:
		p.Longest = millis(25 * time.Hour)
	case ledger.Month:
		p.Longest = millis((31*24 + 1) * time.Hour)
	}
	return p.Kind, float64(p.Longest), p.Most
}

func appendFloat(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
