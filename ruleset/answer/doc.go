// Package answer reads what an app's answer says of a code: that it was sent,
// that it was not, or nothing certain; and the handles by which later requests
// will name what was begun.
//
// An operator writes signs, such as "200 and json /status = OK" (see
// [ParseSign]). [New] makes a [Reader] of them, and a [Reading] follows one
// answer while it goes to the client: it is shown the header, and then each
// piece that has been written. It keeps a copy of what it has to read, up to a
// bound, and never holds up or changes what goes by. Where the status alone
// tells, it keeps nothing.
//
// # What is certain
//
// Charges are given back on [NotSent], so nobody may gain by an answer that is
// hard to read. A condition is therefore true, false or unclear, and it is
// unclear whenever two readers could differ: a body that is not JSON, is not
// whole, is larger than the bound (also when unpacked), a part of one (206), in a coding
// other than gzip, a name that an object has twice, two Location fields. A
// sign that is unclear makes the answer [Unknown], if it could have
// said something else than [NotSent]; and one that is itself to say NotSent says nothing.
//
// Of signs that contradict each other the careful one holds: unknown before
// sent before not_sent.
package answer

// Meaning is what an answer says of the code.
type Meaning uint8

const (
	Unknown Meaning = iota // nothing certain
	Sent                   // a code was sent
	NotSent                // certainly none was
)

// String is the word that operators write.
func (m Meaning) String() string { return [...]string{"unknown", "sent", "not_sent"}[m] }
