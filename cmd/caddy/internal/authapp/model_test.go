package authapp

import (
	"strings"
	"testing"
)

const root = "../../../.."

// The models send wherever the real servers were seen to send because of what
// is in a request, and to the same number.
func TestModels(t *testing.T) {
	for _, server := range []struct {
		name  string
		start func(testing.TB, *Receiver) (addr string)
		least int // recordings that say something
	}{
		{"supabase", func(t testing.TB, r *Receiver) string { return StartGoTrue(t, "", false, r).Addr }, 10},
		{"kratos", func(t testing.TB, r *Receiver) string { return StartKratos(t, false, r).Addr }, 15},
	} {
		t.Run(server.name, func(t *testing.T) {
			receiver := StartReceiver(t)
			addr := server.start(t, receiver)
			pairs, tried := Pairs(t, root, server.name), 0
			for _, p := range pairs {
				// A number that is not in the request is not the model's to know.
				if len(p.SMS) != 1 || !strings.ContainsAny(p.Request.Body, "0123456789") || !strings.Contains(p.Request.Body, "415") {
					continue
				}
				if strings.Contains(p.Request.Body, "phone_change") {
					continue // it names another number
				}
				tried++
				r := p.As("")
				r.Send(t, addr, HeaderRequest+": "+p.Name)
				got := receiver.Of(p.Name)
				if len(got) != 1 || got[0].To != p.SMS[0].Phone {
					t.Errorf("%s: the model sends %+v, the server sent to %s", p.Name, got, p.SMS[0].Phone)
				}
			}
			if len(pairs) > 0 && tried < server.least {
				t.Errorf("only %d recordings say something", tried)
			}
		})
	}
}
