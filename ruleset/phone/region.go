package phone

import "sync"

// IsRegion reports whether numbers can belong to the region: an ISO 3166 code
// in capitals, or "001" for no country.
func IsRegion(code string) bool {
	return code == nowhere || find(code) != nil
}

// Regions returns all codes that IsRegion knows, sorted.
func Regions() []string {
	codes := make([]string, 0, len(regions))
	for i := range regions {
		if i == 0 || regions[i].id != regions[i-1].id {
			codes = append(codes, regions[i].id)
		}
	}
	return codes
}

// CallingCode returns the calling code of a country: 44 for "GB". It is 0 for
// "001" and for what is no region.
func CallingCode(code string) int {
	r := find(code)
	if r == nil {
		return 0
	}
	return int(r.code)
}

// RegionName returns the English name of a country: "United Kingdom" for "GB".
// It is "" for "001" and for what is no region.
func RegionName(code string) string {
	r := find(code)
	if r == nil {
		return ""
	}
	return r.name
}

// likelyRegion judges the national number of a plan by its first three digits:
// what follows them may be of another region than its neighbours are.
func (p *plan) likelyRegion(number []byte) string {
	regionsOnce.Do(findRegions)
	sole := regionOf[p.numbers]
	if sole == several {
		state := p.numbers
		for _, d := range number[:min(3, len(number))] {
			state = word(int(state)*stateSize + 2*int(d))
		}
		sole = regionOf[state]
	}
	if sole <= 0 {
		return ""
	}
	return regions[sole-1].id
}

// regionOf tells for each state that a plan leads to the region of all numbers that go
// on from it, as one more than its place in regions; several is -1. It is made
// when it is first asked for: known numbers do not need it.
var (
	regionsOnce sync.Once
	regionOf    []int16
)

const several = -1

func findRegions() {
	regionOf = make([]int16, len(table)/stateSize)
	var find func(state uint16) int16
	find = func(state uint16) int16 {
		if state == 0 || regionOf[state] != 0 {
			return regionOf[state]
		}
		at := int(state) * stateSize
		sole := int16(word(at+20) >> 4)
		for d := range 10 {
			next := find(word(at + 2*d))
			switch {
			case sole == 0:
				sole = next
			case next != 0 && next != sole:
				sole = several
			}
		}
		regionOf[state] = sole
		return sole
	}
	for i := range plans {
		find(plans[i].numbers)
	}
}
