package trail

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// serversOf are those of a Caddyfile, in which the directive templates is the gate.
func serversOf(t *testing.T, text string) []*Server {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	servers, err := Servers(config, "templates")
	if err != nil {
		t.Fatal(err)
	}
	return servers
}

// told are the apps that a request comes to, each with what it is asked for, the
// gates passed, and the conditions.
func told(t *testing.T, s *Server, r Request) []string {
	t.Helper()
	ends, all := s.Follow(r)
	if !all {
		t.Error("not all ways were followed")
	}
	var texts []string
	for _, end := range ends {
		if end.App == nil {
			continue
		}
		text := fmt.Sprintf("%s: %s %s", strings.Join(end.App.Dial, " "), end.Method, end.Path)
		for _, p := range end.Passed {
			text += fmt.Sprintf(", past %s %s", p.Method, p.Path)
		}
		for _, c := range end.If {
			text += fmt.Sprintf(", %s %t", c.Text, c.Is)
		}
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

func TestFollow(t *testing.T) {
	for _, test := range []struct {
		name, site string
		request    Request
		want       []string
	}{
		{"one app", "reverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x"}},
		{"a gate before it", "templates /x\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x, past GET /x"}},
		{"a gate for another path", "templates /y\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x"}},
		{"a gate behind it", "route {\nreverse_proxy app:1\ntemplates\n}", Request{"GET", "", "/x"}, []string{"app:1: GET /x"}},
		{"the first of a group", "handle /x* {\nreverse_proxy app:1\n}\nhandle {\nreverse_proxy app:2\n}", Request{"GET", "", "/x"}, []string{"app:1: GET /x"}},
		{"the second of a group", "handle /x* {\nreverse_proxy app:1\n}\nhandle {\nreverse_proxy app:2\n}", Request{"GET", "", "/y"}, []string{"app:2: GET /y"}},
		{"a prefix off", "handle_path /a/* {\nreverse_proxy app:1\n}", Request{"GET", "", "/a/x"}, []string{"app:1: GET /x"}},
		{"a prefix off behind the gate", "route /a/* {\ntemplates\nuri strip_prefix /a\nreverse_proxy app:1\n}", Request{"GET", "", "/a/x"}, []string{"app:1: GET /x, past GET /a/x"}},
		{"a prefix before it", "rewrite * /v1{uri}\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /v1/x"}},
		{"another method", "method PUT\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: PUT /x"}},
		{"a method", "@p method POST\ntemplates @p\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x"}},
		{"rewritten for the app alone", "reverse_proxy app:1 {\nrewrite /y\nmethod PUT\n}", Request{"GET", "", "/x"}, []string{"app:1: PUT /y"}},
		{"a header", "@h header A b\ntemplates @h\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{
			"app:1: GET /x, header A b false", "app:1: GET /x, past GET /x, header A b true"}},
		{"the same header twice", "@h header A b\ntemplates @h\nreverse_proxy @h app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x, past GET /x, header A b true"}},
		{"a header that must not be there", "@h header !A\ntemplates @h\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{
			"app:1: GET /x, header !A false", "app:1: GET /x, past GET /x, header !A true"}},
		{"not a header", "@h not header A b\ntemplates @h\nreverse_proxy @h app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x, past GET /x, header A b false"}},
		{"a header beside a path that is another", "@h {\npath /y\nheader A b\n}\ntemplates @h\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x"}},
		{"an address", "@a remote_ip 192.0.2.0/24\nreverse_proxy @a app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x, remote_ip 192.0.2.0/24 true"}},
		{"an expression about paths", "@e `path('/x*') && {method} == 'GET'`\ntemplates @e\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x, past GET /x"}},
		{"an expression about more", "@e `path('/x*') && {query.a} == '1'`\ntemplates @e\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{
			"app:1: GET /x, expression path('/x*') && {http.request.uri.query.a} == '1' false", "app:1: GET /x, past GET /x, expression path('/x*') && {http.request.uri.query.a} == '1' true"}},
		{"a regular expression", "@e path_regexp ^/x$\ntemplates @e\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{"app:1: GET /x, past GET /x"}},
		{"captured", "@e path_regexp x ^/x/(.*)$\nrewrite @e /{re.x.1}\nreverse_proxy app:1", Request{"GET", "", "/x/y"}, []string{"app:1: GET /y"}},
		{"a refusal", "respond /x 403\nreverse_proxy app:1", Request{"GET", "", "/x"}, nil},
		{"forward_auth", "forward_auth auth:1 {\nuri /verify\ncopy_headers A B C D E F G H I J K L\n}\nreverse_proxy app:1", Request{"POST", "", "/x"}, []string{
			"auth:1: GET /verify", "app:1: POST /x, reverse_proxy auth:1 answers so that it goes on true"}},
		{"php_fastcgi", "php_fastcgi app:1", Request{"POST", "", "/x"}, []string{
			"app:1: POST /x,  false,  true,  true"}},
		{"an error", "error /x 500\nhandle_errors {\nreverse_proxy app:1\n}", Request{"GET", "", "/x"}, []string{"app:1: GET /x"}},
		{"an error behind a rewrite", "rewrite /x /y\nerror /y 500\nhandle_errors {\nreverse_proxy app:1\n}", Request{"GET", "", "/x"}, []string{"app:1: GET /x"}},
		{"an error of some kind", "error /x 500\nhandle_errors 404 {\nreverse_proxy app:1\n}", Request{"GET", "", "/x"}, []string{"app:1: GET /x, expression {http.error.status_code} in [404] true"}},
		{"the app away", "templates\nreverse_proxy app:1\nhandle_errors {\nreverse_proxy app:2\n}", Request{"GET", "", "/x"}, []string{
			"app:1: GET /x, past GET /x", "app:2: GET /x, past GET /x, reverse_proxy fails true"}},
		{"a file that is not there", "route {\nfile_server {\npass_thru\n}\nreverse_proxy app:1\n}", Request{"GET", "", "/x"}, []string{"app:1: GET /x, there is no such file true"}},
		{"an answer that is replaced", "intercept {\n@r status 403\nhandle_response @r {\nreverse_proxy app:2\n}\n}\ntemplates\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{
			"app:1: GET /x, past GET /x", "app:2: GET /x, intercept takes the answer true"}},
		{"an answer that is not the gate's", "intercept {\n@r status 404\nhandle_response @r {\nreverse_proxy app:2\n}\n}\ntemplates\nreverse_proxy app:1", Request{"GET", "", "/x"}, []string{
			"app:1: GET /x, past GET /x", "app:2: GET /x, past GET /x, intercept takes the answer true"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := told(t, serversOf(t, "http:// {\n"+test.site+"\n}")[0], test.request)
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestHosts(t *testing.T) {
	s := serversOf(t, "a.example.com, *.example.org {\nhandle_path /p/* {\ntemplates\nreverse_proxy app:1\n}\n}\nb.example.com {\nreverse_proxy /q* app:2\n}\n")[0]
	if want := []string{"*.example.org", "a.example.com", "b.example.com"}; !slices.Equal(s.Hosts, want) {
		t.Errorf("hosts %q", s.Hosts)
	}
	for host, want := range map[string][]string{
		"a.example.com": {"app:1: GET /q, past GET /q"}, "*.example.org": {"app:1: GET /q, past GET /q"}, "b.example.com": nil, "": nil,
	} {
		if got := told(t, s, Request{"GET", host, "/p/q"}); !slices.Equal(got, want) {
			t.Errorf("%s: %q", host, got)
		}
		here := s.At(host)
		if (len(here.Gates) == 1 && slices.Equal(here.Prefixes, []string{"/p"}) && slices.Equal(here.Paths, []string{"/p/*"}) && here.Rewrites) != (want != nil) {
			t.Errorf("%s: %+v", host, here)
		}
	}
	if s.Site("a.example.com") != "a.example.com" || s.Site("") != ":443" || !s.Public() {
		t.Errorf("%s, %s, %t", s.Site("a.example.com"), s.Site(""), s.Public())
	}
}

func TestServers(t *testing.T) {
	for _, test := range []struct {
		text, site string
		public     bool
	}{
		{"http://a.example.com {\n}", "http://a.example.com", true},
		{"a.example.com:8443 {\n}", "a.example.com:8443", true},
		{"http://a.example.com:8080 {\nbind 127.0.0.1\n}", "a.example.com:8080", false},
		{"http://a.example.com {\nbind [::1]\n}", "http://a.example.com", false},
		{"http://a.example.com {\nbind unix//run/caddy.sock\n}", "unix//run/caddy.sock", false},
		{"http://a.example.com {\nbind 10.0.0.1\n}", "http://a.example.com", true},
	} {
		s := serversOf(t, test.text)[0]
		if s.Public() != test.public || s.Site("a.example.com") != test.site {
			t.Errorf("%s: %t, %s", test.text, s.Public(), s.Site("a.example.com"))
		}
	}
	servers := serversOf(t, "http://:8001 {\nreverse_proxy app:1\n}\nhttp://:8002 {\nreverse_proxy 127.0.0.1:8001\n}")
	ends, _ := servers[1].Follow(Request{"GET", "", "/"})
	if app := ends[0].App; !servers[0].Is(app) || servers[1].Is(app) {
		t.Errorf("%v is not the server %v", app.Dial, servers[0].Listen)
	}
}

func TestSameApp(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"localhost:1", "127.0.0.1:1", true},
		{":1", "http://localhost:1", true},
		{"[::1]:1", "http://127.0.0.1:1", true},
		{"app:1", "APP:1", true},
		{"app:1", "app:2", false},
		{"app", "app:80", true},
		{"app:1 app:2", "app:2", true},
		{"unix//run/a.sock", "unix//run/a.sock", true},
		{"unix//run/a.sock", "unix//run/b.sock", false},
	} {
		s := serversOf(t, "http:// {\nreverse_proxy /a "+test.a+"\nreverse_proxy "+test.b+"\n}")[0]
		a, _ := s.Follow(Request{"GET", "", "/a"})
		b, _ := s.Follow(Request{"GET", "", "/b"})
		if got := a[0].App.Is(b[0].App); got != test.want {
			t.Errorf("%s and %s: %t", test.a, test.b, got)
		}
	}
}

