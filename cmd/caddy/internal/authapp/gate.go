package authapp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/cmd/caddy/internal/process"
)

// Gate is a gate in front of an auth server.
type Gate struct {
	*process.Caddy
	Addr string

	t      testing.TB
	judged map[string]Judged // by id
	read   int               // bytes of the log
}

// Judged is what the log says of one request.
type Judged struct {
	ID      string
	Action  string
	Code    string
	Reason  string
	Shape   string
	Detail  string
	Status  int    // that the server answered; 0 if it did not
	Outcome string // sent, not_sent or unknown, of what was let through
}

// StartGate starts a gate with this ruleset in front of a server. Only requests
// that match are gated: lines of a matcher, as a Caddyfile has them. The others
// are passed on, as they are in earnest. A server is told the scheme by the gate
// and by nobody else: better-auth takes whatever stands in X-Forwarded-Proto for
// the beginning of its own URL, path and all. Options are more lines for the gate.
func StartGate(t testing.TB, binary, ruleset, match, server string, options ...string) *Gate {
	t.Helper()
	g := &Gate{t: t, judged: make(map[string]Judged)}
	g.Caddy = process.Start(t, binary, func(c *process.Caddy) string {
		c.Write("gate.yaml", ruleset)
		return c.Options("secret the-secret-of-a-gate-in-a-test-of-servers\n\t\tstore memory") + fmt.Sprintf(`
http://127.0.0.1:%d {
	@gated {
		%s
	}
	otp_gate @gated %s {
		phone_header %s
		%[7]s
	}
	reverse_proxy %[5]s {
		header_up X-Forwarded-Proto {scheme}
		header_up %[6]s {http.otp_gate.id}
		header_down %[6]s {http.otp_gate.id}
		header_down %[4]s {http.request.header.%[4]s}
	}
}
`, c.Port, strings.ReplaceAll(strings.TrimSpace(match), "\n", "\n\t\t"), c.File("gate.yaml"), HeaderJudged, server, HeaderGateID, strings.Join(options, "\n\t\t"))
	})
	g.Addr = fmt.Sprintf("127.0.0.1:%d", g.Port)
	return g
}

// Ask sends r through the gate, under a name.
func (g *Gate) Ask(r *Request, name string, more ...string) Reply {
	g.t.Helper()
	return r.Send(g.t, g.Addr, append(more, HeaderRequest+": "+name)...)
}

// ID is the gate's id of the request that was answered with r. It is empty if
// the gate has not judged it.
func (r *Reply) ID() string {
	if r.Problem() {
		var problem struct{ ID string }
		if json.Unmarshal([]byte(r.Body), &problem) == nil {
			return problem.ID
		}
	}
	return realID(r.Header.Get(HeaderGateID))
}

// realID is id, unless it is the placeholder of one, which nobody has filled
// in.
func realID(id string) string {
	if strings.HasPrefix(id, "{") {
		return ""
	}
	return id
}

// Judged returns what the log says of the request of this id. The line is
// written when the answer is over, which may be after the client has it.
func (g *Gate) Judged(id string) Judged {
	g.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		g.readLog()
		if j, ok := g.judged[id]; ok {
			return j
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("the log does not say what became of request %s", id)
		}
	}
}

// readLog reads the lines that are new.
func (g *Gate) readLog() {
	text := g.Read("log")[g.read:]
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return
		}
		g.read += len(line) + 1
		text = rest
		var said struct {
			Judged
			Msg string
		}
		if json.Unmarshal(line, &said) == nil && said.Msg == "judged" {
			g.judged[said.ID] = said.Judged
		}
	}
}

// Kept returns the requests whose charges stay: those that were let through, but
// for those after which the server said that it had sent nothing.
func (g *Gate) Kept() (kept []Judged) {
	g.readLog()
	for _, j := range g.judged {
		if j.Action == "allow" && j.Outcome != "not_sent" {
			kept = append(kept, j)
		}
	}
	return kept
}
