// Package process runs the real binary, Caddy with the gate, as a process of a
// test: on a free port, with files of its own, and for as long as the test.
package process

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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

// Caddy is one process.
type Caddy struct {
	URL  string
	Port int

	t      testing.TB
	binary string
	dir    string
	cmd    *exec.Cmd
	done   chan struct{}
	out    *os.File
}

// Start starts a process with the Caddyfile that configure returns, which is
// to listen on 127.0.0.1 at c.Port and may name files by c.File.
func Start(t testing.TB, binary string, configure func(c *Caddy) (caddyfile string)) *Caddy {
	t.Helper()
	for try := 0; ; try++ {
		c := &Caddy{t: t, binary: binary, dir: newDir(t), Port: freePort(t)}
		c.URL = fmt.Sprintf("http://127.0.0.1:%d", c.Port)
		c.Write("Caddyfile", configure(c))
		out, err := os.Create(c.File("output"))
		if err != nil {
			t.Fatal(err)
		}
		c.out = out
		t.Cleanup(func() {
			c.Kill()
			out.Close()
		})
		if err := c.run(); err == nil {
			return c
		} else if try == 3 { // the port may have been taken by somebody else
			t.Fatalf("starting a gate: %v\n%s%s", err, c.Read("output"), tail(c.Read("log")))
		}
	}
}

// newDir is a directory that may go while a process that was killed still
// writes to it.
func newDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
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

// Options are global options for a Caddyfile: the process keeps to its own
// files, logs to the one called "log", and believes X-Forwarded-For, so that one
// client can play many. Gate is what stands in the block otp_gate.
func (c *Caddy) Options(gate string) string {
	return fmt.Sprintf(`{
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
		%s
	}
}
`, c.File("storage"), c.File("log"), gate)
}

// File is the path of a file of the process's own.
func (c *Caddy) File(name string) string { return filepath.Join(c.dir, name) }

// Write writes such a file.
func (c *Caddy) Write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(c.File(name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// Read reads such a file, and nothing if it is not there.
func (c *Caddy) Read(name string) []byte {
	text, _ := os.ReadFile(c.File(name))
	return text
}

func tail(text []byte) []byte { return text[max(0, len(text)-4096):] }

// run starts the process and waits until it serves.
func (c *Caddy) run() error {
	c.cmd = exec.Command(c.binary, "run", "--config", c.File("Caddyfile"), "--adapter", "caddyfile")
	c.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+c.File("data"), "XDG_CONFIG_HOME="+c.File("config"), "HOME="+c.dir)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	if err := c.cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	c.done = done
	go func(cmd *exec.Cmd) { cmd.Wait(); close(done) }(c.cmd)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		select {
		case <-done:
			return fmt.Errorf("it ended at once: %s", c.cmd.ProcessState)
		default:
		}
		if resp, err := http.Get(c.URL + "/"); err == nil {
			resp.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("it does not serve after %s", patience)
}

// Kill ends the process with SIGKILL.
func (c *Caddy) Kill() {
	if c.done != nil {
		c.cmd.Process.Kill()
		<-c.done
	}
}

// Restart starts the process again after Kill, with what it has on disk.
func (c *Caddy) Restart() {
	c.t.Helper()
	if err := c.run(); err != nil {
		c.t.Fatalf("restarting a gate: %v\n%s", err, tail(c.Read("log")))
	}
}
