package redisledger

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

// Kinds of tallies, as in charge.lua.
const (
	events  = iota // all limits are exact
	members        // distinct
	wide           // some limits are wide, or it counts attempts
)

// What the script does.
const (
	keep    = "k" // checks, and starts bans
	look    = "l" // and takes requests
	reserve = "r" // and takes sends
	count   = "c" // takes everything, and asks nothing
	putBack = "p" // takes sends under their id, and asks nothing
)

const (
	nameLen = 22 // of a key or an id, in base64

	chargeFormat = "BBBBBdB"
	limitFormat  = "dddd"
)

var base64url = base64.RawURLEncoding

// names appends the names of the keys for id, which may be none, and charges:
// the clock, the hold, the counters.
func (p *partition) names(args []any, id ledger.ID, charges []ledger.Charge) []any {
	args = append(args, p.clock)
	buf := make([]byte, 0, (len(p.prefix)+nameLen)*(len(charges)+1)+1)
	if id != (ledger.ID{}) {
		buf = append(buf, p.prefix...)
		buf = append(buf, 'h')
		buf = base64url.AppendEncode(buf, id[:])
	}
	var raw [16]byte
	first := len(buf)
	for i := range charges {
		binary.BigEndian.PutUint64(raw[:8], charges[i].Key[0])
		binary.BigEndian.PutUint64(raw[8:], charges[i].Key[1])
		buf = append(buf, p.prefix...)
		buf = base64url.AppendEncode(buf, raw[:])
	}
	all := string(buf)
	if first == 0 {
		args = append(args, p.clock)
	} else {
		args = append(args, all[:first])
	}
	for size := len(p.prefix) + nameLen; first < len(all); first += size {
		args = append(args, all[first:first+size])
	}
	return args
}

func (p *partition) hold(id ledger.ID) string {
	buf := make([]byte, 0, len(p.prefix)+1+nameLen)
	buf = append(buf, p.prefix...)
	buf = append(buf, 'h')
	return string(base64url.AppendEncode(buf, id[:]))
}

// encode returns the format, the numbers and the members of charges for the
// script.
func encode(charges []ledger.Charge) (format, numbers, who string) {
	limits, distinct := 0, false
	for i := range charges {
		limits += len(charges[i].Tally.Limits)
		distinct = distinct || charges[i].Tally.Distinct
	}
	f := make([]byte, 0, 1+len(charges)*len(chargeFormat)+limits*len(limitFormat))
	n := make([]byte, 0, len(charges)*14+limits*32)
	var m []byte
	if distinct {
		m = make([]byte, 0, 8*len(charges))
	}
	f = append(f, '<')
	for i := range charges {
		c := &charges[i]
		extra, before := earlier(charges, i)
		kind, longest, most := kindOf(c.Tally)
		f = append(f, chargeFormat...)
		n = append(n, byte(kind), byte(min(c.Tally.Count, ledger.Refusals)), byte(extra), byte(before), byte(len(c.Tally.Limits)))
		n = appendFloat(n, longest)
		n = append(n, byte(most))
		for j := range c.Tally.Limits {
			l := &c.Tally.Limits[j]
			var flags float64
			if l.Max > ledger.MaxExact || c.Tally.Count.Attempts() {
				flags = 2 * max(math.Floor(float64(l.Window)/ledger.Cells/1e6), 1)
			}
			if l.Shadow {
				flags++
			}
			f = append(f, limitFormat...)
			n = appendFloat(n, float64(l.Max))
			n = appendFloat(n, millis(l.Window))
			n = appendFloat(n, millis(l.Ban))
			n = appendFloat(n, flags)
		}
		if distinct {
			m = binary.BigEndian.AppendUint64(m, c.Member)
		}
	}
	return string(f), string(n), string(m)
}

// held returns what the hold of charges holds: those of sends, see settle.lua.
func held(mode string, charges []ledger.Charge) string {
	if mode != reserve && mode != putBack {
		return ""
	}
	b := make([]byte, 0, len(charges)*(1+nameLen+8))
	var raw [16]byte
	for i := range charges {
		c := &charges[i]
		if c.Tally.Count.Attempts() {
			continue
		}
		flags := byte(c.Tally.Count)
		if c.Tally.Distinct {
			flags += 2
		}
		b = append(b, flags)
		binary.BigEndian.PutUint64(raw[:8], c.Key[0])
		binary.BigEndian.PutUint64(raw[8:], c.Key[1])
		b = base64url.AppendEncode(b, raw[:])
		if c.Tally.Distinct {
			b = binary.BigEndian.AppendUint64(b, c.Member)
		}
	}
	return string(b)
}

// appendKeep appends how long the script is to keep each key, in milliseconds:
// the longest window, and one more as events are written down rounded up.
func appendKeep(args []any, charges []ledger.Charge) []any {
	for i := range charges {
		_, longest, _ := kindOf(charges[i].Tally)
		args = append(args, formatInt(int64(longest)+1))
	}
	return args
}

// kindOf returns how the script keeps a tally: its kind, the longest of its
// windows in milliseconds, and the most events or members that an exact limit
// reads.
func kindOf(t *ledger.Tally) (kind int, longest float64, most int) {
	kind = events
	if t.Count.Attempts() {
		kind = wide
	}
	for i := range t.Limits {
		l := &t.Limits[i]
		longest = max(longest, millis(l.Window))
		if l.Max > ledger.MaxExact {
			kind = wide
		} else {
			most = max(most, int(l.Max))
		}
	}
	if t.Distinct {
		kind = members
	}
	return kind, longest, most
}

// earlier looks for charges to the same key before the i-th: how many of them
// need a place beside its own, and the number of the last of them, from 1.
func earlier(charges []ledger.Charge, i int) (extra, before int) {
	c := &charges[i]
	placed := false
	for j := range i {
		b := &charges[j]
		if b.Key != c.Key {
			continue
		}
		before = j + 1
		if c.Tally.Distinct && b.Member == c.Member {
			placed = true // it has its place with the earlier one
		}
		if !placed {
			extra++
		}
	}
	return extra, before
}

func appendFloat(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

// millis returns d in milliseconds, rounded up.
func millis(d time.Duration) float64 {
	return float64((d + time.Millisecond - 1) / time.Millisecond)
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
