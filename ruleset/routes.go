package ruleset

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/otpgate/otpgate/ruleset/request"
)

// Route is how requests of some shape come: a method, and a pattern of paths.
type Route struct {
	Method string
	Path   string
	// Within is the path without what stands before all paths of the preset's
	// app.
	Within string
}

// Preset is the name of the preset that the ruleset begins with; empty if there
// is none.
func (r *Ruleset) Preset() string {
	if r.settings.preset == nil {
		return ""
	}
	return r.settings.preset.name
}

// Sending are the routes by which the app is made to send, or told of a number
// that it sends to later, each once. Shapes that have no path are left out.
func (r *Ruleset) Sending() []Route {
	var routes []Route
	for _, s := range r.settings.shapes {
		if s.About != request.AboutPhone && s.About != request.AboutAccount {
			continue
		}
		for _, method := range s.Methods {
			for _, path := range s.paths {
				if route := r.route(method, path); !slices.Contains(routes, route) {
					routes = append(routes, route)
				}
			}
		}
	}
	return routes
}

// Denied are the routes by which the preset's app can be asked for anything, in
// a way that nobody reads but the app. No shape is for them.
func (r *Ruleset) Denied() []Route {
	if r.settings.preset == nil {
		return nil
	}
	var routes []Route
	for _, path := range r.settings.preset.deny {
		routes = append(routes, r.route(http.MethodPost, path), r.route(http.MethodGet, path))
	}
	return routes
}

// Verifying are the routes by which the preset's app takes codes.
func (r *Ruleset) Verifying() []Route {
	if r.settings.preset == nil {
		return nil
	}
	var routes []Route
	for _, v := range r.settings.preset.verify {
		routes = append(routes, r.route(string(v.method), v.path))
	}
	return routes
}

// Takes reports whether requests of that method and path can have a shape.
func (r *Ruleset) Takes(method, path string) bool {
	if r.shapes == nil {
		return true
	}
	q := &http.Request{Method: method, URL: &url.URL{Path: path}}
	return slices.ContainsFunc(r.settings.shapes, func(s shapeSettings) bool {
		return slices.Contains(s.Methods, method) && (s.Path == nil || s.Path(q))
	})
}

func (r *Ruleset) route(method string, path pathPattern) Route {
	route := Route{method, string(path), string(path)}
	if r.settings.preset != nil {
		if within, ok := strings.CutPrefix(route.Path, string(r.settings.preset.prefix)); ok && strings.HasPrefix(within, "/") {
			route.Within = within
		}
	}
	return route
}
