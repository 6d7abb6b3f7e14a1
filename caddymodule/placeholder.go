package caddymodule

import (
	"strconv"
	"strings"

	"github.com/otpgate/otpgate/ruleset"
)

const placeholders = "http.otp_gate."

// placeholder gives the values of {http.otp_gate.*}. They are worked out when
// somebody asks, so that nobody pays for what the Caddyfile does not use.
func (l *record) placeholder(key string) (any, bool) {
	name, ours := strings.CutPrefix(key, placeholders)
	if !ours {
		return nil, false
	}
	v, f := l.verdict, l.facts
	switch name {
	case "gate":
		return l.gate, true
	case "id":
		return l.id, true
	case "shape":
		return f.Shape, true
	case "action":
		return v.Action.String(), true
	case "check":
		return string(v.Check), true
	case "rule":
		return v.Rule, true
	case "code":
		return string(v.Code), true
	case "reason":
		return string(v.Reason), true
	case "proof":
		return v.Proof, true
	case "phone":
		if f.Phone.IsZero() {
			return "", true
		}
		return f.Phone.String(), true
	case "phone.country":
		return f.Phone.Region(), true
	case "phone.type":
		if f.Phone.IsZero() {
			return "", true
		}
		return f.Phone.Type().String(), true
	case "ip.country":
		return f.IP.Country, true
	case "ip.asn":
		if f.IP.ASN == 0 {
			return "", true
		}
		return strconv.FormatUint(uint64(f.IP.ASN), 10), true
	case "flags":
		return markNames(v.Flags), true
	case "shadow":
		return markNames(v.Shadow), true
	}
	return nil, false
}

func markNames(ms []ruleset.Mark) string {
	names := make([]string, len(ms))
	for i, m := range ms {
		names[i] = markName(m)
	}
	return strings.Join(names, ", ")
}
