package main

import (
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/otpgate/otpgate/cmd/caddy/internal/authapp"
	"github.com/otpgate/otpgate/ruleset/phone"
)

const (
	someone  = "+14155550101"
	somebody = "+14155550102"
)

// ruleset reads a ruleset for a server, with limits.
func ruleset(t *testing.T, server, limits string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/authservers/" + server + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	if limits == "" {
		return string(text) // those that stand there, or by default
	}
	return string(text) + "limits: " + limits + "\n"
}

// mustSend fails the test if a plain request does not get through: then nothing
// would be known of a gate that refuses all others.
func mustSend(t *testing.T, gate *authapp.Gate, receiver *authapp.Receiver, route *authapp.Route, number string) {
	t.Helper()
	plain := renewed(route.Plain(number))
	if judged(t, gate, receiver, &plain, route.Path+" "+route.Key+" "+route.Form+", plain") != 1 {
		t.Errorf("%s: a plain request sends nothing", route.Path)
	}
}

var fresh atomic.Int32

// renewed is r, begun anew.
func renewed(r authapp.Request) authapp.Request { return r.Renewed(int(fresh.Add(1))) }

// judged asks the gate and fails the test if a message went out that the gate
// has not judged, or has judged to go elsewhere. It returns how many did.
func judged(t *testing.T, gate *authapp.Gate, receiver *authapp.Receiver, r *authapp.Request, name string) int {
	t.Helper()
	reply := gate.Ask(r, name)
	return checkMessages(t, gate, receiver, &reply, name)
}

// checkMessages is judged, of a request that has been answered.
func checkMessages(t *testing.T, gate *authapp.Gate, receiver *authapp.Receiver, reply *authapp.Reply, name string) int {
	t.Helper()
	messages := receiver.Of(name)
	for _, m := range messages {
		asJudged(t, gate, &m, name)
	}
	if reply.Problem() && len(messages) > 0 {
		t.Errorf("%s: refused, and sent all the same", name)
	}
	return len(messages)
}

// numberless are the shapes of requests that have no number.
var numberless = []string{"reauthenticate", "second-factor", "two-factor", "two-factor-session"}

// asJudged fails the test if m is not for the number that the gate judged, or
// if its charge has been given back.
func asJudged(t *testing.T, gate *authapp.Gate, m *authapp.Message, name string) {
	t.Helper()
	if m.GateID == "" {
		t.Errorf("%s: a message to %q, and no gate has judged the request", name, m.To)
		return
	}
	j := gate.Judged(m.GateID)
	if j.Action != "allow" || j.Outcome == "not_sent" {
		t.Errorf("%s: a message to %q, and the gate has kept no charge: %+v", name, m.To, j)
	}
	if m.Judged == "" && slices.Contains(numberless, j.Shape) {
		return // the request has none: it is counted for the session, or for the handle
	}
	n, err := phone.Parse(m.To, "")
	if err != nil {
		n, err = phone.Parse("+"+m.To, "") // as supabase hands it over
	}
	if err != nil || n.E164() != m.Judged {
		t.Errorf("%s: a message to %q, and the gate judged %q", name, m.To, m.Judged)
	}
}

// try tries all tricks at a route, alone and with a gate, and returns those by
// which the server alone was made to send.
func try(t *testing.T, gate *authapp.Gate, receiver *authapp.Receiver, addr string, route *authapp.Route) (alone map[string]bool) {
	t.Helper()
	return tryWith(t, gate, receiver, addr, route, someone)
}

// tryWith is try with the number that gets the message of a plain request, or by
// which the server finds out which does.
func tryWith(t *testing.T, gate *authapp.Gate, receiver *authapp.Receiver, addr string, route *authapp.Route, number string) (alone map[string]bool) {
	t.Helper()
	mustSend(t, gate, receiver, route, number)
	tricks, through := route.Tricks(number, somebody), 0
	names := make([]string, len(tricks))
	alone = make(map[string]bool)
	for i, trick := range tricks {
		names[i] = route.Path + " " + route.Key + " " + route.Form + ", " + trick.Name
		r := renewed(trick.Request)
		r.Send(t, addr, authapp.HeaderRequest+": alone, "+names[i])
		if len(receiver.Of("alone, "+names[i])) > 0 {
			alone[trick.Name] = true
		}
	}
	before := len(receiver.Messages())
	for i := range tricks {
		r := renewed(tricks[i].Request)
		through += judged(t, gate, receiver, &r, names[i])
	}
	// A request that is hidden in another has no name.
	for _, m := range receiver.Messages()[before:] {
		if m.Request == "" {
			asJudged(t, gate, &m, "a hidden request")
		}
	}
	t.Logf("%s: of %d tricks %d make the server send, and %d with a gate, which judged the number", route.Path, len(tricks), len(alone), through)
	return alone
}
