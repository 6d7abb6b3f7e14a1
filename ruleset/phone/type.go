package phone

import "slices"

// A Type is a kind of line, as far as the number tells.
type Type uint8

const (
	Unknown Type = iota // not a valid number
	FixedLine
	Mobile
	FixedLineOrMobile // the region does not tell them apart, as +1
	TollFree
	PremiumRate
	SharedCost
	VoIP
	PersonalNumber
	Pager
	UAN // one number for many lines of a company
	Voicemail
	Satellite            // a phone of +870 or +881, of EMSAT or Thuraya
	InternationalNetwork // any other number of +882 and +883
)

var typeNames = [...]string{
	Unknown:              "unknown",
	FixedLine:            "fixed_line",
	Mobile:               "mobile",
	FixedLineOrMobile:    "fixed_line_or_mobile",
	TollFree:             "toll_free",
	PremiumRate:          "premium_rate",
	SharedCost:           "shared_cost",
	VoIP:                 "voip",
	PersonalNumber:       "personal_number",
	Pager:                "pager",
	UAN:                  "uan",
	Voicemail:            "voicemail",
	Satellite:            "satellite",
	InternationalNetwork: "international_network",
}

// String returns the type's name as rulesets spell it: "fixed_line_or_mobile".
func (t Type) String() string {
	if int(t) >= len(typeNames) {
		return typeNames[Unknown]
	}
	return typeNames[t]
}

// MarshalText returns what String returns.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// RefusedByDefault reports whether a code should go to no number of this type
// unless an operator says so: nobody reads messages there, or who calls pays
// dearly and somebody earns by it. Fixed lines and VoIP are not among them, and
// neither is Unknown, about which [Number.Valid] says more.
func (t Type) RefusedByDefault() bool {
	switch t {
	case TollFree, PremiumRate, SharedCost, PersonalNumber, Pager, UAN, Voicemail, Satellite, InternationalNetwork:
		return true
	}
	return false
}

// DefaultRefused returns the types that are refused by default.
func DefaultRefused() []Type {
	return slices.DeleteFunc(Types(), func(t Type) bool { return !t.RefusedByDefault() })
}

// Types returns all types, Unknown last.
func Types() []Type {
	types := make([]Type, 0, len(typeNames))
	for t := FixedLine; int(t) < len(typeNames); t++ {
		types = append(types, t)
	}
	return append(types, Unknown)
}

// ParseType returns the type of that name, and whether there is one.
func ParseType(name string) (Type, bool) {
	for t, known := range typeNames {
		if known == name {
			return Type(t), true
		}
	}
	return Unknown, false
}
