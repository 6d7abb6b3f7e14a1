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
	"strings"
	"testing"
	"time"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger"
	"github.com/otpgate/otpgate/ruleset/ledger/redisledger/redistest"
)

// authority makes certificates that servers and clients trust each other by.
func authority(t testing.TB) (dir string, config *tls.Config) {
	t.Helper()
	dir = t.TempDir()
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
	return dir, &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
}

func TestTLS(t *testing.T) {
	dir, config := authority(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	s := redistest.StartTLS(t, config, in("ca.pem"), in("server.pem"), in("server.key"))
	l := open(t, "rediss://"+s.Addr+"?timeout=1s&ca="+in("ca.pem")+"&cert="+in("client.pem")+"&key="+in("client.key"), "")
	admitted(t, l, of(phones, 1))
	refused(t, l, of(phones, 1))
	for name, url := range map[string]string{
		"no certificate": "rediss://" + s.Addr + "?ca=" + in("ca.pem"),
		"no authority":   "rediss://" + s.Addr + "?cert=" + in("client.pem") + "&key=" + in("client.key"),
		"another name":   "rediss://" + s.Addr + "?server_name=example.com&ca=" + in("ca.pem") + "&cert=" + in("client.pem") + "&key=" + in("client.key"),
		"no TLS":         "redis://" + s.Addr,
	} {
		var a ledger.Answer
		if err := open(t, url, "").Reserve(background, time.Now(), newID(), []ledger.Charge{of(phones, 2)}, &a); err == nil || !a.Refused {
			t.Errorf("%s: refused %t with %v", name, a.Refused, err)
		}
	}
	if _, err := redisledger.Open(redisledger.Config{URL: "rediss://h?ca=" + in("nothing.pem")}); err == nil || !strings.Contains(err.Error(), "reading option ca") {
		t.Errorf("error %v", err)
	}
}

// A replica takes over. With wait_replicas, what was admitted is there.
func TestFailover(t *testing.T) {
	r := redistest.StartSentinel(t, 2)
	master := r.Servers[0]
	l := open(t, r.URL()+"?wait_replicas=1&timeout=200ms", "")
	for key := range uint64(20) {
		admitted(t, l, of(phones, key))
	}
	master.Kill()
	r.WaitForMaster(t, master)
	eventually(t, "the new master is asked", func() bool { return answers(l, of(phones, 99)) })
	for key := range uint64(20) {
		refused(t, l, of(phones, key))
	}
	admitted(t, l, of(phones, 50))
	if stats := l.Stats(); stats.Lost == 0 {
		t.Errorf("a new server went unseen: %+v", stats)
	}
}

// Without wait_replicas, a replica that lacks the end is told by the gates.
func TestFailoverWithoutTheEnd(t *testing.T) {
	r := redistest.StartSentinel(t, 1)
	master := r.Servers[0]
	l, err := redisledger.Open(redisledger.Config{URL: r.URL()})
	if err != nil {
		t.Fatal(err)
	}
	f := redisledger.NewFallback(l, ledger.NewEmbedded(), redisledger.FallbackConfig{Gates: 2})
	t.Cleanup(func() { f.Close() })
	admitted(t, f, of(phones, 1))
	eventually(t, "the replica has it", func() bool { return r.Servers[1].Do("DBSIZE").(int64) >= 3 })
	r.Servers[1].Do("REPLICAOF", "127.0.0.1", 1) // cut off
	for key := range uint64(20) {
		admitted(t, f, of(phones, 100+key))
	}
	master.Kill()
	r.WaitForMaster(t, master)
	together(t, []*redisledger.Fallback{f})
	other := open(t, r.URL(), "")
	for key := range uint64(20) {
		refused(t, other, of(phones, 100+key))
	}
	refused(t, other, of(phones, 1))
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

func TestClusterLosesAMaster(t *testing.T) {
	c := redistest.StartCluster(t, 3, 1)
	tag := open(t, c.URL()+"?wait_replicas=1&timeout=500ms", "lose")
	spread := open(t, c.URL()+"?wait_replicas=1&timeout=500ms&spread=8", "lose-spread")
	both := []*redisledger.Ledger{tag, spread}
	for _, l := range both {
		for key := range uint64(20) {
			admitted(t, l, of(phones, key), of(wide, 0))
		}
	}
	_, master := c.Slot("{otp:lose}")
	master.Kill()
	for _, l := range both {
		eventually(t, "another master is asked", func() bool {
			for key := range uint64(20) { // in all slots
				if !answers(l, of(phones, key)) {
					return false
				}
			}
			return true
		})
		for key := range uint64(20) {
			refused(t, l, of(phones, key), of(wide, 0))
		}
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
