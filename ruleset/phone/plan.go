package phone

import (
	_ "embed"
	"sort"
)

// table holds the states of the automaton that tells numbers apart, 22 bytes
// each: for each digit where it leads, then the label of a number that ends
// here, all little-endian. State 0 leads nowhere but to itself.
//
//go:embed table.bin
var table string

const stateSize = 22

// walk returns the label at the end of number's way from state; 0 if there is
// no such number.
func walk(state uint16, number []byte) label {
	for _, d := range number {
		state = word(int(state)*stateSize + 2*int(d))
		if state == 0 {
			return 0
		}
	}
	return label(word(int(state)*stateSize + 20))
}

func word(at int) uint16 {
	return uint16(table[at]) | uint16(table[at+1])<<8
}

// A label is a region's place in regions plus one, and a Type in the lower
// four bits.
type label uint16

func (l label) region() string {
	if l == 0 {
		return ""
	}
	return regions[l>>4-1].id
}

func (l label) kind() Type { return Type(l & 15) }

// mobile reports whether l is of a mobile, as far as its plan tells.
func (l label) mobile() bool { return l.kind() == Mobile || l.kind() == FixedLineOrMobile }

// A region is one numbering plan.
type region struct {
	id             string
	name           string // English; of what a calling code of no country is for
	code           uint16 // calling code
	general        uint16 // state from which national numbers of the plan, roughly, are walked
	lengths, local uint32 // bit n: there are numbers of n digits; to be dialled nearby only
	trunk          string // trunk prefix, "0"
	prefix         uint16 // program: what may come before a national number
	idd            uint16 // program: what is dialled to call abroad
	transforms     bool   // whether the last group of prefix, if it matches, is kept
	before         string // what is then put before it
}

// A plan is one calling code, of one region or many.
type plan struct {
	main    uint8  // the region that speaks for all of them
	numbers uint16 // state from which their numbers are walked
}

// looksRight reports whether number has the outer form of r's numbers.
func (r *region) looksRight(number []byte) bool { return walk(r.general, number) != 0 }

// size tells whether a plan has numbers of some length.
type size uint8

const (
	sizePossible size = iota
	sizeLocal         // only without its area code
	sizeShort
	sizeLong
	sizeBetween // there are shorter and longer ones
)

// size judges numbers of n digits.
func (r *region) size(n int) size {
	bit := uint32(1) << min(n, 31)
	switch {
	case r.local&bit != 0:
		return sizeLocal
	case r.lengths&bit != 0:
		return sizePossible
	case r.lengths&(bit-1) == 0:
		return sizeShort
	case r.lengths < bit:
		return sizeLong
	}
	return sizeBetween
}

// nowhere is the region of numbers that belong to no country.
const nowhere = "001"

// find returns the country of that code, or nil.
func find(code string) *region {
	if code == nowhere {
		return nil
	}
	at := sort.Search(len(regions), func(i int) bool { return regions[i].id >= code })
	if at == len(regions) || regions[at].id != code {
		return nil
	}
	return &regions[at]
}
