package strict

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// tree reads the text into nodes of our own, without anything that is refused
// whatever it means.
func (s *Source) tree() (root Node, ok bool) {
	before := s.errors
	if !s.readable() {
		return Node{}, false
	}
	file := s.parse()
	if file == nil {
		return Node{}, false
	}
	doc := s.document(file)
	if s.errors > before && doc == nil {
		return Node{}, false
	}
	if doc == nil || doc.Body == nil {
		s.Error(Pos{}, "the file is empty", "")
		return Node{}, false
	}
	root = s.node(doc.Body, 0)
	if root.Kind == Nothing && !root.refused {
		s.Error(Pos{}, "the file is empty", "")
		return Node{}, false
	}
	return root, !root.refused
}

// readable refuses what is no text, or not one that everybody sees alike.
func (s *Source) readable() bool {
	if len(s.text) > maxBytes {
		s.Errorf(Pos{}, "the file is larger than 1 MiB")
		return false
	}
	ok := true
	for i, line := range s.lines {
		column := 0
		for len(line) > 0 {
			r, size := utf8.DecodeRuneInString(line)
			column++
			line = line[size:]
			pos := Pos{i + 1, column}
			switch {
			case r == utf8.RuneError && size == 1:
				s.Error(pos, "not UTF-8", "save the file in that encoding")
			case r == '\r':
				s.Error(pos, "a carriage return without a line feed", "end lines with a line feed")
			case r == '\t':
				continue
			case reorders(r):
				s.Errorf(pos, "invisible character U+%04X: the text would read differently from what it says", r)
			case unprintable(r):
				s.Errorf(pos, "character U+%04X is not allowed", r)
			default:
				continue
			}
			ok = false
			break // one for each line is enough
		}
	}
	return ok
}

// parse hands the text to the YAML library. It returns nil after reporting why
// it could not be read.
func (s *Source) parse() (file *ast.File) {
	defer func() {
		if r := recover(); r != nil { // the library met something that it had not foreseen
			s.Errorf(Pos{}, "not valid YAML")
			file = nil
		}
	}()
	// The library loses count of lines that end with CR LF; YAML has them mean LF.
	tokens := lexer.Tokenize(strings.Join(s.lines, "\n"))
	if !s.modest(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file
	}
	var invalid yaml.Error
	if !errors.As(err, &invalid) {
		s.Errorf(Pos{}, "not valid YAML: %s", err)
		return nil
	}
	message, hint := plainer(invalid.GetMessage())
	s.Error(s.place(invalid.GetToken()), "not valid YAML: "+message, hint)
	return nil
}

// modest refuses documents so deep or so long that the library, which recurses
// over both, would exhaust the stack.
func (s *Source) modest(tokens token.Tokens) bool {
	flow, chain, words := 0, 0, 0
	for _, tk := range tokens {
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.MappingValueType, token.MappingKeyType:
			words++
		}
		switch tk.Type {
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType, token.MappingValueType:
			chain++
		default:
			chain = 0
		}
		if flow > maxDepth || chain > maxDepth || tk.Position.IndentNum > 8*maxDepth {
			s.Errorf(s.place(tk), "nested more than %d deep", maxDepth)
			return false
		}
		if words > maxWords {
			s.Errorf(s.place(tk), "more than %d words with values", maxWords)
			return false
		}
	}
	return true
}

// document returns the one document of file, or nil.
func (s *Source) document(file *ast.File) *ast.DocumentNode {
	var one *ast.DocumentNode
	for _, doc := range file.Docs {
		if directive, is := doc.Body.(*ast.DirectiveNode); is {
			s.Error(s.place(directive.GetToken()), "YAML directives are not allowed here", "remove the line")
			continue
		}
		if one != nil {
			s.Error(s.place(doc.Start), "a second document begins here", "one file holds one document: remove the ---")
			break
		}
		one = doc
	}
	return one
}

