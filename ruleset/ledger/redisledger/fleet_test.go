package redisledger_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// authority makes certificates that servers and clients trust each other by.
// Files are the options of a client that has one.
func authority(t testing.TB) (k *redistest.TLS, files string) {
	t.Helper()
	dir := t.TempDir()
	var parent *x509.Certificate
	var parentKey *ecdsa.PrivateKey
	for i, name := range []string{"ca", "server", "client"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: i == 0, BasicConstraintsValid: true,
			KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if parent == nil {
			parent, parentKey = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := x509.MarshalPKCS8PrivateKey(key)
		os.WriteFile(filepath.Join(dir, name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
		os.WriteFile(filepath.Join(dir, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600)
	}
	pool := x509.NewCertPool()
	ca, _ := os.ReadFile(filepath.Join(dir, "ca.pem"))
	pool.AppendCertsFromPEM(ca)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key"))
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	return &redistest.TLS{
		Config: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
		CA:     in("ca.pem"), Cert: in("server.pem"), Key: in("server.key"),
	}, "&ca=" + in("ca.pem") + "&cert=" + in("client.pem") + "&key=" + in("client.key")
}

func TestTLS(t *testing.T) {
	k, files := authority(t)
	s := k.Start(t)
	l := open(t, "rediss://"+s.Addr+"?timeout=1s"+files, "")
	admitted(t, l, of(phones, 1))
	refused(t, l, of(phones, 1))
	certificate := files[strings.Index(files, "&cert="):]
	for name, url := range map[string]string{
		"no certificate": "rediss://" + s.Addr + "?ca=" + k.CA,
		"no authority":   "rediss://" + s.Addr + "?timeout=1s" + certificate,
		"another name":   "rediss://" + s.Addr + "?server_name=example.com" + files,
		"another host":   "rediss://localhost:" + strconv.Itoa(s.Port) + "?timeout=1s" + files,
		"no TLS":         "redis://" + s.Addr,
	} {
		var a ledger.Answer
		if err := open(t, url, "").Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, 2)}, &a); err == nil || !a.Refused {
			t.Errorf("%s: refused %t with %v", name, a.Refused, err)
		}
	}
	if _, err := redisledger.Open(redisledger.Config{URL: "rediss://h?ca=" + k.CA + "nothing"}); err == nil || !strings.Contains(err.Error(), "reading option ca") {
		t.Errorf("error %v", err)
	}
}

// All connections speak TLS: those to sentinels and to each server of a
// cluster, also after another has taken over.
func TestTLSFleets(t *testing.T) {
	t.Run("sentinel", func(t *testing.T) {
		k, files := authority(t)
		r := k.StartSentinel(t, 1)
		l := open(t, r.URL()+"?wait_replicas=1&timeout=2s"+files, "")
		admittedInTheEnd(t, l, of(phones, 1))
		master := r.Servers[0]
		master.Kill()
		r.WaitForMaster(t, master)
		after := open(t, r.URL()+"?timeout=2s"+files, "")
		refusedInTheEnd(t, after, of(phones, 1))
		admitted(t, after, of(phones, 2))
	})
	t.Run("cluster", func(t *testing.T) {
		k, files := authority(t)
		c := k.StartCluster(t, 3, 0)
		for _, spread := range []string{"", "&spread=8"} {
			l := open(t, c.URL()+"?timeout=2s"+files+spread, strings.Trim(spread, "&=8"))
			for key := range uint64(20) {
				admitted(t, l, of(phones, key))
				refused(t, l, of(phones, key))
			}
		}
		plain := strings.Replace(c.URL(), "rediss", "redis", 1)
		if l := open(t, plain+"?timeout=300ms", ""); answers(l, of(phones, 1)) {
			t.Error("a client without TLS was answered")
		}
	})
}

// A replica takes over. With wait_replicas, what was admitted is there.
func TestFailover(t *testing.T) {
	r := redistest.StartSentinel(t, 2)
	master := r.Servers[0]
	l := open(t, r.URL()+"?wait_replicas=2&timeout=2s", "")
	for key := range uint64(20) {
		admittedInTheEnd(t, l, of(phones, key))
	}
	master.Kill()
	r.WaitForMaster(t, master)
	eventually(t, "the new master is asked", func() bool { return answers(l, of(phones, 99)) })
	eventually(t, "nothing is in doubt", func() bool { return l.Stats().Cancelling == 0 })
	if stats := l.Stats(); stats.Lost == 0 {
		t.Errorf("a new server went unseen: %+v", stats)
	}
	after := open(t, r.URL()+"?timeout=2s", "") // only one replica is left to wait for
	for key := range uint64(20) {
		refusedInTheEnd(t, after, of(phones, key))
	}
	admitted(t, after, of(phones, 50))
}

// admittedInTheEnd tries again while a replica is too slow to say that it has
// what was written.
func admittedInTheEnd(t testing.TB, l *redisledger.Ledger, charges ...ledger.Charge) {
	t.Helper()
	eventually(t, "enough replicas have it", func() bool {
		var a ledger.Answer
		err := l.Reserve(background, time.Now(), newID(), charges, &a)
		if err != nil && !errors.Is(err, redisledger.ErrUncertain) && !errors.Is(err, redisledger.ErrAway) {
			t.Fatal(err)
		}
		return err == nil && !a.Refused // the uncertain ones are given back
	})
}

// refusedInTheEnd tries again while connections to a server that has gone are
// being closed.
func refusedInTheEnd(t testing.TB, l ledger.Ledger, charges ...ledger.Charge) {
	t.Helper()
	eventually(t, "there is an answer", func() bool {
		var a ledger.Answer
		err := l.Reserve(background, time.Now(), newID(), charges, &a)
		if err == nil && !a.Refused {
			t.Fatal("admitted, want refused")
		}
		return err == nil
	})
}

// Without wait_replicas, a replica that lacks the end is told by the gates,
// and until all have done so none of them believes it.
func TestFailoverWithoutTheEnd(t *testing.T) {
	r := redistest.StartSentinel(t, 1)
	master := r.Servers[0]
	all := gates(t, 2, r.URL()+"?timeout=2s")
	announced(t, all)
	admitted(t, all[0], of(phones, 1))
	admitted(t, all[1], of(phones, 2))
	eventually(t, "the replica has it", func() bool { return r.Servers[1].Do("DBSIZE").(int64) >= 6 })
	r.Servers[1].Do("REPLICAOF", "127.0.0.1", 1) // cut off
	for key := range uint64(20) {
		admitted(t, all[key%2], of(phones, 100+key))
	}
	master.Kill()
	r.WaitForMaster(t, master)
	together(t, all)
	other := open(t, r.URL()+"?timeout=2s", "")
	for key := range uint64(20) {
		refused(t, all[(key+1)%2], of(phones, 100+key))
		refusedInTheEnd(t, other, of(phones, 100+key))
	}
	refused(t, other, of(phones, 1))
	refused(t, other, of(phones, 2))
	for i, f := range all {
		if stats := f.Stats(); stats.Impatient != 0 || stats.Lost == 0 {
			t.Errorf("gate %d: %+v", i, stats)
		}
	}
}

func TestWaitForReplicas(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, "redis://"+s.Addr+"?wait_replicas=1&timeout=1s", "")
	var a ledger.Answer
	err := l.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, 1)}, &a)
	if !errors.Is(err, redisledger.ErrUncertain) || !a.Refused {
		t.Fatalf("without replicas: refused %t, %v", a.Refused, err)
	}
	sure := open(t, "redis://"+s.Addr, "")
	eventually(t, "it is given back", func() bool {
		return sure.Look(background, time.Now(), []ledger.Charge{of(phones, 1)}, &a) == nil && !a.Refused
	})
	if !l.Stats().Up {
		t.Errorf("the server is taken for dead after: %v", err)
	}
}

