// Package redistest starts real Redis or Valkey servers for tests: one, one
// with replicas and sentinels, or a cluster. They listen on free ports, keep
// their files in the test's own directory, and end with the test.
//
// A test that has no server to start fails: a promise that was not tried has
// not been kept.
package redistest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long servers may take to start, or to agree on something.
const patience = 20 * time.Second

// Server is one server process.
type Server struct {
	Addr string // host:port
	Port int
	Dir  string

	t      testing.TB
	args   []string
	tls    *TLS // nil without
	auth   [2]string
	cmd    *exec.Cmd
	done   chan struct{} // the process has ended
	paused bool
}

// Start starts a server, with what its configuration is to have beside the
// port and the directory: "--maxmemory", "64mb".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return (*TLS)(nil).Start(t, args...)
}

// TLS has servers speak TLS only, with these files, and ask for client
// certificates of the same authority. Config is for the test's own connections.
// The methods of a nil TLS start servers without.
type TLS struct {
	Config        *tls.Config
	CA, Cert, Key string
}

// settings are what servers are told, "name", "value", ...
func (k *TLS) settings() []string {
	if k == nil {
		return nil
	}
	return []string{"tls-ca-cert-file", k.CA, "tls-cert-file", k.Cert, "tls-key-file", k.Key, "tls-replication", "yes"}
}

func (k *TLS) config() *tls.Config {
	if k == nil {
		return nil
	}
	return k.Config
}

// ports are the settings of where to listen. Some servers are built without TLS.
func (k *TLS) ports(port int) []string {
	if k == nil {
		return []string{"port", strconv.Itoa(port)}
	}
	return []string{"port", "0", "tls-port", strconv.Itoa(port)}
}

// scheme is that of the URL of servers of a kind: "+sentinel".
func (k *TLS) scheme(kind string) string {
	if k == nil {
		return "redis" + kind + "://"
	}
	return "rediss" + kind + "://"
}

// flags are settings as a command line has them.
func flags(settings []string) []string {
	var args []string
	for i, s := range settings {
		if i%2 == 0 {
			s = "--" + s
		}
		args = append(args, s)
	}
	return args
}

// Start starts a server.
func (k *TLS) Start(t testing.TB, args ...string) *Server {
	t.Helper()
	for try := 0; ; try++ {
		port := FreePort(t)
		s := &Server{
			Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Port: port, Dir: dir(t),
			t: t, tls: k,
		}
		s.args = slices.Concat(flags(k.ports(port)), flags(k.settings()), []string{
			"--bind", "127.0.0.1", "--dir", s.Dir,
			"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction",
			"--logfile", filepath.Join(s.Dir, "log"),
		}, args)
		t.Cleanup(s.end)
		err := s.run()
		if err == nil {
			return s
		}
		if try == 3 { // the port may have been taken by somebody else
			log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			t.Fatalf("starting %s: %v\n%s", program(t), err, log)
		}
	}
}

// dir is a directory that outlives the processes that write to it.
func dir(t testing.TB) string {
	t.Helper()
	d, err := os.MkdirTemp("", "redistest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d) })
	return d
}

// program returns the path of redis-server or valkey-server, and fails the
// test if neither is there. OTPGATE_REDIS_SERVER names another. Started with
// --sentinel it is a sentinel.
func program(t testing.TB) string {
	t.Helper()
	if other := os.Getenv("OTPGATE_REDIS_SERVER"); other != "" {
		path, err := exec.LookPath(other)
		if err != nil {
			t.Fatalf("OTPGATE_REDIS_SERVER has to be a Redis or Valkey server: %v", err)
		}
		return path
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("this test needs redis-server or valkey-server, and does not pass without one: apt-get install redis-server, or set OTPGATE_REDIS_SERVER to the path of one")
	return ""
}

// Version is what the server says that it is: "redis 7.0.15".
func (s *Server) Version() string {
	s.t.Helper()
	info, _ := s.Do("INFO", "server").(string)
	for _, name := range []string{"valkey", "redis"} {
		if _, after, ok := strings.Cut(info, "\n"+name+"_version:"); ok {
			version, _, _ := strings.Cut(after, "\r\n")
			return name + " " + version
		}
	}
	return "unknown"
}

// FreePort returns a port that nobody listened on a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	done, err := s.launch()
	if err != nil {
		return err
	}
	return s.wait(done, func(c *redis.Client) bool {
		err := c.Ping(context.Background()).Err()
		return err == nil || redis.HasErrorPrefix(err, "NOAUTH")
	})
}

func (s *Server) wait(done <-chan struct{}, up func(*redis.Client) bool) error {
	c := s.Client()
	defer c.Close()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		select {
		case <-done:
			return errors.New("it ended at once")
		default:
		}
		if up(c) {
			return nil
		}
	}
	return fmt.Errorf("no answer within %s", patience)
}

