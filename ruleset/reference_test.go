package ruleset

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

var marked = regexp.MustCompile(`(?s)(<!-- (words: ?[a-z]*|facts|codes|lists) ?-->\n).*?(<!-- /[a-z]+ -->)`)

// The tables in README.md are those of the code.
func TestReferenceIsCurrent(t *testing.T) {
	got, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := marked.ReplaceAllStringFunc(string(got), func(block string) string {
		m := marked.FindStringSubmatch(block)
		var table string
		switch name, section, _ := strings.Cut(m[2], ":"); name {
		case "words":
			table = wordTable(strings.TrimSpace(section))
		case "facts":
			table = factTable()
		case "codes":
			table = codeTable()
		case "lists":
			table = listTable()
		}
		return m[1] + table + m[3]
	})
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(got) != want {
		t.Error("README.md is not what the code says: run go test ./ruleset -run Reference -update")
	}
}

// wordTable lists the words of one section, or of the top.
func wordTable(section string) string {
	var b strings.Builder
	b.WriteString("| word | value | default | |\n|---|---|---|---|\n")
	for _, w := range strict.Reference(document{}) {
		word := w.Path
		if section == "" {
			if strings.Contains(word, ".") {
				continue
			}
		} else {
			rest, ok := strings.CutPrefix(word, section)
			if !ok || rest == "" || !strings.ContainsAny(rest[:1], ".[") {
				continue
			}
			word = strings.TrimLeft(rest, ".[]")
			if word == "" || strings.HasPrefix(word, "answer.") { // which has a table of its own
				continue
			}
		}
		fallback := w.Default
		switch {
		case w.Required:
			fallback = "**required**"
		case fallback != "" && !strings.Contains(fallback, " ") || strings.HasPrefix(fallback, "["):
			fallback = "`" + fallback + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", word, escapeCell(w.Type), escapeCell(fallback), escapeCell(w.Doc))
	}
	return b.String()
}

func factTable() string {
	var b strings.Builder
	b.WriteString("| fact | type | | needs a database of |\n|---|---|---|---|\n")
	for _, f := range facts {
		needs := string(f.field)
		if f.traits != 0 {
			needs = string(network.TraitsField)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.typ, f.doc, strings.ReplaceAll(needs, "_", " "))
	}
	return b.String()
}

func listTable() string {
	var b strings.Builder
	b.WriteString("| list | | fetched | made for |\n|---|---|---|---|\n")
	for _, e := range feed.Catalogue() {
		every := "never"
		if e.Every > 0 {
			every = "every " + formatDuration(e.Every)
		}
		if len(e.Includes) > 0 {
			every = "each as it is: " + strings.Join(e.Includes, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.Name, escapeCell(e.Description), every, e.Kind)
	}
	return b.String()
}

func codeTable() string {
	var b strings.Builder
	b.WriteString("| code | status | title |\n|---|---|---|\n")
	for _, c := range Codes() {
		fmt.Fprintf(&b, "| `%s` | %d | %s |\n", c, c.Status(), c.Title())
	}
	return b.String()
}

func escapeCell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Every example in README.md is a ruleset, or a part of one.
func TestReferenceExamplesLoad(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 12 {
		t.Fatalf("found %d examples only", len(blocks))
	}
	for _, block := range blocks {
		example := block[1]
		if strings.HasPrefix(example, "#") {
			continue // the line for editors
		}
		name, _, _ := strings.Cut(example, "\n")
		t.Run(name, func(t *testing.T) {
			rules, problems := Compile("example.yaml", []byte(completed(example)), exampleFile, Wiring{Unwired: true})
			if rules == nil {
				t.Errorf("%v", problems)
			}
		})
	}
}

// completed adds what an example leaves out because it is about something else.
func completed(example string) string {
	for word, rest := range map[string]string{
		"version:": "version: 1\n",
		"request:": "request: {phone: json /phone, email: json /email, region: US}\n",
		"number:":  "number: {countries: any}\n",
	} {
		if word == "request:" && (strings.HasPrefix(example, "requests:") || strings.HasPrefix(example, "preset:")) {
			continue
		}
		if !strings.HasPrefix(example, word) && !strings.Contains(example, "\n"+word) {
			example += rest
		}
	}
	return example
}

// exampleFile is a list of addresses or, by its name, of prices.
func exampleFile(name string) ([]byte, error) {
	if strings.HasSuffix(name, ".csv") {
		return []byte("+1876, 0.12\nUS, 0.0079\ndefault, 0.10\n"), nil
	}
	if name == "disposable.txt" {
		return []byte("+14155550123\n"), nil
	}
	return []byte("192.0.2.1\n"), nil
}

var csvBlock = regexp.MustCompile("(?s)```csv\n(.*?)```")

// Every example of prices in README.md is a file of prices.
func TestReferencePricesLoad(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := csvBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 2 {
		t.Fatalf("found %d examples only", len(blocks))
	}
	for _, block := range blocks {
		if p, problems := sheetOf(block[1]); p == nil || problems != "" {
			t.Errorf("%s\n%s", block[1], problems)
		}
	}
}
