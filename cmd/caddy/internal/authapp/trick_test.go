package authapp

import (
	"strings"
	"testing"
)

// Each trick has a name of its own, and none is a plain request.
func TestTricksDiffer(t *testing.T) {
	r := Route{Path: "/api/auth/phone-number/send-otp", Query: "flow=1", Key: "phone", Rest: `"x":"y"`, Form: "x=y"}
	names, plain := make(map[string]bool), r.Plain("+14155550101")
	for _, trick := range r.Tricks("+14155550101", "+14155550102") {
		if names[trick.Name] {
			t.Errorf("two tricks are called %q", trick.Name)
		}
		names[trick.Name] = true
		if trick.Request == plain {
			t.Errorf("%q is the plain request", trick.Name)
		}
		if strings.ContainsAny(trick.Name, "\r\n") {
			t.Errorf("%q cannot be the name of a request", trick.Name)
		}
	}
}

// A trick with a body that nobody could read would be none.
func TestBrotli(t *testing.T) {
	const text = `{"phone":"+1"}`
	// What the reference decoder takes for the text.
	if got, want := brotli(text), "\xd0\x00\x10"+text+"\x03"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
