package redisledger

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// address is where a ledger is kept, as an operator writes it:
//
//	redis://user:password@host:6379/0?timeout=50ms
//	rediss://host:6380/0?ca=ca.pem&cert=client.pem&key=client.key
//	redis+sentinel://host1:26379,host2:26379/master/0
//	redis+cluster://host1:6379,host2:6379
//
// Every scheme has a twin with TLS: rediss, rediss+sentinel, rediss+cluster.
type address struct {
	kind           kind
	tls            bool
	user, password string
	hosts          []string
	master         string // of Sentinel
	db             int
	options
}

type kind uint8

const (
	single kind = iota
	sentinel
	cluster
)

// options follow the address as a query.
type options struct {
	timeout          time.Duration // of one call, all in all
	dialTimeout      time.Duration
	pool             int // connections; 0 is go-redis's own choice
	pipeline         bool
	spread           int // slots to spread over in a cluster; 0 is one tag
	waitReplicas     int
	ca, cert, key    string // files
	serverName       string
	sentinelUser     string
	sentinelPassword string
}

const (
	defaultTimeout = 50 * time.Millisecond
	// A server looks only ten times a second whether a WAIT is over.
	defaultReplicatedTimeout = 250 * time.Millisecond

	minTimeout = time.Millisecond
	maxTimeout = 5 * time.Second
	maxSpread  = 64
)

var schemes = map[string]address{
	"redis":           {kind: single},
	"rediss":          {kind: single, tls: true},
	"redis+sentinel":  {kind: sentinel},
	"rediss+sentinel": {kind: sentinel, tls: true},
	"redis+cluster":   {kind: cluster},
	"rediss+cluster":  {kind: cluster, tls: true},
}

// String is the address without its secrets.
func (a *address) String() string {
	var s strings.Builder
	for name, is := range schemes {
		if is.kind == a.kind && is.tls == a.tls {
			s.WriteString(name + "://")
		}
	}
	s.WriteString(strings.Join(a.hosts, ","))
	if a.kind == sentinel {
		s.WriteString("/" + a.master)
	}
	if a.kind != cluster {
		s.WriteString("/" + strconv.Itoa(a.db))
	}
	return s.String()
}

// parseAddress reads an address. Its errors do not repeat what they complain
// of, as that may be a part of a password; they say what would be accepted.
func parseAddress(s string) (*address, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	is, known := schemes[scheme]
	if !ok || !known {
		return nil, errors.New("the address has to begin with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://")
	}
	a := &is
	a.options = options{pipeline: true}

	rest, query, _ := strings.Cut(rest, "?")
	rest, path, hasPath := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		if err := a.parseUser(rest[:i]); err != nil {
			return nil, err
		}
		rest = rest[i+1:]
	}
	if err := a.parseHosts(rest); err != nil {
		return nil, err
	}
	if err := a.parsePath(path, hasPath); err != nil {
		return nil, err
	}
	if err := a.parseQuery(query); err != nil {
		return nil, err
	}
	return a, nil
}

// parseUser reads user:password, :password or user.
func (a *address) parseUser(s string) (err error) {
	user, password, _ := strings.Cut(s, ":")
	if a.user, err = url.PathUnescape(user); err == nil {
		a.password, err = url.PathUnescape(password)
	}
	if err != nil || strings.ContainsAny(s, "@") {
		return errors.New("user or password is not escaped: write %40 for @, %3A for :, %2F for /, %3F for ? and %25 for %")
	}
	return nil
}

var validHost = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func (a *address) parseHosts(s string) error {
	if s == "" {
		return errors.New("the address has no host")
	}
	port := "6379"
	if a.kind == sentinel {
		port = "26379"
	}
	for _, hostport := range strings.Split(s, ",") {
		host, p, err := net.SplitHostPort(hostport)
		if err != nil {
			host, p = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]"), port
			if strings.Contains(host, ":") && net.ParseIP(host) == nil {
				host = ""
			}
		}
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 || net.ParseIP(host) == nil && !validHost.MatchString(host) {
			return errors.New("a host of the address is malformed: want host, host:port, or [v6]:port")
		}
		a.hosts = append(a.hosts, net.JoinHostPort(host, p))
	}
	if a.kind == single && len(a.hosts) > 1 {
		return errors.New("the address has several hosts: for that it has to begin with redis+sentinel:// or redis+cluster://")
	}
	return nil
}