// A gate whose server waits for replicas in vain decides by itself, and the
// server is not taken for dead.
func TestFallbackWithoutReplicas(t *testing.T) {
	s := redistest.Start(t)
	f := gate(t, 2, "redis://"+s.Addr+"?wait_replicas=1&timeout=1s")
	four := tally("four", ledger.Sends, limit(4, time.Hour))
	if n := len(fill(t, f, of(four, 1))); n != 2 {
		t.Errorf("%d are admitted, want the share of 2", n)
	}
	strict := tally("strict", ledger.Sends, ledger.Limit{Name: "strict", Max: 5, Window: time.Hour, Away: ledger.Deny})
	if err := try(t, f, of(strict, 1)); !errors.Is(err, redisledger.ErrAway) {
		t.Errorf("error %v, want ErrAway", err)
	}
	if stats := f.Stats(); stats.Alone || !stats.Up || stats.Decided == 0 {
		t.Errorf("stats %+v", stats)
	}
	l := open(t, "redis://"+s.Addr+"?timeout=1s", "")
	eventually(t, "what was refused is given back", func() bool { return f.Stats().Cancelling == 0 })
	if n := len(fill(t, l, of(four, 1))); n != 2 {
		t.Errorf("%d more are admitted, want 2", n)
	}
}

func TestClusterLosesAMaster(t *testing.T) {
	c := redistest.StartCluster(t, 3, 1)
	const options = "?wait_replicas=1&timeout=2s"
	tag, spread := open(t, c.URL()+options, "lose"), open(t, c.URL()+options+"&spread=8", "lose-spread")
	both := []*redisledger.Ledger{tag, spread}
	// With the master the only replica of its slots goes, so what is asked
	// afterwards does not wait for one.
	after := []*redisledger.Ledger{open(t, c.URL()+"?timeout=2s", "lose"), open(t, c.URL()+"?timeout=2s&spread=8", "lose-spread")}
	for _, l := range both {
		for key := range uint64(20) {
			admittedInTheEnd(t, l, of(phones, key), of(wide, 0))
		}
	}
	_, master := c.Slot("{otp:lose}")
	master.Kill()
	for _, l := range after {
		eventually(t, "another master is asked", func() bool {
			for key := range uint64(20) { // in all slots
				if !answers(l, of(phones, key)) {
					return false
				}
			}
			return true
		})
		for key := range uint64(20) {
			refusedInTheEnd(t, l, of(phones, key), of(wide, 0))
		}
	}
}

