package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
)

// A disk that fails is told once, and once more when it is well again.
func TestDiskWatch(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	w := diskWatch{dir: "/ledger", log: func() *zap.Logger { return zap.New(core) }}
	full, now := errors.New("no space left on device"), time.Now()
	for i, failing := range []error{nil, full, full, nil, nil, full} {
		w.look(failing, now.Add(time.Duration(i)*time.Second))
	}
	var got []string
	for _, e := range logs.All() {
		got = append(got, fmt.Sprint(e.Level, " ", e.Message, " ", e.ContextMap()))
	}
	want := []string{
		"error the ledger cannot be written: until it can, nothing that it would count is let through map[dir:/ledger error:no space left on device]",
		"info the ledger can be written again map[after:2s dir:/ledger]",
		"error the ledger cannot be written: until it can, nothing that it would count is let through map[dir:/ledger error:no space left on device]",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged\n%s", strings.Join(got, "\n"))
	}
}

// hanging is a ledger whose disk never answers.
type hanging struct{ redisledger.Own }

func (hanging) Reserve(ctx context.Context, _ time.Time, _ ledger.ID, _ []ledger.Charge, a *ledger.Answer) error {
	a.Refused = true
	<-ctx.Done()
	return ctx.Err()
}

// Nobody waits for a disk for ever, although the client would.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var a ledger.Answer
		err := bounded{hanging{}, patienceAlone}.Reserve(context.Background(), began, ledger.ID{1}, nil, &a)
		if !errors.Is(err, context.DeadlineExceeded) || !a.Refused || time.Since(began) != patienceAlone {
			t.Errorf("refused %t with %v after %v", a.Refused, err, time.Since(began))
		}
	})
}

// A directory is opened once for all who want it, and closed by the last of
// them; a request of a generation that has gone is still counted as long as
// the ledger is there.
func TestLease(t *testing.T) {
	place := ledgerPlace{engine: engineEmbedded, dir: filepath.Join(t.TempDir(), "ledger")}
	old, next := &lease{place: place}, &lease{place: place}
	opened := func(l *lease) *openLedger {
		t.Helper()
		o, err := l.open()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	entered := func(l *lease, want bool) {
		t.Helper()
		if got := l.enter(); got != want {
			t.Errorf("entered %t, want %t", got, want)
		}
	}
	inUse := func(want bool) {
		t.Helper()
		_, err := ledger.OpenEmbedded(place.dir)
		if errors.Is(err, ledger.ErrLocked) != want {
			t.Fatalf("opening it otherwise: %v", err)
		}
	}
	if opened(old) != opened(next) {
		t.Error("two ledgers in one directory")
	}
	entered(old, true)
	old.clean()
	old.leave()
	entered(old, true) // over a connection from before the reload
	next.clean()
	inUse(true)
	old.leave()
	entered(old, false)
	inUse(false)
	if _, err := next.open(); err != nil {
		t.Error(err) // it was open, and is not asked any more
	}
	if _, err := (&lease{place: place, cleaned: true}).open(); !errors.Is(err, errStopped) {
		t.Errorf("opened by a configuration that has been stopped: %v", err)
	}
}

func TestDoubts(t *testing.T) {
	for _, test := range []struct {
		name   string
		server redisledger.Server
		want   []string
	}{
		{"good", redisledger.Server{Version: "redis 7.0.15", Role: "master", Eviction: "noeviction", AppendOnly: true}, nil},
		{"nothing is known", redisledger.Server{}, nil},
		{"all is wrong", redisledger.Server{Version: "redis 7.0.15", Role: "slave", Eviction: "allkeys-lru"}, []string{"is a replica", "may evict keys (allkeys-lru)", "appendonly yes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := doubts(test.server)
			if len(got) != len(test.want) {
				t.Fatalf("got %q", got)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("got %q, want %q in it", got[i], want)
				}
			}
		})
	}
}
