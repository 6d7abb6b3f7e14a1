package trail

import (
	"cmp"
	"encoding/json"
	"net"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// App is a handler that hands requests to an app.
type App struct {
	Handler string
	Dial    []string // the app's addresses, as they are written
	Place   string   // in the configuration

	keys []string
}

func appOf(name string, raw json.RawMessage, place string) *App {
	var fields struct {
		Upstreams []struct {
			Dial string `json:"dial"`
		} `json:"upstreams"`
		Dynamic json.RawMessage `json:"dynamic_upstreams"`
	}
	json.Unmarshal(raw, &fields) // Caddy itself objects
	a := &App{Handler: name, Place: place}
	for _, upstream := range fields.Upstreams {
		a.Dial = append(a.Dial, upstream.Dial)
		a.keys = append(a.keys, addressKey(upstream.Dial))
	}
	if len(fields.Dynamic) > 0 {
		a.keys = append(a.keys, string(fields.Dynamic))
	}
	if len(a.keys) == 0 {
		a.keys = []string{name}
	}
	return a
}

// String is how the handler is written, as in "reverse_proxy app:3000".
func (a *App) String() string { return strings.Join(append([]string{a.Handler}, a.Dial...), " ") }

// Is reports whether both can lead to the same app.
func (a *App) Is(b *App) bool {
	return slices.ContainsFunc(a.keys, func(key string) bool { return slices.Contains(b.keys, key) })
}

// Same reports whether both have the same addresses.
func (a *App) Same(b *App) bool { return slices.Equal(a.keys, b.keys) }

// addressKey is the same for the ways to write an address.
func addressKey(dial string) string {
	dial = strings.ToLower(caddy.NewReplacer().ReplaceKnown(dial, ""))
	host, port, err := net.SplitHostPort(dial)
	if err != nil {
		return dial
	}
	if host == "" || loopback(host) {
		host = "localhost"
	}
	return host + ":" + cmp.Or(port, "80")
}
