package redisledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

func try(t testing.TB, l ledger.Ledger, charges ...ledger.Charge) error {
	t.Helper()
	var a ledger.Answer
	err := l.Reserve(background, time.Now(), newID(), charges, &a)
	if err != nil && (!a.Refused || a.Short.Tally != nil) {
		t.Errorf("refused %t by %v with error %v, want refused by nobody", a.Refused, a.Short.Tally, err)
	}
	return err
}

// A server that answers and takes nothing is as good as away: a gate goes on
// by itself, until the server takes what it is told.
func TestServerThatRefuses(t *testing.T) {
	for _, refusing := range []struct {
		name       string
		args       []string
		begin, end func(t testing.TB, s *redistest.Server)
		want       string
	}{
		{"out of memory", nil, func(_ testing.TB, s *redistest.Server) {
			s.Do("CONFIG", "SET", "maxmemory", "1")
		}, func(_ testing.TB, s *redistest.Server) {
			s.Do("CONFIG", "SET", "maxmemory", "0")
		}, ledger.ErrFull.Error()},
		{"a replica", nil, func(_ testing.TB, s *redistest.Server) {
			s.Do("REPLICAOF", "127.0.0.1", 1)
		}, func(_ testing.TB, s *redistest.Server) {
			s.Do("REPLICAOF", "NO", "ONE")
		}, "the server is a replica, and the address has to lead to the master"},
		{"too few replicas", nil, func(_ testing.TB, s *redistest.Server) {
			s.Do("CONFIG", "SET", "min-replicas-to-write", 1)
		}, func(_ testing.TB, s *redistest.Server) {
			s.Do("CONFIG", "SET", "min-replicas-to-write", 0)
		}, "the server has fewer replicas than its min-replicas-to-write"},
		{"no snapshot", []string{"--dbfilename", "taken"}, func(t testing.TB, s *redistest.Server) {
			if err := os.Mkdir(filepath.Join(s.Dir, "taken"), 0o700); err != nil {
				t.Fatal(err)
			}
			s.Do("CONFIG", "SET", "save", "3600 1")
			s.Do("BGSAVE")
			eventually(t, "the snapshot has failed", func() bool {
				info, _ := s.Do("INFO", "persistence").(string)
				return strings.Contains(info, "rdb_last_bgsave_status:err")
			})
		}, func(_ testing.TB, s *redistest.Server) {
			s.Do("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
		}, "the server can not write its snapshot, and takes nothing until it can"},
		{"loading", []string{"--appendonly", "yes", "--appendfsync", "always", "--rdbcompression", "no"}, func(t testing.TB, s *redistest.Server) {
			for i := range 100 {
				s.Do("SET", i, strings.Repeat("x", 1000))
			}
			s.Do("BGREWRITEAOF")
			eventually(t, "the file is written", func() bool {
				info, _ := s.Do("INFO", "persistence").(string)
				return strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0")
			})
			s.Kill()
			s.RestartLoading(50 * time.Millisecond)
		}, func(testing.TB, *redistest.Server) {}, "LOADING"},
	} {
		t.Run(refusing.name, func(t *testing.T) {
			s := redistest.Start(t, refusing.args...)
			url := "redis://" + s.Addr + "?timeout=2s"
			f := gate(t, 2, url)
			admitted(t, f, of(phones, 1))
			refusing.begin(t, s)
			var err error
			eventually(t, "the server is asked", func() bool { // not one that was connected before, nor one that has given up
				err = try(t, open(t, url, ""), of(phones, 2))
				return err != nil && !errors.Is(err, redisledger.ErrUncertain) && !errors.Is(err, redisledger.ErrAway)
			})
			if !strings.Contains(err.Error(), refusing.want) || errors.Is(err, ledger.ErrFull) != (refusing.name == "out of memory") {
				t.Errorf("error %v, want %q", err, refusing.want)
			}
			refused(t, f, of(phones, 1))
			admitted(t, f, of(phones, 3))
			refused(t, f, of(phones, 3))
			if stats := f.Stats(); !stats.Alone || stats.Waiting != 1 {
				t.Errorf("stats %+v", stats)
			}
			refusing.end(t, s)
			together(t, []*redisledger.Fallback{f})
			l := open(t, url, "")
			refused(t, l, of(phones, 3))
			admitted(t, l, of(phones, 4))
		})
	}
}

// What the server's user may not do is said, with all that it needs.
func TestPermissions(t *testing.T) {
	s := redistest.Start(t)
	all := []string{"+eval", "+evalsha", "+time", "+get", "+mget", "+set", "+psetex", "+setrange", "+del", "+info", "+wait"}
	setUser := func(without, keys string) {
		args := []any{"ACL", "SETUSER", "gate", "reset", "on", ">s3cr3t:/@", keys}
		for _, rule := range all {
			if rule != without {
				args = append(args, rule)
			}
		}
		s.Do(args...)
	}
	url := "redis://gate:s3cr3t%3A%2F%40@" + s.Addr + "?timeout=2s"
	several := tally("several", ledger.Sends, limit(60, time.Hour))
	use := func(t *testing.T, options string) error {
		t.Helper()
		l := open(t, url+options, "")
		for i, o := range []ledger.Outcome{ledger.Verified, ledger.NotSent, ledger.NotSent} {
			id := newID()
			var a ledger.Answer
			if err := l.Reserve(background, time.Now(), id, []ledger.Charge{of(several, uint64(i/2))}, &a); err != nil {
				return err
			}
			if err := l.Settle(background, time.Now(), id, o); err != nil {
				return err
			}
		}
		return nil
	}
	for _, rule := range all {
		t.Run("without "+rule[1:], func(t *testing.T) {
			setUser(rule, "~{otp:gate}*")
			options := ""
			if rule == "+wait" {
				options = "&wait_replicas=1"
			}
			err := use(t, options)
			if err == nil || !strings.Contains(err.Error(), "the server's user lacks a permission, it needs +eval +evalsha") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("other keys", func(t *testing.T) {
		setUser("", "~{otp:signup}*")
		if err := use(t, ""); err == nil || !strings.Contains(err.Error(), "lacks a permission") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("all that is needed", func(t *testing.T) {
		setUser("+wait", "~{otp:gate}*")
		if err := use(t, ""); err != nil {
			t.Error(err)
		}
		f := gate(t, 0, url)
		admitted(t, f, of(phones, 1000))
		if stats := f.Stats(); stats.Alone {
			t.Errorf("stats %+v", stats)
		}
		eventually(t, "the gate is announced", func() bool { return f.Stats().Gates == 1 })
	})
	t.Run("a wrong password", func(t *testing.T) {
		for _, url := range []string{"redis://gate:wrong-s3cr3t@" + s.Addr, "redis://nobody:s3cr3t@" + s.Addr} {
			l := open(t, url, "")
			err := try(t, l, of(phones, 1))
			if err == nil || !strings.Contains(err.Error(), "the server does not take the user and password of the address") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("error %v, want one without the password", err)
			}
			if s := l.String(); strings.Contains(s, "s3cr3t") || strings.Contains(s, "gate:") {
				t.Errorf("the address reads %q", s)
			}
		}
	})
	t.Run("no password", func(t *testing.T) {
		s := redistest.Start(t, "--requirepass", "s3cr3t")
		if err := try(t, open(t, "redis://"+s.Addr+"?timeout=2s", ""), of(phones, 1)); err == nil || !strings.Contains(err.Error(), "does not take the user and password") {
			t.Errorf("error %v", err)
		}
		admitted(t, open(t, "redis://:s3cr3t@"+s.Addr+"?timeout=2s", ""), of(phones, 1))
	})
}

// Databases and names keep ledgers apart.
func TestDatabases(t *testing.T) {
	s := redistest.Start(t)
	for _, where := range []struct{ url, name string }{{"", ""}, {"/0", "other"}, {"/1", ""}, {"/15", "other"}} {
		l := open(t, "redis://"+s.Addr+where.url+"?timeout=2s", where.name)
		admitted(t, l, of(phones, 1))
		refused(t, l, of(phones, 1))
	}
	if err := try(t, open(t, "redis://"+s.Addr+"/16", ""), of(phones, 1)); err == nil || !strings.Contains(err.Error(), "DB index is out of range") {
		t.Errorf("error %v", err)
	}
}