// Whatever happens to the servers while three gates are busy: none of the
// limits is exceeded by more than the shares of the others, and in the end the
// server knows of everything.
func TestUnderLoad(t *testing.T) {
	single := func(s *redistest.Server) string { return "redis://" + s.Addr }
	durable := []string{"--appendonly", "yes", "--appendfsync", "always"}
	for _, load := range []struct {
		name  string
		start func(t testing.TB) (url string, disturb func())
	}{
		{"killed and restarted", func(t testing.TB) (string, func()) {
			s := redistest.Start(t, durable...)
			return single(s), func() { s.Kill(); time.Sleep(200 * time.Millisecond); s.Restart() }
		}},
		{"hung", func(t testing.TB) (string, func()) {
			s := redistest.Start(t)
			return single(s), func() { s.Pause(); time.Sleep(200 * time.Millisecond); s.Resume() }
		}},
		{"emptied", func(t testing.TB) (string, func()) {
			s := redistest.Start(t)
			return single(s), func() { s.Do("FLUSHALL") }
		}},
		{"restarted with nothing", func(t testing.TB) (string, func()) {
			s := redistest.Start(t)
			return single(s), func() { s.Kill(); s.Restart() }
		}},
		{"fail-over", func(t testing.TB) (string, func()) {
			r := redistest.StartSentinel(t, 1)
			return r.URL(), func() { r.Servers[0].Kill(); r.WaitForMaster(t, r.Servers[0]) }
		}},
		{"a promotion in a cluster", func(t testing.TB) (string, func()) {
			c := redistest.StartCluster(t, 3, 1)
			_, master := c.Slot("{otp:gate}")
			return c.URL(), master.Kill
		}},
		{"a promotion in a cluster, spread", func(t testing.TB) (string, func()) {
			c := redistest.StartCluster(t, 3, 1)
			return c.URL() + "?spread=8", c.Masters[1].Kill
		}},
	} {
		t.Run(load.name, func(t *testing.T) {
			url, disturb := load.start(t)
			const n, most, keys = 3, 4, 200
			few := tally("few", ledger.Sends, limit(most, time.Hour))
			all := gates(t, n, url)
			announced(t, all)
			var counts [keys]atomic.Int64
			var turn atomic.Int64
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for _, f := range all {
				for range 2 {
					wg.Go(func() {
						for {
							select {
							case <-stop:
								return
							case <-time.After(time.Millisecond):
							}
							key := turn.Add(1) % keys
							var a ledger.Answer
							if f.Reserve(background, time.Now(), newID(), []ledger.Charge{of(few, uint64(key))}, &a) == nil && !a.Refused {
								counts[key].Add(1)
							}
						}
					})
				}
			}
			eventually(t, "there is load", func() bool { return turn.Load() > 2*keys })
			disturb()
			eventually(t, "all have noticed", func() bool {
				for _, f := range all {
					if f.Stats().Decided == 0 {
						return false
					}
				}
				return true
			})
			together(t, all)
			busy := turn.Load()
			eventually(t, "there is load again", func() bool { return turn.Load() > busy+2*keys })
			close(stop)
			wg.Wait()
			together(t, all)
			highest := int64(0)
			for key := range counts {
				had := counts[key].Load()
				if highest = max(highest, had); had > most+(n-1)*1 {
					t.Errorf("key %d: %d are admitted of %d", key, had, most)
				}
				more := 0
				for ; more <= most; more++ {
					if _, a := reserve(t, all[key%n], of(few, uint64(key))); a.Refused {
						break
					}
				}
				if more > 0 && had+int64(more) > most {
					t.Errorf("key %d: after %d of %d, %d more are admitted", key, had, most, more)
				}
			}
			for i, f := range all {
				if stats := f.Stats(); stats.Impatient != 0 || stats.Waiting != 0 || stats.Forgotten != 0 || stats.Dropped != 0 {
					t.Errorf("gate %d: %+v", i, stats)
				}
			}
			t.Logf("the most for one key was %d of %d, in %d requests", highest, most, turn.Load())
		})
	}
}

