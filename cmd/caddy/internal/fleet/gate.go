package fleet

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long a process may take to start.
const patience = 30 * time.Second

// Build builds Caddy with the gate and returns the path of the binary. The
// caller removes it.
func Build(dir string) (string, error) {
	path := filepath.Join(dir, "caddy")
	out, err := exec.Command("go", "build", "-o", path, "github.com/otpgate/otpgate/cmd/caddy").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building Caddy: %w\n%s", err, out)
	}
	return path, nil
}

// Gate is one process.
type Gate struct {
	URL string

	name   string
	t      testing.TB
	binary string
	dir    string
	cmd    *exec.Cmd
	done   chan struct{}
	out    *os.File
}

// secret is what all gates of a fleet have in common, beside the ledger.
const secret = "the-secret-of-a-fleet-of-gates-in-a-test"

// StartGate starts a gate of these rulesets in front of app. Store is the
// option of that name, as it is written in a Caddyfile; it may be empty.
func StartGate(t testing.TB, binary string, rulesets []*Ruleset, store string, app *App) *Gate {
	t.Helper()
	for try := 0; ; try++ {
		g := &Gate{t: t, binary: binary, dir: newDir(t)}
		port := freePort(t)
		g.name = fmt.Sprint(port)
		g.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
		g.write(rulesets, store, port, app)
		out, err := os.Create(g.file("output"))
		if err != nil {
			t.Fatal(err)
		}
		g.out = out
		t.Cleanup(func() {
			g.Kill()
			out.Close()
		})
		if err := g.run(); err == nil {
			return g
		} else if try == 3 {
			t.Fatalf("starting a gate: %v\n%s%s", err, g.read("output"), tail(g.read("log")))
		}
	}
}

// newDir is a directory that may go while a process that was killed still
// writes to it.
func newDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (g *Gate) file(name string) string { return filepath.Join(g.dir, name) }

func (g *Gate) read(name string) []byte {
	text, _ := os.ReadFile(g.file(name))
	return text
}

func tail(text []byte) []byte { return text[max(0, len(text)-4096):] }

func (g *Gate) write(rulesets []*Ruleset, store string, port int, app *App) {
	g.t.Helper()
	var s strings.Builder
	fmt.Fprintf(&s, `{
	admin off
	persist_config off
	auto_https off
	storage file_system %s
	log {
		output file %s {
			roll_disabled
		}
		format json
	}
	servers {
		trusted_proxies static 127.0.0.1/32
		trusted_proxies_strict
	}
	otp_gate {
		secret %s
		%s
	}
}
http://127.0.0.1:%d {
`, g.file("storage"), g.file("log"), secret, strings.ReplaceAll(store, "DIR", g.file("ledger")), port)
	for _, r := range rulesets {
		name := r.Name + ".yaml"
		if err := os.WriteFile(g.file(name), []byte(r.yaml()), 0o600); err != nil {
			g.t.Fatal(err)
		}
		fmt.Fprintf(&s, `	handle /%[1]s/send* {
		otp_gate * %[2]s
		reverse_proxy %[3]s {
			header_up %[4]s %[1]s
			header_up %[5]s {http.otp_gate.id}
			header_up %[6]s {client_ip}
			header_up %[7]s %[8]d
		}
	}
`, r.Name, g.file(name), app.Addr, headerRuleset, headerID, headerClient, headerGate, port)
	}
	s.WriteString("}\n")
	if err := os.WriteFile(g.file("Caddyfile"), []byte(s.String()), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// run starts the process and waits until it serves.
func (g *Gate) run() error {
	g.cmd = exec.Command(g.binary, "run", "--config", g.file("Caddyfile"), "--adapter", "caddyfile")
	g.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+g.file("data"), "XDG_CONFIG_HOME="+g.file("config"), "HOME="+g.dir)
	g.cmd.Stdout, g.cmd.Stderr = g.out, g.out
	if err := g.cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	g.done = done
	go func(cmd *exec.Cmd) { cmd.Wait(); close(done) }(g.cmd)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		select {
		case <-done:
			return fmt.Errorf("it ended at once: %s", g.cmd.ProcessState)
		default:
		}
		if resp, err := http.Get(g.URL + "/"); err == nil {
			resp.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("it does not serve after %s", patience)
}

// Kill ends the process with SIGKILL.
func (g *Gate) Kill() {
	if g.done != nil {
		g.cmd.Process.Kill()
		<-g.done
	}
}

// Restart starts the process again after Kill, with what it has on disk.
func (g *Gate) Restart() {
	g.t.Helper()
	if err := g.run(); err != nil {
		g.t.Fatalf("restarting a gate: %v\n%s", err, tail(g.read("log")))
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
