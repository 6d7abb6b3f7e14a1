package network

// Field names something that a database can tell, as Facts has it.
type Field string

// The fields.
const (
	CountryField              Field = "country"
	RegisteredField           Field = "registered_country"
	RepresentedField          Field = "represented_country"
	ContinentField            Field = "continent"
	SubdivisionField          Field = "subdivision"
	CountryConfidenceField    Field = "country_confidence"
	ASNField                  Field = "asn"
	OrgField                  Field = "org"
	ISPField                  Field = "isp"
	ProviderField             Field = "provider"
	TraitsField               Field = "traits"
	ConnectionField           Field = "connection"
	UserField                 Field = "user"
	StaticScoreField          Field = "static_score"
	RiskField                 Field = "risk"
	AnonymizerConfidenceField Field = "anonymizer_confidence"
)

// allFields are in the order of the bits of fieldSet.
var allFields = []Field{CountryField, RegisteredField, RepresentedField, ContinentField, SubdivisionField, CountryConfidenceField,
	ASNField, OrgField, ISPField, ProviderField, TraitsField, ConnectionField, UserField, StaticScoreField, RiskField, AnonymizerConfidenceField}

// fieldSet is a set of fields, one bit each.
type fieldSet uint16

func (s fieldSet) list() []Field {
	var fields []Field
	for i, f := range allFields {
		if s>>i&1 != 0 {
			fields = append(fields, f)
		}
	}
	return fields
}

// layouts says where a field is looked for, for messages.
var layouts = map[Field]string{
	CountryField: "country.iso_code, country_code or country, with an ISO 3166 code in capitals",
	ASNField:     "autonomous_system_number, asn or traits.autonomous_system_number, with a number or text such as AS64496",
}