func (s *Server) launch(more ...string) (done chan struct{}, err error) {
	s.cmd = exec.Command(program(s.t), slices.Concat(s.args, more)...)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.paused = false
	done = make(chan struct{})
	s.done = done
	go func(cmd *exec.Cmd) { cmd.Wait(); close(done) }(s.cmd)
	return done, nil
}

// Auth sets the user that Client logs in as.
func (s *Server) Auth(user, password string) { s.auth = [2]string{user, password} }

// Client returns a client for looking at the server. The caller closes it.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: s.Addr, Protocol: 2, MaxRetries: -1, DisableIdentity: true, TLSConfig: s.tls.config(),
		Username: s.auth[0], Password: s.auth[1], DialTimeout: time.Second, DialerRetries: 1,
	})
}

// Do sends one command and fails the test if it fails.
func (s *Server) Do(args ...any) any {
	s.t.Helper()
	c := s.Client()
	defer c.Close()
	v, err := c.Do(context.Background(), args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.t.Fatalf("%v to %s: %v", args, s.Addr, err)
	}
	return v
}

// Kill ends the process with SIGKILL.
func (s *Server) Kill() {
	if s.done != nil {
		s.cmd.Process.Kill()
		<-s.done
	}
}

// Pause stops the process with SIGSTOP: it still accepts connections, and says
// nothing.
func (s *Server) Pause() {
	s.paused = true
	s.cmd.Process.Signal(syscall.SIGSTOP)
}

// Resume lets a paused process go on.
func (s *Server) Resume() {
	s.paused = false
	s.cmd.Process.Signal(syscall.SIGCONT)
}

// Restart starts the process again after Kill, on the same port. What it does
// not keep on disk is gone.
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.run(); err != nil {
		s.t.Fatalf("restarting %s: %v", s.cmd.Path, err)
	}
}

// RestartLoading starts the process again after Kill and returns while it is
// still reading what it has on disk, which takes so long for each key.
func (s *Server) RestartLoading(key time.Duration) {
	s.t.Helper()
	done, err := s.launch("--key-load-delay", strconv.FormatInt(key.Microseconds(), 10), "--loading-process-events-interval-bytes", "1024")
	if err == nil {
		err = s.wait(done, func(c *redis.Client) bool {
			return redis.HasErrorPrefix(c.Ping(context.Background()).Err(), "LOADING")
		})
	}
	if err != nil {
		s.t.Fatalf("restarting %s: %v", s.cmd.Path, err)
	}
}

func (s *Server) end() {
	if s.paused {
		s.Resume()
	}
	s.Kill()
}

// CPU returns how much processor time the server has used.
func (s *Server) CPU() time.Duration {
	s.t.Helper()
	var total time.Duration
	info, _ := s.Do("INFO", "cpu").(string)
	for _, line := range strings.Split(info, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, _ := strconv.ParseFloat(value, 64)
			total += time.Duration(seconds * float64(time.Second))
		}
	}
	return total
}

// Empty removes what a server that was killed has kept on disk.
func (s *Server) Empty() {
	entries, _ := os.ReadDir(s.Dir)
	for _, e := range entries {
		os.RemoveAll(filepath.Join(s.Dir, e.Name()))
	}
}
