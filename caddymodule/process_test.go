package caddymodule

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// program builds the Caddy that people get, once for all tests.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(logFile), "caddy")
	out, err := exec.Command("go", "build", "-o", path, "../cmd/caddy").CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return path, err
})

// process is a Caddy in a process of its own.
type process struct {
	*place
	cmd    *exec.Cmd
	stderr kept
	ended  chan struct{}
}

// own is a place whose Caddy is to be a process, with a log of its own.
func own(t testing.TB, rules string, app http.Handler, change ...func(*place)) *place {
	t.Helper()
	p := prepare(t, rules, app, change...)
	p.logFile = filepath.Join(p.folder, "caddy.log")
	t.Cleanup(func() {
		logs, _ := os.ReadFile(p.logFile)
		heard.Write(logs)
	})
	return p
}

// run starts a process, and returns when it has ended or logged that it serves.
func (p *place) run() *process {
	p.t.Helper()
	path, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	config := filepath.Join(p.folder, "Caddyfile")
	writeFile(p.t, config, p.caddyfile())
	_ = os.Remove(p.logFile)
	s := &process{place: p, ended: make(chan struct{})}
	s.cmd = exec.Command(path, "run", "--config", config)
	s.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+p.storage, "XDG_CONFIG_HOME="+p.storage)
	s.cmd.Stderr = &s.stderr
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { s.cmd.Wait(); close(s.ended) }()
	p.t.Cleanup(func() {
		s.end(syscall.SIGKILL)
		heard.Write(s.stderr.Bytes())
	})
	until(p.t, "the process serves", func() bool {
		if s.hasEnded() {
			return true
		}
		text, _ := os.ReadFile(p.logFile)
		return bytes.Contains(text, []byte("serving initial configuration"))
	})
	return s
}

// start is run of a process that must not end.
func (p *place) start() *process {
	p.t.Helper()
	s := p.run()
	if s.hasEnded() {
		p.t.Fatalf("the process has ended: %s", s.said())
	}
	return s
}

func (s *process) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// said is the error that it ended with.
func (s *process) said() string {
	<-s.ended
	text, _ := os.ReadFile(s.logFile)
	var said string
	for line := range bytes.Lines(append(text, s.stderr.Bytes()...)) {
		var fields struct{ Level, Msg string }
		if json.Unmarshal(line, &fields) == nil && fields.Level == "error" {
			said = fields.Msg
		}
	}
	return said
}

// end ends the process by a signal and waits until it has.
func (s *process) end(signal syscall.Signal) {
	_ = s.cmd.Process.Signal(signal)
	<-s.ended
	client.CloseIdleConnections()
}
