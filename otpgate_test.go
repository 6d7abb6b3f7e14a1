package otpgate_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	_ "github.com/otpgate/otpgate"
)

const module = "github.com/otpgate/otpgate"

// TestRegistered is what xcaddy relies on: naming this package is enough.
func TestRegistered(t *testing.T) {
	for _, id := range []string{"http.handlers.otp_gate", "otp_gate"} {
		if _, err := caddy.GetModule(id); err != nil {
			t.Error(err)
		}
	}
}

// mayImport is the import table: which of our packages each may use. Imports
// point one way, from the leaves up.
var mayImport = map[string][]string{
	"ruleset/phone":               {},
	"ruleset/phone/internal/gen":  {},
	"ruleset/email":               {},
	"ruleset/request":             {},
	"ruleset/answer":              {},
	"ruleset/preset":              {},
	"ruleset/network":             {},
	"ruleset/network/feed":        {"ruleset/network"},
	"ruleset/network/risk":        {"ruleset/internal/remote"},
	"ruleset/human":               {"ruleset/internal/remote"},
	"ruleset/human/turnstiletest": {},
	"ruleset/ledger":              {},
	"ruleset/ledger/ledgertest":   {"ruleset/ledger"},
	"ruleset/ledger/redisledger":  {"ruleset/ledger"},
	"ruleset/internal/strict":     {},
	"ruleset/internal/remote":     {},

	"ruleset/ledger/redisledger/redistest": {},

	"testdata/internal/geogen": {},

	"ruleset": {
		"ruleset/phone", "ruleset/email", "ruleset/request", "ruleset/answer", "ruleset/preset", "ruleset/network", "ruleset/network/feed", "ruleset/network/risk", "ruleset/human",
		"ruleset/ledger", "ruleset/internal/strict",
	},
	"ruleset/scenario": {
		"ruleset", "ruleset/request", "ruleset/answer", "ruleset/network", "ruleset/network/feed", "ruleset/network/risk", "ruleset/human",
		"ruleset/ledger", "ruleset/internal/strict",
	},
	"caddymodule": {
		"ruleset", "ruleset/request", "ruleset/answer", "ruleset/network", "ruleset/human", "ruleset/ledger",
		"ruleset/ledger/redisledger", "ruleset/scenario", "ruleset/network/feed", "ruleset/network/risk", "ruleset/phone", "ruleset/preset",
		"caddymodule/internal/trail",
	},
	"caddymodule/internal/trail": {},

	"":          {"caddymodule"},
	"cmd/caddy": {""},

	"cmd/caddy/internal/process": {},
	"cmd/caddy/internal/fleet":   {"cmd/caddy/internal/process"},
	"cmd/caddy/internal/authapp": {"cmd/caddy/internal/process"},
}

// homes says which packages may use a third-party library. It holds for tests
// too, but for those in testLibraries. What is not here may not be used at all.
var homes = map[string][]string{
	"github.com/nyaruka/phonenumbers":         {"ruleset/phone", "ruleset/phone/internal/gen"},
	"github.com/oschwald/maxminddb-golang/v2": {"ruleset/network"},
	"github.com/goccy/go-yaml":                {"ruleset/internal/strict"},
	"cel.dev/cel-go":                          {"ruleset"},
	"github.com/redis/go-redis/v9":            {"ruleset/ledger/redisledger", "ruleset/ledger/redisledger/redistest"},
	"github.com/dchest/siphash":               {"ruleset"},
	"golang.org/x/text":                       {"ruleset", "ruleset/phone/internal/gen"},
	"golang.org/x/net":                        {"ruleset/email"},
	"github.com/rogpeppe/go-internal":         {"ruleset/scenario"},
	"github.com/maxmind/mmdbwriter":           {"testdata/internal/geogen"},
	"github.com/caddyserver/caddy/v2":         {"caddymodule", "caddymodule/internal/trail", "cmd/caddy"},
	"github.com/caddyserver/certmagic":        {"caddymodule"},
	"go.uber.org/zap":                         {"caddymodule"},
	"github.com/prometheus/client_golang":     {"caddymodule"},
	"github.com/spf13/cobra":                  {"caddymodule"},
	"golang.org/x/term":                       {"caddymodule"},
	"pgregory.net/rapid":                      {"ruleset/ledger/ledgertest"},
	"github.com/anishathalye/porcupine":       {"ruleset/ledger/ledgertest"},
	"github.com/google/jsonschema-go":         {},
}

// testLibraries may be used by any package's tests.
var testLibraries = []string{
	"pgregory.net/rapid", "github.com/google/jsonschema-go", "github.com/maxmind/mmdbwriter", "github.com/goccy/go-yaml",
	"github.com/rogpeppe/go-internal", "github.com/caddyserver/caddy/v2",
}

func TestImports(t *testing.T) {
	packages := parse(t)
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if _, ok := mayImport[dir]; !ok {
			t.Errorf("package %q is not in the import table", dir)
		}
		for _, file := range packages[dir] {
			for _, spec := range file.Imports {
				imported := strings.Trim(spec.Path.Value, `"`)
				switch ours, isOurs := local(imported); {
				case isOurs:
					if !file.isTest && !slices.Contains(mayImport[dir], ours) {
						t.Errorf("%s may not import %q", file.name, ours)
					}
				case strings.Contains(strings.Split(imported, "/")[0], "."):
					checkHome(t, dir, file, imported)
				}
			}
		}
	}
	for dir, imports := range mayImport {
		for _, imported := range imports {
			if slices.Contains(mayImport[imported], dir) {
				t.Errorf("%q and %q import one another", dir, imported)
			}
		}
	}
}

func checkHome(t *testing.T, dir string, file source, imported string) {
	t.Helper()
	for library, at := range homes {
		if imported != library && !strings.HasPrefix(imported, library+"/") {
			continue
		}
		if !slices.Contains(at, dir) && !(file.isTest && slices.Contains(testLibraries, library)) {
			t.Errorf("%s: %s has its home in %v", file.name, library, at)
		}
		return
	}
	t.Errorf("%s: %s has no home in the table", file.name, imported)
}

// TestPackageComments holds that each package says once what it is.
func TestPackageComments(t *testing.T) {
	for dir, files := range parse(t) {
		var at []string
		for _, file := range files {
			if file.Doc != nil && !file.isTest {
				at = append(at, file.name)
			}
		}
		if len(at) != 1 {
			t.Errorf("package %q has %d package comments, want one: %v", dir, len(at), at)
		}
	}
}

type source struct {
	*ast.File
	name   string
	isTest bool
}

// parse reads all Go files of the module, by folder.
func parse(t *testing.T) map[string][]source {
	t.Helper()
	packages := map[string][]source{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		dir := path.Dir(name)
		if dir == "." {
			dir = ""
		}
		packages[dir] = append(packages[dir], source{file, name, strings.HasSuffix(name, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// local returns the folder of an import path of ours.
func local(imported string) (dir string, ok bool) {
	if imported == module {
		return "", true
	}
	return strings.CutPrefix(imported, module+"/")
}
