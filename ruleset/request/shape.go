package request

import (
	"fmt"
	"net/http"
)

// Bounds of what is read. All are in bytes.
const (
	DefaultMaxBody = 16 << 10 // where a Shape says nothing
	LargestMaxBody = 16 << 20 // what a Shape may say; each request holds its body in memory
	MaxPhone       = 64
	MaxEmail       = 320
	MaxDevice      = 256
	MaxProof       = 4096
)

// Shape says where the values of a request stand. It is a plain value.
type Shape struct {
	// Phone, Email, Device and Proof say where each value stands. A zero
	// Source is not asked for and never found. A phone that is asked for must
	// be there; the others may be absent.
	Phone, Email, Device, Proof Source

	// MaxBody bounds the body, in bytes. Default: DefaultMaxBody.
	MaxBody int64

	prepared *plan // by Validate; used while it still fits
}

// Values are the values found, as they were sent, without escapes. A value
// that is there and empty is found: Has says so.
type Values struct {
	Phone, Email, Device, Proof             string
	HasPhone, HasEmail, HasDevice, HasProof bool
}

// Codes of a Problem.
const (
	BadRequest   = "bad_request"   // status 400, 413 or 415
	PhoneMissing = "phone_missing" // status 422
)

// Problem says why a request was refused. A request of which it says
// PhoneMissing has no phone where it should be; it may well have one where the
// app finds it.
type Problem struct {
	Status int    // 400, 413, 415 or 422
	Code   string // BadRequest or PhoneMissing
	Detail string // for the log and for the caller; holds nothing that was sent
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

func bad(format string, args ...any) *Problem {
	return &Problem{http.StatusBadRequest, BadRequest, fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) *Problem {
	return &Problem{http.StatusUnsupportedMediaType, BadRequest, fmt.Sprintf(format, args...)}
}

// limit is the largest body that is read.
func (s *Shape) limit() int64 {
	if s.MaxBody <= 0 {
		return DefaultMaxBody
	}
	return s.MaxBody
}
