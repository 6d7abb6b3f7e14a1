package ruleset

import (
	"net/http"
	"time"
)

// Action is what is to be done with a request.
type Action uint8

const (
	Deny      Action = iota // zero, so that a forgotten case refuses
	Challenge               // refused, until a proof comes with it
	Allow
)

func (a Action) String() string {
	switch a {
	case Allow:
		return "allow"
	case Challenge:
		return "challenge"
	default:
		return "deny"
	}
}

// Code is a stable word that says why a request was refused. The zero Code
// belongs to what was allowed.
type Code string

const (
	Closed           Code = "closed"            // mode is closed
	BadRequest       Code = "bad_request"       // cannot be read in one way only
	PhoneMissing     Code = "phone_missing"     // no number where the ruleset looks
	PhoneInvalid     Code = "phone_invalid"     // not a number anybody could have
	NumberRefused    Code = "number_refused"    // check number
	CountryRefused   Code = "country_refused"   // check geo
	NetworkRefused   Code = "network_refused"   // check network
	HumanRequired    Code = "human_required"    // a proof is asked for, none was given
	HumanFailed      Code = "human_failed"      // the proof is not good
	HumanUnavailable Code = "human_unavailable" // the proof cannot be looked into now
	TooSoon          Code = "too_soon"          // the number's cooldown
	TooMany          Code = "too_many"          // a limit of the caller's own
	Banned           Code = "banned"            // a ban of the caller's own
	BudgetSpent      Code = "budget_spent"      // there is no money left for it
	Refused          Code = "refused"           // for reasons the caller is not told
	Unavailable      Code = "unavailable"       // the gate cannot count, or not ask whom it has to
	EarlyData        Code = "early_data"        // may be a replay (TLS 0-RTT)
)

// Codes lists all codes, in the order of the way of a request.
func Codes() []Code {
	return []Code{EarlyData, Closed, BadRequest, PhoneMissing, PhoneInvalid,
		NetworkRefused, CountryRefused, NumberRefused, HumanRequired, HumanFailed,
		HumanUnavailable, TooSoon, TooMany, Banned, BudgetSpent, Refused, Unavailable}
}

// Status is the HTTP status that goes with c.
func (c Code) Status() int {
	switch c {
	case "":
		return http.StatusOK
	case BadRequest:
		return http.StatusBadRequest
	case PhoneMissing, PhoneInvalid:
		return http.StatusUnprocessableEntity
	case TooSoon, TooMany, Banned:
		return http.StatusTooManyRequests
	case Closed, HumanUnavailable, Unavailable:
		return http.StatusServiceUnavailable
	case EarlyData:
		return http.StatusTooEarly
	default:
		return http.StatusForbidden
	}
}

// Title is a short phrase for people.
func (c Code) Title() string {
	switch c {
	case Closed:
		return "Closed"
	case BadRequest:
		return "Bad request"
	case PhoneMissing:
		return "Phone number missing"
	case PhoneInvalid:
		return "Phone number not valid"
	case NumberRefused:
		return "Number not served"
	case CountryRefused:
		return "Country not served"
	case NetworkRefused:
		return "Network not served"
	case HumanRequired:
		return "Proof required"
	case HumanFailed:
		return "Proof failed"
	case HumanUnavailable:
		return "Proof unavailable"
	case TooSoon:
		return "Too soon"
	case TooMany:
		return "Too many requests"
	case Banned:
		return "Banned"
	case BudgetSpent:
		return "Budget spent"
	case Unavailable:
		return "Unavailable"
	case EarlyData:
		return "Too early"
	default:
		return "Refused"
	}
}

// Mark is a finding that did not decide: a flag, or what a check in shadow
// would have answered.
type Mark struct {
	Check Check  `json:"check"`
	Rule  string `json:"rule,omitempty"`
	Code  Code   `json:"code,omitempty"` // the reason it would have refused with
}

// Verdict is what a gate decided on one request.
type Verdict struct {
	Action Action
	// Check and Rule say who decided: the check, and within it the limit, rule
	// or list, as the operator named it. Both are empty if nothing objected.
	Check Check
	Rule  string
	// Reason is the true reason, for the log. Code is what the caller is told:
	// the same, or Refused where the reason is not the caller's business.
	Reason Code
	Code   Code
	// Status is the HTTP status of a refusal.
	Status int
	// Wait is how long until asking again could help, as the caller may be
	// told; zero if time will not, or if it is not to be told.
	Wait time.Duration
	// Detail explains a refusal to the operator, and for BadRequest also to
	// the caller. It holds no personal data.
	Detail string
	// Flags are the flags raised; Shadow is what shadowed checks would have
	// refused.
	Flags  []Mark
	Shadow []Mark
	// Alerts are the budget's alerts and stops that this request reached and
	// none that the gate judged before it in the same period.
	Alerts []Alert
	// Cooldown is the cooldown that the caller is in from now on; zero where
	// there is none or where it is hidden.
	Cooldown Cooldown
	// Held reports whether charges are reserved, to be settled under the ID
	// of the facts once the app has answered.
	Held bool
	// Proof is how the proof fared: "none", "passed", "failed", "unavailable",
	// "misconfigured", or empty if it was not looked at.
	Proof string
	// Err is why something that should have been asked could not be: ledger,
	// proof provider, database. The verdict already takes it into account.
	Err error
}

// Alert says that a budget has been spent up to its alert, or to its stop.
type Alert struct {
	Rule string // as in the mark: "day: alert at 150 USD"
	// Stop reports whether nothing is spent any more, or would be if it were
	// not in shadow.
	Stop bool
	// Ends is when the day or month does.
	Ends time.Time
}

// Cooldown is the state of the cooldown of the number asked for.
type Cooldown struct {
	Window time.Duration
	Wait   time.Duration // until the number may be asked for again
}

// Check names a part of the gate that can object.
type Check string

const (
	CheckMode    Check = "mode"
	CheckRequest Check = "request"
	CheckNetwork Check = "network"
	CheckGeo     Check = "geo"
	CheckNumber  Check = "number"
	CheckRule    Check = "rule"
	CheckLimit   Check = "limit"
	CheckBudget  Check = "budget"
	CheckHuman   Check = "human"
	CheckLedger  Check = "ledger"
)
