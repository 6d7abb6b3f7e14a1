package authapp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// StartBetterAuth starts better-auth as it is in source, with the packages that
// are locked in another folder, with options as server.mjs has them, in JSON,
// and with its messages to be handed to r. It returns the address it serves at,
// and ends with the test.
func StartBetterAuth(t testing.TB, source, locked, options string, r *Receiver) (addr string) {
	t.Helper()
	var said noise
	cmd := script(t, source, locked, "server.mjs", "SMS_URL="+r.URL, "BASE_URL="+Origin, "OPTIONS="+options)
	cmd.Stderr = &said
	stdin, stdout := piped(t, cmd)
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		t.Fatalf("better-auth ended at once: %v\n%s", err, &said)
	}
	var listens struct {
		Address string
		Port    int
	}
	if err := json.Unmarshal(line, &listens); err != nil {
		t.Fatalf("better-auth begins with %q: %v", line, err)
	}
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, lines)
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		select {
		case <-ended:
			t.Errorf("better-auth ended before the test did:\n%s", &said)
		default:
		}
		stdin.Close()
		cmd.Process.Kill()
		<-ended
	})
	return net.JoinHostPort(listens.Address, strconv.Itoa(listens.Port))
}

// script is one of the programs in source, in a folder of its own, with the
// packages that are locked in a folder, and with these things in its
// environment. Its own folder goes with the test.
func script(t testing.TB, source, locked, name string, env ...string) *exec.Cmd {
	t.Helper()
	program := node(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules(t, locked), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, name)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// Origin is where people believe better-auth to be. Requests with cookies have
// to name it.
const Origin = "http://127.0.0.1:3000"

// Step is what a front end made of an answer.
type Step struct {
	Step  string
	Data  json.RawMessage
	Error *struct {
		Status  int
		Code    string
		Message string
	}
}

// piped starts cmd with a pipe at each end. It ends when the one to it does, also
// when the test is killed.
func piped(t testing.TB, cmd *exec.Cmd) (stdin io.WriteCloser, stdout io.ReadCloser) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if stdout, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return stdin, stdout
}

// RunClient runs client.mjs in source against an app at url, under path, and
// returns what it says. Token returns a new proof.
func RunClient(t testing.TB, source, url, path string, token func() string, r *Receiver) (steps []Step) {
	t.Helper()
	var said noise
	cmd := script(t, source, source, "client.mjs", "BASE_URL="+url, "BASE_PATH="+path)
	cmd.Stderr = &said
	stdin, stdout := piped(t, cmd)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var line struct {
			Step
			Token bool
			Code  string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("the client says %q: %v", lines.Bytes(), err)
		}
		switch {
		case line.Token:
			fmt.Fprintln(stdin, token())
		case line.Code != "":
			if m := r.Last(); m.To == line.Code {
				fmt.Fprintln(stdin, m.Code)
			} else {
				t.Errorf("the last message went to %q, not to %s", m.To, line.Code)
				fmt.Fprintln(stdin)
			}
		default:
			steps = append(steps, line.Step)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the client: %v\n%s", err, &said)
	}
	return steps
}
