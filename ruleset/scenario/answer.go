package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/internal/strict"
)

// textOfVerdict writes a verdict as it stands behind the arrow:
//
//	allow cooldown=60s
//	deny refused reason=too_many limit="range: 20 sends in 10m"
//	challenge human_required rule=far-away
//	allow flag(geo=match) shadow(network_refused network=tor)
//
// First what the caller is told, then, where it is another, the true reason,
// then who decided.
func textOfVerdict(v *ruleset.Verdict) string {
	words := []string{v.Action.String()}
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if v.Action != ruleset.Allow {
		add("%s", v.Code)
		if v.Reason != v.Code {
			add("reason=%s", v.Reason)
		}
		words = append(words, who(v.Check, v.Rule))
		if v.Status != v.Code.Status() {
			add("status=%d", v.Status)
		}
	}
	if v.Wait > 0 {
		add("wait=%s", waitMark)
	}
	if v.Action == ruleset.Allow && v.Cooldown.Wait > 0 {
		add("cooldown=%s", duration(v.Cooldown.Wait))
	}
	if v.Proof != "" && v.Proof != "none" {
		add("proof=%s", v.Proof)
	}
	for _, a := range v.Alerts {
		add("alert(%s ends=%s)", who(ruleset.CheckBudget, a.Rule), a.Ends.Format(time.RFC3339))
	}
	for _, m := range v.Flags {
		add("flag(%s)", who(m.Check, m.Rule))
	}
	for _, m := range v.Shadow {
		add("shadow(%s %s)", m.Code, who(m.Check, m.Rule))
	}
	if v.Detail != "" {
		add("detail=%q", v.Detail)
	}
	if v.Err != nil {
		add("error=%q", v.Err)
	}
	return strings.Join(words, " ")
}

// who names a check and, within it, the limit, rule or list.
func who(check ruleset.Check, rule string) string {
	switch {
	case rule == "":
		return string(check)
	case strings.ContainsAny(rule, " \t\")") || strconv.Quote(rule) != `"`+rule+`"`:
		return fmt.Sprintf("%s=%q", check, rule)
	default:
		return string(check) + "=" + rule
	}
}

// waitMark stands in a text for how long to wait, until the text is printed.
const waitMark = "\x00"

func duration(d time.Duration) string { return strict.Duration(d).String() }

// tally counts answers that follow each other and are equal but for their
// waits.
type tally []same

type same struct {
	text        string
	times       int
	first, last time.Duration // the waits
}

func (t *tally) add(text string, wait time.Duration) {
	if n := len(*t); n > 0 && (*t)[n-1].text == text {
		(*t)[n-1].times++
		(*t)[n-1].last = wait
		return
	}
	*t = append(*t, same{text, 1, wait, wait})
}

// String writes "15x allow, 5x deny too_many … wait=50s..10s", or the answer
// alone if there was but one.
func (t tally) String() string {
	if len(t) == 1 && t[0].times == 1 {
		return t[0].String()
	}
	parts := make([]string, len(t))
	for i, s := range t {
		parts[i] = fmt.Sprintf("%dx %s", s.times, s)
	}
	return strings.Join(parts, ", ")
}

func (s same) String() string {
	wait := duration(s.first)
	if s.last != s.first {
		wait += ".." + duration(s.last)
	}
	return strings.Replace(s.text, waitMark, wait, 1)
}

// sameAnswer compares what is wanted with what came, without regard to how many
// spaces stand between.
func sameAnswer(want, got string) bool {
	return strings.Join(strings.Fields(want), " ") == strings.Join(strings.Fields(got), " ")
}