func TestTooManyWays(t *testing.T) {
	var site strings.Builder
	for i := range 12 {
		fmt.Fprintf(&site, "@m%d header A%d b\ntemplates @m%d\n", i, i, i)
	}
	if _, all := serversOf(t, "http:// {\n"+site.String()+"\nreverse_proxy app:1\n}")[0].Follow(Request{"GET", "", "/"}); all {
		t.Error("all ways were followed")
	}
}

// Caddy itself would not end to serve such a request.
func TestCalledByItself(t *testing.T) {
	servers := serversOf(t, "&(a) {\ninvoke a\nreverse_proxy app:1\n}\nhttp:// {\ninvoke a\n}")
	if got := told(t, servers[0], Request{"GET", "", "/"}); len(got) > 1 {
		t.Errorf("%q", got)
	}
}

// A handler of somebody else's has words of its own.
func TestOtherApps(t *testing.T) {
	servers, err := Servers([]byte(`{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"rate_limit","routes":7},{"handler":"php","routes":7,"rewrite":7}]}]}}}}}`), "templates")
	if err != nil {
		t.Fatal(err)
	}
	if got := told(t, servers[0], Request{"GET", "", "/x"}); !slices.Equal(got, []string{": GET /x"}) {
		t.Errorf("%q", got)
	}
}

func TestProblems(t *testing.T) {
	for config, want := range map[string]string{
		`{"apps":{"http":{"servers":{"s":{"routes":[{"match":[{"path_regexp":{"pattern":"("}}],"handle":[{"handler":"error"}]}]}}}}}`: "server s: s/routes/0: path_regexp: compiling matcher regexp (: error parsing regexp",
		`{"apps":{"http":{"servers":{"s":{"routes":[{"match":[{"path":7}],"handle":[{"handler":"error"}]}]}}}}}`:                      "server s: s/routes/0: json: cannot unmarshal",
		`{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"subroute","routes":[{"handle":[{"handler":7}]}]}]}]}}}}}`:  "server s: s/routes/0/handle/0/routes/0/handle/0: json: cannot unmarshal",
	} {
		if _, err := Servers([]byte(config), "templates"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
}
