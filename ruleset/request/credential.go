package request

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Credential says where the credential of a session stands: in a header or a
// cookie, or as a claim of the JWT in the Authorization header, or of the JSON
// that a cookie is.
type Credential struct {
	source Source
	claim  string
	plan   *plan // of a JWT's payload, or of the cookie's; nil if no claim is asked for
}

// AcceptedCredentials is what ParseCredential takes, for messages.
const AcceptedCredentials = "header NAME, cookie NAME, claim NAME, claim NAME in cookie NAME"

// authorization is the header in which a JWT comes.
var authorization = Source{kind: Header, name: "Authorization"}

// ParseCredential reads a credential as operators write it: "cookie sid",
// "header Authorization", "claim sub", "claim id in cookie sid".
func ParseCredential(s string) (Credential, error) {
	s = strings.TrimSpace(s)
	if word, name, _ := strings.Cut(s, " "); word == "claim" {
		name, place, inCookie := strings.Cut(strings.TrimSpace(name), " in ")
		if name = strings.TrimSpace(name); name == "" {
			return Credential{}, errors.New("claim names nothing; accepted: " + AcceptedCredentials)
		}
		if strings.ContainsAny(name, " \t") {
			return Credential{}, fmt.Errorf("claim %q is not possible; accepted: %s", name, AcceptedCredentials)
		}
		source := authorization
		if inCookie {
			var err error
			if source, err = ParseSource(place); err != nil || source.kind != Cookie {
				return Credential{}, fmt.Errorf("claim %s is in no cookie; accepted: %s", name, AcceptedCredentials)
			}
		}
		p, err := compile([facts]Source{device: {kind: JSON, name: pointerOf(name)}})
		if err != nil {
			return Credential{}, fmt.Errorf("claim %q is not possible", name)
		}
		return Credential{source, name, p}, nil
	}
	word, _, _ := strings.Cut(s, " ")
	if !slices.Contains(kindWords[:], word) {
		return Credential{}, fmt.Errorf("unknown place %q; accepted: %s", word, AcceptedCredentials)
	}
	src, err := ParseSource(s)
	if err == nil && src.kind != Header && src.kind != Cookie {
		err = fmt.Errorf("a session has no credential at %s; accepted: %s", src, AcceptedCredentials)
	}
	return Credential{source: src}, err
}

// Source is the header or cookie that it stands in.
func (c Credential) Source() Source { return c.source }

// IsClaim reports whether c is a claim, which the caller can make up.
func (c Credential) IsClaim() bool { return c.plan != nil }

// String is the operator's spelling.
func (c Credential) String() string {
	switch {
	case c.claim == "":
		return c.source.String()
	case c.source.kind == Cookie:
		return "claim " + c.claim + " in " + c.source.String()
	default:
		return "claim " + c.claim
	}
}

func pointerOf(key string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// shortest is how long a credential is without its signature, at least. What
// is shorter may be a version, and what follows its dot the credential itself.
const shortest = 16

// of returns what tells one session from another in a credential that was
// sent, or nothing if there is none.
//
// Whoever owns a session can spell its credential in several ways, and must not
// be taken for several: the scheme's case and spaces, percent escapes, and
// signatures, in which base64 has bits that nobody looks at, and which some apps
// do without. So a signature, which is what stands behind the last dot, is left
// out: it tells nothing that the rest does not, and the app refuses a wrong one.
// Of the rest the last character goes, for the same bits, as it does where there
// is no signature. A token out of which the claim cannot be read counts whole.
func (c Credential) of(sent string) string {
	sent = strings.TrimSpace(sent)
	if strings.EqualFold(c.source.name, authorization.name) {
		if _, token, ok := strings.Cut(sent, " "); ok {
			sent = strings.TrimLeft(token, " \t")
		}
	}
	if plain, err := url.PathUnescape(sent); err == nil {
		sent = plain
	}
	switch {
	case c.plan != nil && c.source.kind == Cookie:
		return c.claimIn(sent)
	case c.plan != nil:
		if claim := c.claimOf(sent); claim != "" {
			return "claim " + claim
		}
	}
	sent = strings.TrimRight(sent, "=")
	if i := strings.LastIndexByte(sent, '.'); i >= shortest {
		sent = sent[:i]
	}
	if len(sent) > shortest {
		sent = sent[:len(sent)-1]
	}
	return sent
}

// claimOf returns a claim of a JWT, whose signature is the app's to look at. It
// is empty if it is not there as one string.
func (c Credential) claimOf(token string) string {
	_, rest, ok := strings.Cut(token, ".")
	payload, _, more := strings.Cut(rest, ".")
	if !ok || !more {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	return c.claimAt(text)
}

// claimIn returns a claim of a cookie that is JSON in base64. Nobody has signed
// it, so that whoever owns the session can spell it in as many ways as the app
// reads: only one is read here, and of an id only letters, digits and "._-", whose
// case tells nothing. What is spelled otherwise is no session.
func (c Credential) claimIn(cookie string) string {
	text, err := base64.StdEncoding.Strict().DecodeString(cookie)
	if err != nil {
		return ""
	}
	claim := c.claimAt(text)
	if claim == "" || !all(claim, "._-") {
		return ""
	}
	return "claim " + strings.ToLower(claim)
}

// claimAt returns a claim of a JSON object, if it is there as one string.
func (c Credential) claimAt(text []byte) string {
	rd := readers.Get().(*reader)
	defer rd.release()
	if problem := rd.json.read(rd, c.plan, text); problem != nil {
		return ""
	}
	return rd.text[device]
}

// write is the inverse of what is read: a credential that tells the session.
func (c Credential) write(session string) string {
	if c.plan == nil {
		return session
	}
	payload, _ := json.Marshal(map[string]string{c.claim: session})
	if c.source.kind == Cookie {
		return base64.StdEncoding.EncodeToString(payload)
	}
	return "Bearer e30." + base64.RawURLEncoding.EncodeToString(payload) + ".c2lnbmF0dXJl"
}
