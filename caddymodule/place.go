package caddymodule

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// places finds out where in a Caddyfile a handler stands. What a Caddyfile is
// adapted to does not tell, so that it is looked for by what is written there.
type places struct {
	blocks []caddyfile.ServerBlock // none of a configuration in JSON
}

func readPlaces(path string) places {
	if !isCaddyfile(path) {
		return places{}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return places{}
	}
	blocks, err := caddyfile.Parse(path, text)
	if err != nil { // has been said
		return places{}
	}
	return places{blocks}
}

// of returns where a directive stands that has all of these arguments, as in
// "Caddyfile:12"; in that site, if it is in others as well. It is what is said
// otherwise if there is none, or too many.
func (p places) of(directive, site, otherwise string, args ...string) string {
	var here, all []string
	add := func(to *[]string, at string) {
		if !slices.Contains(*to, at) {
			*to = append(*to, at)
		}
	}
	for _, block := range p.blocks {
		isHere := slices.ContainsFunc(block.Keys, func(key caddyfile.Token) bool {
			return strings.ToLower(strings.TrimPrefix(strings.TrimSuffix(key.Text, ","), "https://")) == site
		})
		for _, segment := range block.Segments {
			for _, at := range lines(segment, directive, args) {
				add(&all, at)
				if isHere {
					add(&here, at)
				}
			}
		}
	}
	if len(here) > 0 {
		all = here
	}
	if len(all) == 0 || len(all) > 3 {
		return otherwise
	}
	return strings.Join(all, " or ")
}

// lines are those of a segment that begin with the directive, and have the
// arguments, or have them in the block that follows.
func lines(segment caddyfile.Segment, directive string, args []string) (at []string) {
	for i, token := range segment {
		if token.Text != directive || i > 0 && segment[i-1].File == token.File && segment[i-1].Line == token.Line && segment[i-1].Text != "{" {
			continue
		}
		var words []string
		depth := 0
		for _, word := range segment[i+1:] {
			if word.Text == "{" {
				depth++
			}
			if word.Text == "}" {
				depth--
			}
			if depth <= 0 && (word.Line != token.Line || word.File != token.File) || depth < 0 {
				break
			}
			words = append(words, withoutScheme(word.Text))
		}
		if !slices.ContainsFunc(args, func(arg string) bool { return !slices.Contains(words, withoutScheme(arg)) }) {
			at = append(at, fmt.Sprintf("%s:%d", token.File, token.Line))
		}
	}
	return at
}

// withoutScheme is the address of an app as both, a Caddyfile and what it is
// adapted to, have it.
func withoutScheme(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	address = strings.TrimSuffix(strings.TrimSuffix(address, ":80"), ":443")
	return strings.TrimPrefix(address, "localhost")
}
