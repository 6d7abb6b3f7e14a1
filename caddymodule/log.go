package caddymodule

import (
	"net/netip"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/otpgate/otpgate/ruleset"
)

// record is the one log line of a request. It holds no personal data in
// clear: numbers and mail addresses mask themselves, and of the client's
// address only the network is told. Whoever needs the whole address turns on
// Caddy's access log, where the same id stands as otp_gate_id.
type record struct {
	gate    string
	id      string
	facts   *ruleset.Facts
	verdict *ruleset.Verdict
	took    time.Duration // until decided
	// Of a request that was let through:
	passed  bool
	status  int // 0: the app did not answer
	outcome string
	app     time.Duration
}

// MarshalLogObject writes what is known; what is not is left out.
func (l *record) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	v, f := l.verdict, l.facts
	text := func(key, value string) {
		if value != "" {
			enc.AddString(key, value)
		}
	}
	enc.AddString("gate", l.gate)
	enc.AddString("id", l.id)
	enc.AddString("action", v.Action.String())
	text("code", string(v.Code))
	text("reason", string(v.Reason))
	text("check", string(v.Check))
	text("rule", v.Rule)
	text("detail", v.Detail)
	if v.Wait > 0 {
		enc.AddDuration("wait", v.Wait)
	}
	text("proof", v.Proof)
	text("ip_network", truncated(f.IP.Addr))
	text("ip_country", f.IP.Country)
	if f.IP.ASN != 0 {
		enc.AddUint32("ip_asn", f.IP.ASN)
	}
	if !f.Phone.IsZero() {
		enc.AddString("phone", f.Phone.String())
		text("phone_country", f.Phone.Region())
		text("phone_type", f.Phone.Type().String())
	}
	text("email", f.Email.String())
	text("shape", f.Shape)
	enc.AddString("method", cut(f.Method, 32))
	enc.AddString("host", cut(f.Host, 255))
	enc.AddDuration("took", l.took)
	if l.passed {
		enc.AddInt("status", l.status)
		text("outcome", l.outcome)
		enc.AddDuration("app", l.app)
	}
	if len(v.Flags) > 0 {
		enc.AddArray("flags", marks(v.Flags))
	}
	if len(v.Shadow) > 0 {
		enc.AddArray("shadow", marks(v.Shadow))
	}
	return nil
}

// write writes the line: at level info, or warn if something that should have
// been asked could not be.
func (l *record) write(logger *zap.Logger) {
	level := zapcore.InfoLevel
	if l.verdict.Err != nil {
		level = zapcore.WarnLevel
	}
	if entry := logger.Check(level, "judged"); entry != nil {
		if l.verdict.Err != nil {
			entry.Write(zap.Inline(l), zap.Error(l.verdict.Err))
		} else {
			entry.Write(zap.Inline(l))
		}
	}
}

type marks []ruleset.Mark

func (ms marks) MarshalLogArray(enc zapcore.ArrayEncoder) error {
	for _, m := range ms {
		enc.AppendString(markName(m))
	}
	return nil
}

// markName writes a mark as "geo country_refused" or "rule far-away".
func markName(m ruleset.Mark) string {
	name := string(m.Check)
	if m.Rule != "" {
		name += " " + m.Rule
	}
	if m.Code != "" {
		name += " " + string(m.Code)
	}
	return name
}

// cut bounds what a client can write into the log at will.
func cut(s string, most int) string {
	if len(s) > most {
		return s[:most]
	}
	return s
}

// truncated is the /24, or the /48 of IPv6, that a is in: enough to see where
// many requests come from, and not a person's own address.
func truncated(a netip.Addr) string {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
