package phone

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// String masks n: "+44********23". It is "" for none. Use E164 where all of
// it is needed.
func (n Number) String() string {
	if n.IsZero() {
		return ""
	}
	full := n.E164()
	shown := 1 + codeLen(n.code)
	hidden, tail := len(full)-shown, ""
	if hidden >= 6 {
		hidden -= 2
		tail = full[len(full)-2:]
	}
	return full[:shown] + strings.Repeat("*", hidden) + tail
}

// GoString is String: no verb shows a number.
func (n Number) GoString() string { return n.String() }

// Format writes n masked for every verb; %q adds quotes.
func (n Number) Format(f fmt.State, verb rune) {
	text := n.String()
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	fmt.Fprint(f, text)
}

// MarshalText returns n masked.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// LogValue returns n masked.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }
