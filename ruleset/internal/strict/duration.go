package strict

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written as whole numbers with units:
// 500ms, 60s, 15m, 24h, 7d, 2w, 1h30m. A day is 24 hours.
type Duration time.Duration

var units = []struct {
	name string
	size time.Duration
}{
	{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

const durationPattern = `^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$`

var durationForm = regexp.MustCompile(durationPattern)

// looseDuration is what people write when they do not know our units.
var looseDuration = regexp.MustCompile(`^([0-9]+)\s*([a-zA-Z]+)$`)

// ParseText reads s.
func (d *Duration) ParseText(s string) error {
	m := durationForm.FindStringSubmatch(s)
	if s == "" || m == nil {
		return fmt.Errorf("want %s, got %s%s", d.Describe(), quote(s), sayDuration(s))
	}
	var sum time.Duration
	for i, digits := range m[1:] {
		if digits == "" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(digits, units[i].name), 10, 64)
		if err != nil || n > int64((math.MaxInt64-sum)/units[i].size) {
			return fmt.Errorf("%s is too long a time", quote(s))
		}
		sum += time.Duration(n) * units[i].size
	}
	*d = Duration(sum)
	return nil
}

// sayDuration guesses how s should have been written.
func sayDuration(s string) string {
	if decimalInt.MatchString(s) && !strings.HasPrefix(s, "-") {
		return fmt.Sprintf("; a number needs its unit: %ss", s)
	}
	m := looseDuration.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	for _, u := range []struct{ names, unit string }{
		{"w week weeks wk", "w"}, {"d day days", "d"}, {"h hour hours hr hrs", "h"}, {"m min mins minute minutes", "m"},
		{"s sec secs second seconds", "s"}, {"ms msec milliseconds millisecond", "ms"},
	} {
		for _, name := range strings.Fields(u.names) {
			if name == strings.ToLower(m[2]) {
				return fmt.Sprintf("; say %s%s", m[1], u.unit)
			}
		}
	}
	return ""
}

// Duration returns d as Go counts time.
func (d Duration) Duration() time.Duration { return time.Duration(d) }

// String returns d as it can be written in the file: "60s", "1h30m", "7d".
func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	if d < 0 || time.Duration(d)%time.Millisecond != 0 {
		return time.Duration(d).String()
	}
	// People say 60s, 24h and 7d, not 1m, 1d and 1w.
	rest := time.Duration(d)
	var b strings.Builder
	for _, u := range units[1:] {
		if rest == u.size && (u.name == "d" || u.name == "m") {
			continue
		}
		if n := rest / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			rest -= n * u.size
		}
	}
	return b.String()
}

// Describe names the type to people.
func (Duration) Describe() string { return "a time such as 60s, 15m, 24h or 7d" }

// SchemaPattern is the form of the text, for the JSON Schema.
func (Duration) SchemaPattern() string { return durationPattern }
