package caddymodule

import (
	"strconv"
	"strings"
)

// wantsPage reports whether a caller with these Accept fields would rather
// have HTML than JSON. Browsers name text/html and rank */* below it; whoever
// takes both alike, or says nothing, is a program and gets JSON.
func wantsPage(accept []string) bool {
	if len(accept) == 0 || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == "application/json") {
		return false // nearly all programs, without the trouble
	}
	page := max(weight(accept, "text", "html"), weight(accept, "application", "xhtml+xml"))
	data := max(weight(accept, "application", "problem+json"), weight(accept, "application", "json"))
	return page > data
}

// weight returns the quality, 0 to 1000, that the most specific media range
// gives to one type (RFC 9110, section 12.5.1).
func weight(accept []string, typ, sub string) int {
	quality, specific := 0, 0
	for _, field := range accept {
		for element := range strings.SplitSeq(field, ",") {
			mediaRange, params, _ := strings.Cut(element, ";")
			t, s, ok := strings.Cut(strings.TrimSpace(mediaRange), "/")
			if !ok {
				continue
			}
			rank := 0
			switch {
			case strings.EqualFold(t, typ) && strings.EqualFold(s, sub):
				rank = 3
			case strings.EqualFold(t, typ) && s == "*":
				rank = 2
			case t == "*" && s == "*":
				rank = 1
			}
			if rank > specific {
				quality, specific = qvalue(params), rank
			}
		}
	}
	return quality
}

// qvalue reads the q among the parameters of a media range. What cannot be
// read counts as nothing.
func qvalue(params string) int {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		q, err := strconv.ParseFloat(value, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return int(q * 1000)
	}
	return 1000
}