func (a *address) parsePath(path string, has bool) error {
	if a.kind == sentinel {
		a.master, path, _ = strings.Cut(path, "/")
		if a.master == "" {
			return errors.New("the address does not name the master: want redis+sentinel://host1,host2/master")
		}
	}
	if path == "" {
		return nil
	}
	n, err := strconv.ParseUint(path, 10, 16)
	if err != nil {
		return errors.New("the database in the address is not a number")
	}
	if a.kind == cluster && n != 0 {
		return errors.New("a cluster has only the database 0")
	}
	a.db = int(n)
	return nil
}

// setting reads one option of the query.
type setting struct {
	name string
	set  func(a *address, value string) error
}

var settings = []setting{
	{"ca", func(a *address, v string) error { a.ca = v; return a.needsTLS() }},
	{"cert", func(a *address, v string) error { a.cert = v; return a.needsTLS() }},
	{"dial_timeout", func(a *address, v string) error { return duration(v, &a.dialTimeout) }},
	{"key", func(a *address, v string) error { a.key = v; return a.needsTLS() }},
	{"pipeline", func(a *address, v string) error {
		a.pipeline = v == "on"
		if v != "on" && v != "off" {
			return errors.New("want on or off")
		}
		return nil
	}},
	{"pool_size", func(a *address, v string) error { return number(v, 1, 10000, &a.pool) }},
	{"sentinel_password", func(a *address, v string) error { a.sentinelPassword = v; return a.needs(sentinel) }},
	{"sentinel_user", func(a *address, v string) error { a.sentinelUser = v; return a.needs(sentinel) }},
	{"server_name", func(a *address, v string) error { a.serverName = v; return a.needsTLS() }},
	{"spread", func(a *address, v string) error {
		if err := a.needs(cluster); err != nil {
			return err
		}
		return number(v, 2, maxSpread, &a.spread)
	}},
	{"timeout", func(a *address, v string) error { return duration(v, &a.timeout) }},
	{"wait_replicas", func(a *address, v string) error { return number(v, 1, 10, &a.waitReplicas) }},
}

func (a *address) parseQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the options of the address are not escaped")
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(settings, func(s setting) bool { return s.name == name })
		if i < 0 {
			return fmt.Errorf("unknown option in the address: want %s", accepted())
		}
		if len(values[name]) > 1 {
			return fmt.Errorf("option %s is given twice", name)
		}
		if err := settings[i].set(a, values[name][0]); err != nil {
			return fmt.Errorf("option %s: %w", name, err)
		}
	}
	if (a.cert == "") != (a.key == "") {
		return errors.New("options cert and key go together")
	}
	if a.timeout == 0 && a.waitReplicas > 0 {
		a.timeout = defaultReplicatedTimeout
	} else if a.timeout == 0 {
		a.timeout = defaultTimeout
	}
	if a.dialTimeout == 0 {
		a.dialTimeout = max(a.timeout, 100*time.Millisecond)
	}
	return nil
}

func accepted() string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.name
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

func (a *address) needsTLS() error {
	if !a.tls {
		return errors.New("is for TLS: the address has to begin with rediss")
	}
	return nil
}

func (a *address) needs(k kind) error {
	if a.kind != k {
		return fmt.Errorf("is only for %s", map[kind]string{sentinel: "redis+sentinel://", cluster: "redis+cluster://"}[k])
	}
	return nil
}

func duration(value string, into *time.Duration) error {
	d, err := time.ParseDuration(value)
	if err != nil || d < minTimeout || d > maxTimeout {
		return fmt.Errorf("want a duration of %s to %s", minTimeout, maxTimeout)
	}
	*into = d
	return nil
}

func number(value string, least, most int, into *int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return fmt.Errorf("want a number of %d to %d", least, most)
	}
	*into = n
	return nil
}
