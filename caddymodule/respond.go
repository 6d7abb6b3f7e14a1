package caddymodule

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/otpgate/otpgate/ruleset"
)

// problemBase is where the problem types are described (RFC 9457).
const problemBase = "https://otpgate.github.io/problems/"

// problemHeads holds the part of a problem that only the code decides, up to
// the value of status.
var problemHeads = func() map[ruleset.Code]string {
	heads := make(map[ruleset.Code]string)
	for _, code := range ruleset.Codes() {
		heads[code] = `{"type":"` + problemBase + strings.ReplaceAll(string(code), "_", "-") +
			`","title":"` + code.Title() + `","status":`
	}
	return heads
}()

var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// refuse answers a request that is not let through: as a problem
// (application/problem+json), or as a page for those who would rather have
// HTML. It tells the verdict's code, never its reason.
func refuse(w http.ResponseWriter, r *http.Request, v *ruleset.Verdict, id string) {
	code, status := v.Code, v.Status
	if _, known := problemHeads[code]; !known {
		code = ruleset.Refused
	}
	if status < 400 || status > 599 {
		status = code.Status()
	}

	// One allocation for all values, and names that are canonical already: a
	// refusal must cost next to nothing.
	header, values := w.Header(), make([]string, 0, 4)
	set := func(name, value string) {
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Cache-Control", "no-store")
	set("X-Content-Type-Options", "nosniff")
	if v.Wait > 0 {
		set("Retry-After", strconv.FormatInt(seconds(v.Wait), 10))
	}
	tellCooldown(header, v.Cooldown)
	if status == http.StatusRequestEntityTooLarge && r.ProtoMajor == 1 {
		// The rest of the body is not worth reading to keep the connection.
		header.Set("Connection", "close")
	}

	buf := bodies.Get().(*[]byte)
	body := (*buf)[:0]
	if wantsPage(r.Header["Accept"]) {
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", pagePolicy)
		header.Set("Referrer-Policy", "no-referrer")
		body = appendPage(body, code, v.Wait, id)
	} else {
		set("Content-Type", "application/problem+json")
		body = appendProblem(body, code, status, v, id)
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // a caller that has gone does not hear it
	}
	*buf = body
	bodies.Put(buf)
}

// appendProblem appends the refusal as a JSON object.
func appendProblem(b []byte, code ruleset.Code, status int, v *ruleset.Verdict, id string) []byte {
	b = append(b, problemHeads[code]...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"code":"`...)
	b = append(b, code...)
	b = append(b, '"')
	if v.Detail != "" && (code == ruleset.BadRequest || code == ruleset.PhoneMissing) {
		if detail, err := json.Marshal(v.Detail); err == nil {
			b = append(b, `,"detail":`...)
			b = append(b, detail...)
		}
	}
	if v.Wait > 0 {
		b = append(b, `,"retry_after":`...)
		b = strconv.AppendInt(b, seconds(v.Wait), 10)
	}
	b = append(b, `,"id":"`...)
	b = append(b, id...)
	return append(b, '"', '}', '\n')
}

// tellCooldown adds the RateLimit fields for the caller's own cooldown, if it
// has one to be told. They are never told for anything that others share.
func tellCooldown(header http.Header, c ruleset.Cooldown) {
	if c.Window <= 0 {
		return
	}
	values := [...]string{`"cooldown";q=1;w=` + strconv.FormatInt(seconds(c.Window), 10), `"cooldown";r=0;t=` + strconv.FormatInt(seconds(c.Wait), 10)}
	header["Ratelimit-Policy"], header["Ratelimit"] = values[0:1:1], values[1:2:2]
}

// seconds rounds d up: whoever waits so long has waited long enough.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
