package ledger

import (
	"math/bits"
	"slices"
	"time"
)

// Attempts are counted for anybody who asks, however often and under however
// many keys, so they get a structure of fixed size: a count-min sketch over
// time cells. Each key has one slot in each of attemptRows rows, which it
// shares with others by chance; the least of what these say is the estimate.
// It is never less than the truth, and more only for a key that shares all of
// its slots with busy others. What others add goes when their cells go.
//
// A slot has one sketch to itself for each of attemptCells time cells, and
// each is updated conservatively: only what is below the new estimate is
// raised. Doing so over the sum of the cells would lose events: an old count
// of somebody else would stand in for a new one and leave before it.
const (
	attemptRows  = 4
	attemptCells = 14 // what is left of a processor's cache line

	slotEpoch = 0 // the cell last written to
	slotBan   = 1 // until when its keys are banned, Unix seconds, rounded up
	slotCells = 2
)

type slot [slotCells + attemptCells]uint32

const slotBytes = (slotCells + attemptCells) * 4

// sketch counts the attempts of one tally in cells of one width. As a window
// touches at most all of the cells, it serves one length of window.
type sketch struct {
	window time.Duration
	cell   int64 // milliseconds
	rows   [attemptRows][]slot
	used   int64 // when a limit last read it
	banned int64 // when its last ban ends

	// Which slots have changed since they were last written to disk.
	changed []uint64 // a bit for each slot; nil if nobody asks
	fresh   bool     // none has been written yet
}

func newSketch(window time.Duration, columns int, now int64, tracked bool) *sketch {
	s := &sketch{
		window: window,
		cell:   (millis(window) + attemptCells - 2) / (attemptCells - 1),
		used:   now,
	}
	if tracked {
		s.changed, s.fresh = make([]uint64, (attemptRows*columns+63)/64), true
	}
	slots := make([]slot, attemptRows*columns)
	for r := range s.rows {
		s.rows[r] = slots[r*columns : (r+1)*columns : (r+1)*columns]
	}
	return s
}

func (s *sketch) bytes() int { return attemptRows * len(s.rows[0]) * slotBytes }

// slot returns the slot of a key in a row. Columns are a power of two, at most
// 1<<16.
func (s *sketch) slot(row int, hash uint64) *slot {
	return &s.rows[row][s.column(row, hash)]
}

func (s *sketch) column(row int, hash uint64) int {
	return int(hash >> (16 * row) & uint64(len(s.rows[row])-1))
}

// note remembers that the slots of a key have changed.
func (s *sketch) note(hash uint64) {
	if s.changed == nil {
		return
	}
	for r := range s.rows {
		s.noteSlot(r, s.column(r, hash))
	}
}

func (s *sketch) noteSlot(row, column int) {
	i := row*len(s.rows[0]) + column
	s.changed[i/64] |= 1 << (i % 64)
}

// touch reads the slots of a key, so that they are at hand later.
func (s *sketch) touch(hash uint64) uint32 {
	var sum uint32
	for r := range s.rows {
		sum += s.slot(r, hash)[slotEpoch]
	}
	return sum
}

// wait tells in how many milliseconds limit has room for one more event beside
// extra others, and until when the key is banned.
func (s *sketch) wait(hash uint64, now int64, limit *Limit, extra int) (wait, ban int64) {
	room := limit.Max - int64(extra)
	if room <= 0 {
		return millis(limit.Window), 0
	}
	epoch := now / s.cell
	ban = int64(1) << 40
	var slots [attemptRows]*slot
	var stale uint32 // cells, counted from the newest, that some slot has not been touched in
	for r := range slots {
		slots[r] = s.slot(r, hash)
		ban = min(ban, int64(slots[r][slotBan]))
		stale = max(stale, uint32(epoch)-slots[r][slotEpoch])
	}
	at := int(epoch % attemptCells)
	for age := range int64(attemptCells) {
		if age >= int64(stale) {
			least := slots[0][slotCells+at]
			for _, slot := range slots[1:] {
				least = min(least, slot[slotCells+at])
			}
			if room -= int64(least); room <= 0 {
				return (epoch-age+attemptCells)*s.cell - now, ban * 1000
			}
		}
		if at--; at < 0 {
			at = attemptCells - 1
		}
	}
	return 0, ban * 1000
}

// add writes down one event.
func (s *sketch) add(hash uint64, now int64) {
	epoch := now / s.cell
	at := slotCells + int(epoch%attemptCells)
	least := uint32(1<<32 - 1)
	var slots [attemptRows]*slot
	for r := range slots {
		slots[r] = s.slot(r, hash)
		slots[r].advance(epoch)
		least = min(least, slots[r][at])
	}
	if least == 1<<32-1 {
		return // full, and fuller than any limit
	}
	for _, slot := range slots {
		slot[at] = max(slot[at], least+1)
	}
	s.note(hash)
}

// advance clears the cells that have come round since the slot was last
// written to.
func (s *slot) advance(epoch int64) {
	behind := uint32(epoch) - s[slotEpoch]
	for i := range min(int64(behind), attemptCells) {
		s[slotCells+(epoch-i)%attemptCells] = 0
	}
	s[slotEpoch] = uint32(epoch)
}

