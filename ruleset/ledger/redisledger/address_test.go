package redisledger

import (
	"strings"
	"testing"
	"time"
)

func TestAddress(t *testing.T) {
	for _, row := range []struct {
		name, in, out string
		check         func(a *address) bool
	}{
		{"shortest", "redis://localhost", "redis://localhost:6379/0", func(a *address) bool { return a.timeout == 50*time.Millisecond && a.pipeline }},
		{"all of it", "redis://u:p%40ss@h:7000/3?timeout=80ms&dial_timeout=1s&pool_size=5&pipeline=off&wait_replicas=1", "redis://h:7000/3",
			func(a *address) bool {
				return a.user == "u" && a.password == "p@ss" && a.db == 3 && a.timeout == 80*time.Millisecond && a.dialTimeout == time.Second &&
					a.pool == 5 && !a.pipeline && a.waitReplicas == 1
			}},
		{"password only", "redis://:p:q@h", "redis://h:6379/0", func(a *address) bool { return a.user == "" && a.password == "p:q" }},
		{"v6", "redis://[2001:db8::1]:7000/0", "redis://[2001:db8::1]:7000/0", nil},
		{"v6 without port", "redis://[2001:db8::1]", "redis://[2001:db8::1]:6379/0", nil},
		{"tls", "rediss://h?ca=a&cert=b&key=c&server_name=d", "rediss://h:6379/0", func(a *address) bool { return a.ca == "a" && a.cert == "b" && a.key == "c" && a.serverName == "d" }},
		{"sentinel", "redis+sentinel://u:p@h1,h2:1234/main/2?sentinel_user=s&sentinel_password=t", "redis+sentinel://h1:26379,h2:1234/main/2",
			func(a *address) bool {
				return a.master == "main" && a.db == 2 && a.sentinelUser == "s" && a.sentinelPassword == "t"
			}},
		{"cluster", "rediss+cluster://h1,h2:7001?spread=16", "rediss+cluster://h1:6379,h2:7001", func(a *address) bool { return a.spread == 16 }},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, err := parseAddress(row.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.String(); got != row.out {
				t.Errorf("reads %q, want %q", got, row.out)
			}
			if row.check != nil && !row.check(a) {
				t.Errorf("read as %+v", a)
			}
		})
	}
}

const acceptedOptions = "unknown option in the address: want ca, cert, dial_timeout, key, pipeline, pool_size, sentinel_password, sentinel_user, server_name, spread, timeout or wait_replicas"

var badAddresses = []struct{ name, in, want string }{
	{"empty", "", "the address has to begin with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://"},
	{"scheme", "http://u:s3cr3t@h", "the address has to begin with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://"},
	{"no host", "redis://u:s3cr3t@", "the address has no host"},
	{"port", "redis://u:s3cr3t@h:s3cr3t", "a host of the address is malformed: want host, host:port, or [v6]:port"},
	{"colons", "redis://s3cr3t:s3cr3t:s3cr3t", "a host of the address is malformed: want host, host:port, or [v6]:port"},
	{"at", "redis://u:s3@cr3t@h", "user or password is not escaped: write %40 for @, %3A for :, %2F for /, %3F for ? and %25 for %"},
	{"percent", "redis://u:s3cr3t%@h", "user or password is not escaped: write %40 for @, %3A for :, %2F for /, %3F for ? and %25 for %"},
	{"hosts", "redis://h1,h2", "the address has several hosts: for that it has to begin with redis+sentinel:// or redis+cluster://"},
	{"master", "redis+sentinel://h", "the address does not name the master: want redis+sentinel://host1,host2/master"},
	{"database", "redis://h/s3cr3t", "the database in the address is not a number"},
	{"cluster's database", "redis+cluster://h/1", "a cluster has only the database 0"},
	{"unknown", "redis://h?s3cr3t=s3cr3t", acceptedOptions},
	{"twice", "redis://h?timeout=50ms&timeout=60ms", "option timeout is given twice"},
	{"timeout", "redis://h?timeout=1h", "option timeout: want a duration of 1ms to 5s"},
	{"pool", "redis://h?pool_size=0", "option pool_size: want a number of 1 to 10000"},
	{"pipeline", "redis://h?pipeline=yes", "option pipeline: want on or off"},
	{"spread", "redis://h?spread=8", "option spread: is only for redis+cluster://"},
	{"spread of one", "redis+cluster://h?spread=1", "option spread: want a number of 2 to 64"},
	{"ca", "redis://h?ca=x", "option ca: is for TLS: the address has to begin with rediss"},
	{"cert alone", "rediss://h?cert=x", "options cert and key go together"},
	{"sentinel's", "redis://h?sentinel_password=s3cr3t", "option sentinel_password: is only for redis+sentinel://"},
}

func TestBadAddress(t *testing.T) {
	for _, row := range badAddresses {
		t.Run(row.name, func(t *testing.T) {
			_, err := parseAddress(row.in)
			if err == nil || err.Error() != row.want {
				t.Errorf("%v\nwant %s", err, row.want)
			}
		})
	}
}

// No error and no String repeats a secret.
func FuzzAddress(f *testing.F) {
	for _, row := range badAddresses {
		f.Add(row.in)
	}
	f.Add("redis+sentinel://u:s3cr3t@h1,h2/main/0?sentinel_password=s3cr3t")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(s)
		if err != nil {
			if strings.Contains(s, "s3cr3t") && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%v", err)
			}
			return
		}
		if a.password != "" && len(a.password) > 8 && strings.Contains(a.String(), a.password) {
			t.Errorf("%s has the password", a)
		}
		if _, err := parseAddress(a.String()); err != nil {
			t.Errorf("%s does not read back: %v", a, err)
		}
	})
}

func TestOpenDoesNotConnect(t *testing.T) {
	for _, url := range []string{"redis://192.0.2.1", "redis+sentinel://192.0.2.1/main", "redis+cluster://192.0.2.1"} {
		start := time.Now()
		l, err := Open(Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("%s took %s", url, took)
		}
	}
	if _, err := Open(Config{URL: "redis://h", Name: "a{b}"}); err == nil {
		t.Error("a name with braces is accepted")
	}
}
