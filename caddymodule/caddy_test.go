package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// Everything that Caddy logs, reports as metrics or answers in the course of
// the tests is kept, and searched for personal data at the end.
var (
	logFile string
	heard   = new(kept)
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "otpgate")
	if err != nil {
		panic(err)
	}
	logFile = filepath.Join(dir, "caddy.log")
	code := m.Run()
	caddy.Stop()
	logs, _ := os.ReadFile(logFile)
	heard.Write(logs)
	if found := personal(heard.Bytes()); len(found) > 0 {
		fmt.Printf("personal data in logs, metrics or answers:\n%s\n", strings.Join(found, "\n"))
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// Whatever tests send as a number, a mail address, a token or a secret looks
// like one of these.
var private = regexp.MustCompile(`\+?1?[2-9]\d{2}55501\d{2}|%2B1\d{10}|[\w.+-]+@example\.(com|org)|XXXX\.DUMMY\.TOKEN|0\.[\w-]{40,}|[123]x0{31}AA|0x4AAAAAAAEmulated|secret-of-the-tests`)

// personal returns the lines of text in which somebody could be recognised.
func personal(text []byte) (found []string) {
	for line := range bytes.Lines(text) {
		if private.Match(line) && len(found) < 10 {
			found = append(found, string(bytes.TrimSpace(line)))
		}
	}
	return found
}

// kept is a buffer for several goroutines.
type kept struct {
	mu sync.Mutex
	bytes.Buffer
}

func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.Buffer.Write(p)
}

// place is a Caddy with a gate in front of an app.
type place struct {
	t       testing.TB
	url     string
	port    int
	folder  string // of the ruleset
	storage string
	logFile string
	log     int64 // where its log begins

	global string // lines of the global option otp_gate
	server string // lines of the option servers
	gate   string // lines of the directive otp_gate
	site   string // lines of the site
	route  string // what stands behind the gate, in place of a reverse_proxy to app
	odd    string // what does for requests with the header X-Odd
	app    string // address of the app
	output string // where the log goes, if not to the file that is searched
}

// noLimits is the head of rulesets for tests that are not about it.
const noProof = `
version: 1
name: test
request: {phone: json /phone, region: US}
human: {require: never}
`

// open starts Caddy with a gate of these rules in front of app.
func open(t testing.TB, rules string, app http.Handler, change ...func(*place)) *place {
	t.Helper()
	p := prepare(t, rules, app, change...)
	if info, err := os.Stat(logFile); err == nil {
		p.log = info.Size()
	}
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { caddy.Stop() })
	return p
}

// prepare makes all that open needs, and starts nothing but app.
func prepare(t testing.TB, rules string, app http.Handler, change ...func(*place)) *place {
	t.Helper()
	p := &place{t: t, folder: t.TempDir(), storage: t.TempDir(), logFile: logFile}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	p.app = server.Listener.Addr().String()
	p.port = freePort(t)
	p.url = fmt.Sprintf("http://127.0.0.1:%d", p.port)
	for _, c := range change {
		c(p)
	}
	p.write(rules)
	return p
}

// write writes the ruleset file.
func (p *place) write(rules string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, "otp.rules.yaml"), []byte(rules), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// load makes Caddy load the configuration, as for the first time.
func (p *place) load() error {
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(p.caddyfile()), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			p.t.Log(w)
		}
	}
	// Caddy closes the idle connections of the generation before.
	defer client.CloseIdleConnections()
	return caddy.Load(config, true)
}

