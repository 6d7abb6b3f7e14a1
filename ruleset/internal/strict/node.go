package strict

import "strings"

// Kind says what a [Node] is.
type Kind uint8

// The kinds of a node.
const (
	Nothing Kind = iota // a word with no value, or null
	Scalar              // one value: text, a number, true or false
	List
	Section // words with values
)

// Node is a part of a document.
type Node struct {
	Kind    Kind
	Pos     Pos
	Key     Pos    // of the word it is the value of, if any
	Text    string // of a Scalar, as written, without quotes
	Quoted  bool   // in quotes, or a block of text
	Items   []Node // of a List
	Entries []NodeEntry

	refused bool // and reported; not to be looked at again
}

// NodeEntry is a word and its value.
type NodeEntry struct {
	Key   Node
	Value Node
}

// at returns where to point for n as a whole: its word, if it has one.
func (n Node) at() Pos {
	if n.Key.IsZero() {
		return n.Pos
	}
	return n.Key
}

// what describes n, as in "got a list".
func (n Node) what() string {
	switch n.Kind {
	case Nothing:
		return "nothing"
	case List:
		return "a list"
	case Section:
		return "a section of words and values"
	}
	if n.Quoted || plainType(n.Text) == plainString {
		return "the text " + quote(n.Text)
	}
	return clip(n.Text)
}

// written returns a Scalar as it can be written in a list.
func (n Node) written() string {
	if n.Quoted || strings.ContainsAny(n.Text, ",[]{}#&*!|>'\"%@`: +") {
		return quote(n.Text)
	}
	return clip(n.Text)
}
