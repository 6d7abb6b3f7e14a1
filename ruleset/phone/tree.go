package phone

import (
	"cmp"
	"math/bits"
	"strconv"
)

// A stem is the beginning of numbers: its digits, with zeros behind them up to
// maxDigits, and how many they are. Stems in order of first and size stand like
// words in a dictionary, each before those that begin with it.
type stem struct {
	first uint64
	size  uint8
}

// powers[n] is 10 to the n. 10^19 still fits.
var powers = func() (p [maxDigits + 1]uint64) {
	p[0] = 1
	for n := 1; n < len(p); n++ {
		p[n] = 10 * p[n-1]
	}
	return p
}()

// sizeOf returns how many decimal digits v has; v is not 0.
func sizeOf(v uint64) int {
	n := bits.Len64(v) * 1233 >> 12 // log10(2) is a bit more than 1233/4096
	if n > maxDigits || v < powers[n] {
		return n
	}
	return n + 1
}

// newStem returns the stem of these digits, whose first is no zero.
func newStem(digits uint64) stem {
	size := sizeOf(digits)
	return stem{digits * powers[maxDigits-size], uint8(size)}
}

// parseStem reads a prefix in the form that ParsePrefix returns.
func parseStem(prefix string) (stem, error) {
	canonical, err := ParsePrefix(prefix)
	if err != nil {
		return stem{}, err
	}
	digits, err := strconv.ParseUint(canonical[1:], 10, 64)
	if err != nil {
		return stem{}, ErrInvalid
	}
	return newStem(digits), nil
}

// String returns the stem as ParsePrefix does: "+1876".
func (s stem) String() string {
	return "+" + strconv.FormatUint(s.first/powers[maxDigits-s.size], 10)
}

// last returns the highest digits that begin with s.
func (s stem) last() uint64 { return s.first + (powers[maxDigits-s.size] - 1) }

func (s stem) compare(t stem) int {
	return cmp.Or(cmp.Compare(s.first, t.first), cmp.Compare(s.size, t.size))
}

// A tree finds the longest of many stems that some digits begin with: the
// stems cut the line of all numbers of maxDigits digits into segments, each of
// which belongs to the innermost stem around it. It is read-only once made.
//
// Beginnings of numbers stand in clusters, so that no index by their highest
// digits serves all lists. The segments are found by going down steps: each
// holds the first of every fanout of the step below, which is one line of a
// processor's cache.
type tree struct {
	stems  []stem     // in order
	around []int32    // for each, the longest other stem that it begins with; none is nobody
	steps  [][]uint64 // the last are the segments, by where they begin
	owner  []int32    // of each segment: the stem it belongs to; none is nobody
}

const nobody = -1

// newTree makes a tree of stems, which are in order and differ. It keeps them.
func newTree(stems []stem) *tree {
	t := &tree{stems: stems, around: make([]int32, len(stems))}
	var starts []uint64 // of segments
	begin := func(start uint64, at int32) {
		if last := len(starts) - 1; last >= 0 && starts[last] == start {
			t.owner[last] = at // nothing lies before it
			return
		}
		starts, t.owner = append(starts, start), append(t.owner, at)
	}
	begin(0, nobody)
	open := int32(nobody) // the innermost stem at hand
	leave := func(upTo uint64) {
		for open != nobody && stems[open].last() < upTo {
			end := stems[open].last()
			open = t.around[open]
			begin(end+1, open)
		}
	}
	for i, s := range stems {
		leave(s.first)
		t.around[i] = open
		open = int32(i)
		begin(s.first, open)
	}
	leave(^uint64(0))
	t.owner = fitted(t.owner)
	t.steps = steps(starts)
	return t
}

// find returns the place in stems of the longest with which digits begin, and
// nobody if there is none.
func (t *tree) find(digits uint64) int32 {
	if digits == 0 {
		return nobody
	}
	size := sizeOf(digits)
	point := digits * powers[maxDigits-size]
	segment := under(t.steps, point)
	at := t.owner[segment]
	if t.steps[len(t.steps)-1][segment] == point {
		// The zeros behind short digits are none of theirs.
		for at != nobody && int(t.stems[at].size) > size {
			at = t.around[at]
		}
	}
	return at
}

// fanout is how many values make a block.
const fanout = 8

// steps returns the steps that lead to values, which are in order and begin
// with 0. The last step is the values, the first a single block; every block is
// filled up with values higher than all.
func steps(values []uint64) [][]uint64 {
	blocks := (len(values) + fanout - 1) / fanout
	step := make([]uint64, 0, blocks*fanout)
	step = append(step, values...)
	for len(step) < cap(step) {
		step = append(step, ^uint64(0))
	}
	if blocks == 1 {
		return [][]uint64{step}
	}
	firsts := make([]uint64, blocks)
	for i := range firsts {
		firsts[i] = step[i*fanout]
	}
	return append(steps(firsts), step)
}

// under returns the place of the last of the values that is not above point.
func under(steps [][]uint64, point uint64) int {
	at := 0
	for _, step := range steps {
		b := (*[fanout]uint64)(step[at*fanout:])
		// How many are above it. Subtracting borrows if so; branches would be
		// foretold wrong half of the time.
		above := uint64(0)
		for _, v := range b {
			_, borrow := bits.Sub64(point, v, 0)
			above += borrow
		}
		at = at*fanout + fanout - 1 - int(above)
	}
	return at
}