// node turns a node of the library into one of ours.
func (s *Source) node(from ast.Node, depth int) Node {
	n := Node{Pos: s.place(from.GetToken())}
	refuse := func(what, hint string) Node {
		s.Error(n.Pos, what, hint)
		n.refused = true
		return n
	}
	if depth > maxDepth {
		return refuse(fmt.Sprintf("nested more than %d deep", maxDepth), "")
	}
	switch from := from.(type) {
	case *ast.NullNode:
		n.Kind, n.Text = Nothing, "null"
	case *ast.StringNode:
		n.Kind, n.Text = Scalar, from.Value
		n.Quoted = from.Token.Type == token.SingleQuoteType || from.Token.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		n.Kind, n.Text, n.Quoted = Scalar, from.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.Kind, n.Text = Scalar, from.GetToken().Value
	case *ast.SequenceNode:
		n.Kind = List
		for i, value := range from.Values {
			item := s.node(value, depth+1)
			if tk := value.GetToken(); tk.Type == token.ImplicitNullType && i < len(from.Entries) {
				item.Pos = s.place(from.Entries[i].Start) // the dash, as nothing has no place
			}
			n.Items = append(n.Items, item)
		}
	case *ast.MappingNode:
		n.Kind = Section
		n.Entries = make([]NodeEntry, 0, len(from.Values))
		for _, value := range from.Values {
			n.Entries = append(n.Entries, s.entry(value, depth))
		}
		if !from.IsFlowStyle && len(n.Entries) > 0 {
			n.Pos = n.Entries[0].Key.Pos
		}
	case *ast.MappingValueNode:
		n.Kind = Section
		n.Entries = []NodeEntry{s.entry(from, depth)}
		n.Pos = n.Entries[0].Key.Pos
	case *ast.AnchorNode:
		return refuse("anchors (&) are not allowed", "write the value where it is meant")
	case *ast.AliasNode:
		return refuse("aliases (*) are not allowed", `write the value out, or put a text that begins with "*" in quotes`)
	case *ast.TagNode:
		return refuse("tags (!) are not allowed", `remove it, or put a text that begins with "!" in quotes`)
	default:
		return refuse("not a value", "")
	}
	for _, r := range n.Text {
		if unprintable(r) && r != '\n' && r != '\t' {
			return refuse(fmt.Sprintf("the text contains the character U+%04X, which is not allowed", r), "")
		}
	}
	return n
}

// entry reads a word and its value.
func (s *Source) entry(from *ast.MappingValueNode, depth int) NodeEntry {
	var e NodeEntry
	switch key := from.Key.(type) {
	case *ast.MergeKeyNode:
		e.Key = Node{Pos: s.place(key.GetToken()), refused: true}
		s.Error(e.Key.Pos, "merge keys (<<) are not allowed", "write the words out")
	case *ast.MappingKeyNode:
		e.Key = Node{Pos: s.place(key.GetToken()), refused: true}
		s.Error(e.Key.Pos, "a word cannot be marked with ? here", "write: word: value")
	default:
		e.Key = s.node(key, depth+1)
	}
	e.Value = s.node(from.Value, depth+1)
	e.Value.Key = e.Key.Pos
	if e.Value.Kind == Nothing && !e.Value.refused {
		e.Value.Pos = e.Key.Pos // nothing has no place of its own
	}
	return e
}

// place returns where tk begins. The library counts a few characters
// differently (tabs among them), so it is taken as near the truth and put right
// by looking at the line.
func (s *Source) place(tk *token.Token) Pos {
	if tk == nil || tk.Position == nil {
		return Pos{}
	}
	line := min(max(tk.Position.Line, 1), len(s.lines))
	runes := []rune(s.lines[line-1])
	column := min(max(tk.Position.Column, 1), len(runes)+1)
	for column <= len(runes) && (runes[column-1] == ' ' || runes[column-1] == '\t') && !blank(tk.Value) {
		column++
	}
	return Pos{line, column}
}

func blank(s string) bool { return strings.Trim(s, " \t\r\n") == "" }
