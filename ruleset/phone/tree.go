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
type tree struct {
	stems  []stem  // in order
	around []int32 // for each, the longest other stem that it begins with; none is -1

	starts []uint64 // where segments begin, in order
	owner  []int32  // the stem each belongs to; none is -1

	index []uint32 // for the highest bits of digits, the first segment with those or higher ones
	shift uint     // how many bits below them there are
}

const nobody = -1

// newTree makes a tree of stems, which are in order and differ. It keeps them.
func newTree(stems []stem) *tree {
	t := &tree{stems: stems, around: make([]int32, len(stems))}
	begin := func(start uint64, stem int32) {
		if last := len(t.starts) - 1; last >= 0 && t.starts[last] == start {
			t.owner[last] = stem // nothing lies before it
			return
		}
		t.starts = append(t.starts, start)
		t.owner = append(t.owner, stem)
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
	t.starts, t.owner = fitted(t.starts), fitted(t.owner)
	t.index, t.shift = buckets(t.starts, 2)
	return t
}

// find returns the place in stems of the longest with which digits begin, and
// nobody if there is none.
func (t *tree) find(digits uint64) int32 {
	if len(t.stems) == 0 || digits == 0 {
		return nobody
	}
	size := sizeOf(digits)
	point := digits * powers[maxDigits-size]
	bucket := point >> t.shift
	low, high := t.index[bucket], t.index[bucket+1]
	// The segment sought is the last that begins at point or before.
	for low < high {
		middle := (low + high) >> 1
		if t.starts[middle] <= point {
			low = middle + 1
		} else {
			high = middle
		}
	}
	at := t.owner[low-1]
	// The zeros behind short digits are none of theirs.
	for at != nobody && int(t.stems[at].size) > size {
		at = t.around[at]
	}
	return at
}

// buckets returns an index over sorted values by their highest bits, with
// about as many values in each bucket as wanted if they are spread evenly:
// those with highest bits b, value>>shift, are from index[b] up to index[b+1].
func buckets(values []uint64, wanted int) (index []uint32, shift uint) {
	size := bits.Len(uint(max(len(values)/wanted, 1)))
	shift = uint(64 - size)
	index = make([]uint32, 1<<size+1)
	at := 0
	for b := range index {
		for at < len(values) && values[at]>>shift < uint64(b) {
			at++
		}
		index[b] = uint32(at)
	}
	return index, shift
}
