package phone

// An Error tells why a spelling is no number. The messages hold nothing of
// what was read, so that they may be logged and shown.
type Error struct {
	reason, message string
}

// Error returns a sentence for people.
func (e *Error) Error() string { return e.message }

// Reason returns a word for programs, which does not change: "too_short".
func (e *Error) Reason() string { return e.reason }

// All errors of Parse are one of these, the last excepted.
var (
	ErrEmpty      = &Error{"empty", "no phone number"}
	ErrTooShort   = &Error{"too_short", "phone number has too few digits"}
	ErrTooLong    = &Error{"too_long", "phone number is too long"}
	ErrNotANumber = &Error{"not_a_number", "not written as one phone number"}
	ErrExtension  = &Error{"extension", "phone number has an extension"}
	ErrNoRegion   = &Error{"no_region", "phone number has no country code"}
	ErrInvalid    = &Error{"invalid", "no such phone number"}
	ErrAmbiguous  = &Error{"ambiguous", "phone number can be read in two ways"}

	// ErrNotAnEntry is of ParseEntry, where a range has ends of different
	// lengths or in the wrong order.
	ErrNotAnEntry = &Error{"not_an_entry", "not a range of phone numbers: its ends differ in length, or the first is the higher one"}
)
