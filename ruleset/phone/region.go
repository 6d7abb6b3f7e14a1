package phone

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
