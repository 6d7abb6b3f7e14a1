package human

import (
	"strings"
	"testing"
	"time"
)

func TestConfigProblems(t *testing.T) {
	const hostnameWant = `hostnames: want a name like login.example.com or *.example.com: no scheme, port or path, and international names in their xn-- form`
	const actionWant = `action: want at most 32 letters, digits, hyphens and underscores`
	tests := []struct {
		name string
		cfg  TurnstileConfig
		want string // "" is accepted
	}{
		{"secret alone", TurnstileConfig{}, ""},
		{"everything", TurnstileConfig{URL: SiteverifyURL, Timeout: time.Second, Hostnames: []string{"a.example.com", "*.example.com", "localhost", "127.0.0.1"}, Action: "send_OTP-1", MaxAge: time.Minute}, ""},
		{"no secret", TurnstileConfig{Secret: "-"}, "secret: is missing"},
		{"secret with a line break", TurnstileConfig{Secret: "0x4AAAA\n"}, "secret: has white space around it"},
		{"secret not replaced", TurnstileConfig{Secret: "{$TURNSTILE_SECRET}"}, "secret: has a placeholder in it that nothing replaced"},
		{"secret of a shell", TurnstileConfig{Secret: "$TURNSTILE_SECRET"}, "secret: has a placeholder in it that nothing replaced"},
		{"secret too long", TurnstileConfig{Secret: strings.Repeat("a", 257)}, "secret: is longer than 256 characters"},
		{"secret with a space", TurnstileConfig{Secret: "0x4 AAAA"}, "secret: has characters that no secret has"},
		{"secret not ASCII", TurnstileConfig{Secret: "0x4ÄÄÄÄ"}, "secret: has characters that no secret has"},
		{"test sitekey", TurnstileConfig{Secret: "1x00000000000000000000AA"}, "secret: is one of Cloudflare's test sitekeys; the test secret has 35 characters"},
		{"url by http", TurnstileConfig{URL: "http://siteverify.example.com/"}, "url: must be https, since the secret is sent to it; http is for loopback addresses"},
		{"url by http, nearly loopback", TurnstileConfig{URL: "http://127.0.0.1.example.com/"}, "url: must be https, since the secret is sent to it; http is for loopback addresses"},
		{"url by http to loopback", TurnstileConfig{URL: "http://127.0.0.1:8080/"}, ""},
		{"url by http to IPv6 loopback", TurnstileConfig{URL: "http://[::1]:8080/"}, ""},
		{"url by http to localhost", TurnstileConfig{URL: "http://localhost/"}, ""},
		{"url of another scheme", TurnstileConfig{URL: "ftp://siteverify.example.com/"}, "url: must be https"},
		{"url without a host", TurnstileConfig{URL: "https://:443/"}, "url: want an absolute url like " + SiteverifyURL},
		{"url relative", TurnstileConfig{URL: "/siteverify"}, "url: want an absolute url like " + SiteverifyURL},
		{"url broken", TurnstileConfig{URL: "https://ex ample/%zz"}, "url: want an absolute url like " + SiteverifyURL},
		{"url with a password", TurnstileConfig{URL: "https://me:pass@siteverify.example.com/"}, "url: must have no user, query or fragment"},
		{"url with a query", TurnstileConfig{URL: SiteverifyURL + "?secret=a"}, "url: must have no user, query or fragment"},
		{"timeout negative", TurnstileConfig{Timeout: -1}, "timeout: want more than 0s and at most 30s, not -1ns"},
		{"timeout too long", TurnstileConfig{Timeout: time.Minute}, "timeout: want more than 0s and at most 30s, not 1m0s"},
		{"hostname with a scheme", TurnstileConfig{Hostnames: []string{"https://example.com"}}, hostnameWant},
		{"hostname with a port", TurnstileConfig{Hostnames: []string{"example.com:443"}}, hostnameWant},
		{"hostname empty", TurnstileConfig{Hostnames: []string{""}}, hostnameWant},
		{"hostname with a last dot", TurnstileConfig{Hostnames: []string{"example.com."}}, hostnameWant},
		{"hostname not ASCII", TurnstileConfig{Hostnames: []string{"bücher.example"}}, hostnameWant},
		{"wildcard alone", TurnstileConfig{Hostnames: []string{"*"}}, hostnameWant},
		{"wildcard inside", TurnstileConfig{Hostnames: []string{"a.*.example.com"}}, hostnameWant},
		{"wildcard of a part", TurnstileConfig{Hostnames: []string{"a*.example.com"}}, hostnameWant},
		{"wildcard twice", TurnstileConfig{Hostnames: []string{"*.*.example.com"}}, hostnameWant},
		{"wildcard of a top level", TurnstileConfig{Hostnames: []string{"*.com"}}, `hostnames: a "*." needs at least two labels behind it, as in *.example.com`},
		{"wildcard of an address", TurnstileConfig{Hostnames: []string{"*.192.0.2.1"}}, `hostnames: a "*." cannot stand before an address`},
		{"action with a space", TurnstileConfig{Action: "send otp"}, actionWant},
		{"action too long", TurnstileConfig{Action: strings.Repeat("a", 33)}, actionWant},
		{"age negative", TurnstileConfig{MaxAge: -time.Second}, "max_age: want more than 0s and at most 5m0s, which is all that Cloudflare lets a token live, not -1s"},
		{"age too great", TurnstileConfig{MaxAge: time.Hour}, "max_age: want more than 0s and at most 5m0s, which is all that Cloudflare lets a token live, not 1h0m0s"},
		{"several", TurnstileConfig{Secret: "-", Timeout: -1, Action: "?"}, "secret: is missing\ntimeout: want more than 0s and at most 30s, not -1ns\n" + actionWant},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			switch tt.cfg.Secret {
			case "":
				tt.cfg.Secret = "0x4AAAAAAASecret"
			case "-":
				tt.cfg.Secret = ""
			}
			v, err := NewTurnstile(tt.cfg)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got error\n%s\nwant\n%s", got, tt.want)
			}
			if (v == nil) != (err != nil) {
				t.Errorf("verifier %v with error %v", v, err)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	v, err := NewTurnstile(TurnstileConfig{Secret: "0x4AAAAAAASecret"})
	if err != nil {
		t.Fatal(err)
	}
	if v.url.String() != SiteverifyURL || v.timeout != 3*time.Second || v.maxAge != 300*time.Second || v.transport == nil {
		t.Errorf("got %v, %v, %v", v, v.timeout, v.maxAge)
	}
}

func TestHostnames(t *testing.T) {
	h, err := newHostnames([]string{"Login.Example.com", "*.app.example.com", "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"login.example.com":             true,
		"LOGIN.EXAMPLE.COM":             true,
		"localhost":                     true,
		"eu.app.example.com":            true,
		"EU.app.example.com":            true,
		"xn--bcher-kva.app.example.com": true,
		"":                              false,
		"example.com":                   false,
		"login.example.com.":            false,
		"login.example.com:443":         false,
		"xlogin.example.com":            false,
		"login.example.com.evil.net":    false,
		"app.example.com":               false,
		".app.example.com":              false,
		"*.app.example.com":             false,
		"a.b.app.example.com":           false,
		"evil.net/.app.example.com":     false,
		"evil app.app.example.com":      false,
		"xapp.example.com":              false,
		"-.app.example.com":             false,
		"ſ.app.example.com":             false, // long s, which folds to s
		"login.example.com\x00":         false,
	} {
		if got := h.accept(host); got != want {
			t.Errorf("accept(%q) is %v, want %v", host, got, want)
		}
	}
	none, err := newHostnames(nil)
	if err != nil || !none.accept("anything") || !none.accept("") {
		t.Error("no hostnames must accept all")
	}
}
