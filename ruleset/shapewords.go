package ruleset

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/otpgate/otpgate/ruleset/phone"
	"github.com/otpgate/otpgate/ruleset/request"
)

// The words of requests.

type shapeName string

func (n *shapeName) ParseText(s string) error {
	var name gateName
	if err := name.ParseText(s); err != nil {
		return err
	}
	*n = shapeName(name)
	return nil
}

func (shapeName) SchemaPattern() string { return gateNamePattern.String() }

type methodWord string

func (methodWord) Words() []string {
	return []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead}
}

// pathPattern is a pattern as Caddy's path matcher takes it, without what that
// reads out of it besides: placeholders, escapes, and globs but for the star.
type pathPattern string

func (p *pathPattern) ParseText(s string) error {
	switch {
	case !strings.HasPrefix(s, "/"):
		return fmt.Errorf("%q is not a path: it begins with a slash", s)
	case strings.ContainsAny(s, "{}[]?\\%#; \t") || len(s) > 256:
		return fmt.Errorf("%q is not a path: use up to 256 characters, none of { } [ ] ? # %% ; and no spaces or backslashes; a star stands for anything", s)
	case s != path.Clean(s) && s != path.Clean(s)+"/":
		return fmt.Errorf("%q is not a path that a client would send: it has empty steps, or steps of dots", s)
	}
	*p = pathPattern(s)
	return nil
}

func (pathPattern) Describe() string { return "a path such as /auth/v1/otp" }

func (pathPattern) SchemaPattern() string { return `^/[^{}\[\]?\\%#; ]*$` }

// star returns which step of the path the pattern's only star stands for, from
// 1; 0 if that is not one step between others.
func (p pathPattern) star() (step int) {
	if strings.Count(string(p), "*") != 1 {
		return 0
	}
	steps := strings.Split(string(p), "/")[1:]
	for i, s := range steps[:len(steps)-1] {
		if s == "*" {
			return i + 1
		}
	}
	return 0
}

// whereWord is a condition on a request.
type whereWord struct{ request.Condition }

func (w *whereWord) ParseText(s string) (err error) {
	w.Condition, err = request.ParseCondition(s)
	return err
}

func (whereWord) Describe() string { return "a condition such as json /type = sms" }

func (whereWord) SchemaPattern() string {
	return `^(json /.+|(form|query|header|cookie) \S+) *( = .+| (exists|absent|empty))$`
}

type unseenWord string

func (unseenWord) Words() []string { return []string{"allow", "deny"} }

type aboutWord string

func (aboutWord) Words() []string { return []string{"phone", "email", "account", "nothing"} }

func (w aboutWord) means() request.About {
	return map[aboutWord]request.About{"phone": request.AboutPhone, "email": request.AboutEmail, "account": request.AboutAccount, "nothing": request.AboutNothing}[w]
}

// proofPlace is where a proof stands, or that none is asked for.
type proofPlace struct {
	request.Source
	none bool
}

func (p *proofPlace) ParseText(s string) (err error) {
	if s == "none" {
		p.none = true
		return nil
	}
	p.Source, err = request.ParseSource(s)
	return err
}

func (proofPlace) Describe() string { return "a place such as json /proof, or none" }

func (proofPlace) SchemaPattern() string {
	return `^(none|json /.+|(form|query|header|cookie) \S+)$`
}

// regionPlace is a region, or where one stands.
type regionPlace struct {
	fixed string
	place request.Source
}

func (p *regionPlace) ParseText(s string) (err error) {
	if strings.Contains(s, " ") {
		p.place, err = request.ParseSource(s)
		return err
	}
	var r region
	if err := r.ParseText(s); err != nil {
		return err
	}
	p.fixed = string(r)
	return nil
}

// ReadsNumbers lets 001 stand without quotes.
func (regionPlace) ReadsNumbers() {}

func (regionPlace) Describe() string { return "a region such as US, or a place such as form country" }

func (regionPlace) SchemaPattern() string {
	return `^([A-Z]{2}|001|json /.+|(form|query|header|cookie) \S+)$`
}

func (p regionPlace) String() string {
	if p.fixed != "" {
		return p.fixed
	}
	return p.place.String()
}

type spellingWord string

func (spellingWord) Words() []string { return []string{"any", "e164", "digits", "international"} }

type typesWord string

func (typesWord) Words() []string { return []string{"declared", "any"} }

type formsWord string

func (formsWord) Words() []string { return request.Namings() }

func (w formsWord) means() request.Naming {
	n, _ := request.ParseNaming(string(w))
	return n
}

// pathHandle is the word for the step of the path that a star stands for.
const pathHandle = "path *"

// handlePlace is where a handle stands.
type handlePlace struct {
	request.Source
	path bool
}

func (p *handlePlace) ParseText(s string) (err error) {
	if word, name, _ := strings.Cut(s, " "); word == "path" {
		if strings.TrimSpace(name) != "*" {
			return fmt.Errorf("%q is not a place: use path *, for the step that the star in path stands for", s)
		}
		p.path = true
		return nil
	}
	if p.Source, err = request.ParseSource(s); err != nil && strings.HasSuffix(err.Error(), request.Accepted) {
		err = fmt.Errorf("%w, %s", err, pathHandle)
	}
	return err
}

func (handlePlace) Describe() string { return "a place such as json /deviceId, or path *" }

func (handlePlace) SchemaPattern() string {
	return `^(path \*|json /.+|(form|query|header|cookie) \S+)$`
}

func (p handlePlace) String() string {
	if p.path {
		return pathHandle
	}
	return p.Source.String()
}

type credential struct{ request.Credential }

func (c *credential) ParseText(s string) (err error) {
	c.Credential, err = request.ParseCredential(s)
	return err
}

func (credential) Describe() string { return "a place such as cookie sid, or claim sub" }

func (credential) SchemaPattern() string {
	return `^((header|cookie|claim) \S+|claim \S+ in cookie \S+)$`
}

// strict reports whether not all spellings pass.
func (w spellingWord) strict() bool { return w != "any" }

// spelled reads a number in the spellings that a word stands for, and returns
// what is left for the others to read: an international spelling, if it has to
// be one.
func (w spellingWord) spelled(raw string) (string, bool) {
	switch {
	case w == "any":
		return raw, true
	case w == "e164":
		return raw, strings.HasPrefix(raw, "+") // held against the number when it is known
	}
	digits := raw
	if w == "international" {
		digits = strings.ReplaceAll(strings.TrimPrefix(raw, "+"), " ", "")
	}
	if digits == "" || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	return "+" + digits, true
}

// holds reports whether raw is a spelling of n that passes.
func (w spellingWord) holds(raw string, n phone.Number) bool {
	switch w {
	case "e164":
		return raw == n.E164()
	case "digits", "international":
		digits := strings.ReplaceAll(strings.TrimPrefix(raw, "+"), " ", "")
		return "+"+digits == n.E164()
	default:
		return true
	}
}
