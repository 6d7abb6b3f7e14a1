package ruleset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
)

func TestNotesAreSealed(t *testing.T) {
	keys := NewKeys([]byte("one"))
	for _, m := range []remembered{
		{number: 14155550100, send: ledger.ID{1, 2}, sent: true},
		{number: 999999999999999, unclear: true},
		{mail: true, until: 1},
		{sent: true, until: 29_900_000},
	} {
		note := keys.seal("handle", m)
		if got, err := keys.unseal("handle", note); err != nil || got != m {
			t.Errorf("got %v, %v, want %v", got, err, m)
		}
		var number [8]byte
		binary.BigEndian.PutUint64(number[:], m.number)
		if m.number != 0 && bytes.Contains(note[:], number[3:]) {
			t.Error("the number stands in the note")
		}
		if _, err := keys.unseal("another", note); !errors.Is(err, errNote) {
			t.Errorf("another handle reads it: %v", err)
		}
		if _, err := NewKeys([]byte("two")).unseal("handle", note); !errors.Is(err, errNote) {
			t.Errorf("another secret reads it: %v", err)
		}
		if keys.seal("another", m) == note {
			t.Error("two handles of a number can be told to be")
		}
	}
}

// A handle is known under either secret.
func TestRecallUnderAnotherSecret(t *testing.T) {
	l := ledger.NewEmbedded()
	rules, problems := Compile("rules.yaml", []byte(smallest), nil, Wiring{Unwired: true})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	gate := func(secret string, also ...[]byte) *Gate {
		return NewGate(rules, nil, l, NewKeys([]byte(secret), also...))
	}
	now, ctx := time.Now(), context.Background()
	before := gate("old")
	m := remembered{number: 14155550100}
	if err := l.Remember(ctx, now, before.keys.Note("h"), before.keys.seal("h", m), time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		gate *Gate
		want bool
	}{
		"old": {before, true}, "new": {gate("new"), false}, "new and old": {gate("new", []byte("old")), true}, "old and new": {gate("old", []byte("new")), true},
	} {
		got, found, err := test.gate.recall(ctx, now, "h")
		if err != nil || found != test.want || found && got != m {
			t.Errorf("%s: %v, %v, %v", name, got, found, err)
		}
	}
}

// While a secret is exchanged some gates write under the old one and some under
// the new: what was forgotten under either is not known by the other, and what
// was learnt later counts.
func TestRecallOfTheLater(t *testing.T) {
	l := ledger.NewEmbedded()
	rules, problems := Compile("rules.yaml", []byte(smallest), nil, Wiring{Unwired: true})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	now, ctx := time.Now(), context.Background()
	end := now.Truncate(time.Minute).Add(time.Hour)
	before := NewGate(rules, nil, l, NewKeys([]byte("old"), []byte("new")))
	after := NewGate(rules, nil, l, NewKeys([]byte("new"), []byte("old")))
	first := remembered{number: 14155550100, sent: true, send: NewID(now)}
	forgotten := first
	forgotten.sent = false
	second := remembered{number: 14155550101, sent: true, send: NewID(now.Add(time.Second))}
	for i, step := range []struct {
		gate        *Gate
		write, want remembered
	}{
		{before, first, first},
		{after, forgotten, forgotten},
		{before, second, second},
		{after, second, second},
		{after, first, second}, // of a request that has taken its time
	} {
		if err := step.gate.remember(ctx, now, "h", step.write, end); err != nil {
			t.Fatal(err)
		}
		for _, g := range []*Gate{before, after} {
			got, found, err := g.recall(ctx, now, "h")
			if got.until = 0; err != nil || !found || got != step.want {
				t.Errorf("step %d: %+v %v %v, want %+v", i, got, found, err, step.want)
			}
		}
	}
}

// All spellings that apps take for one handle are one name.
func TestHandleNames(t *testing.T) {
	const id = "7e0051ba14b84d81bebb1cc06e6de876"
	for _, test := range []struct{ handle, want string }{
		{"7e0051ba-14b8-4d81-bebb-1cc06e6de876", id},
		{"7E0051BA-14B8-4D81-BEBB-1CC06E6DE876", id},
		{id, id},
		{"{7e0051ba-14b8-4d81-bebb-1cc06e6de876}", id},
		{"{7E0051BA14B84D81BEBB1CC06E6DE876}", id},
		{"urn:uuid:7e0051ba-14b8-4d81-bebb-1cc06e6de876", id},
		{"URN:UUID:7e0051ba14b84d81bebb1cc06e6de876", id},
		{"14155550101", "14155550101"},
		{"+1 415 555 0101", "14155550101"},
		{"+ 14155550101", "14155550101"},
		{"++14155550101", "++14155550101"},
		{"", ""}, {" ", " "}, {"+", "+"}, {"urn:uuid:", "urn:uuid:"}, {"{}", "{}"},
		{"Handle-1", "Handle-1"},
		{"7e0051ba-14b8-4d81-bebb-1cc06e6de87", "7e0051ba-14b8-4d81-bebb-1cc06e6de87"},
		{"7e0051ba-14b8-4d81-bebb-1cc06e6de87g", "7e0051ba-14b8-4d81-bebb-1cc06e6de87g"},
	} {
		if got := handleName(test.handle); got != test.want {
			t.Errorf("%q: %q, want %q", test.handle, got, test.want)
		}
	}
}
