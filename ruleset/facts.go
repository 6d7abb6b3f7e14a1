package ruleset

import (
	"time"

	"github.com/otpgate/otpgate/ruleset/email"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/phone"
)

// Facts is what is known of one request. What a request does not say is left
// at its zero value.
type Facts struct {
	// At is when the request reached the gate. Every window is measured from it.
	At time.Time
	// ID names the request: in the answer, the log and the ledger.
	ID ledger.ID

	// Shape is the name of the request's shape; empty where all have one.
	Shape string

	Method    string
	Host      string
	Path      string
	UserAgent string

	// IP is the client's address and what the databases and lists say of it.
	IP network.Facts
	// Phone, Email and Device are what the request is about. Phone and Email
	// mask themselves when printed.
	Phone phone.Number
	// PhoneLists are the lists of numbers that Phone is in.
	PhoneLists phone.Set
	// Price is what a code to Phone costs, where there is a budget.
	Price  Price
	Email  email.Address
	Device string
	// Proof is the token of a proof. It is a secret until it has been used.
	Proof string

	// handles are what an earlier answer gave out, and session what tells one
	// session from another. Both are secrets, and never printed.
	handles []string
	session string
}