func (s *sketch) ban(hash uint64, until int64) {
	seconds := uint32((until + 999) / 1000)
	for r := range s.rows {
		slot := s.slot(r, hash)
		slot[slotBan] = max(slot[slotBan], seconds)
	}
	s.banned = max(s.banned, int64(seconds)*1000)
	s.note(hash)
}

// inherit adds what old, a sketch of the same tally with another window,
// knows: each of its cells counts as if it had happened at the cell's end. If
// one of them has fewer columns, keys that share a column there share one here.
func (s *sketch) inherit(old *sketch, now int64) {
	epoch, oldEpoch := now/s.cell, now/old.cell
	for r := range s.rows {
		columns, oldColumns := len(s.rows[r]), len(old.rows[r])
		for c := range max(columns, oldColumns) {
			from, to := &old.rows[r][c%oldColumns], &s.rows[r][c%columns]
			if *from == (slot{}) {
				continue
			}
			if s.changed != nil {
				s.noteSlot(r, c%columns)
			}
			to[slotBan] = max(to[slotBan], from[slotBan])
			stale := uint32(oldEpoch) - from[slotEpoch]
			for age := int64(stale); age < attemptCells; age++ {
				end := min((oldEpoch-age+1)*old.cell-1, now) / s.cell
				if epoch-end < attemptCells {
					to.advance(epoch)
					to[slotCells+end%attemptCells] += from[slotCells+(oldEpoch-age)%attemptCells]
				}
			}
		}
	}
	s.banned = max(s.banned, old.banned)
}

// attempts are the sketches of one tally, one for each length of window that
// its limits have or had. All are fed, so that each can stand in for another.
type attempts []*sketch

// reading is a tally and the sketches that its limits read.
type reading struct {
	tally    *Tally
	all      *attempts
	sketches []*sketch // one for each limit
	used     int64
}

// attemptHash spreads a key over the rows. It is the same for all sketches of
// a ledger, so that one can inherit from another.
func (l *Embedded) attemptHash(k Key) uint64 {
	hi, lo := bits.Mul64(k[0]^l.seed[0], k[1]^l.seed[1])
	return hi ^ lo
}

// read returns the sketches of a tally, and makes those that are missing.
func (l *Embedded) read(t *Tally) *reading {
	if r := l.readings[t]; r != nil {
		r.used = l.clock.event
		return r
	}
	all := l.attempts[t.Seed]
	if all == nil {
		all = new(attempts)
		l.attempts[t.Seed] = all
	}
	r := &reading{tally: t, all: all, used: l.clock.event}
	for i := range t.Limits {
		r.sketches = append(r.sketches, l.sketch(all, t.Limits[i].Window))
	}
	l.readings[t] = r
	return r
}

// sketch returns the sketch of a tally for a length of window.
func (l *Embedded) sketch(all *attempts, window time.Duration) *sketch {
	now := l.clock.event
	var longest *sketch
	for _, s := range *all {
		if s.window == window {
			s.used = now
			return s
		}
		if longest == nil || s.window > longest.window {
			longest = s
		}
	}
	s := newSketch(window, l.columns, now, l.disk != nil)
	if longest != nil {
		s.inherit(longest, now)
	}
	*all = append(*all, s)
	return s
}

func (all *attempts) add(hash uint64, now int64) {
	for _, s := range *all {
		s.add(hash, now)
	}
}

// tidy lets go of sketches that nobody has read for so long that there is
// nothing left in them. It runs at most once a minute, and looks at tallies,
// not at keys.
func (l *Embedded) tidy() {
	now := l.clock.now
	if now < l.tidied+60_000 {
		return
	}
	l.tidied = now
	clear(l.probes) // they know tallies
	l.rares = nil
	for _, r := range l.readings {
		if r.used == 0 {
			r.used = now // prepared before there was any time
		}
		for _, s := range r.sketches {
			s.used = max(s.used, r.used)
		}
	}
	for t, r := range l.readings {
		if now-r.used > maxIdle || !slices.ContainsFunc(r.sketches, func(s *sketch) bool { return !s.empty(now) }) {
			delete(l.readings, t)
		}
	}
	bound := make(map[*sketch]bool)
	for _, r := range l.readings {
		for _, s := range r.sketches {
			bound[s] = true
		}
	}
	for seed, all := range l.attempts {
		*all = slices.DeleteFunc(*all, func(s *sketch) bool { return !bound[s] && s.empty(now) })
		if len(*all) == 0 {
			delete(l.attempts, seed)
		}
	}
}

// maxIdle is how long, in milliseconds, a tally is known that nobody charges
// any more, as when its ruleset has been replaced. Its sketches stay for others
// of the same seed, and for as long as they hold something.
const maxIdle = 3600_000

// empty reports whether all events that a limit asked for have left s.
func (s *sketch) empty(now int64) bool {
	return now-s.used > s.cell*(attemptCells+1) && now > s.banned
}
