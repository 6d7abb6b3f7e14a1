package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// nowhere is what the library calls the region of calling codes that belong
// to no country.
const nowhere = "001"

// A region is one numbering plan: a country's part of a calling code, or all
// of a code that belongs to no country.
type region struct {
	id           string
	name         string // English
	code         int
	general      *phonenumbers.PhoneNumberDesc
	types        []*phonenumbers.PhoneNumberDesc // in typeOrder
	trunk        string                          // dialled before national numbers, "0"
	prefix, rule string                          // all that may be dialled before one, and what becomes of it
	idd          string                          // dialled to call abroad
	leading      string                          // digits that mark the region within its calling code
	same         bool                            // fixed lines and mobiles look alike
}

// The types as package phone numbers them.
const (
	fixedLine = 1 + iota
	mobile
	fixedLineOrMobile
	tollFree
	premiumRate
	sharedCost
	voip
	personalNumber
	pager
	uan
	voicemail
	satellite
	internationalNetwork
)

// typeOrder is the order in which the library tries the types of a number.
// Fixed and mobile come last and together.
var typeOrder = []struct {
	value uint16
	desc  func(*phonenumbers.PhoneMetadata) *phonenumbers.PhoneNumberDesc
}{
	{premiumRate, (*phonenumbers.PhoneMetadata).GetPremiumRate},
	{tollFree, (*phonenumbers.PhoneMetadata).GetTollFree},
	{sharedCost, (*phonenumbers.PhoneMetadata).GetSharedCost},
	{voip, (*phonenumbers.PhoneMetadata).GetVoip},
	{personalNumber, (*phonenumbers.PhoneMetadata).GetPersonalNumber},
	{pager, (*phonenumbers.PhoneMetadata).GetPager},
	{uan, (*phonenumbers.PhoneMetadata).GetUan},
	{voicemail, (*phonenumbers.PhoneMetadata).GetVoicemail},
	{fixedLine, (*phonenumbers.PhoneMetadata).GetFixedLine},
	{mobile, (*phonenumbers.PhoneMetadata).GetMobile},
}

// plans returns all regions, ordered by name and calling code, and for each
// calling code its regions as the library asks them: the main one first.
func plans() ([]region, map[int][]int, error) {
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil, nil, fmt.Errorf("reading metadata: %w", err)
	}
	var regions []region
	for _, m := range collection.GetMetadata() {
		r := region{
			id:      m.GetId(),
			name:    nameOf(m.GetId(), int(m.GetCountryCode())),
			code:    int(m.GetCountryCode()),
			general: m.GetGeneralDesc(),
			trunk:   m.GetNationalPrefix(),
			prefix:  m.GetNationalPrefixForParsing(),
			rule:    m.GetNationalPrefixTransformRule(),
			idd:     m.GetInternationalPrefix(),
			leading: m.GetLeadingDigits(),
			same:    m.GetSameMobileAndFixedLinePattern(),
		}
		if r.name == "" {
			return nil, nil, fmt.Errorf("region %s of calling code %d has no name", r.id, r.code)
		}
		if r.general.GetNationalNumberPattern() == "" || len(r.general.GetPossibleLength()) == 0 {
			return nil, nil, fmt.Errorf("region %s has no general description", r.id)
		}
		for _, t := range typeOrder {
			r.types = append(r.types, t.desc(m))
		}
		regions = append(regions, r)
	}
	slices.SortFunc(regions, func(a, b region) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.code, b.code))
	})

	codes := make(map[int][]int)
	for code := range phonenumbers.GetSupportedCallingCodes() {
		for _, name := range phonenumbers.GetRegionCodesForCountryCode(code) {
			at := slices.IndexFunc(regions, func(r region) bool {
				return r.id == name && (name != nowhere || r.code == code)
			})
			if at < 0 {
				return nil, nil, fmt.Errorf("region %s of calling code %d is unknown", name, code)
			}
			codes[code] = append(codes[code], at)
		}
	}
	if len(codes) == 0 {
		return nil, nil, errors.New("no calling codes")
	}
	return regions, codes, nil
}