// While a slot is moved, a decision is made or refused, never half.
func TestResharding(t *testing.T) {
	c := redistest.StartCluster(t, 3, 0)
	l := open(t, c.URL()+"?timeout=1s", "move")
	for key := range uint64(50) {
		admitted(t, l, of(phones, key), of(wide, 0))
	}
	slot, from := c.Slot("{otp:move}")
	to := c.Masters[0]
	if to == from {
		to = c.Masters[1]
	}
	tried, failed, more := uint64(1000), 0, 0
	c.Move(t, slot, from, to, func() {
		tried++
		var a ledger.Answer
		err := l.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, tried), of(wide, 0)}, &a)
		switch {
		case err != nil && a.Refused:
			failed++
		case err == nil && !a.Refused:
			more++
		default:
			t.Errorf("refused %t with %v", a.Refused, err)
		}
		if err := l.Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, tried%50)}, &a); err == nil && !a.Refused {
			t.Errorf("key %d is admitted twice", tried%50)
		}
	})
	eventually(t, "the slot has moved", func() bool { return answers(l, of(phones, 99)) })
	t.Logf("while the slot was moved: %d admitted, %d not", more, failed)
	for key := range uint64(50) {
		refused(t, l, of(phones, key))
	}
	admitted(t, l, of(phones, 77), of(wide, 0))
}
