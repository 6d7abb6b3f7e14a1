package phone

// A Description is everything this package knows of a number, for people and
// as JSON. It holds the number in clear where it is told so: mask it with
// [Number.String] unless the reader has given it himself.
type Description struct {
	E164  string `json:"e164"`  // in clear, as written
	Key   string `json:"key"`   // in clear, what the number is counted by
	Range string `json:"range"` // Key less its last three digits

	CallingCode int    `json:"calling_code"`
	Region      string `json:"region"`        // "GB"; "001" for no country; "" if it is not known
	Country     string `json:"country"`       // of Region, or of Likely: "United Kingdom"; for 001 what the calling code is for: "Inmarsat"
	Likely      string `json:"likely_region"` // see Number.LikelyRegion

	Type     Type `json:"type"`
	Possible bool `json:"possible"` // there are numbers of as many digits
	Valid    bool `json:"valid"`    // numbers that begin so are in use, as of Metadata

	// RefusedByDefault is that of Type; the others say more exactly why.
	RefusedByDefault bool `json:"refused_by_default"`
	Premium          bool `json:"premium"`   // PremiumRate or SharedCost: the one who is called earns by it
	Satellite        bool `json:"satellite"` // Satellite or InternationalNetwork

	Metadata Metadata `json:"metadata"`
}

// Describe returns what is known of n. Of the zero Number that is where the
// knowledge is from.
func Describe(n Number) Description {
	t := n.Type()
	d := Description{
		E164:             n.E164(),
		Key:              n.Key(),
		Range:            n.Range(3),
		CallingCode:      n.CallingCode(),
		Region:           n.Region(),
		Likely:           n.LikelyRegion(),
		Type:             t,
		Possible:         n.Possible(),
		Valid:            n.Valid(),
		RefusedByDefault: t.RefusedByDefault(),
		Premium:          t == PremiumRate || t == SharedCost,
		Satellite:        t == Satellite || t == InternationalNetwork,
		Metadata:         metadata,
	}
	if n.Valid() {
		d.Country = regions[n.label>>4-1].name
	} else {
		d.Country = RegionName(d.Likely)
	}
	return d
}
