package phone

import "time"

// A Metadata says where the knowledge of numbering plans is from, and how old
// it is: ranges that were given out later are possible to it, not valid.
type Metadata struct {
	Library  string `json:"library"`            // module and version: "github.com/nyaruka/phonenumbers v1.8.1"
	Upstream string `json:"upstream,omitempty"` // version of Google's libphonenumber behind it; "" if the library does not say
	Date     string `json:"date"`               // when the library took it over: "2026-06-01"
}

// KnownFrom returns where this package's knowledge is from.
func KnownFrom() Metadata { return metadata }

// Age returns how old the metadata is.
func (m Metadata) Age(now time.Time) time.Duration {
	date, err := time.Parse(time.DateOnly, m.Date)
	if err != nil {
		return 0
	}
	return now.Sub(date)
}
