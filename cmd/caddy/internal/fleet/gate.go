package fleet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/process"
)

// Gate is one process.
type Gate struct {
	*process.Caddy

	name string
	t    testing.TB
}

// secret is what all gates of a fleet have in common, beside the ledger.
const secret = "the-secret-of-a-fleet-of-gates-in-a-test"

// StartGate starts a gate of these rulesets in front of app. Store is the
// option of that name, as it is written in a Caddyfile; it may be empty. DIR
// stands for a directory of the gate's own in it.
func StartGate(t testing.TB, binary string, rulesets []*Ruleset, store string, app *App) *Gate {
	t.Helper()
	c := process.Start(t, binary, func(c *process.Caddy) string {
		var s strings.Builder
		s.WriteString(c.Options("secret " + secret + "\n\t\t" + strings.ReplaceAll(store, "DIR", c.File("ledger"))))
		fmt.Fprintf(&s, "http://127.0.0.1:%d {\n", c.Port)
		for _, r := range rulesets {
			name := r.Name + ".yaml"
			c.Write(name, r.yaml())
			fmt.Fprintf(&s, `	handle /%[1]s/send* {
		otp_gate * %[2]s
		reverse_proxy %[3]s {
			header_up %[4]s %[1]s
			header_up %[5]s {http.otp_gate.id}
			header_up %[6]s {client_ip}
			header_up %[7]s %[8]d
		}
	}
`, r.Name, c.File(name), app.Addr, headerRuleset, headerID, headerClient, headerGate, c.Port)
		}
		s.WriteString("}\n")
		return s.String()
	})
	return &Gate{Caddy: c, name: fmt.Sprint(c.Port), t: t}
}
