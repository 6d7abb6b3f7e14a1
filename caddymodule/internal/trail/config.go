// Package trail follows requests through the routes of a configuration of
// Caddy, and tells which apps they can come to, and past which gates. No server
// runs for that, nothing is opened, and nothing is asked.
//
// Methods, hosts and paths are matched, and rewritten, by Caddy's own code. What
// else a configuration looks at (headers, queries, addresses, files, what an app
// has answered) is for others to choose, so that both ways are followed.
//
// It does not see what a handler does that is not Caddy's own: it is taken for
// one that passes requests on, but for those that are known to be apps.
package trail

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Server is one server of a configuration.
type Server struct {
	Name   string
	Listen []string
	// Hosts are those that its routes tell apart, in order.
	Hosts []string
	Gates []*Gate

	routes, errors  []route
	named           map[string]route
	prefixes, paths []landmark
	rewrites        []landmark
	maps            map[string]*Map
}

// Map is what there is at one host of a server.
type Map struct {
	// Prefixes are those that routes take off paths, in order.
	Prefixes []string
	// Paths are the patterns that routes look for, in order.
	Paths    []string
	Rewrites bool // some routes change paths
	Gates    []*Gate

	routes, errors []route
}

// landmark is something that stands in the routes, and what has to match for it
// to be reached.
type landmark struct {
	name   string
	around []matcherSets
}

// Gate is one handler that judges requests.
type Gate struct {
	Raw    json.RawMessage // its configuration
	Server *Server
	Place  string // in the configuration
	// Paths are the patterns of which some have to match, for it to be reached.
	Paths []string

	landmark
}

// Servers reads the servers of a configuration. The handlers of that name are
// the gates.
func Servers(config json.RawMessage, gate string) ([]*Server, error) {
	var all struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Listen []string   `json:"listen"`
					Routes []rawRoute `json:"routes"`
					Errors struct {
						Routes []rawRoute `json:"routes"`
					} `json:"errors"`
					Named map[string]rawRoute `json:"named_routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	var servers []*Server
	for _, name := range slices.Sorted(maps.Keys(all.Apps.HTTP.Servers)) {
		raw := all.Apps.HTTP.Servers[name]
		s := &Server{Name: name, Listen: raw.Listen, named: make(map[string]route), maps: make(map[string]*Map)}
		r := &reader{ctx: ctx, gate: gate, server: s}
		s.routes = r.routes(raw.Routes, name+"/routes")
		s.errors = r.routes(raw.Errors.Routes, name+"/errors/routes")
		for _, n := range slices.Sorted(maps.Keys(raw.Named)) {
			s.named[n] = r.route(raw.Named[n], name+"/named_routes/"+n)
		}
		if r.err != nil {
			return nil, fmt.Errorf("server %s: %w", name, r.err)
		}
		slices.Sort(s.Hosts)
		s.Hosts = slices.Compact(s.Hosts)
		servers = append(servers, s)
	}
	return servers, nil
}

// At returns what there is at a host; "" is one that no route knows.
func (s *Server) At(host string) *Map {
	if m := s.maps[host]; m != nil {
		return m
	}
	w := s.walk(Request{http.MethodGet, host, "/"}, nil)
	here := func(marks []landmark) (names []string) {
		for _, mark := range marks {
			if mark.stands(w) {
				names = append(names, mark.name)
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	elsewhere := func(r route) bool { return !r.match.hostsOnly(w) }
	m := &Map{
		Prefixes: here(s.prefixes), Paths: here(s.paths), Rewrites: len(here(s.rewrites)) > 0,
		routes: slices.DeleteFunc(slices.Clone(s.routes), elsewhere),
		errors: slices.DeleteFunc(slices.Clone(s.errors), elsewhere),
	}
	for _, gate := range s.Gates {
		if gate.stands(w) {
			m.Gates = append(m.Gates, gate)
		}
	}
	s.maps[host] = m
	return m
}

// stands reports whether something is for requests to the host of w.
func (l *landmark) stands(w *walk) bool {
	return !slices.ContainsFunc(l.around, func(s matcherSets) bool { return !s.hostsOnly(w) })
}

// Public reports whether others than this machine's own processes can come to s.
func (s *Server) Public() bool {
	return len(s.Listen) == 0 || slices.ContainsFunc(s.Listen, func(address string) bool {
		a, err := caddy.ParseNetworkAddress(address)
		return err != nil || !a.IsUnixNetwork() && !loopback(a.Host)
	})
}

// Is reports whether s is what a leads to.
func (s *Server) Is(a *App) bool {
	return slices.ContainsFunc(s.Listen, func(address string) bool {
		at, err := caddy.ParseNetworkAddress(address)
		return err == nil && !at.IsUnixNetwork() && slices.ContainsFunc(a.keys, func(key string) bool {
			return key == addressKey(at.JoinHostPort(0)) || key == addressKey(":"+fmt.Sprint(at.StartPort))
		})
	})
}

// Site is what people call s at a host; "" is any host.
func (s *Server) Site(host string) string {
	port := "443"
	if len(s.Listen) > 0 {
		a, err := caddy.ParseNetworkAddress(s.Listen[0])
		if err != nil || a.IsUnixNetwork() {
			return s.Listen[0]
		}
		port = fmt.Sprint(a.StartPort)
	}
	switch {
	case host == "":
		return ":" + port
	case port == "443":
		return host
	case port == "80":
		return "http://" + host
	}
	return host + ":" + port
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}
