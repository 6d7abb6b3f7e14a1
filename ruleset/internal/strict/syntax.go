package strict

import "strings"

// plainer says in our words what the YAML library found wrong.
func plainer(message string) (what, hint string) {
	for _, s := range syntax {
		if strings.Contains(message, s.contains) {
			return s.what, s.hint
		}
	}
	return clip(message), ""
}

var syntax = []struct{ contains, what, hint string }{
	{"'\t'", "a tab where only spaces may stand", "indent with spaces"},
	{"tab character", "a tab where only spaces may stand", "indent with spaces"},
	{"double-quoted text", "this quote is never closed", ""},
	{"single-quoted text", "this quote is never closed", ""},
	{"flow mapping end token", "this { is never closed", ""},
	{"sequence end token", "this [ is never closed", ""},
	{"',' or ']' must be specified", `want "," or "]" before this`, ""},
	{"',' or '}' must be specified", `want "," or "}" before this`, ""},
	{"mapping value is not allowed in this context", "this is a value and has a value of its own", `look at the indentation, or put a text that contains ": " in quotes`},
	{"undefined anchor name", "anchors (&) are not allowed", `put a text that begins with "&" in quotes`},
	{"undefined alias name", "aliases (*) are not allowed", `put a text that begins with "*" in quotes`},
	{"invalid header option", "text cannot follow | or > on the same line", "begin it on the next line"},
	{"unknown escape character", "no such escape in double quotes", `use single quotes, or write \\ for a backslash`},
	{"is a reserved character", "a text cannot begin with this character", "put it in quotes"},
	{"block sequence entries are not allowed", "a list cannot begin on the line of its word", "begin it on the next line, or write [a, b]"},
	{"unexpected directive", "a text cannot begin with %", "put it in quotes"},
	{"invalid key for this map", "a word must be plain text", ""},
	{"value is not allowed in this context", "this does not continue what stands before it", "look at the indentation and the quotes"},
}