func (p *place) caddyfile() string {
	route := p.route
	if route == "" {
		route = "reverse_proxy " + p.app
	}
	output := p.output
	if output == "" {
		output = "file " + p.logFile + " {\n\t\t\troll_disabled\n\t\t}"
	}
	return fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https off
	grace_period 5s
	storage file_system %s
	log {
		output %s
		format json
		level INFO
	}
	servers {
		%s
	}
	otp_gate {
		%s
	}
}
http://127.0.0.1:%d {
	%s
	@send path /send
	@odd header X-Odd *
	otp_gate @send %s {
		%s
	}
	handle /metrics {
		metrics
	}
	handle @odd {
		%s
	}
	handle {
		%s
	}
}
`, p.storage, output, p.server, p.global, p.port, p.site, filepath.Join(p.folder, "otp.rules.yaml"), p.gate, strings.ReplaceAll(p.odd, "APP", p.app), route)
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

// reply is an answer as the client gets it.
type reply struct {
	*http.Response
	text string
	code string // of a problem
}

// String is what tests compare: "202", "429 too_soon".
func (r *reply) String() string {
	if r.code == "" {
		return fmt.Sprint(r.StatusCode)
	}
	return fmt.Sprintf("%d %s", r.StatusCode, r.code)
}

// ask sends a code to phone.
func (p *place) ask(phone string, header ...string) *reply {
	p.t.Helper()
	return p.post(`{"phone":"`+phone+`"}`, header...)
}

// post sends body as JSON; header is name, value, name, value and so on.
func (p *place) post(body string, header ...string) *reply {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodPost, p.url+"/send", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return p.do(r)
}

var client = &http.Client{
	Transport: patient{&http.Transport{MaxIdleConnsPerHost: 100}},
	Timeout:   20 * time.Second,
}

// patient asks once more when the server hangs up without a word. While Caddy
// reloads, net/http does so to connections that the old server has accepted
// and not yet read from; no handler has seen such a request.
type patient struct{ *http.Transport }

func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header["Idempotency-Key"] = nil // not sent; lets Go try again where an idle connection was closed
	resp, err := p.Transport.RoundTrip(r)
	if err != nil && r.GetBody != nil && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)) {
		again := r.Clone(r.Context())
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
		return p.Transport.RoundTrip(again)
	}
	return resp, err
}

func (p *place) do(r *http.Request) *reply {
	p.t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	out := &reply{Response: resp, text: string(text)}
	if resp.Header.Get("Content-Type") == "application/problem+json" && r.Method != http.MethodHead {
		heard.Write(append(text, '\n'))
		out.code = code(p.t, text)
	}
	return out
}

// code reads the code of a problem, which must be JSON with an id.
func code(t testing.TB, text []byte) string {
	var problem struct{ Code, ID string }
	if err := json.Unmarshal(text, &problem); err != nil || len(problem.ID) != 26 {
		t.Errorf("not a problem: %v: %s", err, text)
	}
	return problem.Code
}

// metric returns the value of a metric of ours, "" if there is none.
func (p *place) metric(name string) string {
	p.t.Helper()
	resp, err := client.Get(p.url + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	heard.Write(text)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return value
		}
	}
	return ""
}

// logged returns the log lines of this place whose message is msg.
func (p *place) logged(msg string) (lines []map[string]any) {
	p.t.Helper()
	text, err := os.ReadFile(p.logFile)
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range bytes.Lines(text[p.log:]) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			p.t.Fatalf("log line %s: %v", line, err)
		}
		if fields["msg"] == msg {
			lines = append(lines, fields)
		}
	}
	return lines
}

// want compares an answer with what it is to be.
func want(t testing.TB, got fmt.Stringer, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// until waits for what happens beside the requests, such as the exchange of a
// ruleset.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// app is an app behind a gate. It answers with status and notes what it got.
type app struct {
	status  atomic.Int64
	sent    atomic.Int64
	mu      sync.Mutex
	bodies  []string
	request *http.Request // the last one
}

func answering(status int) *app {
	a := new(app)
	a.status.Store(int64(status))
	return a
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.bodies = append(a.bodies, string(body))
	a.request = r
	a.mu.Unlock()
	a.sent.Add(1)
	w.WriteHeader(int(a.status.Load()))
}

func (a *app) last() (*http.Request, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.request, a.bodies[len(a.bodies)-1]
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
