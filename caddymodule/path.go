package caddymodule

import (
	"context"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// matchPath returns what matches a pattern of paths as the path matcher of a
// Caddyfile does. A path that cannot be matched does not match.
func matchPath(pattern string) (func(*http.Request) bool, error) {
	m := caddyhttp.MatchPath{pattern}
	if err := m.Provision(caddy.Context{}); err != nil {
		return nil, err
	}
	return func(r *http.Request) bool {
		if _, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); !ok { // on the command line
			r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewEmptyReplacer()))
		}
		matches, err := m.MatchWithError(r)
		return err == nil && matches
	}, nil
}
