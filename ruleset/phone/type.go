package phone

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
)

var typeNames = [...]string{
	Unknown:           "unknown",
	FixedLine:         "fixed_line",
	Mobile:            "mobile",
	FixedLineOrMobile: "fixed_line_or_mobile",
	TollFree:          "toll_free",
	PremiumRate:       "premium_rate",
	SharedCost:        "shared_cost",
	VoIP:              "voip",
	PersonalNumber:    "personal_number",
	Pager:             "pager",
	UAN:               "uan",
	Voicemail:         "voicemail",
}

// String returns the type's name as rulesets spell it: "fixed_line_or_mobile".
func (t Type) String() string {
	if int(t) >= len(typeNames) {
		return typeNames[Unknown]
	}
	return typeNames[t]
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
