package caddymodule

import (
	"net/http/httptest"
	"testing"
)

func TestMatchPath(t *testing.T) {
	for _, row := range []struct {
		pattern, path string
		want          bool
	}{
		{"/auth/v1/otp", "/auth/v1/otp", true},
		{"/auth/v1/otp", "/auth/v1/OTP", true},
		{"/auth/v1/otp", "/auth/v1/x/../otp", true},
		{"/auth/v1/otp", "/auth/v1//otp", true},
		{"/auth/v1/otp", "/auth/v1/%6ftp", true},
		{"/auth/v1/otp", "/auth/v1/otp/", false},
		{"/auth/v1/otp", "/auth/v1/otp/x", false},
		{"/factors/*/challenge", "/factors/f1/challenge", true},
		{"/factors/*/challenge", "/factors/f1/f2/challenge", false},
		{"/factors/*/challenge", "/factors/challenge", false},
		{"/api/*", "/api/a/b", true},
		{"/api/*", "/apis", false},
	} {
		match, err := matchPath(row.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := match(httptest.NewRequest("POST", row.path, nil)); got != row.want {
			t.Errorf("%s %s: %t", row.pattern, row.path, got)
		}
	}
}