// automaton returns r's numbers, labelled with region and type.
func (r *region) automaton(g *graph, number int) (id, error) {
	parts := make([]id, 0, len(r.types)+1)
	for _, desc := range append([]*phonenumbers.PhoneNumberDesc{r.general}, r.types...) {
		part, err := described(g, desc)
		if err != nil {
			return dead, fmt.Errorf("region %s: %w", r.id, err)
		}
		parts = append(parts, part)
	}
	// Calling codes without a country: whose networks are they?
	orbit, err := r.satellites(g)
	if err != nil {
		return dead, err
	}
	parts = append(parts, orbit)
	return g.join(parts, true, func(labels []uint16) uint16 {
		if labels[0] == 0 {
			return 0
		}
		last := len(labels) - 1
		kind := r.kind(labels[1:last])
		switch {
		case kind == 0:
		case labels[last] != 0:
			kind = satellite
		case r.code == 882 || r.code == 883:
			kind = internationalNetwork
		}
		return label(number, kind)
	}), nil
}

// satellites returns the numbers of r, and others, that reach a satellite
// phone. The library calls them mobile or VoIP, though a message to one costs
// many times as much.
func (r *region) satellites(g *graph) (id, error) {
	switch r.code {
	case 870, // Inmarsat
		881: // Iridium, Globalstar and others
		return all, nil
	case 882: // shared with networks on the ground
		return g.prefix("1[36]") // EMSAT, Thuraya
	}
	return dead, nil
}

// kind returns the type of a number of r that matches the types so marked.
// It says what getNumberTypeHelper of the library says.
func (r *region) kind(matches []uint16) uint16 {
	fixed, mob := matches[len(matches)-2] != 0, matches[len(matches)-1] != 0
	for i, t := range typeOrder[:len(typeOrder)-2] {
		if matches[i] != 0 {
			return t.value
		}
	}
	switch {
	case fixed && (r.same || mob):
		return fixedLineOrMobile
	case fixed:
		return fixedLine
	case mob && !r.same:
		return mobile
	}
	return 0
}

// label packs region and type; a number of no type is not valid.
func label(number int, kind uint16) uint16 {
	if kind == 0 {
		return 0
	}
	return uint16(number+1)<<4 | kind
}

// described returns the numbers of desc: its pattern, and its lengths where
// it has any.
func described(g *graph, desc *phonenumbers.PhoneNumberDesc) (id, error) {
	expr := desc.GetNationalNumberPattern()
	if desc == nil || expr == "" {
		return dead, nil
	}
	pattern, err := g.pattern(expr)
	if err != nil || len(desc.GetPossibleLength()) == 0 {
		return pattern, err
	}
	return g.join([]id{pattern, g.lengths(desc.GetPossibleLength())}, true, func(l []uint16) uint16 {
		return l[0] & l[1]
	}), nil
}

// callingCode returns the automaton of all numbers of one calling code: the
// first of its regions that takes a number has it. A region with leading
// digits takes all that begin with them, and is not asked about others.
func callingCode(g *graph, regions []region, members []int) (id, error) {
	whole := dead
	for _, at := range slices.Backward(members) {
		r := &regions[at]
		own, err := r.automaton(g, at)
		if err != nil {
			return dead, err
		}
		if r.leading != "" && len(members) > 1 {
			if own, err = r.claim(g, own); err != nil {
				return dead, err
			}
		}
		whole = g.join([]id{own, whole}, false, func(l []uint16) uint16 {
			if l[0] != 0 {
				return l[0]
			}
			return l[1]
		})
	}
	return whole, nil
}

// claim narrows own to the numbers with r's leading digits, and marks those
// which have the digits and are nothing else.
func (r *region) claim(g *graph, own id) (id, error) {
	taken, err := g.prefix(r.leading)
	if err != nil {
		return dead, err
	}
	return g.join([]id{taken, own}, true, func(l []uint16) uint16 {
		switch {
		case l[0] == 0:
			return 0
		case l[1] != 0:
			return l[1]
		}
		return claimed
	}), nil
}
